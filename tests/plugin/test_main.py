"""`pytest --nbrepro`: a case passes, drifts by exactly one thing, and passes again."""

from __future__ import annotations

import json

CODE = (
    "x = 1.0",
    "loss = x / 3\nprint(f'loss: {loss!r}')",
    "import csv\nwith open('rows.csv', 'w') as out:\n    out.write('id,v\\n1,0.5\\n2,0.25\\n')",
    "print('fitted', 3, 'trees of depth', 2.5)",
)


def test_first_run_has_no_baseline_and_fails(project, fake_kernel):
    project.notebook("train.ipynb", *CODE)

    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*NBREPRO train.ipynb::default   no baseline yet for 3 checks*"])
    result.stdout.fnmatch_lines(["*nbrepro review 'train.ipynb::default'*"])
    result.stdout.fnmatch_lines(["FAILED train.ipynb::default - no baseline yet for 3 checks"])
    assert not (project.root / "baselines").exists()
    assert fake_kernel.runs == 2  # what waits has been confirmed by a second run


def test_accepted_baseline_passes_and_tree_is_untouched(project, fake_kernel):
    project.notebook("sub dir/träin.ipynb", *CODE)
    project.accept()
    before = project.tree()

    result = project.run()

    assert result.ret == 0
    result.stdout.fnmatch_lines(["*1 of 1 case reproduced in 1 run*"])
    assert project.tree() == before
    assert (project.root / "baselines/sub dir/träin/default/metrics.json").exists()


def test_metric_drift_names_that_metric_only(project, fake_kernel):
    project.notebook("train.ipynb", *CODE)
    project.accept()
    project.notebook("train.ipynb", CODE[0], "loss = x / 3 * (1 + 1e-4)\nprint(f'loss: {loss!r}')", *CODE[2:])

    result = project.run()

    assert result.ret == 1
    out = result.stdout.str()
    assert "1 of 3 checks drifted" in out
    result.stdout.fnmatch_lines(["*metric*loss*0.3333 -> 0.3334*used 100x*rel 1e-6*"])
    result.stdout.fnmatch_lines(["*why*CODE: flags, inputs, environment same; source changed: cell 2*"])
    result.stdout.fnmatch_lines(["*first*cell 2 is the first whose output differs*"])
    assert "rows.csv" not in out

    project.notebook("train.ipynb", *CODE)
    assert project.run().ret == 0


def test_table_drift_names_column_and_row(project, fake_kernel):
    project.notebook("train.ipynb", *CODE)
    project.accept()
    project.notebook("train.ipynb", *CODE[:2], CODE[2].replace("0.25", "0.2501"), CODE[3])

    result = project.run()

    result.stdout.fnmatch_lines(["*1 of 3 checks drifted*", "*table*rows.csv*row 1*"])


def test_text_drift_names_the_cell_and_shows_the_diff(project, fake_kernel):
    project.notebook("train.ipynb", *CODE)
    project.accept()
    project.notebook("train.ipynb", *CODE[:3], CODE[3].replace("2.5", "2.6"))

    result = project.run()

    result.stdout.fnmatch_lines(
        [
            "*1 of 3 checks drifted*",
            "*output*cell 4*2.500 -> 2.600*",
            "*-  fitted 3 trees of depth 2.5*",
            "*+  fitted*2.6*",
        ]
    )


def test_lost_and_new_fail(project, fake_kernel):
    project.notebook("train.ipynb", "print('loss: 0.5')")
    project.accept()
    project.notebook("train.ipynb", "print('auc: 0.5')")

    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*metric*loss*LOST*", "*metric*auc*NEW*"])


def test_a_declared_metric_that_is_not_reported_fails_and_makes_no_baseline(project, fake_kernel):
    project.notebook("train.ipynb", "print('loss: 0.5')", nbrepro={"metrics": {"auc": {"rel": 1e-3}}})

    result = project.run("--nbrepro-update=new")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*auc*LOST*the annotation names it*"])
    assert not (project.root / "baselines").exists()


def test_two_runs_that_disagree_make_no_baseline(project, fake_kernel):
    project.notebook("train.ipynb", "print(f'loss: {runs}.5')")  # the fake kernel counts its runs

    result = project.run("--nbrepro-update=new")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*two runs of the same notebook disagree in 1 of 1 checks*", "*why*CHANCE*"])
    assert not (project.root / "baselines").exists()
    assert not list((project.root / ".nbrepro").rglob("pending.json"))


def test_once_accepts_one_run_and_says_so_ever_after(project, fake_kernel):
    project.notebook("train.ipynb", "print('loss: 0.5')")

    assert project.run("--nbrepro-update=new", "--nbrepro-once").ret == 0
    assert fake_kernel.runs == 1
    manifest = json.loads((project.root / "baselines/train/default/artifacts.json").read_text())
    assert manifest["once"] is True

    project.notebook("train.ipynb", "print('loss: 0.6')")
    result = project.run()
    result.stdout.fnmatch_lines(["*the baseline rests on one run alone*"])


