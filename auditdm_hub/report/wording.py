"""How figures and states read, the same in the terminal, in markdown and in HTML."""

from collections import Counter
from collections.abc import Collection, Mapping

from auditdm_hub.evaluating.comparison import Comparison
from auditdm_hub.records import Outcome, TypeStatus
from auditdm_hub.report.schema import ARMS, Arm, Rate, Results, SearchSuccess, TypeResult
from auditdm_hub.text import plural

BEST_FIRST: tuple[Arm, ...] = ("trained", "prompt_only", "random")
ARM_NAMES: Mapping[Arm, str] = {"prompt_only": "prompt-only", "random": "random", "trained": "trained"}
STATUSES: Mapping[TypeStatus, str] = {
    "confirmed": "on fresh images the target errs more often than a model without a vote, and than on controls",
    "suggestive": "fresh images neither confirm nor refute it",
    "proposed": "found in the search, not yet tested on fresh images",
    "rejected": "it did not hold on fresh images",
}
REPAIR = (
    "Wrong answers before and after the adapter, on images that it was not trained on: to failures, by type, and to "
    "controls, which the target got right. What got worse comes first; p is of a paired test, corrected for the number "
    "of rows."
)
OUTCOME_NAMES: Mapping[Outcome, str] = {
    "failure": "target contradicts the consensus",
    "agreement": "target agrees with the consensus",
    "no_consensus": "references disagree",
    "invalid": "invalid",
}


def percent(rate: float, digits: int = 0) -> str:
    """Return a share as a percentage; one that is not 0 or 1 is never shown as 0% or 100%."""
    step = 10.0 ** -(digits + 2)
    if 0 < rate < step / 2:
        return f"<{step * 100:.{digits}f}%"
    if 1 - step / 2 < rate < 1:
        return f">{(1 - step) * 100:.{digits}f}%"
    return f"{rate * 100:.{digits}f}%"


def interval(low: float, high: float, dash: str = "–") -> str:
    """Return the ends of an interval in whole percent, "68–74%", rounded outwards."""
    return f"{int(low * 100 + 1e-9)}{dash}{-int(-high * 100 // 1)}%"


def rate_text(rate: Rate, dash: str = "–") -> str:
    """Return "71% (68–74%)"."""
    return f"{percent(rate['rate'])} ({interval(rate['low'], rate['high'], dash)})"


def compared(one: Comparison) -> str:
    """Return the name of what was compared, marked if it got worse."""
    return f"{one.name} (worse)" if one.regressed else one.name


def change(one: Comparison) -> str:
    """Return the difference with its 95% interval in points, "-87.5 (-92.5 to -81.0)"."""
    difference, low, high = (f"{100 * value:+.1f}" for value in (one.difference, one.low, one.high))
    return f"{difference} ({low} to {high})"


def chance(p_value: float | None) -> str:
    """Return a p-value with three digits, "" if nothing was tested."""
    if p_value is None:
        return ""
    return "<0.001" if p_value < 0.0005 else f"{p_value:.3f}"


def duration(seconds: float) -> str:
    """Return "41 s", "4 min 12 s" or "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def number(value: float) -> str:
    """Return a count with thousands apart, or a fraction with three significant digits."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3g}"


def arms(results: Results) -> dict[Arm, SearchSuccess]:
    """Return the auditors that ran, in their order."""
    found = {arm: results["search_success"].get(arm) for arm in ARMS}
    return {arm: success for arm, success in found.items() if success}


def scored(results: Results) -> tuple[int, int]:
    """Return in how many trials the target could be compared with a consensus, and how many trials there were."""
    every = arms(results).values()
    return (
        sum(arm["outcomes"]["failure"] + arm["outcomes"]["agreement"] for arm in every),
        sum(arm["trials"] for arm in every),
    )


def invalid_reasons(results: Results) -> dict[str, int]:
    """Return why trials of all auditors were invalid, the most frequent reason first."""
    counts = Counter[str]()
    for arm in arms(results).values():
        counts.update(arm["invalid_reasons"])
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def status_counts(results: Results) -> str:
    """Return "2 confirmed, 9 proposed"."""
    counts = Counter(kind["status"] for kind in results["failure_types"])
    return ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])


