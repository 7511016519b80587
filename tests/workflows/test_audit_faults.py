"""What goes wrong in an audit: models that do not answer, texts that cannot be read, pools that cannot be used."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PIL.Image import Image
from workflows.own_objects import PROBES, SMALL, Author, Model, Objects, pool, trials

from auditdm_hub.auditing.pool import PoolItem, split_of
from auditdm_hub.config import load_config
from auditdm_hub.errors import AuditDMError, ConfigError, ModelError, PoolError
from auditdm_hub.images import image_sha
from auditdm_hub.runs import Run
from auditdm_hub.workflows import Watcher
from auditdm_hub.workflows.budget import questions


@dataclass
class Overloaded(Model):
    """Is out of memory the first time that it is asked."""

    def answer(self, images: Sequence[Image], questions: Sequence[str]) -> list[str | None]:
        answers = super().answer(images, questions)
        if self.calls == 1:
            raise RuntimeError("out of memory")
        return answers


@dataclass
class Silent(Model):
    """Never answers."""

    def answer(self, images: Sequence[Image], questions: Sequence[str]) -> list[str | None]:
        return [None] * len(questions)


@dataclass
class Late(Model):
    """Takes a second for some of its calls, counted from 1."""

    late: range = range(1, 2)

    def answer(self, images: Sequence[Image], questions: Sequence[str]) -> list[str | None]:
        answers = super().answer(images, questions)
        if self.calls in self.late:
            time.sleep(1)
        return answers


GARBAGE = ("", "  ", "\x1b[2J\x07", "<script>alert(1)</script>", "\u202e" * 40, "A" * 20_000, "{{7*7}} | x |", "\ud7ff")


@dataclass
class Garbage(Model):
    """Answers nothing that means anything."""

    def answer(self, images: Sequence[Image], questions: Sequence[str]) -> list[str | None]:
        super().answer(images, questions)
        return [GARBAGE[(len(question) + number) % len(GARBAGE)] for number, question in enumerate(questions)]


def test_a_reference_that_hangs_is_counted_and_reported(tmp_path: Path) -> None:
    lines: list[str] = []
    watcher = Watcher(lines.append, lambda name: lambda done, total: None)
    voters: list[Model] = [Late("own-owl", "owl"), Model("own-hawk", "hawk"), Model("own-lynx", "lynx")]
    run = Objects(references=voters).audit(tmp_path, answer_timeout=0.5, watcher=watcher)
    assert list(run.results()["faults"]) == ["no answer from own-owl"]
    assert run.results()["search_success"]["random"]["valid"] > 0
    assert sum("TimeoutError: no answer to" in line for line in lines) == 1


def test_an_audit_whose_reference_hangs_for_ever_stops_and_is_resumed(tmp_path: Path) -> None:
    rest = [Model("own-hawk", "hawk"), Model("own-lynx", "lynx")]
    with pytest.raises(ModelError, match="own-owl did not answer 3 times in a row"):
        Objects(references=[Late("own-owl", "owl", late=range(1, 99)), *rest]).audit(
            tmp_path, probes=400, answer_timeout=0.2
        )
    results = Objects(references=[Model("own-owl", "owl"), *rest]).audit(tmp_path, probes=400, resume=True).results()
    assert 0 < results["faults"]["no answer from own-owl"] < results["consensus"]["trials"]
    assert results["search_success"]["random"]["valid"] > 0


def test_a_reference_that_answers_garbage_changes_no_vote_and_no_page(tmp_path: Path) -> None:
    rest = [Model("own-hawk", "hawk"), Model("own-lynx", "lynx")]
    run = Objects(references=[Garbage("own-owl", "owl"), *rest]).audit(tmp_path)
    assert all(row.verdict.agreement < 0.7 for row in trials(run, "random"))
    assert run.results()["search_success"]["random"]["valid"] > 0
    page = (run.path / "report.html").read_text()
    assert "<script>alert(1)" not in page
    told = page + (run.path / "report.md").read_text()
    assert not {"\x1b", "\x07", "\u202e"} & set(told)
    assert "\N{REPLACEMENT CHARACTER}[2J" in told


def test_references_that_do_not_answer_are_counted_and_make_no_failure(tmp_path: Path) -> None:
    voters: list[Model] = [Overloaded("own-owl", "owl"), Silent("own-hawk", "hawk"), Model("own-lynx", "lynx")]
    run = Objects(references=voters).audit(tmp_path, probes=40)
    rows = [row for arm in ("prompt_only", "random") for row in trials(run, arm)]
    asked = [row for row in rows if not row.probe.fault]
    lone = [row for row in asked if row.exchange.reference_answers["own-owl"] is None]
    assert 0 < len(lone) < len(asked)
    assert run.results()["faults"] == {"no answer from own-hawk": len(asked), "no answer from own-owl": len(lone)}
    assert {row.verdict.outcome for row in lone} == {"no_consensus"}
    assert any(row.verdict.outcome == "agreement" for row in asked)
    assert all(row.exchange.target_answer is not None for row in asked)
    assert "no answer from own-hawk" in (run.path / "report.html").read_text()


def test_two_references_that_answer_are_enough(tmp_path: Path) -> None:
    voters: list[Model] = [Model("own-owl", "owl"), Silent("own-hawk", "hawk"), Model("own-lynx", "lynx")]
    results = Objects(references=voters).audit(tmp_path, **SMALL).results()
    assert results["search_success"]["prompt_only"]["valid"] > 0
    assert list(results["faults"]) == ["no answer from own-hawk"]


def test_a_target_that_does_not_answer_never_fails(tmp_path: Path) -> None:
    run = Objects(target=Silent("own-target", "mole")).audit(tmp_path, **SMALL)
    asked = [row for arm in ("prompt_only", "random") for row in trials(run, arm) if not row.probe.fault]
    results = run.results()
    assert results["faults"] == {"no answer from own-target": len(asked)}
    for arm in ("prompt_only", "random"):
        assert results["search_success"][arm]["valid"] == 0
        assert results["search_success"][arm]["outcomes"]["invalid"] == results["search_success"][arm]["trials"]
    assert (results["failure_types"], results["consensus"]["trials"]) == ([], 0)


def test_an_auditor_whose_texts_cannot_be_read_has_no_success(tmp_path: Path) -> None:
    objects = Objects(auditor=Author(tag=""))
    run = objects.audit(tmp_path, baseline=False)
    results = run.results()
    success = results["search_success"]["prompt_only"]
    assert (success["rate"], success["valid"], success["trials"]) == (0, 0, PROBES)
    assert success["low"] == 0 < success["high"] < 0.1
    assert success["invalid_reasons"] == {"unparsed": PROBES}
    assert (results["unique_failures"], results["failure_types"]) == (0, [])
    assert objects.target.calls == 0
    assert list(run.stages) == ["pool", "probe", "curate", "report"]


def test_beside_a_useless_auditor_the_baseline_still_counts(tmp_path: Path) -> None:
    results = Objects(auditor=Author(tag="")).audit(tmp_path).results()
    assert results["search_success"]["prompt_only"]["valid"] == 0
    assert results["search_success"]["random"]["valid"] >= results["unique_failures"] > 0


def test_images_without_a_licence_forbid_a_release(tmp_path: Path) -> None:
    mixed = (*pool("")[:3], *pool()[3:])
    lines: list[str] = []
    run = Objects().audit(tmp_path, pool=mixed, watcher=Watcher(lines.append, lambda name: lambda a, b: None), **SMALL)
    why = "the licence of 3 images is unknown (say it with --pool-license)"
    assert run.results()["publishable"] == {"ok": False, "why": why}
    assert run.results()["pool"]["licence"] == ""
    assert lines[0].endswith(f"Publishable: no, {why}.")
    assert f"| publishable | no: {why} |" in (run.path / "report.md").read_text().replace("\\", "")
    assert "must not be published" in (run.path / "report.html").read_text()


def test_a_licence_that_is_said_once_holds_for_images_without_one(tmp_path: Path) -> None:
    mixed = (*pool("")[:3], *pool()[3:])
    run = Objects().audit(tmp_path, pool=mixed, pool_license="CC-BY-4.0", **SMALL)
    assert run.results()["publishable"] == {"ok": True, "why": "images under CC-BY-4.0, CC0-1.0"}


def test_an_expensive_audit_must_be_wanted(tmp_path: Path) -> None:
    out, objects = tmp_path / "run", Objects()
    with pytest.raises(ConfigError, match=r"up to 50,003 questions: add --yes"):
        objects.audit(out, probes=15_001)
    assert not out.exists()

    def say(line: str) -> None:
        raise InterruptedError(line)

    watcher = Watcher(say, lambda name: lambda done, total: None)
    with pytest.raises(InterruptedError, match="Up to 50,003 questions"):
        objects.audit(out, probes=15_001, yes=True, watcher=watcher)
    assert objects.calls == 0


def test_an_auditor_that_was_trained_before_is_one_more_to_pay_for(finished: Run) -> None:
    base = load_config(overrides={"steps": 0, "probes": 30, "actions": ["question"]})
    assert questions(base) == (0, 60)
    assert questions(base.model_copy(update={"auditor": str(finished.path)})) == (0, 90)
    assert questions(base.model_copy(update={"steps": 2})) == (2 * 8 * 8, 90)
    assert questions(base.model_copy(update={"baseline": False})) == (0, 30)


def no_questions() -> list[PoolItem]:
    return [replace(item, question="") for item in pool()]


def test_edits_without_questions_beside_the_images_are_refused(tmp_path: Path) -> None:
    objects = Objects()
    with pytest.raises(PoolError, match="need images with a question: add `question`"):
        objects.audit(tmp_path, pool=no_questions(), actions=["edit", "caption"])
    assert objects.calls == 0
    run = Objects().audit(tmp_path / "other", pool=no_questions(), probes=8)
    assert {row.probe.pairing for row in trials(run, "prompt_only")} == {"(Q*, I)"}


def test_a_pool_without_discovery_images_is_refused(tmp_path: Path) -> None:
    kept = [item for item in pool() if item.image and split_of(image_sha(item.image)) != "discovery"]
    with pytest.raises(PoolError, match=f"none of {len(kept)} images fell into the discovery split"):
        Objects().audit(tmp_path, pool=kept)


def test_images_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    faulty = PoolItem("broken", None, fault="is animated")
    twice = (faulty, pool()[0], *pool(), faulty)
    results = Objects().audit(tmp_path, pool=twice, probes=8, pool_size=100).results()
    assert results["pool"]["skipped"] == {"is animated": 2, "the same image and question again": 1}
    assert results["pool"]["images"] == len(pool())
    with pytest.raises(PoolError, match="no usable image"):
        Objects().audit(tmp_path / "other", pool=[faulty])


def test_a_target_without_a_weakness_has_no_failure_type(tmp_path: Path) -> None:
    results = Objects(target=Model("own-target", "mole")).audit(tmp_path).results()
    assert results["failure_types"] == []
    assert [results["search_success"][arm]["valid"] for arm in ("prompt_only", "random")] == [0, 0]
    assert results["search_success"]["prompt_only"]["outcomes"]["agreement"] > PROBES / 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"embedder": "no/where"}, "no/where"),
        ({"columns": {"image": "photo"}}, "columns: got image for the pool"),
        ({"report_to": "wandb"}, "wandb is not installed: pip install wandb"),
    ],
)
def test_what_can_be_known_at_the_start_is_not_found_out_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, object], message: str
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    objects = Objects()
    with pytest.raises(AuditDMError, match=message):
        objects.audit(tmp_path, **wrong)
    assert objects.calls == 0
    objects.audit(tmp_path, **SMALL)  # the folder is free for the right one


def test_an_error_of_a_model_is_said_once(tmp_path: Path) -> None:
    lines: list[str] = []
    voters: list[Model] = [Overloaded("own-owl", "owl"), Model("own-hawk", "hawk"), Model("own-lynx", "lynx")]
    watcher = Watcher(lines.append, lambda name: lambda done, total: None)
    Objects(references=voters).audit(tmp_path, watcher=watcher, **SMALL)
    said = [line for line in lines if line.startswith("No answer from own-owl")]
    assert len(said) == 1
    assert said[0].endswith("RuntimeError: out of memory")


def test_more_votes_than_families_are_refused_at_the_start(tmp_path: Path) -> None:
    objects = Objects(references=[Model("one", "owl"), Model("two", "owl")])
    with pytest.raises(ConfigError, match="quorum: got 2, but the references are of 1 families"):
        objects.audit(tmp_path, quorum=2)
    assert objects.calls == 0


@pytest.mark.parametrize(("licence", "why"), [("unknown", "unknown"), ("cc-by-nd-4.0", "forbids changed images")])
def test_some_licences_forbid_a_release(tmp_path: Path, licence: str, why: str) -> None:
    results = Objects().audit(tmp_path, pool=pool(licence), **SMALL).results()
    assert results["publishable"]["ok"] is False
    assert why in results["publishable"]["why"]
