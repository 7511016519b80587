"""A small run, and a Hub to publish it to."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server.fixtures import hub, plane  # noqa: F401
from workflows.own_objects import Objects

from auditdm_cards import adapter_card, dataset_card
from auditdm_hub.publishing import hub as protocol
from auditdm_hub.publishing.hub import Published
from auditdm_hub.runs import Run
from auditdm_hub.workflows.publication import Cards, Options, Outline, publish_run

LICENSES = {
    name: "apache-2.0" for name in ("own-target", "own-owl", "own-hawk", "own-lynx", "own-holdout", "own-author")
}
CARDS = Cards(dataset_card, adapter_card)
Publish = Callable[..., Published]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with failures of two kinds. Tests copy it if they change it."""
    return Objects().audit(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="session")
def other_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Another audit of the same target."""
    return Objects().audit(tmp_path_factory.mktemp("runs") / "other", seed=1)


@pytest.fixture
def publish(run: Run, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Publish the run (or another path) and return what came of it; waits between tries are short.

    It is read back only with `check=True`.
    """
    monkeypatch.setattr(protocol, "LONGEST_WAIT", 0.05)

    def do(
        name: str = "ada/set", path: Path | None = None, between: Callable[[Outline], object] = lambda outline: None,
        **options: object,
    ) -> Published:  # fmt: skip
        def confirm(outline: Outline) -> bool:
            between(outline)
            return True

        wanted = {"licenses": LICENSES, "check": False, **options}
        found = publish_run(path or run.path, name, Options(**wanted), CARDS, confirm)  # type: ignore[arg-type]
        assert isinstance(found, Published)
        return found

    return do
