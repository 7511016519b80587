"""Licences: spellings, joins, what may be done, and what has to go along."""

import pytest

from auditdm_hub.errors import ReleaseError
from auditdm_hub.publishing.facts import Adapter, FailureSet, ImageUse, License, ModelUse
from auditdm_hub.publishing.license_files import adapter_notice, license_files, notice
from auditdm_hub.publishing.licenses import find, join, may_edit, row_licenses, table, tightened


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("CC0-1.0", "cc0-1.0"), ("CC BY 4.0", "cc-by-4.0"), ("Creative Commons Attribution 4.0", "cc-by-4.0"),
        ("Apache License 2.0", "apache-2.0"), ("Apache-2.0", "apache-2.0"), ("MIT", "mit"), ("MIT License", "mit"),
        ("CC-BY-\uff2e\uff23-4.0", "cc-by-nc-4.0"), ("Unlicense", "unlicense"), ("OpenRAIL++-M", "openrail++"),
    ],
)  # fmt: skip
def test_spellings(text: str, identity: str) -> None:
    terms = find(text)
    assert terms is not None
    assert terms.id == identity


@pytest.mark.parametrize("text", ["CC-BY-\u041d\u0421-4.0", "cc-by\u00f8-4.0", "CC BY 4.0 (\u7981\u6b62)", "()", " "])
def test_a_name_that_cannot_be_read_is_no_other_licence(text: str) -> None:
    assert find(text) is None


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
        (["gemma", "cc0-1.0"], "gemma"),
        (["gemma", "openrail"], "other"),
        (["cc-by-4.0", "llama3.1"], "other"),
        (["cc-by-nc-sa-4.0", "qwen-research"], "other"),
        (["mit", "cc-by-2.0", "cc-by-4.0"], "cc-by-4.0"),
        (["mit", "apache-2.0"], "apache-2.0"),
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
    flux = "flux-1-dev-non-commercial-license"
    assert row_licenses(ImageUse("pool", "CC-BY-4.0", "flux@1", flux, 1)) == ("cc-by-4.0", flux)
    assert row_licenses(ImageUse("pool", "CC-BY-4.0", "sd@1", "apache-2.0", 1)) == ("cc-by-4.0",)
    assert row_licenses(ImageUse("pool", "CC-BY-4.0", "", "", 1)) == ("cc-by-4.0",)
    assert join([flux]) == License("other", flux, table()[flux].url, f"LICENSES/{flux}.txt")


@pytest.mark.parametrize("licence", ["", "my own licence"])
def test_a_generator_under_no_known_licence_is_refused(licence: str) -> None:
    with pytest.raises(ReleaseError, match="the licence of flux@1, which drew or edited images"):
        row_licenses(ImageUse("pool", "cc0-1.0", "flux@1", licence, 1))


def test_tightened() -> None:
    assert tightened("cc0-1.0", "cc-by-4.0")
    assert not tightened("cc-by-nc-4.0", "cc-by-4.0")
    assert tightened("cc-by-4.0", "other: mixed, by row")
    assert not tightened("other: mixed, by row", "other: mixed, by row")
    assert tightened("other: my own", "other: your own")


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


@pytest.mark.parametrize("text", [b"", b" \n"])
def test_an_empty_text_of_terms_is_refused(text: bytes) -> None:
    with pytest.raises(ReleaseError, match="--license-file gemma: the file is empty"):
        license_files(["gemma"], {"gemma": text})


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("gemma", "Gemma is provided under and subject to the Gemma Terms of Use"),
        ("llama3.1", "Llama 3.1 is licensed under the Llama 3.1 Community License, Copyright"),
        ("qwen-research", "Built with Qwen."),
    ],
)
def test_an_adapter_says_what_the_licence_of_its_base_wants_said(base: str, said: str) -> None:
    def notice(licence: str) -> str:
        return adapter_notice(Adapter("org/a", True, "", License(licence), "org/base", licence, "auditor")).decode()

    assert said in " ".join(notice(base).split())
    assert said not in " ".join(notice("mit").split())


def test_a_failure_set_is_no_model_but_its_texts_can_bind() -> None:
    models = (ModelUse("google/gemma-3-4b-it@1", "target", "gemma"), ModelUse("org/b@1", "reference", "apache-2.0"))
    images = (ImageUse("pool", "cc0-1.0", "", "", 3),)
    text = " ".join(notice(failure_set(models, images)).decode().split())
    assert "can bind who trains another model on them" in text
    assert "Gemma Terms of Use: https://ai.google.dev/gemma/terms" in text
    assert "Gemma is provided under" not in text
    assert "can bind" not in notice(failure_set(models[1:], images)).decode()


def failure_set(models: tuple[ModelUse, ...], images: tuple[ImageUse, ...]) -> FailureSet:
    return FailureSet(
        "org/set", True, "", License("cc0-1.0"), (), {}, {}, {}, {}, (), models, images, {}, (), {}
    )  # fmt: skip
