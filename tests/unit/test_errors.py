"""Faults as people read them, and as worker processes send them."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import errors
from pytest_nbrepro.errors import NbreproError, nearest

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, NbreproError)]
TEXTS = st.none() | st.text()


class TestText:
    def test_it_says_what(self):
        assert str(NbreproError("it is gone")) == "it is gone"

    def test_it_says_where_first_and_what_to_do_last(self):
        error = NbreproError("it is gone", where="a.ipynb:3", hint="bring it back")
        assert str(error) == "a.ipynb:3: it is gone\n  hint: bring it back"


@pytest.mark.parametrize("kind", KINDS)
@given(what=st.text(), where=TEXTS, hint=TEXTS)
def test_a_fault_survives_the_way_from_a_worker(kind, what, where, hint):
    error = pickle.loads(pickle.dumps(kind(what, where=where, hint=hint)))
    assert type(error) is kind
    assert (error.what, error.where, error.hint) == (what, where, hint)


def test_there_are_the_kinds_that_rooms_raise():
    assert {kind.__name__ for kind in KINDS} >= {"StoreError", "BaselineError", "SpecError", "FlagError"}


class TestNearest:
    def test_close_names_are_offered_best_first(self):
        assert nearest("nose", ["noise", "x", "nosey"]) == "did you mean 'nosey' or 'noise'?"

    def test_otherwise_all_names_are_told(self):
        assert nearest("zzz", iter(["noise", "x"])) == "known: noise, x"

    def test_but_not_more_than_twelve(self):
        told = nearest("zzz", [f"name{n}" for n in range(13)])
        assert told.endswith("name11, …")

    def test_nothing_known_gives_no_hint(self):
        assert nearest("zzz", []) is None

    @given(st.text(), st.lists(st.text()))
    def test_it_never_fails(self, name, known):
        assert (nearest(name, known) is None) == (not known)
