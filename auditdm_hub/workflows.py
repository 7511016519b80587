"""The stages, composed: what the command line and a notebook call.

    pool -> train -> probe (one table per arm) -> curate -> report

Each stage that the run's manifest lists as finished is left out; the trained auditor and the tables go on where they
end. See `auditdm_hub.runs`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from auditdm_hub.audit.ask import ask
from auditdm_hub.audit.auditors import Arm
from auditdm_hub.audit.generate import generate, read_trials
from auditdm_hub.audit.judge import load_judge
from auditdm_hub.audit.pool import dataset_items, fill_pool, folder_items
from auditdm_hub.audit.probe import ImageTools, plan
from auditdm_hub.audit.prompts import DEFAULT_PROMPTS
from auditdm_hub.audit.vote import vote
from auditdm_hub.config import FREE_KEYS, PLAYGROUND, AuditConfig
from auditdm_hub.errors import ConfigError
from auditdm_hub.records import Judged, Probe, Seed
from auditdm_hub.runs import Run
from auditdm_hub.tables import read_rows, write_table

if TYPE_CHECKING:
    from auditdm_hub.protocols import Judge, VisionLanguageModel

Progress = Callable[[int, int], None]


def audit(
    config: AuditConfig, *, resume: bool, yes: bool, say: Callable[[str], None], stage: Callable[[str], Progress]
) -> Run:
    """Run an audit and return its run.

    Args:
        config: what to audit, against what, on what.
        resume: go on with the run in `config.out`.
        yes: do not ask before an expensive audit.
        say: gets one line at a time for whoever watches.
        stage: begins a stage by name and returns what reports its progress.

    Raises:
        ConfigError: the playground's models are asked for, which this version does not ship yet.
    """
    if PLAYGROUND in (config.target, config.auditor, config.pool):
        raise ConfigError("the playground's models are not part of this version yet: name --target, --auditor, --pool")
    from auditdm_hub.models import load_vlm
    from auditdm_hub.models.transformers_auditor import TransformersAuditor

    with Run.create(Path(config.out), config.model_dump(mode="json"), resume, FREE_KEYS) as run:
        seeds = _pool(config, run, stage("pool"))
        models = [load_vlm(name, device=config.device) for name in (config.target, *config.references)]
        prompts = DEFAULT_PROMPTS.override(**config.prompts.model_dump())
        auditor = TransformersAuditor.load(config.auditor, prompts.render, device=config.device)
        tools = ImageTools(run.images, config.seed)
        judge = load_judge(config.judge)
        begun = time.monotonic()
        drafts = plan([seed for seed in seeds if seed.split == "discovery"], config.actions, config.probes)
        if not run.stage_done("probe"):
            generate(
                Arm("prompt_only", auditor),
                drafts,
                tools,
                lambda probes: _ask_and_vote(probes, tools, models, judge, config.quorum),
                run.path / "exchanges" / "prompt_only",
                stage("probe"),
            )
            run.finish_stage("probe", ["exchanges/prompt_only"], time.monotonic() - begun)
        trials = read_trials(run.path / "exchanges" / "prompt_only")
        say(f"{sum(trial.failed for trial in trials)} of {len(trials)} trials are failures of {config.target}")
    return run


def _pool(config: AuditConfig, run: Run, progress: Progress) -> list[Seed]:
    if not run.stage_done("pool"):
        begun = time.monotonic()
        folder = Path(config.pool)
        items = (
            folder_items(folder, config.pool_license)
            if folder.is_dir()
            else dataset_items(config.pool, config.columns, config.pool_license)
        )
        pool = fill_pool(items, config.pool_size, run.images, progress)
        write_table(run.path / "seeds.parquet", [asdict(seed) for seed in pool.seeds])
        run.finish_stage("pool", ["seeds.parquet"], time.monotonic() - begun)
    return [Seed(**row) for row in read_rows(run.path / "seeds.parquet")]  # type: ignore[arg-type]


def _ask_and_vote(
    probes: Sequence[Probe], tools: ImageTools, models: "Sequence[VisionLanguageModel]", judge: "Judge", quorum: int
) -> list[Judged]:
    exchanges = ask(probes, tools.images.get, models[0], models[1:])
    verdicts = vote(exchanges, judge, {model.id: model.family for model in models[1:]}, quorum)
    return [Judged(exchange, verdict) for exchange, verdict in zip(exchanges, verdicts, strict=True)]
