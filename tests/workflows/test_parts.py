import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from workflows.own_objects import Model, Objects, pool, references

from auditdm_hub.auditing.parse import parse
from auditdm_hub.auditing.pool import PoolItem
from auditdm_hub.cache import AnswerCache
from auditdm_hub.config import load_config
from auditdm_hub.errors import ConfigError, ModelError
from auditdm_hub.playground.backends import PlaygroundEditor, PlaygroundGenerator
from auditdm_hub.playground.models import AUDITOR, model_folder
from auditdm_hub.records import ACTIONS
from auditdm_hub.workflows.parts import ADAPTER, Cast, Parts
from auditdm_hub.workflows.revisions import read_revisions
from auditdm_hub.workflows.stages import NO_PARTS

Casting = Callable[..., Cast]


@pytest.fixture
def cast(tmp_path: Path) -> Iterator[Casting]:
    """Make a cast of the playground's settings with some changed."""
    with AnswerCache(tmp_path / "answers.sqlite") as cache:
        yield lambda parts=NO_PARTS, **settings: Cast(
            load_config(overrides={"out": str(tmp_path), **settings}), parts, cache
        )


def test_images_are_made_only_for_actions_that_need_them(cast: Casting) -> None:
    both = cast()
    assert isinstance(both.generator, PlaygroundGenerator)
    assert isinstance(both.editor, PlaygroundEditor)
    neither = cast(actions=["question"], generator="org/a", editor="org/b")
    assert (neither.generator, neither.editor) == (None, None)


@pytest.mark.parametrize("key", ["generator", "editor"])
def test_a_maker_of_images_that_is_not_there_is_refused_in_one_line(cast: Casting, key: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no such folder"):
        getattr(cast(**{key: str(tmp_path / "nowhere")}), key)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="as a pipeline of diffusers") as caught:
        getattr(cast(**{key: str(tmp_path / "empty")}), key)
    assert "\n" not in str(caught.value)


def test_own_references_bring_no_holdout(cast: Casting) -> None:
    voters = tuple(references())
    without = cast(Parts(references=voters))
    assert (without.references, without.holdout) == (voters, None)
    fourth = Model("own-holdout", "kite")
    assert cast(Parts(references=voters, holdout=fourth)).holdout is fourth


def test_the_holdout_of_the_playground_can_be_left_out(cast: Casting) -> None:
    assert cast().holdout is not None
    without = cast(holdout="none")
    assert without.holdout is None
    assert len(without.references) == 3


def test_the_pool_of_the_playground_depends_on_the_seed(cast: Casting) -> None:
    def captions(**settings: int) -> list[str]:
        items = list(cast(pool_size=6, **settings).pool_items())
        assert {item.licence for item in items} == {"CC0-1.0"}
        return [item.caption for item in items]

    assert len(captions()) == 6
    assert captions() == captions(seed=0) != captions(seed=1)


def test_large_images_are_scaled_down_and_small_ones_left(cast: Casting) -> None:
    sizes = [(3000, 100), (64, 64), (1024, 1024)]

    def taken(**settings: int) -> list[tuple[int, int]]:
        items = (PoolItem(f"{size}", Image.new("RGB", size, "red")) for size in sizes)
        found = cast(Parts(pool=items), **settings).pool_items()
        return [item.image.size for item in found if item.image]

    assert taken() == [(1024, 34), (64, 64), (1024, 1024)]
    assert taken(image_side=0) == sizes


def test_what_a_name_stood_for_is_kept_with_the_run(cast: Casting, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(model_folder(AUDITOR), tmp_path / "model"))
    before = cast(target=str(copied), auditor=str(copied))
    assert {before.target.id, before.auditor(None).id} == set(read_revisions(tmp_path).values())
    config = copied / "generation_config.json"
    config.write_text(config.read_text() + " ")
    for part in ("target", "auditor"):
        again = cast(**{part: str(copied)})
        with pytest.raises(ModelError, match="when this run began, and is model@.* now: bring that version back"):
            _ = again.target if part == "target" else again.auditor(None)


def test_a_licence_is_given_to_those_without_only(cast: Casting) -> None:
    items = [PoolItem("a", None, licence="MIT"), PoolItem("b", None)]
    found = cast(Parts(pool=items), pool_license="CC0-1.0").pool_items()
    assert [item.licence for item in found] == ["MIT", "CC0-1.0"]
    assert list(cast(Parts(pool=pool())).pool_items()) == list(pool())


def test_the_random_auditor_speaks_of_its_pool(cast: Casting) -> None:
    image = pool()[0].image
    assert image is not None
    playground, own = cast().random_auditor([]), cast(Parts(pool=pool())).random_auditor([])
    for auditor in (playground, own):
        written = auditor.write([image] * 3, ACTIONS, [""] * 3, [None] * 3, [0, 1, 2])
        assert [parse(text, action, "why?").fault for text, action in zip(written, ACTIONS, strict=True)] == [""] * 3
    assert len({playground.id, own.id, cast(seed=1).random_auditor([]).id}) == 3


def test_an_auditor_that_was_trained_before_is_found_in_its_run(cast: Casting, tmp_path: Path) -> None:
    assert cast(auditor="org/base").trained_before is None
    folder = Objects().audit(tmp_path / "run", probes=4).path
    with pytest.raises(ModelError, match="holds no trained auditor"):
        cast(auditor=str(folder)).trained_before  # noqa: B018
    (folder / ADAPTER).mkdir(parents=True)
    with pytest.raises(ConfigError, match="add --steps 0 to use its auditor as it is"):
        cast(auditor=str(folder), steps=3).trained_before  # noqa: B018
    before = cast(auditor=str(folder), steps=0)
    assert (before.trained_before, before.auditor_base) == (folder / ADAPTER, "own-author")
