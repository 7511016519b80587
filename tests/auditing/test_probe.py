from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image

from auditdm_hub.auditing.memory import ImageMemory
from auditdm_hub.auditing.probe import Draft, ImageTools, build_probes, plan, second_pass, write, write_again
from auditdm_hub.errors import RunError
from auditdm_hub.images import ImageStore
from auditdm_hub.records import Action, Probe, Seed

COLORS = ("red", "green", "blue")


def picture(color: str) -> Image.Image:
    return Image.new("RGB", (4, 4), color)


def seed(name: str, image_sha: str, question: str = "what color is it ?") -> Seed:
    return Seed(name, image_sha, "", question, "", "made", "CC0-1.0", "discovery")


@dataclass
class Painter:
    """Draws and edits: the last word of an instruction is a colour; notes the seeds that it was given."""

    id: str = "painter"
    seeds: list[int] = field(default_factory=list)

    def generate(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | None]:
        self.seeds += seeds
        words = [prompt.split()[-1] for prompt in prompts]
        return [picture(word) if word in COLORS else None for word in words]

    def edit(
        self, images: Sequence[Image.Image], instructions: Sequence[str], seeds: Sequence[int]
    ) -> list[Image.Image | None]:
        assert all(image.getpixel((0, 0)) == (255, 0, 0) for image in images)
        return self.generate(instructions, seeds)


@dataclass
class Scribe:
    """Writes what it sees and was asked; every other question without its mark."""

    id: str = "scribe"

    def write(
        self,
        images: Sequence[Image.Image],
        actions: Sequence[Action],
        questions: Sequence[str],
        themes: Sequence[str | None],
        seeds: Sequence[int],
    ) -> list[str]:
        rows = zip(images, actions, questions, themes, seeds, strict=True)
        return [
            f"<{action}> is {image.getpixel((0, 0))} {theme} {seed}{'?' if action == 'question' else ''}"
            for image, action, _, theme, seed in rows
        ]


@pytest.fixture
def tools(tmp_path: Path) -> ImageTools:
    painter = Painter()
    return ImageTools(ImageStore(tmp_path), 7, painter, painter)


def test_each_action_makes_its_pairing(tools: ImageTools) -> None:
    red = tools.images.put(picture("red"))
    one = seed("s", red)
    texts: list[tuple[Action, str]] = [
        ("question", "<question> how many ?"), ("caption", "<caption> all blue"), ("edit", "<edit> make it green"),
    ]  # fmt: skip
    probes = build_probes([Draft(one, action, 0, text) for action, text in texts], "a@1", tools)
    assert [probe.pairing for probe in probes] == ["(Q*, I)", "(Q, I*)", "(Q, I*)"]
    assert [probe.question for probe in probes] == ["how many?", "what color is it?", "what color is it?"]
    assert [probe.instruction for probe in probes] == ["", "all blue", "make it green"]
    assert [tools.images.get(probe.image_sha).getpixel((0, 0)) for probe in probes] == [
        (255, 0, 0), (0, 0, 255), (0, 128, 0),
    ]  # fmt: skip
    assert {probe.fault for probe in probes} == {""}
    assert {probe.source_image_sha for probe in probes} == {red}
    assert {probe.auditor for probe in probes} == {"a@1"}


def test_faulty_texts_stay_as_probes_with_a_reason(tools: ImageTools) -> None:
    one = seed("s", tools.images.put(picture("red")))
    texts: list[tuple[Action, str]] = [
        ("edit", "<edit> make it plaid"),
        ("edit", "<edit> make it red"),
        ("caption", "<caption> a void"),
        ("edit", "x"),
    ]
    probes = build_probes([Draft(one, action, 0, text) for action, text in texts], "a", tools)
    assert [probe.fault for probe in probes] == [
        "edit not understood: make it plaid",
        "edit changed nothing: make it red",
        "caption not understood: a void",
        "unparsed: no tag, wanted <edit>",
    ]
    assert [probe.pairing for probe in probes] == ["(Q, I*)"] * 4
    assert [probe.text for probe in probes] == [text for _, text in texts]


def test_image_seeds_depend_on_the_trial_and_not_on_its_place(tools: ImageTools) -> None:
    assert isinstance(tools.editor, Painter)
    one = seed("s", tools.images.put(picture("red")))
    drafts = [Draft(one, "edit", attempt, "<edit> make it blue") for attempt in range(3)]
    build_probes(drafts, "a", tools)
    build_probes(drafts[::-1], "a", tools)
    first, second = tools.editor.seeds[:3], tools.editor.seeds[3:]
    assert first == second[::-1]
    assert len(set(first)) == 3
    assert drafts[0].random_seed(7, "image") != drafts[0].random_seed(8, "image")
    assert drafts[0].random_seed(7, "image") != drafts[0].random_seed(7, "write")


def test_a_missing_editor_is_named(tools: ImageTools) -> None:
    one = seed("s", tools.images.put(picture("red")))
    bare = ImageTools(tools.images)
    with pytest.raises(ValueError, match="edits need an image editor"):
        build_probes([Draft(one, "edit", 0, "<edit> make it blue")], "a", bare)
    with pytest.raises(ValueError, match="captions need an image generator"):
        build_probes([Draft(one, "caption", 0, "<caption> blue")], "a", bare)


