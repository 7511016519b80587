"""The card of a LoRA adapter."""

import re
from typing import Any

import yaml

from auditdm_cards.rendering import render
from auditdm_hub.evaluating.comparison import Comparison
from auditdm_hub.publishing.facts import Adapter
from auditdm_hub.report.markdown import rounds_table
from auditdm_hub.text import visible

PAPER = "2512.16921"
WATTS = {"H200": 700, "H100": 700, "A100": 400, "L40": 300, "L4": 72, "T4": 70, "V100": 300, "4090": 450, "3090": 350}
"""Board power in watts as the makers state it, by what the name of the hardware contains."""
GRAMS_PER_KWH = 475
"""Grams of CO2 per kWh: world average of electricity, IEA (Global Energy & CO2 Status Report 2019)."""


def adapter_card(adapter: Adapter) -> dict[str, bytes]:
    """Return README.md of an adapter, and `.eval_results/` if it was evaluated on benchmarks of the Hub."""
    worse = [each for each in adapter.comparisons if each.regressed]
    readme = render(
        "adapter.md.j2",
        _front_matter(adapter),
        adapter=adapter,
        base=adapter.base.partition("@")[0],
        base_revision=adapter.base.partition("@")[2],
        comparisons=[*worse, *(each for each in adapter.comparisons if each not in worse)],
        worse=worse,
        rounds=rounds_table(adapter.rounds) if adapter.rounds else "",
        grams=co2_grams(adapter.hardware, adapter.seconds),
        watts=_watts(adapter.hardware),
        grams_per_kwh=GRAMS_PER_KWH,
        key=re.sub(r"[^a-z0-9]+", "_", adapter.name.lower()).strip("_"),
        revision=adapter.version,
        paper=PAPER,
    )
    return {"README.md": readme, **_eval_results(adapter)}


def co2_grams(hardware: str, seconds: float) -> float | None:
    """Return an estimate of the CO2 of a training in grams: power x time x the world's average of electricity.

    None where the power of the hardware or the time is not known.
    """
    watts = _watts(hardware)
    return watts / 1000 * seconds / 3600 * GRAMS_PER_KWH if watts and seconds else None


def _watts(hardware: str) -> int:
    return next((watts for name, watts in WATTS.items() if name in hardware.upper()), 0)


def _front_matter(adapter: Adapter) -> dict[str, Any]:
    base = adapter.base.partition("@")[0]
    licence = adapter.license
    named = {"license_name": re.sub(r"[^a-z0-9.]+", "-", licence.name.lower()), "license_link": licence.link}
    datasets = sorted({name.partition("@")[0] for name in adapter.datasets if re.fullmatch(r"[\w.-]+/[\w.@-]+", name)})
    scores = [each for each in adapter.comparisons if each.dataset_id]
    return {
        "license": licence.id,
        **(named if licence.id == "other" else {}),
        "library_name": adapter.library,
        "base_model": visible(base),
        "base_model_relation": "adapter",
        "pipeline_tag": "image-text-to-text",
        "tags": ["auditdm", "lora", *([adapter.purpose] if adapter.purpose else [])],
        **({"datasets": datasets} if datasets else {}),
        **({"model-index": [_model_index(adapter, scores)]} if scores else {}),
    }


def _model_index(adapter: Adapter, scores: list[Comparison]) -> dict[str, Any]:
    return {
        "name": visible(adapter.name),
        "results": [
            {
                "task": {"type": "image-text-to-text"},
                "dataset": {
                    "type": each.dataset_id,
                    "name": visible(each.name),
                    **({"revision": each.revision} if each.revision else {}),
                },
                "metrics": [{"type": each.metric, "value": each.after.rate}],
            }
            for each in scores
        ],
    }


def _eval_results(adapter: Adapter) -> dict[str, bytes]:
    """Return a file for each benchmark, as the Hub collects them from models."""
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    files = {}
    for each in adapter.comparisons:
        if each.dataset_id:
            entry = EvalResultEntry(
                dataset_id=each.dataset_id,
                task_id=each.task_id,
                value=each.after.rate,
                dataset_revision=each.revision or None,
                notes=f"{each.metric} of {each.after.trials} items; without the adapter {each.before.rate:.4f}",
            )
            name = re.sub(r"[^a-z0-9]+", "-", f"{each.dataset_id} {each.task_id}".lower()).strip("-")
            written = yaml.safe_dump(eval_result_entries_to_yaml([entry]), sort_keys=False, allow_unicode=True)
            files[f".eval_results/{name}.yaml"] = written.encode()
    return files
