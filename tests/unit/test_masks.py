"""Masks: what they hide, what they must never hide, and that they end on any text."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import moments
from pytest_nbrepro.masks import MASKS, mask, terminal_text, told
from pytest_nbrepro.model import Masking, OwnMask

UUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
HEX = "0123456789abcdef0123456789abcdef"

HIDDEN = {
    "ansi": [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://a\x1b\\link\x1b]8;;\x07", "link"),
        ("a\x1b[2Kb\x1bMc", "abc"),
    ],
    "run folder": [
        ("in .nbrepro/runs/20261123T165903.123456-a1b2c3/work/a", "in .nbrepro/runs/<run>/work/a"),
    ],
    "progress bars": [
        ("100%|██████████| 100/100 [00:08<00:00, 12.1it/s]", "100%|██████████| 100/100 [<progress>]"),
        ("100%|█| 5/5 [1:00:08<00:00,  2.50s/it, loss=0.353]", "100%|█| 5/5 [<progress>, loss=0.353]"),
        ("  0%|          | 0/10 [00:00<?, ?it/s]", "  0%|          | 0/10 [<progress>]"),
        ("45it [00:03, 12.34it/s]", "45it [<progress>]"),
        ("[10/10 00:03<00:00]", "[10/10 <progress>]"),
        ("━━━ 10.2/10.2 MB 45.1 MB/s eta 0:00:00", "━━━ 10.2/10.2 MB <progress>"),
    ],
    "timings": [
        ("12.3 ms ± 45 µs per loop (mean ± std. dev. of 7 runs, 100 loops each)", "<timing> per loop"),
        ("1min 2s ± 1.2 s per loop (mean ± std. dev. of 7 runs, 1 loop each)", "<timing> per loop"),
        (
            "96.5 ns ± 2.25 ns per loop (mean ± std. dev. of 7 runs, 10,000,000 loops each)",
            "<timing> per loop",
        ),
        ("1000000 loops, best of 5: 200 ns per loop", "<timing> per loop"),
        ("The slowest run took 10.24 times longer than the fastest. This could mean\nx", "x"),
        ("CPU times: user 3.2 s, sys: 45 ms, total: 3.25 s", "CPU times: <timing>"),
        ("Wall time: 3.2 s", "Wall time: <timing>"),
        ("Wall time: 1h 2min 3s\nnext", "Wall time: <timing>\nnext"),
        ("Compiler : 120 ms\nParser   : 130 ms\nx", "x"),
        ("elapsed 3.2 s", "elapsed <timing>"),
        (
            "[Parallel(n_jobs=1)]: Done 10 out of 10 | elapsed:    0.5s finished",
            "[Parallel(n_jobs=1)]: Done 10 out of 10 | elapsed:    <timing> finished",
        ),
        ("[CV] END C=1;, score=0.91 total time=   0.1s", "[CV] END C=1;, score=0.91 total time=   <timing>"),
        ("epoch 3 took 3.2s, loss 0.3", "epoch 3 took <timing>, loss 0.3"),
        ("Training time: 12.3 seconds", "Training time: <timing>"),
        ("Elapsed time was about 1,234.5 ms", "Elapsed time was about <timing>"),
        ("Finished in 2 minutes and 3 s", "Finished in <timing>"),
        ("fit_time = 3.2e-05 s", "fit_time = <timing>"),
        ("Training time (s): 3.25", "Training time (s): <timing>"),
        ("1/1 ━━━━ 0s 45ms/step - loss: 0.3", "1/1 ━━━━ <timing> - loss: 0.3"),
        ("469/469 [====] - 3s 6ms/step - loss: 0.25", "469/469 [====] - <timing> - loss: 0.25"),
        (
            "469/469 - 3s - loss: 0.25 - 3s/epoch - 6ms/step",
            "469/469 - <timing> - loss: 0.25 - <timing> - <timing>",
        ),
        ("7/9 [=>.] - ETA: 0s - loss: 1", "7/9 [=>.] - ETA: <timing> - loss: 1"),
    ],
    "named timings": [
        ("{'fit_time': 0.0123, 'score': 0.91}", "{'fit_time': <timing>, 'score': 0.91}"),
        ("elapsed: 0.53, loss: 0.5", "elapsed: <timing>, loss: 0.5"),
        ("a\n   fit_time  score\n0     0.012   0.95\n", "a\nfit_time score\n0 <timing> 0.95\n"),
    ],
    "uuids": [(f"id {UUID}.", "id <uuid>."), (UUID.upper(), "<uuid>")],
    "widget ids": [
        (f"IPY_MODEL_{HEX}", "IPY_MODEL_<id>"),
        (f'{{"model_id": "{HEX}"}}', '{"model_id": "<id>"}'),
    ],
    "addresses": [
        ("<object object at 0x7f8b2c0d5e50>", "<object object at <address>>"),
        ("<function f at 0x10b5e7c10>", "<function f at <address>>"),
        ("<Swig Object of type 'A *' at 0x0000021A5B3C4D5E>", "<Swig Object of type 'A *' at <address>>"),
        ("id 0x55d0c8a7b2c0", "id <address>"),
    ],
    "process ids": [
        ("/tmp/ipykernel_2971/1234567890.py:1: UserWarning", "/tmp/ipykernel_<pid>/<cell>.py:1: UserWarning"),
        ("<ForkProcess name='P-1' pid=123 parent=122 started>", "<ForkProcess name='P-1' pid=<pid> started>"),
        ("worker PID: 4711", "worker PID: <pid>"),
        ("Process ID 4711", "Process ID <pid>"),
    ],
    "dates and times": [
        ("2026-11-23", "<time>"),
        ("2026-11-23 16:59:03.123456+01:00 x", "<time> x"),
        ("2026-11-23T16:59:03Z", "<time>"),
        ("2026-11-23, 16:59 x", "<time> x"),
        ("2026/11/23 16:59:03,123 - INFO", "<time> - INFO"),
        ("run_20261123-165903.csv", "run_<time>.csv"),
        ("20261123T165903", "<time>"),
        ("23.11.2026, 16:59 Uhr", "<time> Uhr"),
        ("11/23/2026 4:59:03 PM", "<time>"),
        ("1/3/2026", "<time>"),
        ("Date: Mon, 23 Nov 2026   Prob", "Date: <time>   Prob"),
        ("Time:   16:59:03  Log", "Time:   <time>  Log"),
        ("Mon Nov 23 16:59:03 2026", "<time>"),
        ("Mon Nov 23 16:59:03 UTC 2026", "<time>"),
        ("on Nov 23, 2026 at", "on <time> at"),
        ("Monday, 23rd November 2026", "<time>"),
        ("November 3, 2026 4:59 PM", "<time>"),
        ('[23/Nov/2026:16:59:03 +0000] "GET', '[<time>] "GET'),
        ("Mon, 23 Nov 2026 16:59:03 GMT", "<time>"),
        ("[16:59:03] step", "[<time>] step"),
        ("0:00:03.214567", "<time>"),
        ("0:00:03", "<time>"),
        ("1:02:03.214567", "<time>"),
    ],
}

KEPT = [
    "loss: 0.353", "accuracy 0.91 after 30 epochs", "x=1e-5", "wait 3 s", "3.2 s", "2019", "in 2019 and 2020", "1.2.3", "v2024.10.1",
    "12:30", "ratio 12:30", "70:15:15", "epochs 3, batch 32", "0xff", "0xdeadbeef", "0x9e3779b97f4a7c15", HEX, HEX * 2,
    "0123-4567", "12.5 ms", "5 ms ± 1 ms", "period: 12 ms", "duration = 3.2 s", "t = 3.2 seconds", "time step: 0.1 s", "half-life 5.3 h",
    "Training time", "took 3 samples", "took 3.2 steps", "took 5 m", "elapsed", "45 MB/s", "12 it/s", "12 m/s", "5 s/m", "pid: 17", "12 steps",
    "2019-13-01", "2019-07", "20190714", "99.99.2019", "1.2.2019.3", "10.12.20201", "12-30", "May 5", "Mar 2019", "14 July", "12:30:4", "12:34:56:12:34:56",
    "a:12:30:45", "0.12:30:45", "1:23:45", "24:00:00", "10:60:00", "[0, 1]", "[ 1.  2.]", "a < b", "[00:03]", "100%", "-1.1e-15", "nan", "model_id: 7",
    "PIDs", "PID controller", "process 12", "at 0x", "at 0xff", "x at 3", "~/runs/1", "<3>", "1/1 - 3 - 2", "score (s): 3", "ETA squared: 0.3", "user 3.2 s",
    "slowest run took longer", "Sunday", "Mon", "Sun 3", "(3, 4)", "12,345.678", "1234567890", "100 loops", "best of 3", "Decision 12, 2019x",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "expected"), [(name, *pair) for name, pairs in HIDDEN.items() for pair in pairs]
)
def test_what_means_nothing_is_hidden_and_counted(name, text, expected):
    found, hits = mask(text)
    assert found == expected
    assert set(hits) == {name}
    assert all(count > 0 for count in hits.values())


def test_every_mask_has_an_example():
    assert set(HIDDEN) == set(MASKS)


@pytest.mark.parametrize("text", KEPT)
def test_results_are_never_hidden(text):
    assert mask(text) == (text, {})
    assert mask(f"a {text} b\n{text}") == (f"a {text} b\n{text}", {})


def test_several_masks_in_one_text_count_their_hits():
    text = f"\x1b[1m2026-11-23\x1b[0m <f at 0x7f8b2c0d5e50> {UUID} {UUID} loss: 0.25"
    found, hits = mask(text)
    assert found == "<time> <f at <address>> <uuid> <uuid> loss: 0.25"
    assert hits == {"ansi": 2, "uuids": 2, "addresses": 1, "dates and times": 1}


def test_statsmodels_summary_keeps_its_columns_and_results():
    text = "Date:                Mon, 23 Nov 2026   Prob (F-statistic):           4.00e-05\nTime:                        16:59:03   Log-Likelihood:                -12.978"
    assert mask(text)[0] == (
        "Date:                <time>   Prob (F-statistic):           4.00e-05\nTime:                        <time>   Log-Likelihood:                -12.978"
    )


# ---------------------------------------------------------------------------------------------------
# Switched off, and one's own


@pytest.mark.parametrize("name", MASKS)
def test_each_mask_can_be_switched_off(name):
    for text, shown in HIDDEN[name]:
        assert name not in mask(text, masking=Masking(frozenset({name})))[1]  # another may know a part of it
        assert mask(text, masking=Masking(frozenset(MASKS) - {name})) == (shown, mask(text)[1])


def test_masks_of_one_s_own_come_before_all_but_terminal_codes():
    own = (OwnMask("ids", r"^run-\d+ at (0x\w+)$", r"<id> at \1"), OwnMask("seconds", r"took .* s", ""))
    text = "\x1b[1mrun-17\x1b[0m at 0x7f3c2a1b4d90\ntook 3.2 s\nrun-17 at 0x7f3c2a1b4d90 or so"
    found, hits = mask(text, masking=Masking(own=own))
    assert found == "<id> at <address>\n\nrun-17 at <address> or so"
    assert hits == {"ansi": 2, "ids": 1, "seconds": 1, "addresses": 2}


def test_what_masks_hid_in_words():
    assert told({"timings": 1200, "ansi": 1, "uuids": 0}) == "masked: ansi 1, timings 1,200"
    assert told({}) == ""


# ---------------------------------------------------------------------------------------------------
# Folders and days


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/u/my proj/work/a.csv", "<run folder>/a.csv"),
        ("file:///home/u/my%20proj/work/a.csv", "file://<run folder>/a.csv"),
        ("'/home/u/my proj/work'", "'<run folder>'"),
        ("in /home/u/my proj/work.", "in <run folder>."),
        ("/home/u/my proj/work.csv", "/home/u/my proj/work.csv"),
        ("/home/u/my proj/workers", "/home/u/my proj/workers"),
        ("/mnt/home/u/my proj/work", "/mnt/home/u/my proj/work"),
        ("/home/u/my proj/work/sub/x", "<run folder>/x"),
        ("/tmp/x", "/tmp/x"),
    ],
)
def test_folders_of_the_run_are_hidden(text, expected):
    found, hits = mask(text, folders=["/home/u/my proj/work", "/home/u/my proj/work/sub/", "/", "/tmp"])
    assert found == expected
    assert hits == ({} if text == expected else {"run folder": 1})


def test_folders_may_hold_any_character():
    assert mask("x /a/(b)+[c]/d y", folders=["/a/(b)+[c]"])[0] == "x <run folder>/d y"


DAY = dt.date(2026, 11, 3)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-03", "2026-11-03 16:59:03", "2026/11/03", "20261103-165903", "03.11.2026", "11/03/2026", "3/11/2026", "Tue, 3 Nov 2026",
        "Nov 3, 2026", "Tue Nov  3 16:59:03 2026", "03/Nov/2026:16:59:03 +0000", "16:59:03", "0:00:03.214567",
    ],
)  # fmt: skip
def test_with_the_days_of_the_run_its_dates_are_hidden(text):
    assert mask(f"a {text} b", days=[DAY - dt.timedelta(1), DAY]) == (
        "a <time> b",
        {"dates and times": 1},
    )


@pytest.mark.parametrize(
    "text",
    [
        "2019-11-03", "2026-11-04", "2019-07-14 16:59:03", "2019-07-14T16:59:03.5Z", "20190714-165903", "04.11.2026", "12/03/2026", "Tue, 3 Oct 2026",
        "Nov 13, 2026", "Tue Nov  3 16:59:03 2019", "2026-02-31", "31/31/2026",
    ],
)  # fmt: skip
def test_with_the_days_of_the_run_other_dates_are_results(text):
    assert mask(f"a {text} b", days={DAY}) == (f"a {text} b", {})
    assert mask(f"a {text} b")[0] == "a <time> b"


def test_without_any_day_only_times_are_hidden():
    assert mask("2026-11-03 and 16:59:03", days=()) == ("2026-11-03 and <time>", {"dates and times": 1})


# ---------------------------------------------------------------------------------------------------
# Terminals


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ntext  \n", "plain\ntext  \n"),
        ("hello\rab", "abllo"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("  0%\r 50%\r100%\ndone", "100%\ndone"),
        ("progress 100%\r             \rdone", "done"),
        ("ab\b\bcd", "cd"),
        ("abc\b\bX", "aXc"),
        ("\b\b\ba", "a"),
        ("a\b", "a"),
        ("long line\r\x1b[Kok", "ok"),
        ("long line\b\b\b\b\x1b[0Kx", "long x"),
        ("abc\x1b[2Kd\rX", "X  d"),
        ("\x1b[32mgreen\x1b[0m\rworld", "\x1b[0mworld"),
        ("\r\x1b[1mé日\x1b[0m", "\x1b[1mé日\x1b[0m"),
        ("a\x1bb\rc", "c\x1bb"),
        ("x\ty\rz", "z\ty"),
        ("1/2\r\n2/2\rdone\r", "1/2\ndone"),
        ("", ""),
    ],
)
def test_text_as_a_terminal_shows_it(text, shown):
    assert terminal_text(text) == shown


def _slowly(line):
    cells, at = {}, 0
    for letter in line:
        if letter == "\r":
            at = 0
        elif letter == "\b":
            at = max(0, at - 1)
        else:
            cells[at] = letter
            at += 1
    return "".join(cells.get(i, " ") for i in range(max(cells, default=-1) + 1)).rstrip(" ")


@given(st.text("ab \r\b", max_size=30))
def test_overwriting_agrees_with_a_letter_by_letter_terminal(line):
    shown = terminal_text(line)
    assert shown == (_slowly(line) if "\r" in line or "\b" in line else line)
    assert terminal_text(shown) == shown


# ---------------------------------------------------------------------------------------------------
# Laws

PIECES = st.lists(
    st.one_of(
        st.sampled_from([text for pairs in HIDDEN.values() for text, _ in pairs] + KEPT),
        st.sampled_from(
            [" ", "\n", ":", "-", "/", ", ", "(", "s", "at ", "took ", "Elapsed: ", "1", "0x7", ".", "\x1b["]
        ),
    ),
    max_size=6,
)


@given(PIECES)
def test_masked_text_has_nothing_left_to_mask(pieces):
    found, _ = mask("\n".join(pieces))
    assert mask(found) == (found, {})


@given(st.text())
def test_hits_are_reported_exactly_when_the_text_changes(text):
    found, hits = mask(text)
    assert (found != text) == bool(hits)


@pytest.mark.parametrize(
    "piece",
    [
        *"1a-:/ 0x%|<[.,+T\x1b\r\b_é", "1:", "1.", "1,", "1 ", "1-", "1/", "11:", "1s ", "0x7f", "at 0x", "took ", "took 1", "elapsed: ", "\x1b[", "\x1b]",
        "\x1b[0;", "2026-11-2", "2026", "Nov 1", "Mon ", "Mon Nov 23 ", "00:00<", "1it [", "ab12-", "pid=", "PID ", "CPU times: user ", "Wall time: 1",
        "1 ms ± ", "1 loops, best of 3: ", "The slowest run took ", "ipykernel_1/", "IPY_MODEL_", "model_id: ", "a\r", "a\b", ".nbrepro/runs/", "B/s eta ",
        "1/1 - 1s", "Compiler :", "Process ID", "run time ", "run time (s", "0:00:0", "/home/u", "/home/u/p",
    ],
)  # fmt: skip
def test_long_lines_and_texts_end(piece):
    line = piece * (80_000 // len(piece))
    for text in (line, "\n".join([piece] * 20_000)):
        mask(text, folders=["/home/u/p"])
    terminal_text(f"{line}\r{line}")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("on 2026-11-23 16:59 and Nov 3, 2026", {(2026, 11, 23), (2026, 11, 3), (2026, 3, 11)}),
        ("16:59:03", set()),
        ("31/12/2026, 2026-02-31", {(2026, 12, 31)}),
        ("", set()),
    ],
)
def test_dates_in_a_text(text, found):
    assert set(moments.dates(text)) == {dt.date(*parts) for parts in found}
