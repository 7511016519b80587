"""What `auditdm-hub audit --plan` prints."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from auditdm_hub.text import visible

if TYPE_CHECKING:
    from rich.console import Console

    from auditdm_hub.workflows.preview import PlannedModel, Preview

GB, GIB = 10**9, 2**30
HOUR = 3600


def show(plan: "Preview", console: "Console") -> None:
    """Print models, memory, time and advice."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("model", "roles", "revision", "licence", "parameters", "download")
    table.columns[0].overflow = "fold"
    for model in plan.models:
        table.add_row(escape(model.name), ", ".join(model.roles), model.revision or model.where,
                      escape(visible(model.licence)) or "not stated", _billions(model), _gigabytes(model))  # fmt: skip
    console.print(table)
    for model in plan.models:
        if model.note:
            console.print(f"{escape(model.name)}: {escape(visible(model.note))}")
    total = sum(model.download for model in plan.models)
    where = f"{plan.gpu}, {plan.gpu_memory / GIB:.0f} GiB" if plan.gpu else "no GPU here"
    held = ", ".join(f"{stage} {_binary(size)}" for stage, size in plan.memory.items())
    console.print(f"Download: {total / GB:.1f} GB. Memory, estimated: {held} ({where}).")
    training, probing = plan.questions
    console.print(f"Questions to each model: {training:,} in training, {probing:,} in probing, at most.")
    console.print(f"Time, an order of magnitude for one H200: {_hours(plan.seconds)}.")
    if not plan.fits:
        console.print("[bold]It does not fit.[/bold] What would help:")
        for line in plan.advice:
            console.print(f"- {escape(line)}")


def as_json(plan: "Preview") -> dict[str, Any]:
    """Return the plan as JSON types."""
    return {**asdict(plan), "fits": plan.fits}


def _billions(model: "PlannedModel") -> str:
    return f"{model.parameters / GB:.2f} B" if model.parameters >= GB // 100 else f"{model.parameters:,}"


def _gigabytes(model: "PlannedModel") -> str:
    return f"{model.download / GB:.1f} GB" if model.download else "none"


def _binary(size: int) -> str:
    return f"{size / GIB:.1f} GiB" if size >= GIB // 10 else f"{size / 2**20:.0f} MiB"


def _hours(seconds: float) -> str:
    return f"{seconds / HOUR:.1f} h" if seconds >= HOUR else f"{max(1, round(seconds / 60))} min"
