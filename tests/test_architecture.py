"""The rules of the house that no linter knows: which way imports run, how long files are, what an except may catch."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "auditdm_hub": ROOT / "auditdm_hub",
    "auditdm_cards": ROOT / "cards" / "auditdm_cards",
    "auditdm_cli": ROOT / "cli" / "auditdm_cli",
}
# A stage may import those before it, never one after it. What is not named here is the ground that all stand on.
STAGES = (
    "statistics", "models", "auditing", "curate", "confirming", "rectifying", "evaluating", "compare", "report",
    "publishing", "workflows",
)  # fmt: skip
# placement.py and cache.py serve the models; the playground is a world and models for it.
BESIDE = {"placement": "models", "cache": "models", "playground": "models"}
MAY_IMPORT_PLAYGROUND = {"playground", "evaluating", "workflows"}
MAY_IMPORT = {
    "auditdm_hub": {"auditdm_hub"},
    "auditdm_cards": {"auditdm_hub", "auditdm_cards"},
    "auditdm_cli": {"auditdm_hub", "auditdm_cards", "auditdm_cli"},
}
VAGUE = {"utils", "util", "common", "helpers", "misc"}
CATCHES_ALL = {"auditdm_cli.lazy"}  # the top of the program


def module_files() -> dict[str, Path]:
    modules = {}
    for package, folder in PACKAGES.items():
        for path in folder.rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            modules[".".join((package, *(part for part in parts if part != "__init__")))] = path
    return modules


MODULES = module_files()
every_module = pytest.mark.parametrize("module", sorted(MODULES))


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield what a module imports anywhere: at its top, in functions, and for types only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def stage_of(module: str) -> str:
    """Return the part of the library that a module belongs to; "" for the ground and for other packages."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "auditdm_hub" and parts[1] in (*STAGES, *BESIDE) else ""


def rank(stage: str) -> int:
    return STAGES.index(BESIDE.get(stage, stage)) if stage else -1


def import_faults(module: str, tree: ast.AST) -> Iterator[str]:
    package, stage = module.split(".")[0], stage_of(module)
    for imported in imports(tree):
        other, other_stage = imported.split(".")[0], stage_of(imported)
        if other in PACKAGES and other not in MAY_IMPORT[package]:
            yield f"{module} imports {imported}: {package} may import {sorted(MAY_IMPORT[package])} only"
        if package != "auditdm_hub":
            continue
        if other_stage == "playground" and stage not in MAY_IMPORT_PLAYGROUND:
            yield f"{module} imports {imported}: only {sorted(MAY_IMPORT_PLAYGROUND)} may know the playground"
        # The package's own __init__ offers the workflows to users; nothing inside imports from it.
        elif rank(other_stage) > rank(stage) and module != "auditdm_hub":
            yield f"{module} imports {imported}: {stage or 'the ground'} comes before {other_stage}"


def broad_excepts(module: str, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        names = {ast.unparse(name) if name else "everything" for name in caught}
        # To clean up and raise again hides nothing.
        raises_again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
        if names & {"everything", "Exception", "BaseException"} and not raises_again and module not in CATCHES_ALL:
            yield f"{module}:{node.lineno} catches {', '.join(sorted(names))}: name what can happen"


def calls(tree: ast.AST, names: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield f"line {node.lineno} calls {node.func.id}"


def large_functions(module: str, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > 60 and not module.startswith("auditdm_cli."):
            yield f"{module}.{node.name} has {lines} lines, wanted at most 60"
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        count = len([each for each in arguments if each.arg not in ("self", "cls")])
        # The options of a command are its arguments: as many as its users need.
        if count > 7 and not module.startswith("auditdm_cli."):
            yield f"{module}.{node.name} has {count} parameters, wanted at most 7"


def parse(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text())


def test_the_packages_are_where_this_test_looks() -> None:
    assert {"auditdm_hub.records", "auditdm_cards", "auditdm_cli.app"} <= MODULES.keys()
    assert not (ROOT / "cards" / "__init__.py").exists()
    assert not (ROOT / "cli" / "__init__.py").exists()


@every_module
def test_imports_run_one_way(module: str) -> None:
    assert list(import_faults(module, parse(module))) == []


@every_module
def test_no_except_hides_what_was_not_foreseen(module: str) -> None:
    assert list(broad_excepts(module, parse(module))) == []


@every_module
def test_nothing_prints_or_evaluates_text(module: str) -> None:
    assert list(calls(parse(module), {"print", "eval", "exec", "breakpoint"})) == []
    assert not {"pickle", "dill", "cloudpickle"} & {name.split(".")[0] for name in imports(parse(module))}


@every_module
def test_names_say_what_is_inside(module: str) -> None:
    assert not VAGUE & set(module.split("."))


@every_module
def test_functions_are_small(module: str) -> None:
    assert list(large_functions(module, parse(module))) == []


@pytest.mark.parametrize("folder", ["auditdm_hub", "cards", "cli", "tests", "benchmarks"])
def test_files_are_at_most_400_lines(folder: str) -> None:
    lengths = {str(path): len(path.read_text().splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("auditdm_hub.auditing.ask", "from auditdm_hub.curate.names import name"),
        ("auditdm_hub.auditing.ask", "def f():\n    import auditdm_hub.publishing"),
        ("auditdm_hub.auditing.ask", "from auditdm_hub import report"),
        ("auditdm_hub.auditing.ask", "from auditdm_hub.playground import scene"),
        ("auditdm_hub.records", "from auditdm_hub.statistics import wilson"),
        ("auditdm_hub.statistics.intervals", "import auditdm_hub.models.hf"),
        ("auditdm_hub.cache", "import auditdm_hub.auditing"),
        ("auditdm_hub.playground.world", "import auditdm_hub.auditing"),
        ("auditdm_hub.workflows", "import auditdm_cards"),
        ("auditdm_cards.data", "import auditdm_cli"),
    ],
)
def test_a_forbidden_import_is_found(module: str, code: str) -> None:
    assert list(import_faults(module, ast.parse(code)))


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("auditdm_hub.auditing.ask", "from auditdm_hub.models.hf import load\nfrom auditdm_hub import cache, records"),
        ("auditdm_hub.workflows", "from auditdm_hub.publishing import plan\nimport auditdm_hub.playground"),
        ("auditdm_hub.evaluating.suite", "import auditdm_hub.playground"),
        ("auditdm_hub.models.hf", "import torch\nfrom auditdm_hub.cache import Cache"),
        ("auditdm_hub", "from auditdm_hub.workflows import audit"),
        ("auditdm_cli.audit", "import auditdm_hub.workflows, auditdm_cards"),
    ],
)
def test_an_allowed_import_is_let_pass(module: str, code: str) -> None:
    assert not list(import_faults(module, ast.parse(code)))


def test_a_broad_except_is_found_unless_it_raises_again() -> None:
    for caught in ("", " Exception", " (ValueError, BaseException)"):
        code = f"try:\n    f()\nexcept{caught}:\n    "
        assert len(list(broad_excepts("m", ast.parse(code + "pass")))) == 1
        assert not list(broad_excepts("m", ast.parse(code + "raise")))
    assert not list(broad_excepts("m", ast.parse("try:\n    f()\nexcept ValueError:\n    pass")))
