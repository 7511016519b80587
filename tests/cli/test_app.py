import inspect
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import pytest
from typer.testing import Result

import auditdm_hub
from auditdm_cli.app import COMMANDS
from auditdm_hub.errors import RunError

Cli = Callable[..., Result]
HEAVY = {"torch", "transformers", "datasets", "trl", "peft", "sklearn", "pyarrow", "numpy", "pydantic", "rich"}


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make `auditdm-hub presets` raise."""

    def fail_with(error: BaseException) -> None:
        def preset_names() -> list[str]:
            raise error

        monkeypatch.setattr("auditdm_cli.presets.preset_names", preset_names)

    return fail_with


def modules_after(code: str) -> set[str]:
    code += "\nimport sys; print('modules:', *sys.modules)"
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.rpartition("modules:")[2].split())


def test_the_library_imports_without_anything_heavy() -> None:
    assert not modules_after("import auditdm_hub") & HEAVY


def modules_of_command(*arguments: str) -> set[str]:
    line = f"import sys; sys.argv = {['auditdm-hub', *arguments]}; from auditdm_cli.app import main"
    return modules_after(f"{line}\ntry: main()\nexcept SystemExit: pass")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    modules = modules_of_command(*arguments)
    assert not modules & HEAVY
    assert not modules & {f"auditdm_cli.{name}" for name in COMMANDS}


@pytest.mark.parametrize("arguments", [["presets"], ["audit", "--help"]])
def test_light_commands_import_nothing_heavy(arguments: list[str]) -> None:
    assert not modules_of_command(*arguments) & (HEAVY - {"pydantic"})  # typer reads options with pydantic


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says(cli: Cli, name: str) -> None:
    module: ModuleType = import_module(f"auditdm_cli.{name}")
    assert (inspect.getdoc(module.command) or "").splitlines()[0] == COMMANDS[name]
    result = cli(name, "--help")
    assert result.exit_code == 0
    assert COMMANDS[name] in result.stdout
    assert COMMANDS[name] in cli("--help").stdout


def test_version(cli: Cli) -> None:
    assert cli("--version").stdout == f"auditdm-hub {auditdm_hub.__version__}\n"


def test_a_misspelt_command_is_a_usage_error_with_a_suggestion(cli: Cli) -> None:
    result = cli("prests")
    assert result.exit_code == 2
    assert "Did you mean 'presets'?" in result.stderr


def test_an_error_is_one_line_on_stderr(cli: Cli, failing: Callable[[BaseException], None]) -> None:
    failing(RunError("runs/x is locked: wait"))
    result = cli("presets")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Error: runs/x is locked: wait\n")


def test_what_a_server_said_cannot_steer_the_terminal(cli: Cli, failing: Callable[[BaseException], None]) -> None:
    for error in (RunError("it said \x1b[2Jred\u202e"), ZeroDivisionError("\x1b[2J")):
        failing(error)
        said = cli("presets").stderr
        assert "\x1b" not in said
        assert "\N{REPLACEMENT CHARACTER}[2J" in said


def test_a_wrong_configuration_exits_with_2(cli: Cli) -> None:
    result = cli("presets", "nope")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "got 'nope', wanted one of" in result.stderr


def test_an_unforeseen_error_is_one_line_too(cli: Cli, failing: Callable[[BaseException], None]) -> None:
    failing(ZeroDivisionError("division by zero"))
    result = cli("presets")
    assert result.exit_code == 1
    assert result.stderr == "Error: ZeroDivisionError: division by zero (unexpected; --debug shows where)\n"


@pytest.mark.parametrize("arguments", [("--debug", "presets"), ("presets", "--debug")])
@pytest.mark.parametrize("error", [RunError("locked"), ZeroDivisionError()])
def test_debug_shows_the_traceback_wherever_it_stands(
    cli: Cli, failing: Callable[[BaseException], None], arguments: tuple[str, ...], error: Exception
) -> None:
    failing(error)
    assert cli(*arguments).exception is error


def test_ctrl_c_is_one_line_and_130(cli: Cli, failing: Callable[[BaseException], None]) -> None:
    failing(KeyboardInterrupt())
    result = cli("presets")
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")
