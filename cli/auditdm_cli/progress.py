"""What a long command says on standard error while it works: bars with the time left, or lines if no one watches."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Report = Callable[[int, int], None]
SECONDS_BETWEEN_LINES = 10.0


class Reporter:
    """Says what a command is doing; used as `with Reporter(quiet) as reporter`.

    `reporter.stage(name)` is a function of (done, total), which is what every long function of the library takes as
    `progress`. Standard output is left to the result.
    """

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._quiet = quiet
        self._console = Console(file=stream or sys.stderr, soft_wrap=True, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description:17}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._watched = self._console.is_terminal and not quiet

    def say(self, text: str) -> None:
        """Print one line, unless quiet."""
        if not self._quiet:
            self._console.print(text, markup=False)

    def stage(self, name: str) -> Report:
        """Begin a stage and return what reports its progress."""
        if self._quiet:
            return lambda done, total: None
        return self._bar(name) if self._watched else self._lines(name)

    def _bar(self, name: str) -> Report:
        task = self._bars.add_task(name, total=None)
        begun = False

        def report(done: int, total: int) -> None:
            nonlocal begun
            if not begun:  # what an earlier process did says nothing of the speed
                self._bars.reset(task, completed=max(0, done - 1), total=total)
                begun = True
            self._bars.update(task, completed=done, total=total)

        return report

    def _lines(self, name: str) -> Report:
        start = last = time.monotonic()
        before: int | None = None

        def report(done: int, total: int) -> None:
            nonlocal last, before
            now = time.monotonic()
            before = max(0, done - 1) if before is None else before
            if done <= before or (done < total and now - last < SECONDS_BETWEEN_LINES):
                return
            last, spent = now, now - start
            left = (
                f", about {spent / (done - before) * (total - done):.0f} s left"
                if done < total
                else f" in {spent:.0f} s"
            )
            self.say(f"{name}: {done} of {total}{left}")

        return report

    def __enter__(self) -> Self:
        if self._watched:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._watched:
            self._bars.stop()
