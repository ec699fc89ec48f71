"""The rooms and the ways between them, as a table; what is not in the table fails."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for package in ("melanoma_edge", "exporters") for path in (ROOT / package).rglob("*.py"))
PACKING = sorted((ROOT / "android_demo" / "packing").rglob("*.py"))
"""What packs the Android demo: no room of the package, but as readable."""
DEMO = sorted(
    path
    for path in (ROOT / "android_demo").rglob("*")
    if path.suffix in {".kt", ".kts", ".properties", ".xml"} and "target" not in path.parts
)

FOUNDATION = {"errors", "files", "strictjson", "progress", "quiet", "squares"}
"""Rooms that know nothing of melanomas; every room may use them."""

ALLOWED = {
    "errors": set(),
    "files": {"errors"},
    "strictjson": set(),
    "progress": set(),
    "squares": set(),
    "quiet": set(),
    "safeguards": set(),
    "damage": set(),
    "contract": {"errors", "files", "strictjson", "safeguards"},
    "pixels": {"damage", "errors"},
    "thumbnail": {"errors", "pixels"},
    "quality": {"pixels", "safeguards"},
    "decision": {"contract", "quality", "safeguards"},
    "machine": {"errors", "model"},
    "data": FOUNDATION | {"contract", "pixels"},
    "audit": FOUNDATION | {"data", "evaluation", "pixels", "thumbnail"},
    "model": FOUNDATION,
    "evaluation": {"errors", "contract"},
    "report": FOUNDATION | {"contract"},
    "training": FOUNDATION
    | {"contract", "data", "model", "evaluation", "pixels", "quality", "report", "safeguards", "melanoma_edge"},
    "compression": FOUNDATION | {"contract", "data", "model", "evaluation", "training", "runtime"},
    "runtime": FOUNDATION | {"contract", "data", "model", "training", "machine"},
    "parity": FOUNDATION | {"contract", "data", "pixels", "runtime", "evaluation", "training"},
    "evidence": FOUNDATION
    | {
        "contract",
        "data",
        "decision",
        "evaluation",
        "model",
        "parity",
        "pixels",
        "quality",
        "report",
        "runtime",
        "safeguards",
    }
    | {"recalibration", "thumbnail", "training"},
    "bundle": FOUNDATION
    | {"contract", "data", "decision", "parity", "pixels", "quality", "report", "runtime", "safeguards", "training"},
    "grouping": {"errors", "data"},
    "recalibration": FOUNDATION | {"bundle", "contract", "evaluation"},
    "predicted": {"contract", "decision", "errors"},
    "prediction": FOUNDATION
    | {"bundle", "contract", "decision", "pixels", "predicted", "quality", "recalibration", "runtime"},
    "melanoma_edge": {"training", "prediction"},
    "__main__": {"cli"},
    "exporters": FOUNDATION | {"contract", "model", "training", "runtime", "compression", "melanoma_edge"},
}
"""Which room may import which; ``melanoma_edge`` is the package's ``__init__`` with its version and its verbs.

``cli`` may import everything. The plots of a training come from ``report``; ``runtime`` knows a run only to open one
and data only to find the cache folder.
"""

ONLY_FROM_EXPORTERS = {
    "training": {"melanoma_edge.training.run"},
    "compression": {
        "melanoma_edge.compression",
        "melanoma_edge.compression.calibration",
        "melanoma_edge.compression.learned",
        "melanoma_edge.compression.ranges",
    },
}
"""Rooms of which exporters may use some modules alone."""

NO_TENSORFLOW = {
    "audit",
    "runtime",
    "damage",
    "pixels",
    "contract",
    "safeguards",
    "quality",
    "decision",
    "errors",
    "data",
    "evaluation",
    "parity",
    "cli",
    "evidence",
    "exporters",
    "report",
    "bundle",
}
"""Rooms that load TensorFlow inside functions only."""

TENSORFLOW = {"tensorflow", "tf_keras", "keras", "tensorflow_model_optimization", "tf2onnx"}

WORKPLACE = re.compile(
    r"(?<!\w)/work\b|shared/|pypi\.org|files\.pythonhosted|registry\.npmjs|maven\.(org|google)"
    r"|github issue|this session"
)
"""Words that speak of where the package was made and not of what it does."""


def room_of(module: str) -> str:
    """Return the room of a dotted module name: its first part below ``melanoma_edge``, or its package."""
    parts = module.split(".")
    return parts[1] if parts[0] == "melanoma_edge" and len(parts) > 1 else parts[0]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield every module imported, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level and node.module, "imports are absolute"
            yield from (_imported(node.module, alias.name) for alias in node.names)


def _imported(module: str, name: str) -> str:
    inner = ROOT.joinpath(*module.split("."), name)
    return f"{module}.{name}" if inner.is_dir() or inner.with_suffix(".py").is_file() else module


def at_import(tree: ast.Module) -> Iterator[str]:
    """Yield what is imported when the module itself is: all but what stands in functions and type-checking blocks."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _is_type_checking(node):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(node)
        waiting += ast.iter_child_nodes(node)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