def tested(kind: TypeResult) -> str:
    """Return what fresh images say of a type, in sentences; "" if none were asked about."""
    found = kind.get("confirmation")
    if found is None:
        return ""
    if not found["questions"]:
        return "No question of this type could be asked about the fresh images."
    target, aside, controls = (
        f"{percent(one['rate'])} ({interval(one['low'], one['high'])}) of {one['items']:,}"
        for one in (found["target"], found["aside"], found["controls"])
    )
    said = (
        f"On fresh images, asked {plural(found['questions'], 'different question')}, the target errs in {target}, "
        f"{_short(found['aside_model'])}, which had no vote on them, in {aside}"
    )
    said += (
        f", and the target on matched controls in {controls}" if found["controls"]["items"] else ", without controls"
    )
    said += f" (q = {chance(kind['q_value'])})."
    if found["questions"] == 1:
        said += " A type is more than one question, so this cannot confirm it."
    elif kind["status"] == "suggestive":
        said += (
            f" If it erred in 30% of the type and in 10% of controls, so many would be enough to show it in "
            f"{percent(found['power'])} of cases."
        )
    return said


def tested_on(results: Results) -> str:
    """Return how types were tested, in sentences; "" if they were not."""
    how = results.get("confirmation")
    if how is None:
        return ""
    return (
        f"Tested on {plural(how['images'], 'fresh image')}. Confirmed: there the target errs more often than a model "
        f"without a vote, and by more than {100 * how['margin']:g} points more than on controls, other questions about "
        f"the same images, also without the most frequent question; q, the share of false discoveries, is at most "
        f"{how['level']:g}. Rates in the table are "
        "those of the search."
    )


def best_arm(found: Collection[Arm]) -> Arm:
    """Return the auditor whose result is the audit's: the trained one, else the one that looks at the image."""
    return next(arm for arm in BEST_FIRST if arm in found)


def verdict(results: Results) -> str:
    """Return what the audit found, in one sentence."""
    found = arms(results)
    target = model_names(results).get(results["target"], results["target"])
    if not found:
        return f"The model {target} was asked nothing."
    best = best_arm(found)
    success = found[best]
    families = len({model["family"] for model in results["models"]["references"]})
    sentence = (
        f"The model {target} contradicts the consensus of "
        f"{plural(families, 'reference family', 'reference families')} in "
        f"{percent(success['rate'], 1)} of {plural(success['trials'], 'trial')} by the {ARM_NAMES[best]} auditor "
        f"(95% interval {interval(success['low'], success['high'])})"
    )
    if best == "trained" and "prompt_only" in found:
        sentence += f", against {percent(found['prompt_only']['rate'], 1)} by the same auditor before training"
    kinds = results["failure_types"]
    if kinds:
        return f"{sentence}; its failures form {plural(len(kinds), 'type')} ({status_counts(results)})."
    return f"{sentence}; no failure type could be named."


def passes(results: Results) -> list[str]:
    """Return a sentence on what an auditor did not want to try; nothing if nobody passed."""
    return [
        f"The {ARM_NAMES[arm]} auditor passed on {success['passes']:,} of {success['trials'] + success['passes']:,} "
        f"offers (yield {percent(success['trials'] / (success['trials'] + success['passes']))}): the image, as it sees "
        "it, did not show what it was to look for, or its text gave no new picture. A pass asks no other model, and is "
        "no trial."
        for arm, success in arms(results).items()
        if success["passes"]
    ]


def trust(results: Results) -> list[str]:
    """Return what is known of how far the consensus can be trusted, a sentence each."""
    consensus, sentences = results["consensus"], list[str]()
    holdout, sided, voters = consensus["holdout"], consensus["target_only_correct"], consensus["effective_voters"]
    if holdout and holdout["answered"]:
        sentences.append(
            f"The holdout, which has no vote, gives {percent(holdout['rate'], 1)} of the consensus answers."
        )
    if sided and sided["answered"]:
        sentences.append(
            f"It sides with the target in {sided['agreed']:,} of {sided['answered']:,} failures, "
            f"{percent(sided['rate'], 1)}: those may be mistakes of the consensus."
        )
    if voters:
        families = plural(len(consensus["by_family"]), "reference family", "reference families")
        sentences.append(f"Held against it, {families} are worth {voters:.1f} independent voters.")
    best = best_arm(arms(results)) if arms(results) else None
    without = {family: rates[best] for family, rates in consensus["left_out"].items() if best in rates}
    if best and without:
        each = ", ".join(f"{percent(rate['rate'], 1)} without {family}" for family, rate in without.items())
        sentences.append(f"Search success of the {ARM_NAMES[best]} auditor if a family had no vote: {each}.")
    return sentences


def model_names(results: Results) -> dict[str, str]:
    """Return a short name for each model id; the id itself where two would be alike."""
    models = results["models"]
    every = [models["target"], *models["references"], *([models["holdout"]] if models["holdout"] else [])]
    short = {model["id"]: _short(model["id"]) for model in every}
    taken = Counter(short.values())
    return {identity: name if taken[name] == 1 else identity for identity, name in short.items()}


def _short(identity: str) -> str:
    name, _, rest = identity.partition("@")
    adapter = " + adapter" if "+" in rest else ""
    return (name.rstrip("/").rpartition("/")[2] or identity) + adapter
