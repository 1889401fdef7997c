"""Writing a suggested limit into the annotation beside a notebook, where nothing else changes by it."""

import dataclasses

import pytest

from pytest_nbrepro import notebook, spec
from pytest_nbrepro.cli.loosening import alone, line, loosen, pasted, write
from pytest_nbrepro.errors import SpecError
from pytest_nbrepro.model import ArtifactRule, Limits, MetricRule, OutputsRule, Spec
from pytest_nbrepro.reports.data import Offer

AUC = Offer(("metrics", "auc"), "{rel: 1.4e-2}")
CSV = Offer(("artifacts", "a.csv"), "{columns: {score: {rel: 1e-3}}}")
OUTPUTS = Offer(("outputs",), "{rel: 1e-3}")
SEED, RUNS = Offer(("seed",), "0"), Offer(("runs",), "10")


@pytest.fixture
def place(tmp_path, write_notebook):
    """A notebook, and a way to write what is said of it."""
    path = write_notebook(tmp_path / "train.ipynb", "x = 1")
    beside = tmp_path / "train.nbrepro.yaml"

    def write(text, toml=""):
        if text is not None:
            beside.write_bytes(text.encode())
        (tmp_path / "pyproject.toml").write_text(toml)
        return path, spec.load_project(tmp_path)

    return write, beside


def test_it_is_written_and_read_again(place):
    write, beside = place
    path, project = write("# mine\nmetrics:\n  loss: {rel: 1e-3}  # so\n")
    done = loosen(AUC, path, project)
    assert done.file == beside
    assert beside.read_text() == "# mine\nmetrics:\n  loss: {rel: 1e-3}  # so\n  auc: {rel: 1.4e-2}\n"
    assert spec.load(notebook.read(path), project).metrics[-1] == MetricRule("auc", Limits(rel=0.014))


def test_a_byte_order_mark_and_a_link_stay(place, tmp_path):
    write, beside = place
    target = tmp_path / "shared.yaml"
    path, project = write(None)
    target.write_bytes(b"\xef\xbb\xbfseed: 7\n")
    beside.symlink_to(target)
    assert loosen(AUC, path, project).file == beside
    assert beside.is_symlink()
    assert target.read_bytes() == b"\xef\xbb\xbfseed: 7\nmetrics:\n  auc: {rel: 1.4e-2}\n"


@pytest.mark.parametrize(
    ("text", "toml", "reason"),
    [
        pytest.param(None, "", "there is no train.nbrepro.yaml beside the notebook", id="no file"),
        pytest.param(
            None,
            "[[tool.nbrepro.notebooks]]\npath = '*.ipynb'\nmetrics.auc = {rel = 1e-3}\n",
            "there is no train.nbrepro.yaml beside the notebook",
            id="in pyproject.toml",
        ),
        pytest.param("metrics:\n  b: &x {min: 0}\n  auc: *x\n", "", "cannot be edited safely", id="alias"),
        pytest.param('metrics:\n  "a*": {min: 0.5}\n', "", "says more of it", id="a pattern with a range"),
        pytest.param('metrics:\n  "a*": {abs: 0.5}\n', "", "says more of it", id="a pattern with a limit"),
        pytest.param(
            'metrics:\n  "a*": {}\n',
            "[tool.nbrepro.metrics]\n'*' = {min = 0}\nauc = {max = 1}\n",
            None,
            id="a rule of its own elsewhere",
        ),
    ],
)
def test_where_more_would_change_the_line_is_told_and_nothing_written(place, text, toml, reason):
    write, beside = place
    path, project = write(text, toml)
    done = loosen(AUC, path, project)
    if reason is None:
        assert done.file == beside
        assert spec.load(notebook.read(path), project).metrics[-1].max == 1
        return
    assert done.file is None
    assert reason in done.reason
    assert done.paste == "metrics: {auc: {rel: 1.4e-2}}"
    assert beside.exists() == (text is not None)
    assert text is None or beside.read_text() == text


def test_an_annotation_with_faults(place):
    write, _ = place
    path, project = write("metrics:\n  auc: {ref: 1}\n")
    with pytest.raises(SpecError, match="ref"):
        loosen(AUC, path, project)


def test_a_limit_that_the_annotation_refuses(place):
    write, beside = place
    path, project = write("seed: 7\n")
    done = loosen(Offer(("metrics", "acc"), "{flips: 3}"), path, project)
    assert done.file is None
    assert "needs 'of'" in done.reason
    assert beside.read_text() == "seed: 7\n"


def test_several_are_written_at_once(place):
    write_, beside = place
    path, project = write_("metrics:\n  loss: {rel: 1e-3}  # so\n")
    done = write([SEED, RUNS, AUC, OUTPUTS], path, project)
    assert (done.file, done.left) == (beside, {})
    assert beside.read_text() == (
        "metrics:\n  loss: {rel: 1e-3}  # so\n  auc: {rel: 1.4e-2}\nseed: 0\nruns: 10\noutputs: {rel: 1e-3}\n"
    )