@pytest.mark.parametrize("path", MODULES, ids=module_of)
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    here = room_of(module_of(path))
    ours = [name for name in imports(parsed(path)) if name.split(".")[0] in ("melanoma_edge", "exporters")]
    allowed = set(ALLOWED) | {"cli"} if here == "cli" else ALLOWED[here] | {here}
    assert {name for name in ours if room_of(name) not in allowed} == set()


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(module_of(path)) == "exporters"], ids=module_of)
def test_exporters_use_of_some_rooms_only_what_they_need(path: Path) -> None:
    for name in imports(parsed(path)):
        assert name in ONLY_FROM_EXPORTERS.get(room_of(name), {name})


def test_the_table_names_every_room() -> None:
    assert {room_of(module_of(path)) for path in MODULES} - {"cli"} == set(ALLOWED)


def test_only_the_command_line_knows_the_exporters() -> None:
    users = {room_of(module_of(path)) for path in MODULES if "exporters" in map(room_of, imports(parsed(path)))}
    assert users <= {"cli", "exporters"}


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(module_of(path)) in NO_TENSORFLOW], ids=module_of)
def test_tensorflow_is_not_imported_with_a_module(path: Path) -> None:
    assert {name for name in at_import(parsed(path)) if name.split(".")[0] in TENSORFLOW} == set()


@pytest.mark.parametrize("path", MODULES + PACKING, ids=module_of)
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = parsed(path)
    assert ast.get_docstring(tree) or not tree.body
    assert [node.name for node in _public(tree) if not ast.get_docstring(node)] == []


def _public(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node


@pytest.mark.parametrize("path", MODULES + PACKING, ids=module_of)
def test_no_module_is_longer_than_300_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", MODULES + PACKING + DEMO, ids=module_of)
def test_a_module_speaks_of_the_project_alone(path: Path) -> None:
    text = path.read_text("utf-8").lower().replace("../shared/data", "")
    assert WORKPLACE.search(text) is None


def _modules_loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return {line.split(".")[0] for line in done.stdout.splitlines()}


def test_importing_rooms_without_tensorflow_loads_none() -> None:
    names = [module_of(path) for path in MODULES if room_of(module_of(path)) in NO_TENSORFLOW]
    names += ["melanoma_edge", "melanoma_edge.prediction", "melanoma_edge.machine"]
    loaded = _modules_loaded_by("\n".join(f"import {name}" for name in names))
    assert {"numpy", "exporters", "melanoma_edge"} <= loaded
    assert loaded & TENSORFLOW == set()


def test_help_loads_next_to_nothing() -> None:
    code = "from melanoma_edge.cli.main import main\nmain(['--help'])"
    heavy = {"numpy", "rich", "PIL", "scipy", "sklearn", "matplotlib", "onnxruntime", "ai_edge_litert", "exporters"}
    assert _modules_loaded_by(code) & (TENSORFLOW | heavy) == set()


def test_the_table_catches_a_forbidden_import() -> None:
    found = set(imports(ast.parse("def f():\n    from melanoma_edge.training.run import Run")))
    assert {room_of(name) for name in found} - ALLOWED["data"] == {"training"}


def test_imports_inside_functions_do_not_count_as_module_level() -> None:
    tree = ast.parse("def f():\n    import tensorflow\ntry:\n    import tf_keras\nexcept ImportError:\n    pass")
    assert set(at_import(tree)) == {"tf_keras"}
