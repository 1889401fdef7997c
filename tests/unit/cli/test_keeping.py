"""`nbrepro mark`, `delete` and `restore`."""

from __future__ import annotations

import pytest

from pytest_nbrepro import attributes
from pytest_nbrepro.attributes import Attributes
from pytest_nbrepro.model import RunStatus


class TestMark:
    def test_what_is_said_changes_and_the_rest_stays(self, bench):
        run = bench.run()
        attributes.write(run.folder, Attributes("old", ("a", "b"), "note", "batch", 2))
        said = bench("mark", "last", "--label", "new", "--tag", "c", "--untag", "a")
        assert said.out == f"{run.id}  new  #b  #c  note\n"
        assert attributes.read(run.folder) == Attributes("new", ("b", "c"), "note", "batch", 2)
        assert bench("mark", run.id, "--label", "", "--note", "").out == f"{run.id}  #b  #c\n"

    def test_nothing_is_written_where_nothing_is_said(self, bench):
        run = bench.run()
        assert bench("mark", "last").out == f"{run.id}\n"
        assert not (run.folder / attributes.FILE).exists()

    def test_several(self, bench):
        runs = [bench.run(), bench.run()]
        assert bench("mark", *(run.id for run in runs), "--tag", "a").code == 0
        assert [attributes.read(run.folder).tags for run in runs] == [("a",)] * 2

    def test_one_that_is_not_there(self, bench):
        assert bench("mark", "gone", "--tag", "a").code == 2


class TestDelete:
    def test_runs_go_to_the_trash_and_come_back(self, bench):
        runs = [bench.run().id for _ in range(3)]
        said = bench("delete", runs[0], runs[1][-6:], "-y")
        assert said.out == "deleted 2 runs: nbrepro restore --all takes them back\n"
        assert (bench.store.ids(), bench.store.trashed()) == (runs[2:], runs[:2])
        listed = bench("restore")
        assert listed.out.split() == runs[:2]
        assert bench("restore", runs[0][-6:]).out == "restored 1 run\n"
        assert bench("restore", "--all").out == "restored 1 run\n"
        assert bench.store.ids() == runs

    def test_by_a_condition(self, bench):
        bench.run(flags={"x": 1.0})
        kept = bench.run(flags={"x": 3.0})
        (bench.run(flags={"x": 0.0}).folder / "run.json").write_text("{")
        assert bench("delete", "--where", "x<2", "-y").code == 0
        assert kept.id in bench.store.ids()
        assert len(bench.store.trashed()) == 1
        assert "there is nothing to delete" in bench("delete", "--where", "x<2", "-y").err

    def test_no_is_no(self, bench):
        run = bench.run()
        said = bench("delete", "last", answer="n\n")
        assert (said.code, bench.store.ids()) == (1, [run.id])
        assert "Delete 1 run to the trash? [Y/n]" in said.out

    def test_the_trash_is_emptied(self, bench):
        run = bench.run()
        bench("delete", "last", "-y")
        assert bench("delete", "--purge", answer="\n").code == 1  # which is not what Enter means
        assert bench("delete", "--purge", "-y").out == "deleted 1 run\n"
        assert not bench.store.trashed()
        assert "no run in the trash matches" in bench("restore", run.id).err

    def test_one_that_runs_stays(self, bench):
        bench.run(status=RunStatus.RUNNING, duration=None)
        said = bench("delete", "last", "-y")
        assert (said.code, "it still runs" in said.err) == (2, True)
        assert bench("delete", "--where", "status=running", "-y").code == 0
        assert len(bench.store.ids()) == 1

    @pytest.mark.parametrize("arguments", [[], ["last", "--purge"], ["last", "--where", "x=1"]])
    def test_what_does_not_go_together(self, bench, arguments):
        assert "only one" in bench("delete", *arguments).err

    def test_a_store_that_cannot_be_written(self, bench):
        run = bench.run()
        bench.store.trash.write_text("a file")
        said = bench("delete", run.id, "-y")
        assert (said.code, "cannot move" in said.err) == (2, True)
        assert bench.store.ids() == [run.id]


class TestRestore:
    def test_several_match(self, bench):
        for _ in range(2):
            bench.run()
            bench("delete", "last", "-y")
        said = bench("restore", "2025")
        assert (said.code, "2 runs in the trash match '2025'" in said.err) == (2, True)
        assert "do not go together" in bench("restore", "a", "--all").err

    def test_one_that_is_there_again(self, bench):
        run = bench.run()
        bench("delete", "last", "-y")
        run.folder.mkdir()
        (run.folder / "run.json").write_text("{}")
        said = bench("restore", run.id)
        assert (said.code, "cannot move" in said.err) == (2, True)

    def test_an_empty_trash(self, bench):
        said = bench("restore")
        assert (said.out, said.err) == ("", "0 runs in the trash\n")
