from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from workflows.own_objects import SMALL, Author, Model, Objects, embedder, references

from auditdm_hub.auditing.judge import VQAJudge
from auditdm_hub.cache import AnswerCache
from auditdm_hub.config import load_config
from auditdm_hub.errors import ConfigError
from auditdm_hub.workflows import Parts, audit
from auditdm_hub.workflows.api import split_settings
from auditdm_hub.workflows.parts import Cast

NEEDED = {
    "target": "answer", "holdout": "answer", "auditor": "write", "judge": "same", "embedder": "embed",
    "generator": "generate", "editor": "edit",
}  # fmt: skip


@dataclass
class Bare:
    """Has a name and a family and can do nothing."""

    id: str = "bare"
    family: str = "bare"


@pytest.mark.parametrize(("seam", "method"), NEEDED.items())
def test_an_object_that_cannot_do_its_part_is_refused_by_name(tmp_path: Path, seam: str, method: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{seam}: got Bare\(.*\), which lacks {method}: wanted a name, or"):
        Objects().audit(tmp_path / "run", **{seam: Bare()})
    assert not (tmp_path / "run").exists()


def test_references_are_checked_one_by_one() -> None:
    with pytest.raises(ConfigError, match=r"^references: got Bare\(.*\), which lacks answer"):
        split_settings({"references": [Model("a", "a"), Bare()]})
    with pytest.raises(ConfigError, match=r"^references: got the name 'org/model' among objects"):
        split_settings({"references": [Model("a", "a"), "org/model"]})


def test_a_model_without_id_or_family_is_refused_before_anything_is_asked() -> None:
    nameless = SimpleNamespace(answer=lambda images, questions: [])
    with pytest.raises(ConfigError, match="^target: .* lacks id, family: wanted a name, or an object with id, family"):
        audit(target=nameless, steps=0)


def test_objects_stand_by_their_id_in_the_settings() -> None:
    voters, author = references(), Author()
    given = {"target": "org/a", "references": iter(voters), "auditor": author, "pool": Path("photos"), "probes": 3}
    names, parts = split_settings(given)
    assert names == {"target": "org/a", "references": ["own-owl", "own-hawk", "own-lynx"], "auditor": "own-author",
                     "pool": "photos", "probes": 3, "steps": 0}  # fmt: skip
    assert parts == Parts(references=tuple(voters), auditor=author)


def test_names_stay_as_they_are() -> None:
    given = {"target": "org/a", "references": ["org/b", "org/c"], "pool": "photos", "steps": 7, "holdout": ""}
    assert split_settings(given) == (given, Parts())


def test_an_auditor_object_is_not_trained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="^steps: got 5, wanted 0: an auditor object is used as it is"):
        Objects().audit(tmp_path / "run", steps=5)
    assert not (tmp_path / "run").exists()
    assert Objects().audit(tmp_path / "run", **SMALL).config["steps"] == 0


def test_two_objects_of_one_id_are_refused(tmp_path: Path) -> None:
    for changed in ({"references": [*references(), Model("own-target", "mole")]}, {"holdout": Model("own-owl", "owl")}):
        with pytest.raises(ConfigError, match="own-"):
            Objects().audit(tmp_path / "run", **changed)
    assert not (tmp_path / "run").exists()


@dataclass
class Strict(VQAJudge):
    """Takes no two answers for the same, and notes that it was asked."""

    id: str = "strict"
    asked: int = 0

    def same(self, questions: object, a: object, b: object) -> list[bool | None]:
        assert isinstance(questions, list | tuple)
        self.asked += len(questions)
        return [False] * len(questions)


def test_a_judge_of_ones_own_decides(tmp_path: Path) -> None:
    judge = Strict()
    run = Objects().audit(tmp_path, judge=judge, **SMALL)
    assert judge.asked > 0
    assert run.results()["models"]["judge"] == "strict"


def test_the_judge_is_made_once(tmp_path: Path) -> None:
    config = load_config(overrides={"judge": "embedding"})
    with AnswerCache(tmp_path / "answers.sqlite") as cache:
        cast = Cast(config, Parts(embedder=embedder()), cache)
        assert cast.judge is cast.judge


def test_without_a_folder_the_run_goes_beside_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [Objects().audit("", resume=again, probes=4).path for again in (False, False, True)]
    assert paths == [Path("runs/own-target"), Path("runs/own-target-2"), Path("runs/own-target-2")]
