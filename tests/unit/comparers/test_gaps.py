"""How far two runs are apart, in every unit that a limit may have."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from pytest_nbrepro import comparers, files
from pytest_nbrepro.comparers.gaps import Gap, of_artifacts, of_metrics, of_texts
from pytest_nbrepro.model import Artifact, ArtifactRule, Limits, Metric, MetricRule

ANY = MetricRule("m")


class TestMetrics:
    def test_floats(self):
        gap = of_metrics(Metric(2.0), Metric(2.1), MetricRule("m", Limits(rel=0.1)))
        assert (gap.rel, gap.abs) == (pytest.approx(0.05), pytest.approx(0.1))
        assert (gap.default, gap.used) == (pytest.approx(5e4), pytest.approx(0.5))
        assert not gap.equal

    def test_the_default_is_that_of_the_type(self):
        assert of_metrics(Metric(2.0, "float32"), Metric(2.1, "float32"), ANY).default == pytest.approx(5e3)

    def test_equal_values(self):
        assert of_metrics(Metric(0.5), Metric(0.5), ANY).equal
        assert of_metrics(Metric(math.nan), Metric(math.nan), ANY).equal
        assert of_metrics(Metric(math.inf), Metric(math.inf), ANY).equal
        assert of_metrics(None, None, ANY).equal

    def test_whole_numbers_have_no_default(self):
        gap = of_metrics(Metric(100, "int"), Metric(101, "int"), ANY)
        assert (gap.rel, gap.abs, gap.default, gap.used) == (0.01, 1.0, math.inf, math.inf)

    def test_zero_has_no_share(self):
        assert of_metrics(Metric(0.0), Metric(1e-15), ANY).rel == math.inf

    def test_counts_use_flips(self):
        rule = MetricRule("m", of=100, flips=2)
        assert of_metrics(Metric(0.9), Metric(0.93), rule).used == 1.5
        assert of_metrics(Metric(0.9), Metric(0.905), rule).what.startswith(
            "the result is no whole number of 100"
        )

    def test_what_the_annotation_demands_means_nothing_here(self):
        rule = MetricRule("m", min=5, max=6, better="higher", xfail="bug")
        assert of_metrics(Metric(0.9), Metric(1.8), rule).rel == pytest.approx(1.0)

    def test_series_by_their_worst_step(self):
        rule = MetricRule("m", series=True)
        one, other = (Metric(1.0, steps=((0, 4.0), (1, last))) for last in (1.0, 1.5))
        assert of_metrics(one, other, rule).rel == 0.5
        assert of_metrics(one, Metric(1.0, steps=((0, 4.0), (2, 1.0))), rule).what.startswith(
            "value 2 is of step 1"
        )

    @pytest.mark.parametrize(
        ("other", "what"),
        [
            (None, "only some of the runs have it"),
            (Metric(1, "int"), "dtype float64 -> int"),
            (Metric(math.nan), "only some of the runs have NaN or infinity in it"),
            (Metric(math.inf), "only some of the runs have NaN or infinity in it"),
        ],
    )
    def test_what_no_number_tells(self, other, what):
        gap = of_metrics(Metric(1.0), other, ANY)
        assert (gap.what, gap.rel, gap.used) == (what, math.inf, math.inf)


class TestTexts:
    def test_numbers(self):
        gap = of_texts("loss 2.0 at 4", "loss 2.1 at 4", Limits(rel=0.1))
        assert (gap.rel, gap.abs) == (pytest.approx(0.05), pytest.approx(0.1))
        assert (gap.default, gap.used, gap.what) == (pytest.approx(5e4), pytest.approx(0.5), "")

    def test_words_and_lines(self):
        for other in ("gain 2.0", "loss 2.0\nmore"):
            assert of_texts("loss 2.0", other, Limits()).what == "more than numbers differs"

    def test_equal(self):
        assert of_texts("a", "a", Limits()).equal


class TestArtifacts:
    @pytest.fixture
    def gap(self, tmp_path):
        def between(name, *writers, rule=None):
            found = []
            for number, write in enumerate(writers):
                path = tmp_path / str(number) / "files" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                write(path) if callable(write) else path.write_bytes(write)
                artifact = Artifact(name, "", f"files/{name}", files.sha256(path), path.stat().st_size)
                found += [comparers.described(artifact, path.parents[1]), path.parents[1]]
            return of_artifacts(*found, rule or ArtifactRule(name))

        return between

    def test_tables(self, gap):
        found = gap("a.csv", b"a,b\n1,2.0\n2,4.0\n", b"a,b\n1,2.1\n2,4.1\n")
        assert (found.rel, found.abs) == (pytest.approx(0.05), pytest.approx(0.1))
        assert (found.default, found.used, found.what) == (pytest.approx(5e4), pytest.approx(5e4), "")

    def test_timings_are_no_gap(self, gap):
        assert gap("a.csv", b"elapsed\n2.5\n", b"elapsed\n2.6\n").equal
        assert gap("b.csv", b"elapsed,b\n2.5,1.0\n", b"elapsed,b\n2.6,1.0\n").equal

    def test_limits_of_columns_count_in_what_is_used_alone(self, gap):
        rule = ArtifactRule("a.csv", columns={"b": Limits(rel=0.1)})
        found = gap("a.csv", b"a,b\n1,2.0\n", b"a,b\n1,2.1\n", rule=rule)
        assert (found.rel, found.used) == (pytest.approx(0.05), pytest.approx(0.5))

    def test_what_is_left_out_stays_left_out(self, gap):
        rule = ArtifactRule("a.csv", ignore_columns=("b",))
        assert gap("a.csv", b"a,b\n1,2.0\n", b"a,b\n1,2.1\n", rule=rule).equal

    def test_near_zero_an_array_has_a_floor(self, gap):
        one, other = np.array([1.0, 1e-12]), np.array([1.0, 2e-12])
        found = gap("a.npy", lambda path: np.save(path, one), lambda path: np.save(path, other))
        assert (found.rel, found.default) == (pytest.approx(1.0), pytest.approx(1e-3))

    def test_other_bytes_with_equal_values(self, gap):
        assert gap("a.json", b'{"a": 1}', b'{ "a": 1 }').equal

    def test_text_has_numbers_though_none_are_allowed(self, gap):
        found = gap("a.txt", b"loss 2.0", b"loss 2.1")
        assert (found.rel, found.used) == (pytest.approx(0.05), math.inf)

    def test_pictures(self, gap):
        def picture(bad):
            pixels = np.zeros((100, 100), np.uint8)
            pixels[:bad, :10] = 200
            return lambda path: Image.fromarray(pixels).save(path)

        found = gap("a.png", picture(0), picture(5))
        assert found == Gap(used=math.inf, tile=0.02)
        assert gap("a.png", picture(0), picture(5), rule=ArtifactRule("a.png", tile=0.04)).used == 0.5

    def test_pictures_of_another_size(self, gap):
        sizes = [lambda path, n=n: Image.new("L", (n, 8)).save(path) for n in (8, 9)]
        assert gap("a.png", *sizes).what.startswith("size")

    @pytest.mark.parametrize(
        ("name", "one", "other", "what"),
        [
            ("a.csv", b"a,b\n1,x\n", b"a,b\n1,y\n", "1 of 1 row"),
            ("a.csv", b"a,b\n1,2\n", b"a\n1\n", "b: "),
            ("a.txt", b"one", b"two", "1 of 1 lines differ"),
            ("a.bin", b"one", b"two", "differs, can't say how much"),
        ],
    )
    def test_what_no_number_tells(self, gap, name, one, other, what):
        assert what in gap(name, one, other).what

    def test_on_one_side_alone(self, tmp_path):
        artifact = Artifact("a", "text", "files/a", "", 0)
        assert (
            of_artifacts(artifact, tmp_path, None, tmp_path, ArtifactRule("a")).what
            == "only some of the runs have it"
        )
        assert of_artifacts(None, tmp_path, None, tmp_path, ArtifactRule("a")).equal
