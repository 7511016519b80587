"""What the report must know of a run beside its trials: models, licences, cost, time."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from auditdm_hub import __version__
from auditdm_hub.auditing.leave_out import Tally
from auditdm_hub.clock import is_of_the_machine
from auditdm_hub.config import AuditConfig
from auditdm_hub.models.revision import versioned
from auditdm_hub.protocols import VisionLanguageModel
from auditdm_hub.records import Judged, Seed
from auditdm_hub.report import ModelFacts, PoolFacts, RunFacts, RunModels
from auditdm_hub.runs import Run
from auditdm_hub.workflows.parts import ADAPTER, Cast

STAGES = ("train", "probe", "curate")
MODELS = "models.json"
UNKNOWN = ("", "unknown", "other", "none")
NO_CHANGES = re.compile(r"(^|[^a-z])nd([^a-z]|$)|noderiv", re.IGNORECASE)


def publishable(seeds: Sequence[Seed]) -> tuple[bool, str]:
    """Return whether the licences of the images allow a release, and why.

    A licence must be stated for every image, and must not forbid to change it. What the licences of the models ask for
    is said when a result is published.
    """
    licences = Counter(seed.licence for seed in seeds)
    unknown = sum(count for name, count in licences.items() if name.lower() in UNKNOWN)
    if unknown:
        return False, f"the licence of {unknown:,} images is unknown (say it with --pool-license)"
    closed = sorted(name for name in licences if NO_CHANGES.search(name))
    if closed:
        return False, f"{', '.join(closed)} forbids changed images"
    return True, f"images under {', '.join(sorted(licences))}"


def models_of(config: AuditConfig, run: Run, cast: Cast) -> dict[str, object]:
    """Return, as JSON types, every model that took part: kept in the run, so that nothing is loaded to report it."""
    adapter = run.path / ADAPTER if config.steps else cast.trained_before
    base = cast.auditor_id
    models = RunModels(
        target=_model(cast.target),
        references=tuple(_model(model) for model in cast.references),
        auditor=base,
        trained_auditor=f"{base}+{versioned(str(adapter))}" if adapter else "",
        judge=cast.judge.id,
        embedder=cast.embedder.id,
        editor=cast.editor.id if cast.editor else "",
        generator=cast.generator.id if cast.generator else "",
        holdout=_model(cast.holdout) if cast.holdout else None,
    )
    return asdict(models)


def run_facts(
    config: AuditConfig,
    run: Run,
    seeds: Sequence[Seed],
    judged: Sequence[Judged],
    passes: Mapping[str, int],
    left_out: Tally,
    command: str,
) -> RunFacts:
    """Return everything that is known of a run whose probing is done.

    Nothing of it but times and dates depends on how often the run was interrupted: costs are counted in its tables.
    """
    models = _kept_models(run)
    stages = run.stages
    seconds = {name: stages[name].seconds if name in stages else 0.0 for name in STAGES}
    total = sum(stages[name].seconds for name in ("pool", *STAGES) if name in stages)
    asked = 1 + len(models.references) + (models.holdout is not None)
    return RunFacts(
        version=__version__,
        seed=config.seed,
        date=str(run.manifest["created"]),
        models=models,
        pool=_pool(config, run, seeds),
        publishable=publishable(seeds),
        seconds={**seconds, "total": total},
        cost=_cost(config, judged, asked, passes),
        training_log=_training_log(run) if config.steps else (),
        versions=dict(run.manifest["versions"]),
        faults=_faults(judged, models),
        command=command,
        passes=passes,
        left_out=left_out,
    )


def _kept_models(run: Run) -> RunModels:
    kept = json.loads((run.path / MODELS).read_text())
    return RunModels(
        **kept
        | {
            "target": ModelFacts(**kept["target"]),
            "references": tuple(ModelFacts(**model) for model in kept["references"]),
            "holdout": ModelFacts(**kept["holdout"]) if kept["holdout"] else None,
        }
    )


def _model(model: VisionLanguageModel) -> ModelFacts:
    return ModelFacts(model.id, model.family)


def _pool(config: AuditConfig, run: Run, seeds: Sequence[Seed]) -> PoolFacts:
    images = {seed.image_sha: seed for seed in seeds}
    licences = sorted({seed.licence for seed in seeds})
    return PoolFacts(
        source=config.pool,
        images=len(images),
        skipped=json.loads((run.path / "pool.json").read_text())["skipped"],
        splits=dict(Counter(seed.split for seed in images.values())),
        licence=", ".join(licences) if "" not in licences else "",
    )


def _cost(config: AuditConfig, judged: Sequence[Judged], models: int, passes: Mapping[str, int]) -> dict[str, float]:
    training = config.steps * config.training.prompts_per_step * config.training.num_generations
    asked = {(row.probe.image_sha, row.probe.question) for row in judged if not row.probe.fault}
    cost: dict[str, float] = {
        "texts written in training": training,
        "texts written in probing": len(judged) + sum(passes.values()),
        "distinct questions asked in probing": len(asked),
        "answers got in probing": len(asked) * models,
    }
    checked = sum(bool(row.probe.wish) and not row.probe.fault for row in judged) + sum(passes.values())
    if checked:
        cost["questions that the auditor checked in probing, or passed on"] = checked
    return cost


def _training_log(run: Run) -> list[dict[str, float]]:
    lines = (run.path / "auditor" / "log.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if not is_of_the_machine(key)} for line in lines]


def _faults(judged: Sequence[Judged], models: RunModels) -> dict[str, int]:
    """Count by model the trials to which it gave no answer."""
    asked = [row.exchange for row in judged if not row.probe.fault]
    counts = Counter({models.target.id: sum(exchange.target_answer is None for exchange in asked)})
    for exchange in asked:
        counts.update(name for name, answer in exchange.reference_answers.items() if answer is None)
    return {f"no answer from {name}": count for name, count in sorted(counts.items()) if count}
