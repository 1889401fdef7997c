"""What is done right after a library has been imported."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro.kernels import loading


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stand-ins for libraries that are seeded."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    (tmp_path / "torch.py").write_text("seeds = []\nmanual_seed = seeds.append\nassert __loader__\n")
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text("from . import random\n")
    (tmp_path / "tensorflow" / "random.py").write_text("seeds = []\nset_seed = seeds.append\n")
    for name in ("torch", "tensorflow", "tensorflow.random"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in ("torch", "tensorflow", "tensorflow.random"):
        sys.modules.pop(name, None)


def test_libraries_are_seeded_when_they_are_imported(library: Any) -> None:
    import numpy.random

    expected = numpy.random.RandomState(9).random()
    state = numpy.random.get_state()  # noqa: NPY002
    try:
        seeder = loading.Loaded(loading.seeds(9))  # numpy is there already
        assert numpy.random.random() == expected  # noqa: NPY002
    finally:
        numpy.random.set_state(state)  # noqa: NPY002
    sys.meta_path.insert(0, seeder)
    assert importlib.util.find_spec("torch") is not None  # to look is not to import
    for _ in range(2):
        assert library("torch").seeds == [9]
    assert library("tensorflow").random.seeds == [9]
    assert library("tensorflow").__spec__.loader.exec_module.__name__ == "exec_module"
    assert importlib.util.find_spec("nowhere") is None


def test_a_library_that_fails_is_seeded_when_it_succeeds(library: Any, tmp_path: Path) -> None:
    sys.meta_path.insert(0, loading.Loaded(loading.seeds(9)))
    good = (tmp_path / "torch.py").read_text()
    (tmp_path / "torch.py").write_text("raise ImportError('not yet')")
    with pytest.raises(ImportError, match="not yet"):
        library("torch")
    (tmp_path / "torch.py").write_text(good + "#")
    importlib.invalidate_caches()
    assert library("torch").seeds == [9]


def test_a_library_that_is_not_installed(library: Any, tmp_path: Path) -> None:
    sys.meta_path.insert(0, loading.Loaded(loading.seeds(9)))
    (tmp_path / "torch.py").unlink()
    importlib.invalidate_caches()
    with pytest.raises(ModuleNotFoundError):
        library("torch")


def test_several_calls_for_one_module_come_in_their_order(library: Any) -> None:
    called: list[str] = []
    calls = loading.together(
        {"torch": lambda module: called.append(f"first {module.__name__}")},
        {"torch": lambda _: called.append("second"), "tensorflow": lambda _: called.append("other")},
    )
    sys.meta_path.insert(0, loading.Loaded(calls))
    library("torch")
    assert called == ["first torch", "second"]


def test_around_the_top_level_modules_of_libraries(library: Any, tmp_path: Path) -> None:
    called: list[str] = []
    around = (lambda: called.append("before"), lambda: called.append("after"))
    sys.meta_path.insert(0, loading.Loaded({}, around, lambda file: file.endswith("torch.py")))
    library("torch")
    assert called == []
    library("tensorflow")
    assert called == ["before", "after"]
    (tmp_path / "tensorflow" / "__init__.py").write_text("raise ImportError('not yet')  # another length")
    for name in ("tensorflow", "tensorflow.random"):
        del sys.modules[name]
    importlib.invalidate_caches()
    with pytest.raises(ImportError, match="not yet"):
        library("tensorflow")
    assert called == ["before", "after"] * 2


def test_seeds_of_an_experiment(library: Any) -> None:
    sys.meta_path.insert(0, loading.Loaded(loading.forced_seeds({"torch": 5, "clock": 3.0})))
    assert library("torch").seeds == [5]
    assert library("tensorflow").random.seeds == []