def test_nothing_to_check_passes_with_a_warning(project, fake_kernel):
    project.notebook("quiet.ipynb", "x = 1")

    result = project.run()

    assert result.ret == 0
    result.stdout.fnmatch_lines(["*quiet.ipynb::default: ran, nothing to check*"])


def test_a_cell_that_raises_shows_its_source_and_traceback(project, fake_kernel):
    project.notebook("train.ipynb", "print('before')", "1 / 0")

    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*NBREPRO train.ipynb::default   failed in cell 2*",
            "*error*ZeroDivisionError: division by zero*",
            "*| 1 / 0*",
            "*kept*notebook.ipynb*",
        ]
    )
    assert "collection.py" not in result.stdout.str()
    (run,) = project.runs()
    assert run.status == "failed"
    assert "before" in (run.folder / "notebook.ipynb").read_text()


def test_a_failing_run_never_becomes_a_baseline(project, fake_kernel):
    project.notebook("train.ipynb", "print('loss: 0.5')", "1 / 0")

    assert project.run("--nbrepro-update=all").ret == 1
    assert not (project.root / "baselines").exists()


def test_ctrl_c_stops_pytest_and_leaves_an_interrupted_run(project, fake_kernel):
    project.notebook("a.ipynb", "raise KeyboardInterrupt")
    project.notebook("b.ipynb", "print('loss: 0.5')")

    result = project.pytester.runpytest_inprocess("--nbrepro", "-p", "no:xdist", no_reraise_ctrlc=True)

    assert result.ret == 2
    assert [run.status for run in project.runs()] == ["interrupted"]


def test_properties_hold_what_each_check_used(project, fake_kernel):
    project.notebook("train.ipynb", *CODE)
    project.accept()

    assert project.run("--junitxml=report.xml").ret == 0
    text = (project.root / "report.xml").read_text()
    assert '<property name="nbrepro.used.loss" value="0"' in text
    assert '<property name="nbrepro.used.rows.csv" value="0"' in text


def test_the_short_summary_names_the_error(project, fake_kernel):
    project.notebook("train.ipynb", "1 / 0")
    project.run().stdout.fnmatch_lines(
        ["FAILED train.ipynb::default - failed in cell 1: ZeroDivisionError: *"]
    )


def test_a_run_that_never_began_promises_no_copy(project, fake_kernel):
    project.notebook("train.ipynb", "x = 1", nbrepro={"flags": {"y": 2}})
    result = project.run()
    assert result.ret == 1
    result.stdout.no_fnmatch_line("*kept*")
    result.stdout.no_fnmatch_line(f"*{project.root}/train.ipynb*")


# ---------------------------------------------------------------------------------------------------
# Masks

TIMED = "import time\nprint(f'took {runs}.5 s, score 0.91{extra}')"  # the fake kernel counts its runs


def test_a_report_tells_what_masks_hid_where_something_fails(project, fake_kernel):
    project.notebook("train.ipynb", "extra = 0", TIMED, "print('took', runs + 0.5, 's')")
    result = project.run("--nbrepro-update=new")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*masked*")

    project.notebook("train.ipynb", "extra = 1", TIMED, "print('took', runs + 0.5, 's')")
    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*1 of 2 checks drifted*", "*output*cell 2*0.9100 -> 0.9110*"])
    assert result.stdout.str().count("masked: timings 1") == 1


def test_a_mask_that_is_off_hides_nothing(project, fake_kernel):
    off = {"outputs": {"masks": {"timings": "off"}}}
    project.notebook("train.ipynb", "extra = 0", TIMED, nbrepro=off)
    result = project.run("--nbrepro-update=new")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*two runs of the same notebook disagree*", "*output*1.500 -> 2.500*"])


def test_a_mask_of_one_s_own_holds_for_the_accepted_text_too(project, fake_kernel):
    project.notebook("train.ipynb", "print('id run-1')")
    project.accept()
    project.notebook("train.ipynb", "print('id run-2')")
    assert project.run().ret == 1

    masks = {"run ids": {"regex": "run-[0-9]+"}}
    project.notebook("train.ipynb", "print('id run-2')", nbrepro={"outputs": {"masks": masks}})

    assert project.run().ret == 0


def test_a_fault_in_a_mask_names_file_line_and_key(project, fake_kernel):
    project.notebook("train.ipynb", "x = 1")
    project.write("train.nbrepro.yaml", "outputs:\n  masks:\n    timing: off\n    ids: {regex: '(a'}\n")

    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*train.nbrepro.yaml:3: outputs.masks.timing: unknown mask, did you mean 'timings'*",
            "*train.nbrepro.yaml:4: outputs.masks.ids.regex: must be a regular expression*",
        ]
    )


# ---------------------------------------------------------------------------------------------------
# Timings by name

RACE = """\
import json
print(f'fit_time: {runs / 8}')
print(f'score: {value}')
with open('cv.csv', 'w') as out:
    out.write(f'fold,fit_time,score\\n1,{runs / 8},0.5\\n')
print('   fit_time  score')
print(f'0     {runs / 8:.3f}  0.500')
"""


