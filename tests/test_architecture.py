"""The rooms: imports run downwards only, heavy libraries stay in their rooms, files stay small."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pytest_nbrepro"
LEVELS = {
    "doors": "plugin hooks collection session publishing ahead fixture measuring progress tally obsolete cli web",
    "telling": "reports exports",
    "driving": "bisection sweep executors differences runner trial inquiry interventions sampling assessment stored diagnosis calibration experiment",
    "judging": "verdict creep comparers diffs lint",
    "doing": "workspace mirror copying leftovers originals tracked kernels execution capture displays scalars environment environments packages store attributes index baselines pending",
    "reading": "notebook textual foreign nbreg spec schema keytypes rules readers project sources cases yaml12 flags languages flagtypes literals assignments magics masks moments timings",
    "ground": "model options errors files optional lean",
}
ORDER = list(LEVELS)
LEVEL = {room: number for number, rooms in enumerate(LEVELS.values()) for room in rooms.split()}
OWNERS = {
    "pytest": set(LEVELS["doors"].split()),
    "nbclient": {"execution", "kernels"},
    "jupyter_client": {"execution", "kernels"},
    "nbdime": {"diffs"},
    "tornado": {"web"},
    "pydantic": {"schema", "keytypes", "rules", "readers"},
    "click": {"cli"},
    "polars": {"comparers"},
    "PIL": {"comparers"},
    "jinja2": {"reports", "web"},
    "nbconvert": {"reports"},
    "bs4": {"reports"},
}
# These run inside other interpreters, or before anything else: they import nothing of ours.
FILES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path, *, top_level: bool = False) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = list(ast.walk(tree))
    if top_level:
        nodes = [n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))]
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "pytest_nbrepro" and len(parts) > 1 else None


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_run_downwards_only(path: Path) -> None:
    if path == PACKAGE / "__init__.py":
        assert not imports(path)
        return
    here = room(path)
    assert here in LEVEL, f"{here} is no room: add it to ARCHITECTURE.md and here"
    upwards = {
        name
        for name in map(own, imports(path))
        if name in LEVEL and name != here and LEVEL[name] < LEVEL[here]
    }
    assert not upwards


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_heavy_libraries_stay_in_their_rooms(path: Path) -> None:
    used = {name.split(".")[0] for name in imports(path)}
    strangers = {lib for lib, rooms in OWNERS.items() if lib in used and room(path) not in rooms}
    assert not strangers


@pytest.mark.parametrize("name", LEVELS["ground"].split())
def test_the_ground_needs_the_standard_library_alone(name: str) -> None:
    files = [path for path in FILES if room(path) == name]
    used = {module.split(".")[0] for path in files for module in imports(path)}
    assert files
    assert used - {"pytest_nbrepro"} <= set(sys.stdlib_module_names)


def test_there_are_no_cycles() -> None:
    graph = {}
    for path in FILES:
        module = ".".join(["pytest_nbrepro", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(
            ".__init__"
        )
        graph[module] = imports(path, top_level=True)
    for module, names in graph.items():
        graph[module] = {
            n for name in names for n in (name, name.rpartition(".")[0]) if n in graph and n != module
        }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join([*trail[trail.index(module) :], module])
        if module not in done:
            for name in sorted(graph[module] - {"pytest_nbrepro"}):
                if not module.startswith(f"{name}."):  # a package's own face
                    visit(name, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())
    assert done == set(graph)


def test_files_stay_small() -> None:
    lengths = sorted(len(path.read_text().splitlines()) for path in FILES)
    assert lengths[-1] <= 350
    assert lengths[len(lengths) // 2] <= 150
