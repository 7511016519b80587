from collections.abc import Sequence
from dataclasses import replace

import pytest
from PIL import Image

from auditdm_hub.auditing.faithful import Gate
from auditdm_hub.auditing.memory import ImageMemory
from auditdm_hub.auditing.novelty import Novelty
from auditdm_hub.auditing.probe import ImageTools
from auditdm_hub.auditing.reward import AuditReward, text_of
from auditdm_hub.auditing.vote import NO_JUDGEMENT
from auditdm_hub.errors import ModelError
from auditdm_hub.records import Exchange, Judged, NotMade, Outcome, Probe, Seed, Verdict

OUTCOMES: dict[str, Outcome] = {"f": "failure", "a": "agreement", "n": "no_consensus", "i": "invalid", "m": "failure"}


def said(*texts: str) -> list[object]:
    return [[{"role": "assistant", "content": text}] for text in texts]


class Panel:
    """Stands for target, references and vote: the question's first letter says how it ends."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, probes: Sequence[Probe]) -> list[Judged]:
        self.asked += [probe.question for probe in probes]
        return [self.judge(probe) for probe in probes]

    def judge(self, probe: Probe) -> Judged:
        letter = probe.question[0]
        target = None if letter == "m" else "no"
        references: dict[str, str | None] = {"r": None if letter == "r" else "yes"}
        return Judged(Exchange(probe, target, references), Verdict(OUTCOMES.get(letter, "invalid"), "yes", 1.0))


@pytest.fixture
def panel() -> Panel:
    return Panel()


@pytest.fixture
def images() -> ImageMemory:
    return ImageMemory()


def make(panel: Panel, images: ImageMemory, novelty: Novelty | None = None, patience: int = 3) -> AuditReward:
    sha = images.put(Image.new("RGB", (2, 2)))
    seeds = [Seed(name, sha, "", "fine?", "", "made", "CC0-1.0", "discovery") for name in ("s", "t")]
    return AuditReward(seeds, panel, ImageTools(images), novelty, patience)


def rewards(reward: AuditReward, *texts: str, log: dict[str, float] | None = None) -> list[float | None]:
    count = len(texts)
    noted = {} if log is None else log
    return reward(
        [None] * count, said(*texts), [[0]] * count, seed_id=["s"] * count, action=["question"] * count,
        log_metric=noted.__setitem__,
    )  # fmt: skip


def test_every_outcome_has_its_reward(panel: Panel, images: ImageMemory) -> None:
    texts = ["<question> f?", "<question> a?", "<question> n?", "<question> i?", "<question> m?", "<question> r?", "f?"]
    assert rewards(make(panel, images), *texts) == [1, 0, 0, -0.5, None, None, -0.5]
    assert panel.asked == ["f?", "a?", "n?", "i?", "m?", "r?"]


def test_a_maker_or_a_gate_that_fails_is_no_fault_of_a_caption(panel: Panel, images: ImageMemory) -> None:
    class Half:
        id = "half"

        def generate(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | NotMade | None]:
            made = {"blind": None, "broken": NotMade("one color"), "red": Image.new("RGB", (4, 4), "red"),
                    "nude": NotMade("unsafe", refused=True)}  # fmt: skip
            return [made[text] for text in prompts]

    reward = make(panel, images)
    seed = reward._seeds["s"]
    tools = ImageTools(images, 0, Half())
    texts = ["<caption> blind", "<caption> broken", "<caption> red", "<caption> nude"]
    for gate, paid in ((None, 1.0), (Gate(Mute()), None)):
        gated = AuditReward([seed], panel, replace(tools, gate=gate), patience=9)
        scored = gated.score(["s"] * 4, ["caption"] * 4, texts, [("theme", "wish")] * 4)
        assert [row.reward for row in scored] == [-0.5, None, paid, -0.5]
        assert [row.outcome for row in scored] == ["fault", "missing", "failure" if paid else "missing", "fault"]
        gated._refuse_silence(scored)
        assert gated._silent_steps == (0 if paid else 1)
        gated._refuse_silence([row for row in scored if row.probe.instruction == "broken"])
        assert gated._silent_steps == (0 if paid else 1)  # the maker counts for itself
        assert not any(row.passed for row in scored)


class Mute:
    id = family = "mute"

    def answer(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[str | None]:
        return [None] * len(images)


def test_each_component_is_logged(panel: Panel, images: ImageMemory) -> None:
    log: dict[str, float] = {}
    rewards(make(panel, images, Novelty()), "<question> f?", "<question> f?", "<question> a?", "x", log=log)
    assert log.pop("reward_time") > 0
    assert log == {
        "search_success": 0.5, "consensus_rate": 0.75, "parse_ok": 0.75, "passes": 0, "invalid": 0,
        "answers_missing": 0, "unique": 0.75, "disagreement_given_consensus": pytest.approx(2 / 3),
        "worth_given_success": 0.5,
        "search_success/question": 0.5, "effective_kinds": 1,
    }  # fmt: skip


def test_repetition_is_paid_less_in_the_group_and_later(panel: Panel, images: ImageMemory) -> None:
    reward = make(panel, images, Novelty(strength=4))
    assert rewards(reward, "<question> f?", "<question> f?", "<question> fresh?") == [0.5, 0.5, 1]
    assert rewards(reward, "<question> f?", "<question> a?") == [0.2, 0]


def test_missing_answers_are_no_success_for_the_archive(panel: Panel, images: ImageMemory) -> None:
    reward = make(panel, images, Novelty())
    rewards(reward, "<question> m?", "<question> a?")
    assert reward.state() == {"novelty": {}, "silent_steps": 0}


def test_a_judge_that_fails_is_no_zero(images: ImageMemory) -> None:
    class Undecided(Panel):
        def judge(self, probe: Probe) -> Judged:
            return Judged(Exchange(probe, "no", {"r": "yes"}), Verdict("invalid", "yes", 1.0, NO_JUDGEMENT))

    assert rewards(make(Undecided(), images), "<question> f?") == [None]


def test_nothing_is_asked_when_nothing_parses(panel: Panel, images: ImageMemory) -> None:
    assert rewards(make(panel, images), "", "x") == [-0.5, -0.5]
    assert panel.asked == []


def test_training_stops_when_no_answers_come(panel: Panel, images: ImageMemory) -> None:
    reward = make(panel, images, patience=2)
    rewards(reward, "<question> m?")
    rewards(reward, "<question> m?", "<question> a?")  # an answer: the count starts again
    rewards(reward, "<question> m?", "unparsed")
    rewards(reward, "unparsed")  # nothing was asked: the count stays
    with pytest.raises(ModelError, match="no answer was got in 2 steps"):
        rewards(reward, "<question> m?")


def test_state_is_restored(panel: Panel, images: ImageMemory) -> None:
    reward, again = make(panel, images, Novelty()), make(panel, images, Novelty())
    rewards(reward, "<question> f?", "<question> fresh?")
    again.restore(reward.state())
    assert rewards(again, "<question> f?") == rewards(reward, "<question> f?") == [1 / 5]
    assert again.state() == reward.state()


def test_completions_of_both_shapes_are_read() -> None:
    assert text_of("x") == "x"
    assert text_of([{"role": "assistant", "content": "x"}]) == "x"
    assert text_of([{"role": "assistant", "content": None}]) == ""


def test_what_is_known_is_paid_nothing(panel: Panel, images: ImageMemory) -> None:
    sha = images.put(Image.new("RGB", (2, 2)))
    seeds = [Seed("s", sha, "", "fine?", "", "made", "CC0-1.0", "discovery")]
    reward = AuditReward(seeds, panel, ImageTools(images), known=lambda row: "old" in row.probe.question)
    texts = ("<question> f old?", "<question> f new?", "<question> a old?", "<question> i old?")
    assert rewards(reward, *texts) == [0.0, 1.0, 0.0, -0.5]
