"""Judged items without pictures, for the tests of confirmation."""

from collections.abc import Mapping, Sequence

from auditdm_hub.auditing.judge import VQAJudge
from auditdm_hub.confirming.jury import Jury, juries
from auditdm_hub.records import Exchange, Judged, Probe, Seed, Verdict

VOTERS = {"a-1": "owl", "b-1": "hawk", "c-1": "lynx"}


def panel(aside: str = "h-1", voters: Mapping[str, str] = VOTERS, quorum: int = 0) -> list[Jury]:
    return juries(voters, aside, VQAJudge(), quorum)


def item(image: str, question: str, consensus: str, target: str, other: str | None = None, **voters: str) -> Judged:
    """An exchange on which the voters agree, unless they are given; `other` is what the model aside says."""
    said = {"a-1": consensus, "b-1": consensus, "c-1": consensus, **{k.replace("_", "-"): v for k, v in voters.items()}}
    answers: dict[str, str | None] = {**said, "h-1": consensus if other is None else other}
    probe = Probe("s", "confirm", "question", 0, "", question, "auditor", image, "original", "", image)
    return Judged(
        Exchange(probe, target, answers), Verdict("agreement" if target == consensus else "failure", consensus, 1.0)
    )


def seeds(count: int, question: str = "") -> dict[str, Sequence[Seed]]:
    """Images of one seed each."""
    return {f"i{k}": [Seed(f"s{k}", f"i{k}", "", question, "", "made", "CC0-1.0", "confirm")] for k in range(count)}
