"""What is known of an adapter that is to be published: from the run that it came from."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from auditdm_hub.config import PLAYGROUND
from auditdm_hub.errors import ReleaseError, RunError
from auditdm_hub.evaluating.comparison import FILE, Comparison, read_comparisons, weights_of
from auditdm_hub.playground.models import TARGET
from auditdm_hub.publishing.adapter import AdapterWish, base_of
from auditdm_hub.publishing.facts import Adapter, License
from auditdm_hub.publishing.run_rows import portable
from auditdm_hub.rectifying.examples import KEPT
from auditdm_hub.report import checked_results
from auditdm_hub.report.rounds import read_rounds
from auditdm_hub.report.schema import Results
from auditdm_hub.runs import MANIFEST, Run
from auditdm_hub.tables import read_rows
from auditdm_hub.workflows.parts import ADAPTER

RECTIFIED, STACKED = "rectified/adapter", "rounds/adapter"
TRAINED = (
    *("learning_rate", "beta", "num_generations", "prompts_per_step", "temperature"),
    *("lora_rank", "lora_alpha", "loss_type"),
)
LIBRARIES = ("peft", "trl", "transformers", "torch")
TUNED = ("learning_rate", "batch_size", "lora_rank", "lora_alpha", "adapt", "agreement", "replay")


def adapter_facts(
    run: Run, wish: AdapterWish, given: Path, base: str, license_of: Callable[[str], str],
    evaluations: Sequence[Path] = (), rows: bool = False,
) -> tuple[Path, Adapter]:  # fmt: skip
    """Return the folder of an adapter and what is known of it.

    Args:
        run: the run that is published.
        wish: what it is published as.
        given: a folder with an adapter, or a run that has one.
        base: the Hub id of the base model, if the user says it.
        license_of: returns the licence of a model.
        evaluations: runs of `auditdm-hub evaluate` with this adapter.
        rows: whether the table of what it was trained on goes along.

    Raises:
        ReleaseError: there is no adapter, an evaluation is one of another, or there is no such table.
    """
    source, purpose, owner = _find(run, given)
    named = base or base_of(source)
    results = _audit(owner)
    licence = license_of(_adapted_model(owner, results, purpose)) or license_of(named)
    if not licence:
        raise ReleaseError(f"the licence of {named} is unknown: say it with --model-license {named}=LICENCE")
    training = owner.config.get("training", {})
    steps = results["training"]["steps"] if results and purpose == "auditor" else 0
    own = source.resolve() == (owner.path / RECTIFIED).resolve()
    stacked = source.resolve() == (owner.path / STACKED).resolve()
    repaired = _repaired(owner) if own else Repaired({}, {}, 0.0)
    return source, Adapter(
        name=wish.name,
        on_hub=wish.on_hub,
        version="",
        license=License(licence),
        base=named,
        base_license=licence,
        purpose=purpose,
        datasets=_learned_from(owner, results),
        training={"steps": steps, "images": results["pool"]["images"]} if results and steps else repaired.training,
        hyperparameters=(
            {key: str(training[key]) for key in TRAINED if key in training} if steps else repaired.hyperparameters
        ),
        hardware=str(owner.manifest.get("hardware", "")) if steps or repaired.seconds else "",
        seconds=results["seconds"]["train"] if results and steps else repaired.seconds,
        versions={key: str(value) for key, value in owner.manifest["versions"].items() if key in LIBRARIES},
        comparisons=_comparisons(owner, source, evaluations),
        rows=_rows(owner, own) if rows else None,
        rounds=tuple(read_rounds(owner.path)) if stacked else (),
        audits=(results,) if results else (),
    )


def _comparisons(owner: Run, source: Path, evaluations: Sequence[Path]) -> tuple[Comparison, ...]:
    """Return before and after: what its own run says, and what evaluations say beside."""
    own = (file for file in (owner.path / FILE, (owner.path / STACKED).parent / FILE) if _is_of(file, source))
    found = {each.name: each for file in own for each in read_comparisons(file)}
    for path in evaluations:
        if not (path / FILE).is_file():
            raise ReleaseError(f"--evaluation {path}: wanted the folder of an evaluation, which holds {FILE}")
        if not _is_of(path / FILE, source):
            raise ReleaseError(
                f"--evaluation {path}: that is none of this adapter: evaluate it with --adapter {source}"
            )
        found = {**{each.name: each for each in read_comparisons(path / FILE)}, **found}
    return tuple(sorted(found.values(), key=lambda each: (not each.regressed, each.name)))


def _is_of(evaluation: Path, adapter: Path) -> bool:
    """Whether an evaluation measured these weights."""
    if not evaluation.is_file():
        return False
    try:
        measured = json.loads(evaluation.read_text())["adapter_sha256"]
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{evaluation} is damaged, or was written by another version") from None
    return bool(measured == weights_of(adapter))


def _audit(owner: Run) -> Results | None:
    """Return the results of a run's audit; None of a rectification with a released failure set, which has none."""
    if "failures" in owner.config:
        return None
    return portable(checked_results(owner.results(), owner.path / "results.json"))