def test_the_second_pass_asks_on_the_changed_image(tools: ImageTools) -> None:
    one = seed("s", tools.images.put(picture("red")))
    drafts = [
        Draft(one, "edit", 0, "<edit> make it blue"),
        Draft(one, "edit", 1, "<edit> make it plaid"),
        Draft(one, "question", 0, "<question> how many?"),
    ]
    first = build_probes(drafts, "a", tools)
    (found,) = second_pass(first, Scribe(), tools)
    assert found.pairing == "(Q*, I*)"
    assert (found.action, found.image_source, found.instruction) == ("question", "edited", "make it blue")
    assert found.question.startswith("is (0, 0, 255)")
    assert found.image_sha == first[0].image_sha
    assert found.auditor == "scribe"
    assert found.id != first[0].id


def test_write_passes_theme_and_seed_of_each_trial(tools: ImageTools) -> None:
    one = seed("s", tools.images.put(picture("red")))
    drafts = [Draft(one, "question", 0, "", "time", "clocks"), Draft(one, "question", 1)]
    written = write(Scribe(), drafts, tools)
    assert [draft.text.split()[5] for draft in written] == ["clocks", "None"]
    assert written[0].text.endswith(f"{drafts[0].random_seed(7, 'write')}?")
    assert write(Scribe(), drafts[::-1], tools) == written[::-1]


def test_plan_uses_every_pair_once_before_any_twice() -> None:
    seeds = [seed(name, "0" * 64) for name in "abcd"]
    drafts = plan(seeds, ("question", "caption", "edit"), 15)
    first = [(draft.seed.id, draft.action) for draft in drafts if draft.attempt == 0]
    assert len(first) == len(set(first)) == 12
    assert [draft.attempt for draft in drafts] == [0] * 12 + [1] * 3
    assert [draft.seed.id for draft in drafts[:4]] == list("abcd")
    assert {draft.action for draft in drafts[:4]} == {"question", "caption", "edit"}


def test_plan_leaves_out_what_has_no_question() -> None:
    seeds = [seed("a", "0" * 64, question=""), seed("b", "0" * 64)]
    assert {(d.seed.id, d.action) for d in plan(seeds, ("question", "edit"), 9)} == {
        ("a", "question"), ("b", "question"), ("b", "edit"),
    }  # fmt: skip
    assert plan(seeds[:1], ("edit",), 9) == []


def test_memory_keeps_the_latest_and_falls_back_to_the_originals(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    red = store.put(picture("red"))
    memory = ImageMemory(store.get, capacity=1)
    blue = memory.put(picture("blue"))
    assert memory.get(blue).getpixel((0, 0)) == (0, 0, 255)
    assert memory.get(red).getpixel((0, 0)) == (255, 0, 0)  # drops blue
    with pytest.raises(RunError, match="not in"):
        memory.get(blue)
    with pytest.raises(RunError, match="no longer in memory"):
        ImageMemory().get(red)
    assert not store.path(blue).exists()


def test_probes_are_the_same_with_a_store_and_with_memory(tools: ImageTools) -> None:
    one = seed("s", tools.images.put(picture("red")))
    drafts = [Draft(one, "edit", 0, "<edit> make it blue")]

    def ids(probes: list[Probe]) -> list[str]:
        return [probe.id for probe in probes]

    in_memory = ImageTools(ImageMemory(tools.images.get), 7, tools.generator, tools.editor)
    assert ids(build_probes(drafts, "a", in_memory)) == ids(build_probes(drafts, "a", tools))


@dataclass
class Stutterer:
    """Writes what can be read at a given try only, counted for each draft."""

    tries: Sequence[int]
    id: str = "stutterer"
    calls: list[tuple[int, ...]] = field(default_factory=list)

    def write(
        self,
        images: Sequence[Image.Image],
        actions: Sequence[Action],
        questions: Sequence[str],
        themes: Sequence[str | None],
        seeds: Sequence[int],
    ) -> list[str]:
        numbers = [int(str(theme)) for theme in themes]
        self.calls.append(tuple(seeds))
        done = len(self.calls)
        return ["<question> is it red?" if self.tries[k] <= done else "is it" for k in numbers]


def test_what_cannot_be_read_is_written_again_and_counts_if_it_never_can() -> None:
    images = ImageMemory()
    sha = images.put(picture("red"))
    author = Stutterer((1, 2, 3, 9))
    drafts = [Draft(seed(f"s{k}", sha), "question", 0, wish=str(k)) for k in range(4)]
    tools = ImageTools(images)
    written = write_again(author, write(author, drafts, tools), tools)
    assert [draft.text for draft in written] == ["<question> is it red?"] * 3 + ["is it"]
    assert [len(call) for call in author.calls] == [4, 3, 2]
    assert len({seed for call in author.calls for seed in call}) == 9  # another draw each time
    assert [bool(probe.fault) for probe in build_probes(written, "a", tools)] == [False, False, False, True]
    assert write_again(author, written[:3], tools) == written[:3]
    assert len(author.calls) == 3
