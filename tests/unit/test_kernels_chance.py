"""Draws from generators that nobody seeded are seen, in the cell where they are made, and nothing else is."""

from __future__ import annotations

import os
import random
import sys
import types
import uuid

import numpy as np
import pytest

from pytest_nbrepro.kernels import chance, loading, tracing

IMPORTS = "import os, random, secrets, tempfile, uuid\nimport numpy as np\n"


@pytest.fixture
def watch(book, monkeypatch):
    """Run cells one after the other, and return what each drew; all that is wrapped is put back."""
    for place, names in {
        random: ("seed", "setstate", "_urandom"),
        random.Random: ("seed", "setstate"),
        os: ("urandom",),
        uuid: ("uuid1",),
        np.random: ("seed", "set_state", "RandomState"),
        np.random.mtrand: ("RandomState",),
        np.random.bit_generator: ("randbits",),
    }.items():
        for name in names:
            monkeypatch.setattr(place, name, getattr(place, name))
    found = []
    watched = chance.Chance(book.tracer, lambda kind, where: found.append((kind, where)))
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    watched.attach()
    watched.modules["numpy.random"](np.random)

    def run(*cells):
        told = []
        for number, cell in enumerate(cells):
            found.clear()
            watched.begin()
            book.cell(IMPORTS + cell if number == 0 else cell, f"<cell {number}>")
            watched.end()
            told.append([kind for kind, _ in found])
        return told

    run.found, run.watched = found, watched
    yield run
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002


class TestGlobalGenerators:
    @pytest.mark.parametrize(("kind", "name"), [("random", "random"), ("numpy", "np.random")])
    def test_a_draw_before_anybody_seeds(self, watch, kind, name):
        draw = f"{name}.random()"
        assert watch("pass", draw, f"{name}.seed(3); {draw}", draw) == [[], [kind], [], []]

    @pytest.mark.parametrize(("kind", "name"), [("random", "random"), ("numpy", "np.random")])
    def test_a_draw_and_then_a_seed_in_one_cell(self, watch, kind, name):
        assert watch(f"{name}.random(); {name}.seed(3)") == [[kind]]

    @pytest.mark.parametrize(("kind", "name"), [("random", "random"), ("numpy", "np.random")])
    def test_seeding_with_nothing_is_not_seeding(self, watch, kind, name):
        assert watch(f"{name}.seed(3); {name}.seed(); {name}.random()") == [[kind]]

    @pytest.mark.parametrize(
        ("kind", "name", "get", "put"),
        [("random", "random", "getstate", "setstate"), ("numpy", "np.random", "get_state", "set_state")],
    )
    def test_a_state_that_is_put_back_is_as_unseeded_as_it_was(self, watch, kind, name, get, put):
        told = watch(
            f"state = {name}.{get}(); {name}.seed(3); {name}.random(); {name}.{put}(state)",
            f"{name}.random()",
            f"{name}.seed(4); state = {name}.{get}(); {name}.seed(5); {name}.{put}(state); {name}.random()",
        )
        assert told == [[], [kind], []]

    def test_the_streams_stay_what_they_are(self, watch, book):
        assert watch("random.seed(3); np.random.seed(3); x = random.random(), np.random.random()") == [[]]
        own, theirs = random.Random(3), np.random.RandomState(3)
        assert watch("y = random.Random(3).random(), np.random.RandomState(3).random()") == [[]]
        assert book.namespace["x"] == book.namespace["y"] == (own.random(), theirs.random())

    def test_what_draws_for_the_notebook_is_the_notebook(self, watch, book, module):
        module(book.library, "library_t", "import random\ndef work():\n    random.random()")
        assert watch("import library_t", "library_t.work()") == [[], ["random"]]

    def test_between_cells_nobody_is_accused(self, watch):
        watch("pass")
        random.random()
        assert watch("pass") == [[]]

    def test_what_a_library_draws_while_it_is_imported_is_forgiven(self, watch, book, module, monkeypatch):
        module(book.library, "library_t", "import random\nrandom.random()")
        module(book.project, "helper_t", "import random\nrandom.random()")
        around = (watch.watched.importing, watch.watched.imported)

        def own(file: str) -> bool:
            return book.tracer.kind_of(file) == tracing.OWN

        sys.meta_path.insert(0, loading.Loaded({}, around, own))
        assert watch("import library_t", "random.random(); import library_t", "import helper_t") == [
            [],
            ["random"],
            ["random"],
        ]


