"""Names of timings, and what of a text they hide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.timings import hide, is_timing, named

TIMINGS = [
    "mean_fit_time", "std_score_time", "fit_time", "score_time", "refit_time", "elapsed", "Elapsed", "elapsed_ms", "total elapsed", "elapsed time",
    "duration_s", "duration_ms", "time (s)", "Time [s]", "time_s", "time in ms", "runtime", "Runtime (min)", "run_time", "wall_time", "WallTime",
    "wall clock time", "fitTime", "CPU time", "train_time", "training time", "training_duration_s", "total_time_s", "inference_time_avg", "fit_times",
    "time taken", "took_s", "epoch_time",
]  # fmt: skip
DATA = [
    "time", "times", "Time", "timestamp", "time_index", "lifetime", "time_to_event", "response_time", "travel time", "duration", "duration_h", "time_min",
    "max_time", "timezone", "half_time", "time_step", "datetime", "s", "t_s", "mean", "total", "test_score", "fit", "score", "took", "running time (min)",
    "wall_height", "wall", "elapsed_distance", "", "0", "processing_time", "1", "min",
]  # fmt: skip


@pytest.mark.parametrize("name", TIMINGS)
def test_timings(name):
    assert is_timing(name)


@pytest.mark.parametrize("name", DATA)
def test_data(name):
    assert not is_timing(name)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [(["fit_time"], True), (["*_time"], True), (["*", "fit*"], True), (["*"], False), (["**", "?*", "x"], False), ([], False)],
)  # fmt: skip
def test_everything_is_no_name(patterns, expected):
    assert named("fit_time", patterns) is expected


TEXTS = [
    (
        "{'fit_time': array([0.00123, 0.0012 ,\n       0.0011]), 'test_score': array([0.95, 0.9])}",
        "{'fit_time': <timing>, 'test_score': array([0.95, 0.9])}",
    ),
    ("{'fit_time': np.float64(0.0123), 'score': 0.91}", "{'fit_time': <timing>, 'score': 0.91}"),
    ('{"elapsed": [0.5, 1e-05], "n": [1, 2]}', '{"elapsed": <timing>, "n": [1, 2]}'),
    ("epoch 1, loss: 0.5, elapsed: 0.5, acc=0.3", "epoch 1, loss: 0.5, elapsed: <timing>, acc=0.3"),
    ("score: 0.5 runtime=1e-3", "score: 0.5 runtime=<timing>"),
    ("total elapsed time = 0.53", "total elapsed time = <timing>"),
    (
        "fit_time      0.012\ntest_score    0.950\ndtype: float64",
        "fit_time      <timing>\ntest_score    0.950\ndtype: float64",
    ),
    (
        "   fit_time  score_time  test_score\n0     0.012       0.003       0.950\n1    10.013       0.004       0.961\n\nelse 0.1",
        "fit_time score_time test_score\n0 <timing> <timing> 0.950\n1 <timing> <timing> 0.961\n\nelse 0.1",
    ),
    (
        "       fit_time  score\nmodel                 \nsvm       0.012   0.95\nnb          NaN   0.75\n[2 rows x 2 columns]",
        "fit_time score\nmodel\nsvm <timing> 0.95\nnb NaN 0.75\n[2 rows x 2 columns]",
    ),
    (
        "|   fit_time |   score |\n|-----------:|--------:|\n|      0.012 |    0.95 |",
        "| fit_time | score |\n|--:|--:|\n| <timing> | 0.95 |",
    ),
    (
        "┌──────────┬───────┐\n│ fit_time ┆ score │\n│ ---      ┆ ---   │\n│ f64      ┆ f64   │\n╞══════════╪═══════╡\n│ 0.012    ┆ 0.95  │\n└──────────┴───────┘",
        "┌──┬──┐\n│ fit_time ┆ score │\n│ -- ┆ -- │\n│ f64 ┆ f64 │\n╞══╪══╡\n│ <timing> ┆ 0.95 │\n└──┴──┘",
    ),
    ("model  time (s)  acc\nsvm        0.53  0.9", "model time (s) acc\nsvm <timing> 0.9"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), TEXTS)
def test_what_is_hidden(text, shown):
    found, hits = hide(text)
    assert found == shown
    assert hits == shown.count("<timing>")
    assert hide(found) == (found, 0)


KEPT = [
    "fit_time: 3", "{'fit_time': 12}", "fit_time=[1, 2]", "time: 0.5", "time (s): 0.5", "t = 0.5", "duration = 3.5", "simulated time: 0.5", "took 0.5",
    "{'time': 0.5}", "elapsed: loss 0.5", "elapsed 1.8.0", "version runtime: 1.8.0", "fit_time: 0x1", "'fit_time': 'a 0.5'", "lifetime: 0.5",
    "   time  score\n0   0.1    0.5", "   fit_time  score\n0         3   0.95", "the time elapsed\nis 0.5", "elapsed:\n0.53", "elapsed\n\n0.5 a\n0.5",
    "fit_time  score\n0.5", "  loss  elapsed, of\n  0.5      0.25",
]  # fmt: skip


@pytest.mark.parametrize("text", KEPT)
def test_results_stay(text):
    assert hide(text) == (text, 0)


def test_a_table_is_the_same_however_long_its_timings_took():
    table = "   fit_time  score\n0  {}   0.95\n1  {}   0.96"
    shown = {hide(table.format(*pair))[0] for pair in (("    0.01", "    0.02"), ("10000.01", "   12.02"))}
    assert len(shown) == 1
    box = "│ fit_time ┆ score │\n│ {} ┆ 0.95  │"
    assert len({hide(box.format(timing))[0] for timing in ("0.1234  ", "0.12345 ", "0.123456")}) == 1
    wide = "    fit_time  score\n0  100000.01   0.95\n1      12.02   0.96"
    assert hide(wide)[0] in shown


PIECES = st.lists(
    st.sampled_from(
        ["fit_time", "elapsed", " ", "  ", "\n", "|", ": ", "=", "0.5", "12", "[0.5, 1.5]", "'", "score", "---", "NaN", "<timing>", "time (s)", ","]
    ),
    max_size=12,
)  # fmt: skip


@given(PIECES)
def test_nothing_is_left_to_hide_and_hits_are_changes(pieces):
    text = "".join(pieces)
    found, hits = hide(text)
    assert (found != text) == bool(hits)
    assert hide(found) == (found, 0)


@pytest.mark.parametrize(
    "piece", ["elapsed", "elapsed ", "elapsed\n", "fit_time: ", "'fit_time': [0.", "fit_time  ", "fit time 0.5  ", "a=", "elapsed  0.5\n", "wall\n0.5\n"]
)  # fmt: skip
def test_long_texts_end(piece):
    hide(piece * (200_000 // len(piece)))