def test_timings_are_set_aside_by_name_and_a_failure_tells(project, fake_kernel):
    project.notebook("train.ipynb", "value = 0.5", RACE)
    assert project.run("--nbrepro-update=new").ret == 0
    assert project.run().ret == 0

    project.notebook("train.ipynb", "value = 0.6", RACE)
    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*1 of 4 checks drifted*",
            "*metric*score*0.5000 -> 0.6000*",
            "*aside*fit_time; cv.csv: fit_time   (timings by name; a rule*",
        ]
    )


def test_a_rule_that_names_a_timing_has_it_compared(project, fake_kernel):
    project.notebook("train.ipynb", "value = 0.5", RACE, nbrepro={"metrics": {"fit_time": {"rel": 0.5}}})
    result = project.run("--nbrepro-update=new")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*two runs*disagree in 1 of 4 checks*", "*metric*fit_time*0.1250 -> 0.2500*"]
    )


def test_a_timing_that_is_lost_or_no_number_any_more_fails(project, fake_kernel):
    project.notebook("train.ipynb", "print(f'elapsed: {runs / 8}')", "print('score: 0.5')")
    project.accept()
    for changed, told in (
        ("pass", "LOST"),
        ("print('elapsed: 1')", "dtype float64 -> int"),
        ("print('elapsed: nan')", "NaN"),
    ):
        project.notebook("train.ipynb", changed, "print('score: 0.5')")
        result = project.run()
        assert result.ret == 1
        result.stdout.fnmatch_lines([f"*metric*elapsed*{told}*"])


def test_nothing_but_timings_is_nothing_to_check(project, fake_kernel):
    project.notebook("train.ipynb", "print(f'elapsed: {runs / 8}')")
    assert project.run("--nbrepro-update=new").ret == 0

    result = project.run()

    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*train.ipynb::default: ran, nothing to check: all that it gives is set aside*"]
    )


def test_a_first_report_says_what_will_not_be_compared(project, fake_kernel):
    project.notebook("train.ipynb", "print(f'elapsed: {runs / 8}')", "print('score: 0.5')")
    project.run().stdout.fnmatch_lines(
        ["*metric*elapsed*NEW*", "*0.125 has no baseline; a timing by its name, not compared*"]
    )


def test_a_refresh_does_not_rewrite_timings(project, fake_kernel):
    project.notebook("train.ipynb", "print(f'elapsed: {runs / 8}')", "print('score: 0.5')")
    project.accept()
    before = project.tree()
    assert project.run("--nbrepro-update=all").ret == 0
    assert project.tree() == before


# ---------------------------------------------------------------------------------------------------
# Tables and texts in HTML

PAGE = """\
import datetime
head = '<table><tr><th>model</th><th>fit_time</th><th>score</th></tr>'
body = f'<tr><td>svm</td><td>{runs / 8}</td><td>{value}</td></tr></table>'
with open('report.html', 'w') as out:
    out.write(f'{head}{body}<p>Made {datetime.date.today()}, job-{runs}</p>')
"""
OWN = {"artifacts": {"report.html": {"masks": {"jobs": {"regex": "job-[0-9]+"}}}}}


def test_a_table_of_html_is_compared_by_cell(project, fake_kernel):
    project.notebook("train.ipynb", "value = 0.5", PAGE, nbrepro=OWN)
    assert project.run("--nbrepro-update=new").ret == 0
    assert project.run().ret == 0

    project.notebook("train.ipynb", "value = 0.500001", PAGE, nbrepro=OWN)
    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*1 of 1 check drifted*",
            '*markup*report.html*row 0, column "score": 0.500000 -> 0.500001*used 2x*',
            "*score: 1 of 1 cells differ; masked: dates and times 1, jobs 1*",
            "*aside*report.html: fit_time   (timings by name; a rule*",
            "*allow*report.html: {columns: {score: {rel: 2.2e-6}}}*",
        ]
    )


def test_a_baseline_that_may_agree_by_chance_says_so(project, fake_kernel):
    fake_kernel.seen = [("numpy", 0, "")]
    project.notebook("train.ipynb", "print('loss: 0.5')")

    told = " ".join(project.accept().stdout.str().split())
    assert (
        "note: train.ipynb::default: what agrees may agree by chance: cell 1 draws from numpy's global"
        in told
    )
    kept = json.loads((project.root / "baselines/train/default/environment.json").read_text())
    assert kept["unseeded"] == ["cell 1 draws from numpy's global generator, which nobody seeded"]

    assert project.run().ret == 0
    fake_kernel.seen = []
    project.notebook("train.ipynb", "print('loss: 0.6')")
    told = " ".join(project.run().stdout.str().split())
    assert "note the baseline's values may be chance: cell 1 draws from numpy's global generator" in told
    assert "what agrees may agree" not in told


def test_where_runs_are_meant_to_vary_chance_is_no_news(project, fake_kernel):
    fake_kernel.seen = [("numpy", 0, "")]
    project.notebook("train.ipynb", "print(f'loss: {runs % 5}.5')", nbrepro={"runs": 5})
    assert "by chance" not in project.accept().stdout.str()
