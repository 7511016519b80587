"""A pytest plugin: with --strict-skips, a test that is skipped without being on record fails the session."""

from pathlib import Path

import pytest

ALLOWED_SKIPS = Path(__file__).with_name("allowed_skips.txt")
skipped: pytest.StashKey[list[str]] = pytest.StashKey()


def read_allowed_skips(text: str) -> set[str]:
    """Return the test ids of lines `test id  # reason`; a line without a reason is refused."""
    allowed = set()
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        test, _, reason = line.partition("  # ")
        if not reason.strip():
            raise pytest.UsageError(f"allowed_skips.txt: {line!r} has no reason: write `test id  # reason`")
        allowed.add(test.strip())
    return allowed


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--strict-skips", action="store_true", help="fail if a test is skipped that is not listed")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--strict-skips"):
        config.stash[skipped] = []
        config.pluginmanager.register(StrictSkips(config), "strict-skips")


class StrictSkips:
    """Fails the session for a skipped (or expectedly failing) test that `allowed_skips.txt` does not list."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.allowed = read_allowed_skips(ALLOWED_SKIPS.read_text())

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.note(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.note(report)

    def note(self, report: pytest.CollectReport | pytest.TestReport) -> None:
        if report.skipped and report.nodeid not in self.allowed and report.nodeid not in self.config.stash[skipped]:
            self.config.stash[skipped].append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.config.stash[skipped] and session.exitstatus in (
            pytest.ExitCode.OK,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for test in self.config.stash[skipped]:
            terminalreporter.write_line(f"SKIPPED BUT NOT ALLOWED {test} (tests/allowed_skips.txt)", red=True)
