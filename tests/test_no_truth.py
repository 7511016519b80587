"""Audit and confirmation use no ground truth: they end with the playground's executor and parser made to raise."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from auditdm_hub import audit, confirm
from auditdm_hub.auditing.pool import PoolItem
from auditdm_hub.playground.backends import LICENCE, pictures
from auditdm_hub.playground.skills import questions
from auditdm_hub.workflows import Watcher

SMALL = {"prompts_per_step": 4, "num_generations": 4, "save_steps": 3, "rounds": 2}


def refuse(*_: object) -> NoReturn:
    raise AssertionError("the audit looked up the truth")


@pytest.fixture
def no_truth(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    known = {skill: skill.execute for skill in questions.ASKED}
    readers = (questions.solve, questions.parse_question)
    for name, module in list(sys.modules.items()):
        if name.startswith("auditdm_hub."):
            for attribute, value in list(vars(module).items()):
                if any(value is reader for reader in readers):
                    monkeypatch.setattr(module, attribute, refuse)
    for skill in known:
        object.__setattr__(skill, "execute", refuse)
    yield
    for skill, execute in known.items():
        object.__setattr__(skill, "execute", execute)


@pytest.mark.timeout(600)
def test_an_audit_with_themes_needs_no_truth(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    drawn = [PoolItem(f"picture#{n}", image, caption, question, licence=LICENCE)
             for n, (image, caption, question) in enumerate(pictures(240, 3))]  # fmt: skip
    request.getfixturevalue("no_truth")
    with pytest.raises(AssertionError, match="looked up"):
        next(pictures(1, 0))
    watcher = Watcher(lambda line: None, lambda stage: lambda done, total: None)
    run = audit(pool=drawn[:80], probes=40, steps=6, training=SMALL, out=str(tmp_path / "run"), watcher=watcher)
    results = run.results()
    assert results["search_success"]["trained"]["trials"] >= 40
    assert results["consensus"]["effective_voters"]
    confirmed = confirm(run.path, images=30, items=6, tries=2, pool=drawn).results()["confirmation"]
    assert confirmed["images"] == 30
