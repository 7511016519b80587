"""Plans of trials: fixed ones, and those that follow themes with an auditor that may pass."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from auditdm_hub.auditing.auditors import Arm
from auditdm_hub.auditing.generate import generate, read_offers, read_trials
from auditdm_hub.auditing.memory import ImageMemory
from auditdm_hub.auditing.plans import FixedPlan, ThemedPlan
from auditdm_hub.auditing.probe import ImageTools
from auditdm_hub.auditing.themes import Theme, passed
from auditdm_hub.records import Action, Exchange, Judged, Probe, Seed, Verdict

IMAGES = ImageMemory()
SEEDS = [
    Seed(f"s{k}", IMAGES.put(Image.new("RGB", (8, 8), (5 * k, 0, 0))), "", "how many?" if k % 2 else "what hour?", "",
         "", "CC0", "discovery")
    for k in range(40)
]  # fmt: skip
HOURS, CROWDS = (
    Theme(name, ((word, answer),), lambda q, w=word: w in q, lambda q, a, w=word: w in q, 1, 1)  # type: ignore[misc]
    for name, word, answer in (("hours", "hour", "8"), ("crowds", "many", "6"))
)


class Picky:
    """Writes what `say` makes of action, wish and seed; without it the wish, and "pass" on hours unless it is dark."""

    id = "picky"

    def __init__(self, say: Callable[[str, str, int], str] | None = None) -> None:
        self.calls = 0
        self._say = say

    def write(
        self,
        images: Sequence[Image.Image],
        actions: Sequence[Action],
        questions: Sequence[str],
        themes: Sequence[str | None],
        seeds: Sequence[int],
    ) -> list[str]:
        self.calls += 1
        rows = zip(images, actions, (theme or "" for theme in themes), seeds, strict=True)
        return [
            self._say(action, wish, seed) if self._say else self._picky(image, wish, seed)
            for image, action, wish, seed in rows
        ]

    def _picky(self, image: Image.Image, wish: str, seed: int) -> str:
        if "hour" in wish and image.getpixel((0, 0))[0] > 50:  # type: ignore[index]
            return "pass"
        return f"<question> {wish or None} on {seed % 5 if 'hour' in wish else seed}?"


def judge(probes: Sequence[Probe]) -> list[Judged]:
    return [
        Judged(Exchange(probe, "4", {"r": "8"}), Verdict("invalid" if probe.fault else "failure", "8", 1.0))
        for probe in probes
    ]


def run(folder: Path, trials: int, themes: Sequence[Theme] = (HOURS, CROWDS), share: float = 0.016) -> list[Judged]:
    plan = ThemedPlan(SEEDS, ("question",), themes, trials, question_share=share)
    generate(Arm("trained", Picky()), plan, ImageTools(IMAGES), judge, folder)
    return read_offers(folder)


def test_themes_get_as_many_trials_in_spite_of_passes(tmp_path: Path) -> None:
    rows = run(tmp_path, 12)
    made = Counter(row.probe.theme for row in rows if not passed(row.probe))
    assert made == {"crowds": 6, "hours": 6}
    assert any(passed(row.probe) for row in rows)
    assert {row.probe.theme for row in rows if row.probe.fault == "passed"} == {"hours"}
    assert len(read_trials(tmp_path)) == sum(made.values())


class Looker:
    """Answers as its own eyes see: eight on dark images, six on the others."""

    id, family = "looker", "toy"

    def answer(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[str | None]:
        assert len(images) == len(questions)
        return ["Eight." if image.getpixel((0, 0))[0] <= 50 else "6" for image in images]  # type: ignore[index]


def test_a_question_is_not_asked_where_the_auditor_itself_sees_another_answer(tmp_path: Path) -> None:
    hours = replace(HOURS, matches=lambda q, a: "hour" in q and a == "8")
    crowds = replace(CROWDS, matches=lambda q, a: "many" in q and a == "6")

    def seen(folder: Path, answerer: Looker | None) -> list[Judged]:
        plan = ThemedPlan(SEEDS, ("question",), (hours, crowds), 12)
        generate(Arm("trained", Picky(), answerer), plan, ImageTools(IMAGES), judge, folder)
        return read_offers(folder)

    rows = seen(tmp_path / "looks", Looker())
    asked = [row.probe for row in rows if not row.probe.fault]
    assert len(asked) == 12
    for probe in asked:
        dark = IMAGES.get(probe.image_sha).getpixel((0, 0))[0] <= 50  # type: ignore[index]
        assert dark == ("hour" in probe.question)
    assert any(row.probe.fault == "passed: answers Eight." and passed(row.probe) for row in rows)
    blind = [row.probe for row in seen(tmp_path / "blind", None) if not row.probe.fault]
    assert any("many" in p.question and IMAGES.get(p.image_sha).getpixel((0, 0))[0] <= 50 for p in blind)  # type: ignore[index]


def test_an_image_on_which_the_target_failed_is_offered_again_and_asked_nothing_twice(tmp_path: Path) -> None:
    def partial(probes: Sequence[Probe]) -> list[Judged]:
        """The target fails on two images only, whatever is asked."""
        return [
            row if p.fault or p.seed_id in ("s3", "s8") else replace(row, verdict=Verdict("agreement", "8", 1.0))
            for p, row in zip(probes, judge(probes), strict=True)
        ]

    plan = ThemedPlan(SEEDS, ("question",), (CROWDS,), 200)
    author = Picky(lambda action, wish, seed: f"<question> how many of {seed % 60}?")
    generate(Arm("trained", author), plan, ImageTools(IMAGES), partial, tmp_path)
    themed = [row for row in read_offers(tmp_path) if row.probe.theme]
    trials = [row for row in themed if not passed(row.probe)]
    pairs = Counter((row.probe.image_sha, row.probe.question) for row in trials)
    assert set(pairs.values()) == {1}
    assert {row.probe.fault for row in themed if passed(row.probe)} == {"passed: asked often enough"}
    made = Counter(row.probe.seed_id for row in trials)
    assert max(count for name, count in made.items() if name not in ("s3", "s8")) <= 4
    assert min(made["s3"], made["s8"]) >= 8


def test_no_question_is_asked_for_ever(tmp_path: Path) -> None:
    rows = run(tmp_path, 200, (HOURS,))
    assert sum(row.probe.first_pass and not passed(row.probe) for row in rows) == 200  # the rest without a theme
    asked = Counter(row.probe.question for row in rows if not row.probe.fault and row.probe.theme)
    assert len(asked) == 5
    assert max(asked.values()) == 3  # 1.6% of 200
    assert any(row.probe.fault == "passed: asked often enough" for row in rows)


def test_the_share_of_a_question_is_a_setting(tmp_path: Path) -> None:
    rows = [row for row in run(tmp_path, 40, (HOURS,), 1.0) if row.probe.theme and not passed(row.probe)]
    assert max(Counter(row.probe.question for row in rows).values()) > 3
    assert max(Counter((row.probe.image_sha, row.probe.question) for row in rows).values()) == 1


def test_what_no_image_admits_is_given_up_and_its_trials_go_to_others(tmp_path: Path) -> None:
    never = replace(HOURS, name="never", examples=(("hour hour", "8"),))
    bright = [seed for seed in SEEDS if IMAGES.get(seed.image_sha).getpixel((0, 0))[0] > 50]  # type: ignore[index]
    plan = ThemedPlan(bright, ("question",), (never, CROWDS), 60)
    generate(Arm("trained", Picky()), plan, ImageTools(IMAGES), judge, tmp_path)
    made = Counter(row.probe.theme for row in read_trials(tmp_path))
    assert made["never"] == 0
    assert made["crowds"] == 60


def test_an_action_that_is_hopeless_for_a_theme_is_given_up_and_the_theme_is_not(tmp_path: Path) -> None:
    def only_questions(probes: Sequence[Probe]) -> list[Judged]:
        outcome = {"question": "failure", "caption": "agreement"}
        return [
            Judged(Exchange(p, "4", {"r": "8"}), Verdict(outcome[p.action], "8", 1.0))  # type: ignore[arg-type]
            for p in probes
        ]

    def say(action: str, wish: str, seed: int) -> str:
        return f"<caption> a row of {seed} cups" if action == "caption" else f"<question> {wish} of {seed}?"

    class Painter:
        id = "painter"

        def generate(self, captions: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | None]:
            return [Image.new("RGB", (8, 8), (seed % 250, 7, 7)) for seed in seeds]

    plan = ThemedPlan(SEEDS, ("question", "caption"), (HOURS, CROWDS), 200)
    generate(Arm("trained", Picky(say)), plan, ImageTools(IMAGES, 0, Painter()), only_questions, tmp_path)
    made = Counter((row.probe.theme, row.probe.action) for row in read_trials(tmp_path) if row.probe.first_pass)
    for name in ("hours", "crowds"):
        assert made[name, "caption"] < 40 < 60 < made[name, "question"]
        assert sum(count for (theme, _), count in made.items() if theme == name) == 100


def test_a_plan_goes_on_where_its_table_ends(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", 150)
    run(tmp_path / "cut", 150)
    chunks = sorted((tmp_path / "cut").glob("*.parquet"))
    assert len(chunks) > 2
    for chunk in chunks[2:]:
        chunk.unlink()
    assert run(tmp_path / "cut", 150) == whole
    assert [c.read_bytes() for c in chunks] == [c.read_bytes() for c in sorted((tmp_path / "whole").glob("*.parquet"))]


def test_a_finished_plan_asks_nothing_more(tmp_path: Path) -> None:
    run(tmp_path, 20)
    again = Picky()
    generate(
        Arm("trained", again),
        ThemedPlan(SEEDS, ("question",), (HOURS, CROWDS), 20),
        ImageTools(IMAGES),
        judge,
        tmp_path,
    )
    assert again.calls == 0


def test_changes_are_offered_to_questions_of_the_theme_alone() -> None:
    drafts = ThemedPlan(SEEDS, ("edit",), (HOURS, CROWDS), 30).chunk(0, [])
    assert len(drafts) >= 30
    for draft in drafts:
        assert ("hour" in draft.seed.question) == (draft.theme == "hours")
        assert draft.wish in ("answer 8", "answer 6")


def test_an_edit_that_brought_nothing_is_tried_again_on_its_image(tmp_path: Path) -> None:
    class Retoucher:
        """Gives a new picture for every third order about an image."""

        id = "retoucher"

        def __init__(self) -> None:
            self.orders: Counter[bytes] = Counter()

        def edit(
            self, images: Sequence[Image.Image], instructions: Sequence[str], seeds: Sequence[int]
        ) -> list[Image.Image | None]:
            return [self.one(image, seed) for image, seed in zip(images, seeds, strict=True)]

        def one(self, image: Image.Image, seed: int) -> Image.Image | None:
            self.orders[image.tobytes()] += 1
            done = self.orders[image.tobytes()] % 3 == 0
            return Image.new("RGB", (8, 8), (seed % 250, 9, 9)) if done else None

    few = [seed for seed in SEEDS if "hour" in seed.question][:3]
    author = Picky(lambda action, wish, seed: f"<edit> turn it by {seed}")
    plan = ThemedPlan(few, ("edit",), (HOURS,), 8)
    generate(Arm("trained", author), plan, ImageTools(IMAGES, 0, editor=Retoucher()), judge, tmp_path)
    themed = [row.probe for row in read_offers(tmp_path) if row.probe.theme]
    assert {probe.seed_id for probe in themed if not passed(probe)} == {seed.id for seed in few}


def test_a_fixed_plan_has_its_trials_and_no_wishes() -> None:
    plan = FixedPlan(SEEDS, ("question", "edit"), 150)
    drafts = [draft for index in range(2) for draft in plan.chunk(index, [])]
    assert (plan.trials, len(drafts), plan.chunk(2, [])) == (150, 150, [])
    assert {draft.wish for draft in drafts} == {""}
    with pytest.raises(ValueError, match="at least one theme"):
        ThemedPlan(SEEDS, ("question",), (), 3)
