"""The benchmarks by name, and suites of them.

Data sets are those of lmms-eval's tasks (columns and prompts as there, github.com/EvolvingLMMs-Lab/lmms-eval at commit
75571cf), but for A-OKVQA. The suite `paper` holds the 16 of AuditDM; which they are for Gemma is inferred.
"""

from collections.abc import Mapping

from auditdm_hub.errors import ConfigError
from auditdm_hub.evaluating.benchmark import Benchmark
from auditdm_hub.evaluating.benchmarks import captions, choices, documents, grounding, vqa, yes_no

BENCHMARKS: Mapping[str, Benchmark] = {
    benchmark.name: benchmark
    for part in (vqa, documents, grounding, captions, choices, yes_no)
    for benchmark in part.BENCHMARKS
}
SUITES: Mapping[str, tuple[str, ...]] = {
    "paper": (
        *("vqav2", "gqa", "okvqa", "ai2d", "docvqa", "chartqa", "refcoco", "coco-caption"),
        *("mmbench", "mmt-bench", "seed-bench", "mme", "mmmu", "mmstar", "realworldqa", "pope"),
    )
}


def find(name: str) -> Benchmark:
    """Return a benchmark.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in BENCHMARKS:
        raise ConfigError(f"--benchmark: got {name!r}, wanted one of {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]
