"""Where the time goes: the parts of a step add up under their names, for whoever runs a clock.

    with running() as seconds:
        with part("target"):
            ...
    seconds["target"]

A part inside another takes its time from it, so that the sum of all parts is never more than what passed. Without a
running clock a part costs nothing and is kept nowhere.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

Seconds = Counter[str]
_RUNNING: ContextVar[tuple[Seconds, list[str]] | None] = ContextVar("clock", default=None)
GIB = 2**30


@contextmanager
def running() -> Iterator[Seconds]:
    """Run a clock; what it gives holds the seconds of each part, and is whole at the end."""
    seconds: Seconds = Counter()
    token = _RUNNING.set((seconds, []))
    try:
        yield seconds
    finally:
        _RUNNING.reset(token)


@contextmanager
def part(name: str, *, inner: bool = True) -> Iterator[None]:
    """Count what happens here for a part of that name; if not `inner`, only where no other part is under way."""
    clock = _RUNNING.get()
    if clock is None or (clock[1] and not inner):
        yield
        return
    seconds, around = clock
    start = time.perf_counter()
    around.append(name)
    try:
        yield
    finally:
        around.pop()
        passed = time.perf_counter() - start
        seconds[name] += passed  # type: ignore[assignment]  # a Counter of floats
        if around:
            seconds[around[-1]] -= passed  # type: ignore[assignment]


def is_of_the_machine(figure: str) -> bool:
    """Whether a figure of a training's log is a time or memory: another run, or another machine, has another."""
    return "time" in figure or figure.startswith(("seconds.", "memory."))


def memory_high_water(device: str) -> dict[str, float]:
    """Return the most memory since the last call, in GiB: of the GPU's allocator, elsewhere of this process so far.

    "gib" is what was in use; "reserved", on a GPU, what the allocator held for it: if that grows and the other does
    not, memory is fragmented.
    """
    if device == "cuda":
        import torch

        most = {"gib": torch.cuda.max_memory_allocated() / GIB, "reserved": torch.cuda.max_memory_reserved() / GIB}
        torch.cuda.reset_peak_memory_stats()
        return most
    status = Path("/proc/self/status")
    if status.is_file():
        kib = next((line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")), "0")
        return {"gib": int(kib) * 1024 / GIB}
    import resource

    return {"gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB}  # bytes on macOS
