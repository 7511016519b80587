import contextlib
import io
import signal

import pytest

from auditdm_cli import progress
from auditdm_cli.progress import Reporter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_without_a_terminal_it_is_a_line_now_and_then(clock: list[float]) -> None:
    stream = io.StringIO()
    with Reporter(stream=stream) as reporter:
        reporter.say("audits [playground]")
        report = reporter.stage("probe")
        report(0, 10)
        for done in range(1, 11):
            clock[0] += 4
            report(done, 10)
    assert stream.getvalue().splitlines() == [
        "audits [playground]",
        "probe: 3 of 10, about 28 s left",
        "probe: 6 of 10, about 16 s left",
        "probe: 9 of 10, about 4 s left",
        "probe: 10 of 10 in 40 s",
    ]


def test_on_a_terminal_it_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with Reporter(stream=stream) as reporter:
        reporter.stage("probe")(3, 10)
    assert "probe" in stream.getvalue()
    assert "3/10" in stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_quiet_says_nothing(stream: io.StringIO) -> None:
    with Reporter(quiet=True, stream=stream) as reporter:
        reporter.say("hello")
        reporter.stage("probe")(10, 10)
    assert stream.getvalue() == ""


def test_an_interrupt_that_was_dropped_is_raised_at_the_next_report() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Reporter(quiet=True) as reporter:
        report = reporter.stage("train")
        report(1, 3)
        with contextlib.suppress(KeyboardInterrupt):  # as C code that calls back into Python drops it
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            report(2, 3)
    assert signal.getsignal(signal.SIGINT) is before
