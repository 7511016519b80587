"""`auditdm_hub.confirm`, `rectify` and `evaluate`: what the commands of these names do, from Python.

from auditdm_hub import audit, confirm, evaluate, rectify

run = audit(out="runs/mine")
confirm(run.path)
rectify(run.path, steps=1000)
evaluate("playground", adapter=str(run.path / "rectified" / "adapter"), suite="playground")
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditdm_hub.config import rectification_of, refuse_answer_prompt
from auditdm_hub.errors import ConfigError
from auditdm_hub.runs import Run, default_path
from auditdm_hub.workflows.api import split_settings
from auditdm_hub.workflows.confirmation import Confirmation, confirm_run
from auditdm_hub.workflows.evaluation import Evaluation, run_evaluation
from auditdm_hub.workflows.rectification import Rectification, rectify_release, rectify_run, require_audit
from auditdm_hub.workflows.rounds import Measures, rectify_rounds
from auditdm_hub.workflows.watching import SILENT, Watcher

if TYPE_CHECKING:
    from auditdm_hub.protocols import VisionLanguageModel


CONFIRM_WITH = ("target", "references", "judge", "embedder", "pool")
"""What is given again, as objects, to confirm an audit that was made with objects."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is learned from: a run, or a released failure set with the model that is to be repaired.

    `out` is the folder of a new run for the latter ("" = a new one in runs/), and `answer_prompt` the text around
    "{question}" with which a chat model is asked.
    """

    run: Path | None = None
    failures: str = ""
    target: str = ""
    out: str = ""
    answer_prompt: str = ""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            ConfigError: it names both or neither, or half of one.
        """
        if bool(self.run) == bool(self.failures):
            raise ConfigError(
                "wanted either RUN, the folder of an audit, or --failures REPO@VERSION with --target MODEL"
            )
        if self.failures and not self.target:
            raise ConfigError("--failures needs --target MODEL, the model to repair")
        given = {"--target": self.target, "--out": self.out, "--answer-prompt": self.answer_prompt}
        mine = next((option for option, value in given.items() if value), "")
        if self.run and mine:
            raise ConfigError(f"{mine} goes with --failures: a run has its own")
        refuse_answer_prompt(self.answer_prompt)

    def path(self, resume: bool) -> Path:
        """Return the folder of the run that is rectified."""
        name = f"rectify-{Path(self.target).name}"
        return self.run or (Path(self.out) if self.out else default_path(Path("runs"), name, latest=resume))


@dataclass(frozen=True, slots=True)
class Again:
    """How often it is rectified, and what each round is measured with beside the first audit's failures."""

    rounds: int = 1
    benchmarks: Sequence[str] = ()
    data: str = ""

    def __post_init__(self) -> None:
        """Refuse what would not be used.

        Raises:
            ConfigError: benchmarks are named, but there is one round only.
        """
        if self.rounds == 1 and (self.benchmarks or self.data):
            raise ConfigError("--benchmark and --data go with --rounds; for one round: auditdm-hub evaluate --adapter")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled data set that is probed in the place of the pool; `columns` says which of its columns hold what."""

    data: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


def confirm(run: Path | str, *, watcher: Watcher = SILENT, **settings: Any) -> Run:  # noqa: ANN401 - numbers, objects
    """Test the failure types of a run on fresh images; return the run, whose results have their status.

    Args:
        run: the folder of a finished audit.
        watcher: is told how it comes along.
        settings: fields of `auditdm_hub.workflows.confirmation.Confirmation`; and, where the audit had objects in the
            place of names, the same `target`, `references`, `holdout`, `judge`, `embedder` and `pool`.

    Raises:
        AuditDMError: there is nothing to test, or no model can stand aside; the message says what to do.
    """
    names, objects = split_settings(settings)
    wanted = {name: value for name, value in names.items() if name in Confirmation.__dataclass_fields__}
    for name in sorted(set(names) - set(wanted)):
        if name not in CONFIRM_WITH:
            raise ConfigError(
                f"{name}: unknown, wanted {', '.join((*Confirmation.__dataclass_fields__, *CONFIRM_WITH))}"
            )
        if not getattr(objects, name):
            raise ConfigError(
                f"{name}: got {names[name]!r}, but a run has its own: wanted the object that it was made with"
            )
    return confirm_run(Path(run), Confirmation(**wanted), objects, watcher)


def rectify(
    run: Path | str | Source, *, again: Again = Again(), labelled: Labelled = Labelled(), resume: bool = False,
    watcher: Watcher = SILENT, **settings: Any,  # noqa: ANN401 - numbers and names
) -> Run:  # fmt: skip
    """Repair the target of an audit, or a model with a released failure set; return the run that holds the adapter.

    Args:
        run: the folder of a finished audit, or another source.
        again: how often.
        labelled: a data set to extend.
        resume: go on with a rectification that is there.
        watcher: is told how it comes along.
        settings: `merge` (also write the model with the adapter in it), `seed` (same seed, same adapter), `device`
            (where it runs; default: that of the audit), `max_cost` (of endpoints, for each audit made for it), and
            keys of `rectification` in a configuration, in the place of those of the audit.

    Raises:
        AuditDMError: something contradicts itself or cannot be used; the message says what to do.
    """
    source = run if isinstance(run, Source) else Source(Path(run))
    config = Run.open(source.run).config if source.run else {}
    if source.run:
        require_audit(Run.open(source.run))
    if source.run is None and settings.get("max_cost") is not None:
        raise ConfigError("--max-cost goes with RUN: a released failure set asks no endpoint")
    mine = {key: settings.pop(key) for key in ("merge", "seed", "device", "max_cost") if key in settings}
    mine["device"] = mine.get("device") or config.get("device") or "auto"
    section = rectification_of(config, settings)
    wanted = Rectification.of(section, labelled=labelled.data, columns=dict(labelled.columns), **mine)
    path = source.path(resume)
    if source.run is None:
        if again.rounds > 1:
            raise ConfigError("--rounds goes with RUN: a released failure set has no auditor that could audit again")
        return rectify_release(source.failures, source.target, path, wanted, resume, watcher, source.answer_prompt)
    if again.rounds > 1:
        rectify_rounds(path, wanted, again.rounds, Measures(tuple(again.benchmarks), again.data), resume, watcher)
        return Run.open(path)
    return rectify_run(path, wanted, resume, watcher)


def evaluation_path(model: str, latest: bool) -> Path:
    """Return the folder of an evaluation that names none: a new one in runs/, or the latest of that model."""
    return default_path(Path("runs"), f"evaluate-{Path(model.rpartition('#')[2]).name}", latest=latest)


def evaluate(
    model: "str | Path | VisionLanguageModel", *, out: Path | str = "", resume: bool = False, watcher: Watcher = SILENT,
    **wanted: Any,  # noqa: ANN401 - fields of `Evaluation`
) -> Run:  # fmt: skip
    """Measure a model on benchmarks and released failures; return the run, which holds `evaluation.json`.

    Args:
        model: a folder, a Hub id, `URL#MODEL`, "playground", or an object that follows `auditdm_hub.protocols`.
        out: folder of the run; "" = a new one in runs/.
        resume: go on with the run in `out`.
        watcher: is told how it comes along.
        wanted: fields of `auditdm_hub.workflows.evaluation.Evaluation`.

    Raises:
        AuditDMError: something cannot be used; the message says what to do.
    """
    own = None if isinstance(model, str | Path) else model
    name = str(model) if own is None else own.id
    path = Path(out) if out else evaluation_path(name, latest=resume)
    return run_evaluation(Evaluation(name, **wanted), path, resume, own, watcher)