def test_an_annotation_that_is_not_there_begins_with_its_head(place):
    write_, beside = place
    path, project = write_(None, "[[tool.nbrepro.notebooks]]\npath = '*.ipynb'\nmetrics.auc = {min = 0}\n")
    assert write([SEED, AUC], path, project, "# made\n").file == beside
    assert beside.read_text() == "# made\nseed: 0\nmetrics:\n  auc: {rel: 1.4e-2}\n"


def test_those_that_cannot_be_written_are_told_and_the_others_written(place):
    write_, beside = place
    path, project = write_('metrics:\n  "a*": {min: 0.5}\n  loss: {series: true}\n')
    done = write([AUC, SEED, RUNS], path, project)
    assert set(done.left) == {AUC, RUNS}
    assert "says more of it" in done.left[AUC]
    assert "does not go with 'runs'" in done.left[RUNS]
    assert beside.read_text() == 'metrics:\n  "a*": {min: 0.5}\n  loss: {series: true}\nseed: 0\n'


def test_where_none_can_be_written_the_file_is_left_alone(place):
    write_, beside = place
    path, project = write_("metrics:\n  b: &x {min: 0}\n  auc: *x\n")
    before = beside.stat().st_mtime_ns
    done = write([AUC], path, project)
    assert (done.file, set(done.left)) == (None, {AUC})
    assert beside.stat().st_mtime_ns == before
    beside.unlink()
    assert write([Offer(("metrics", "acc"), "{flips: 3}")], path, project, "# made\n").file is None
    assert not beside.exists()


def test_pasted():
    assert pasted([SEED, AUC, CSV]) == (
        "seed: 0\nmetrics:\n  auc: {rel: 1.4e-2}\nartifacts:\n  a.csv: {columns: {score: {rel: 1e-3}}}\n"
    )


def test_lines_to_paste():
    assert line(AUC) == "metrics: {auc: {rel: 1.4e-2}}"
    assert line(OUTPUTS) == "outputs: {rel: 1e-3}"
    assert line(Offer(("artifacts", "a b.csv"), "{rel: 1}")) == 'artifacts: {"a b.csv": {rel: 1}}'


class TestAlone:
    OLD = Spec(metrics=(MetricRule("auc", min=0.5), MetricRule("b")), artifacts=(ArtifactRule("a.csv"),))
    NEW = dataclasses.replace(OLD, metrics=(MetricRule("auc", Limits(rel=0.014), min=0.5), MetricRule("b")))

    def test_only_the_limit(self):
        assert alone(AUC, self.OLD, self.NEW)

    @pytest.mark.parametrize(
        "changed",
        [
            {"seed": 7},
            {"metrics": (MetricRule("auc", Limits(rel=0.014)), MetricRule("b"))},
            {"metrics": (MetricRule("auc", Limits(rel=0.014, abs=1), min=0.5), MetricRule("b"))},
            {"metrics": (MetricRule("auc", Limits(rel=0.014), min=0.5),)},
            {"artifacts": ()},
        ],
    )
    def test_more_than_the_limit(self, changed):
        assert not alone(AUC, self.OLD, dataclasses.replace(self.NEW, **changed))

    @pytest.mark.parametrize(("offer", "key", "value"), [(SEED, "seed", 0), (RUNS, "runs", 10)])
    def test_numbers_of_the_whole_case(self, offer, key, value):
        assert alone(offer, self.OLD, dataclasses.replace(self.OLD, **{key: value}))
        assert not alone(offer, self.OLD, dataclasses.replace(self.OLD, **{key: value + 1}))
        assert not alone(offer, self.OLD, dataclasses.replace(self.OLD, **{key: value}, marks=("x",)))

    def test_columns_beside_it_stay(self):
        rule = ArtifactRule("a.csv", columns={"n": Limits(abs=1), "score": Limits(rel=1e-6)})
        more = dataclasses.replace(rule, columns={"n": Limits(abs=1), "score": Limits(rel=1e-3)})
        less = dataclasses.replace(rule, columns={"score": Limits(rel=1e-3)})
        old, new, lost = (Spec(artifacts=(r,)) for r in (rule, more, less))
        assert alone(CSV, old, new)
        assert not alone(CSV, old, lost)

    def test_outputs(self):
        new = dataclasses.replace(self.OLD, outputs=OutputsRule(limits=Limits(rel=1e-3)))
        assert alone(OUTPUTS, self.OLD, new)
        assert not alone(OUTPUTS, self.OLD, dataclasses.replace(new, seed=7))
