"""What a long command says on standard error while it works: bars with the time left, or lines if no one watches."""

import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from auditdm_hub.text import shown

Report = Callable[[int, int], None]
SECONDS_BETWEEN_LINES = 10.0


def _nothing(done: int, total: int) -> None:
    del done, total


class Reporter:
    """Says what a command is doing; used as `with Reporter(quiet) as reporter`.

    `reporter.stage(name)` is a function of (done, total), which is what every long function of the library takes as
    `progress`. Standard output is left to the result.

    It also sees to Ctrl-C: Python drops a KeyboardInterrupt that is raised while C code calls back (as scikit-learn's
    libraries do), so the next report of progress raises it again.
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
        self._interrupted = False

    def say(self, text: str) -> None:
        """Print one line, unless quiet."""
        if not self._quiet:
            # A line stays one line in a file; in a terminal it is wrapped between words.
            self._console.print(shown(text), markup=False, soft_wrap=not self._console.is_terminal)

    def stage(self, name: str) -> Report:
        """Begin a stage and return what reports its progress."""
        show: Report = _nothing
        if not self._quiet:
            show = self._bar(name) if self._watched else self._lines(name)

        def report(done: int, total: int) -> None:
            if self._interrupted:
                raise KeyboardInterrupt
            show(done, total)

        return report

    def clear(self) -> None:
        """End the bars, so that something else can be printed below them."""
        if self._watched:
            self._bars.stop()
            for task in list(self._bars.task_ids):
                self._bars.remove_task(task)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupted = True
        signal.default_int_handler(number, frame)

    def _bar(self, name: str) -> Report:
        self._bars.start()  # again, after `clear`
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
        self._before = None
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._interrupt)
        if self._watched:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if self._watched:
            self._bars.stop()
