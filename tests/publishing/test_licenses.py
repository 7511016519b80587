"""Licences: spellings, joins, what may be done, and what has to go along."""

import pytest

from auditdm_hub.errors import ReleaseError
from auditdm_hub.publishing.facts import Adapter, License
from auditdm_hub.publishing.license_files import GEMMA_NOTICE, adapter_notice, license_files
from auditdm_hub.publishing.licenses import find, join, may_edit, row_licenses, table, tightened


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("CC0-1.0", "cc0-1.0"), ("CC BY 4.0", "cc-by-4.0"), ("Creative Commons Attribution 4.0", "cc-by-4.0"),
        ("Apache License 2.0", "apache-2.0"), ("Apache-2.0", "apache-2.0"), ("MIT", "mit"),
    ],
)  # fmt: skip
def test_spellings(text: str, identity: str) -> None:
    terms = find(text)
    assert terms is not None
    assert terms.id == identity


@pytest.mark.parametrize(
    ("every", "whole"),
    [
        (["cc0-1.0"], "cc0-1.0"),
        (["cc0-1.0", "cc-by-4.0"], "cc-by-4.0"),
        (["cc-by-4.0", "cc-by-nc-4.0", "cc0-1.0"], "cc-by-nc-4.0"),
        (["cc-by-4.0", "cc-by-sa-4.0"], "cc-by-sa-4.0"),
        (["cc-by-sa-4.0", "cc-by-nc-4.0"], "other"),
        (["cc-by-sa-4.0", "cc-by-nc-sa-4.0"], "other"),
        (["cc-by-4.0", "flux-1-dev-non-commercial-license"], "other"),
    ],
)
def test_a_whole_demands_what_any_part_does(every: list[str], whole: str) -> None:
    assert join(every).id == whole
    assert join(list(reversed(every))) == join(every)


def test_an_unknown_licence_is_refused() -> None:
    for text in ("", "my own licence"):
        with pytest.raises(ReleaseError):
            join(["cc0-1.0", text])


def test_what_may_be_changed() -> None:
    assert may_edit("cc-by-4.0")
    assert not may_edit("CC BY-ND 4.0")
    assert not may_edit("unheard of")


def test_rows_of_a_restricted_generator_are_marked() -> None:
    assert row_licenses("CC-BY-4.0", "flux-1-dev-non-commercial-license") == (
        "cc-by-4.0",
        "flux-1-dev-non-commercial-license",
    )
    assert row_licenses("CC-BY-4.0", "apache-2.0") == ("cc-by-4.0",)


def test_tightened() -> None:
    assert tightened("cc0-1.0", "cc-by-4.0")
    assert not tightened("cc-by-nc-4.0", "cc-by-4.0")
    assert tightened("cc-by-4.0", "other: mixed, by row")


def test_terms_that_have_to_go_along_must_be_supplied() -> None:
    with pytest.raises(ReleaseError, match="--license-file gemma=FILE"):
        license_files(["gemma"], {})
    assert license_files(["gemma"], {"gemma": b"terms"})["LICENSES/gemma.txt"] == b"terms"


def test_every_licence_has_a_file_and_a_line() -> None:
    every = [name for name, terms in table().items() if not terms.travels]
    files = license_files(every, {})
    assert set(files) == {f"LICENSES/{name}.txt" for name in every} | {"LICENSES/README.md"}
    for name in every:
        assert f"`{name}`" in files["LICENSES/README.md"].decode()
    assert files["LICENSES/apache-2.0.txt"].decode().strip().startswith("Apache License")
    assert b"CC0 1.0 Universal" in files["LICENSES/cc0-1.0.txt"]


def test_an_adapter_of_gemma_says_so() -> None:
    adapter = Adapter("org/a", True, "", License("gemma"), "google/gemma-3-4b-it", "gemma", "auditor")
    assert GEMMA_NOTICE in adapter_notice(adapter).decode()
    other = Adapter("org/a", True, "", License("mit"), "org/base", "mit", "auditor")
    assert GEMMA_NOTICE not in adapter_notice(other).decode()