def _learned_from(owner: Run, results: Results | None) -> tuple[str, ...]:
    """Return what an adapter learned from; of a folder of releases, whose path is nobody's business, nothing."""
    if results:
        return (str(results["pool"]["source"]),)
    address = str(owner.config["failures"])
    return () if Path(address.partition("@")[0]).exists() else (address,)


def _adapted_model(owner: Run, results: Results | None, purpose: str) -> str:
    if results:
        return str(results["models"]["auditor"]["base"] if purpose == "auditor" else results["target"])
    name = str(owner.config["target"])
    if name == PLAYGROUND:
        return TARGET
    return Path(name).resolve().name if Path(name).is_dir() else name


def _rows(run: Run, own: bool) -> Path:
    """Return the table of what a run's adapter was trained on."""
    table = run.path / "rectified" / "training.parquet"
    if not own or not table.is_file():
        raise ReleaseError("--training-rows: of this adapter it is not known what it was trained on: leave it out")
    return table


@dataclass(frozen=True, slots=True)
class Repaired:
    """What the stages of a rectification say of it; empty where the adapter came from elsewhere."""

    training: dict[str, float]
    hyperparameters: dict[str, str]
    seconds: float


def _repaired(run: Run) -> Repaired:
    stage, folder = run.stages.get("rectify"), run.path / "rectified"
    if stage is None:
        return Repaired({}, {}, 0.0)
    rows = list(read_rows(folder / "training.parquet", ["image_sha", "part", "held_out"]))
    taught = [row for row in rows if not row["held_out"]]
    steps = [json.loads(line)["step"] for line in (folder / "tuned" / "log.jsonl").read_text().splitlines()]
    settings = json.loads((folder / "settings.json").read_text())
    training = {
        "steps": max(steps), "rows": len(taught), "images": len({row["image_sha"] for row in taught}),
        "replayed rows": sum(row["part"] in KEPT for row in taught), "rows held out": len(rows) - len(taught),
    }  # fmt: skip
    tried = json.loads((folder / "strength.json").read_text())
    if tried:
        training["share of the change kept"] = tried[-1]["share"]
    named = {**settings["tuning"], **{key: settings["mixture"][key] for key in ("agreement", "replay")}}
    chosen = {key: str(named[key]) for key in TUNED}
    draft = run.stages.get("rectify draft")
    return Repaired(training, chosen, stage.seconds + (draft.seconds if draft else 0.0))


def _find(run: Run, given: Path) -> tuple[Path, str, Run]:
    owner = Run.open(given) if (given / MANIFEST).is_file() else run
    if not (given / MANIFEST).is_file():
        purpose = "auditor" if given.resolve() == (run.path / ADAPTER).resolve() else "rectified"
        return given, purpose, owner
    for folder, purpose in ((STACKED, "rectified"), (RECTIFIED, "rectified"), (ADAPTER, "auditor")):
        if (given / folder).is_dir():
            return given / folder, purpose, owner
    raise ReleaseError(f"{given} holds no adapter: its auditor was not trained, and nothing was rectified")
