"""What is held still in an experiment: for the notebook's own code and its libraries, and for nobody else."""

from __future__ import annotations

import builtins
import datetime as dt
import os
import random
import time
import types

import numpy as np
import pytest

from pytest_nbrepro.kernels import forcing

CLOCKS = ("time", "perf_counter", "process_time", "monotonic", "thread_time")
BEGIN = 1_700_000_000.0  # 2023-11-14, 22:13:20 UTC


@pytest.fixture
def force(book, monkeypatch):
    """Hold things still, run a cell, and return what it leaves in `x`; all that is replaced is put back."""
    replaced = {
        os: ("urandom", "getpid", "listdir", "scandir"),
        random: ("_urandom",),
        random.Random: ("seed",),
        builtins: ("id",),
        time: (
            *CLOCKS,
            *(f"{name}_ns" for name in CLOCKS),
            "localtime",
            "gmtime",
            "ctime",
            "asctime",
            "strftime",
        ),
        np.random.bit_generator: ("randbits",),
    }
    for place, names in replaced.items():
        for name in names:
            monkeypatch.setattr(place, name, getattr(place, name))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    found = []

    def run(cell, **forced):
        held = forcing.Forcing(forced, book.tracer, lambda kind, where: found.append((kind, where)))
        held.attach()
        for name, call in held.modules().items():
            assert name == "numpy.random"
            call(np.random)
        for begun in range(2):
            held.begin()
            book.cell(cell)
            if begun == 0:
                once = book.namespace.get("x")
        return once

    run.found = found
    yield run
    dt.__class__ = types.ModuleType
    monkeypatch.undo()
    time.tzset()


IMPORTS = "import os, random, secrets, time, uuid\nimport datetime as dt\nimport numpy as np\n"
DRAW = IMPORTS + (
    "x = (os.urandom(4), secrets.token_hex(4), uuid.uuid4(), random.Random().random(), random.SystemRandom().random(),"
    " np.random.default_rng().random(), np.random.RandomState().rand())"
)


def test_entropy_is_the_same_in_each_experiment_and_another_at_each_draw(force, book):
    first = force(DRAW, entropy=True)
    assert len(set(first)) == len(first)
    assert book.namespace["x"] != first


def test_a_second_experiment_gives_the_same(force, book, monkeypatch):
    first = force(DRAW, entropy=True)
    held = forcing.Forcing({"entropy": True}, book.tracer, lambda *_: None)
    held.attach()
    held.modules()["numpy.random"](np.random)
    book.cell(DRAW)
    # what wraps the first one asks it, too, and does not use what it says
    assert book.namespace["x"][0] == first[0]


def test_seeds_stay_seeds(force):
    x = force(IMPORTS + "x = random.Random(3).random(), np.random.default_rng(3).random()", entropy=True)
    assert x == (random.Random(3).random(), np.random.default_rng(3).random())


def test_who_is_not_the_notebook_gets_what_there_is(force):
    force("x = 1", entropy=True, ids=True, clock=BEGIN)
    assert os.urandom(8) != os.urandom(8)
    assert random.Random().random() != random.Random().random()
    assert np.random.default_rng().random() != np.random.default_rng().random()
    assert os.getpid() > 1
    assert id(force) > 1000
    assert time.time() > BEGIN + 1e6
    assert dt.datetime.now().year > 2023
    assert time.localtime().tm_year > 2023
    assert force.found == []


def test_numbers_of_objects_and_processes(force):
    assert force("import os\na = object()\nx = id(a), id(os), id(a), os.getpid()", ids=True) == (0, 1, 0, 1)


def test_the_clock_stands_but_for_a_tick(force):
    cell = IMPORTS + (
        "x = (time.time(), time.time_ns(), time.perf_counter() - time.perf_counter(), time.gmtime().tm_hour,"
        " time.localtime().tm_min, time.ctime(), time.asctime(), time.strftime('%Y-%m-%d'), dt.datetime.now(),"
        " dt.datetime.now(dt.timezone.utc).hour, dt.datetime.utcnow().day, dt.datetime.today().minute, dt.date.today())"
    )
    told = force(cell, clock=BEGIN)
    assert told[0] == BEGIN
    assert told[1] == int((BEGIN + 1e-3) * 10**9)
    assert told[2] == pytest.approx(-1e-3, rel=1e-3)
    assert told[3:8] == (22, 13, "Tue Nov 14 22:13:20 2023", "Tue Nov 14 22:13:20 2023", "2023-11-14")
    assert told[8].replace(microsecond=0) == dt.datetime(2023, 11, 14, 22, 13, 20)
    assert told[9:12] == (22, 14, 13)
    assert told[12] == dt.date(2023, 11, 14)
    assert force.found == [("clock", "line 4")] * 2  # once in each cell


def test_times_that_are_given_stay_as_they_are(force):
    cell = IMPORTS + (
        "x = (time.gmtime(0).tm_year, time.ctime(0), time.asctime(time.gmtime(0)), time.strftime('%Y', time.gmtime(0)),"
        " dt.datetime(2020, 1, 2), dt.date(2020, 1, 2), isinstance(dt.datetime(2020, 1, 2), dt.datetime),"
        " isinstance(3, dt.date), issubclass(dt.datetime, dt.date))"
    )
    epoch = "Thu Jan  1 00:00:00 1970"
    moment = dt.datetime(2020, 1, 2)
    assert force(cell, clock=BEGIN) == (1970, epoch, epoch, "1970", moment, moment.date(), True, False, True)
    assert type(dt.datetime(2020, 1, 2)) is dt.datetime


def test_timing_by_python_s_own_modules(force, monkeypatch):
    import timeit

    monkeypatch.setattr(timeit, "default_timer", lambda: time.perf_counter())
    cell = "import timeit\nx = timeit.timeit('pass', number=3)"
    assert force(cell, clock=BEGIN) >= 0


@pytest.mark.parametrize(("how", "names"), [("sorted", ["a", "b", "c"]), ("reversed", ["c", "b", "a"])])
def test_listings_come_in_one_order(force, book, tmp_path, how, names):
    for name in ("b", "c", "a"):
        (tmp_path / "here" / name).mkdir(parents=True)
    book.namespace["place"] = str(tmp_path / "here")
    cell = (
        "import os, glob, pathlib\n"
        "with os.scandir(place) as found: first = [entry.name for entry in found]\n"
        "found = os.scandir(place); found.close()\n"
        "x = (os.listdir(place), first, [os.path.basename(p) for p in glob.glob(place + '/*')],"
        " [p.name for p in pathlib.Path(place).iterdir()], list(found), next(os.walk(place))[1])"
    )
    assert force(cell, listing=how) == (names, names, names, names, [], names)


def test_nothing_else_is_touched(force):
    before = os.listdir, time.time, builtins.id, os.urandom
    force("x = 1", random=0)
    assert (os.listdir, time.time, builtins.id, os.urandom) == before