class TestFreshGenerators:
    def test_python_s_are_told_where_they_draw(self, watch):
        told = watch("def make():\n    return random.Random()", "r = make()", "r.random()", "r.random()")
        assert told == [[], [], ["fresh random"], []]

    def test_one_that_is_seeded_before_it_draws(self, watch):
        assert watch("r = random.Random(); r.seed(3); r.random()") == [[]]
        assert watch("r = random.Random(); r.setstate(random.Random(3).getstate()); r.random()") == [[]]

    def test_one_that_draws_before_it_is_seeded(self, watch):
        assert watch("r = random.Random(); r.random(); r.seed(3)") == [["fresh random"]]

    def test_many(self, watch):
        assert watch("for _ in range(20): random.Random()", "random.Random()") == [["fresh random"], []]

    @pytest.mark.parametrize(
        "make",
        [
            "default_rng()",
            "RandomState()",
            "RandomState(None)",
            "SeedSequence()",
            "PCG64()",
            "RandomState(seed=None)",
        ],
    )
    def test_numpy_s(self, watch, make):
        assert watch(f"np.random.{make}") == [["fresh numpy"]]
        assert watch.found == [("fresh numpy", "line 3")]

    @pytest.mark.parametrize(
        "make", ["default_rng(3)", "RandomState(3)", "SeedSequence(3)", "RandomState(seed=3)"]
    )
    def test_numpy_s_with_a_seed(self, watch, make):
        assert watch(f"np.random.{make}") == [[]]

    def test_a_library_that_was_given_no_seed(self, watch, book, module):
        module(
            book.library,
            "library_t",
            "import numpy as np\ndef fit(seed=None):\n    np.random.RandomState(seed)",
        )
        assert watch("import library_t\nlibrary_t.fit(3)", "library_t.fit()") == [[], ["fresh numpy"]]

    def test_what_stands_for_randomstate_makes_the_very_same(self, watch):
        import pickle

        made = np.random.RandomState(3)
        assert type(made) is type(np.random.mtrand._rand)
        assert isinstance(made, np.random.RandomState)
        assert issubclass(type(made), np.random.RandomState)
        assert not isinstance(3, np.random.RandomState)
        assert np.random.RandomState.__name__ == "RandomState"
        assert pickle.loads(pickle.dumps(made)).random() == made.random()

        class Own(np.random.RandomState):
            pass

        assert Own(3).random() == np.random.RandomState(3).random()
        assert isinstance(Own(3), Own)
        assert not isinstance(made, Own)
        assert not issubclass(type(made), Own)


class TestTheSystem:
    @pytest.mark.parametrize(
        ("cell", "kind"),
        [
            ("os.urandom(3)", "entropy"),
            ("secrets.token_hex()", "entropy"),
            ("random.SystemRandom().random()", "entropy"),
            ("uuid.uuid4()", "uuid"),
            ("uuid.uuid1()", "uuid"),
        ],
    )
    def test_what_the_notebook_asks_for(self, watch, cell, kind):
        assert watch("pass", cell, f"{cell}; {cell}") == [[], [kind], [kind]]

    def test_names_of_temporary_files_and_what_libraries_ask_for(self, watch, book, module):
        module(book.library, "library_t", "import uuid\nuuid.uuid4()\ndef show():\n    return uuid.uuid4()")
        cell = "import library_t; library_t.show(); tempfile.mkdtemp(); tempfile._RandomNameSequence().rng.random()"
        assert watch(cell) == [[]]

    def test_what_runs_outside_of_cells(self, watch):
        watch("pass")
        os.urandom(3), uuid.uuid4(), np.random.default_rng(), random.Random().random()
        assert watch.found == []


class Torch:
    """As much as is used of `torch.random`: a global generator, which the system has seeded."""

    __name__ = "torch.random"

    def __init__(self) -> None:
        self.state = [7]

    def get_rng_state(self):
        return types.SimpleNamespace(tolist=lambda: list(self.state))

    def set_rng_state(self, new_state):
        self.state = new_state

    def manual_seed(self, seed):
        self.state = [seed]

    def seed(self):
        self.state = [9]

    def rand(self):
        self.state = [self.state[0] + 1]


def test_torch(book):
    torch, found = Torch(), []
    watched = chance.Chance(book.tracer, lambda kind, where: found.append((kind, where)))
    watched.modules["torch.random"](torch)
    told = []
    for act in (
        lambda: torch.rand(),
        lambda: (torch.manual_seed(3), torch.rand()),
        lambda: (torch.seed(), torch.rand()),
        lambda: (torch.set_rng_state([5]), torch.rand()),
    ):
        found.clear()
        watched.begin()
        act()
        watched.end()
        told.append(found.copy())
    assert told == [[("torch", "")], [], [("torch", "")], []]
