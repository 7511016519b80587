"""Who is told how a workflow comes along. The library prints nothing itself."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Watcher:
    """`say` gets one line at a time; `stage` begins a stage by name and returns what gets (steps done, in all)."""

    say: Callable[[str], None]
    stage: Callable[[str], Progress]


SILENT = Watcher(lambda line: None, lambda name: lambda done, total: None)
