"""What is recorded of the environment of a run, and what of it a baseline keeps."""

import hashlib
import os
import platform
import subprocess

import pytest

from pytest_nbrepro import environment


@pytest.fixture(autouse=True)
def _fresh():
    environment.cpu_model.cache_clear()
    yield
    environment.cpu_model.cache_clear()


class TestRecord:
    def test_it_has_what_the_kernel_told_and_what_this_process_sees(self, tmp_path, installed):
        (tmp_path / "project").mkdir()
        (tmp_path / "project" / "data.csv").write_bytes(b"1")
        path = [installed(tmp_path / "site", "pkg", "1", top_level="pkg")]
        facts = {"interpreter": "CPython 3.11.7", "modules": {"pkg": None}, "path": path, "seed": 7}
        record = environment.record(facts, ["data.csv", "gone.csv", "data.csv"], tmp_path / "project")
        assert record == {
            "schema": 1,
            "interpreter": "CPython 3.11.7",
            "platform": f"{platform.system().lower()}-{platform.machine()}",
            "cpu": environment.cpu_model(),
            "distributions": {"pkg": "1"},
            "optional": ["pkg"],
            "inputs": {"data.csv": hashlib.sha256(b"1").hexdigest()},
            "git": None,
            "seed": 7,
        }
        assert facts["path"] == path  # what was given stays as it was

    def test_what_the_notebook_or_its_own_modules_import_is_needed(self, tmp_path, installed):
        installed(tmp_path / "site", "pkg", "1", top_level="pkg")
        installed(tmp_path / "site", "other", "1", top_level="other")
        path = [installed(tmp_path / "site", "idle", "1", top_level="idle")]
        (tmp_path / "helper.py").write_text("import other")
        modules = {
            "pkg": "/site/pkg.py",
            "other": "/site/other.py",
            "helper": "helper.py",
            "idle": "/site/idle.py",
        }
        facts = {"modules": modules, "path": path, "direct": []}
        record = environment.record(facts, (), tmp_path, ["%time\nimport pkg"])
        assert record["optional"] == ["idle"]
        assert environment.record({**facts, "direct": ["idle"]}, (), tmp_path)["optional"] == ["pkg"]

    def test_the_distributions_that_an_error_is_about(self, tmp_path, installed):
        path = [installed(tmp_path, "PyYAML", "6.0", top_level="yaml")]
        facts = {"path": path, "modules": {}, "blamed": ["yaml", "helper"]}
        assert environment.record(facts, (), tmp_path)["blamed"] == ["PyYAML", "helper"]

    def test_a_kernel_that_told_nothing_is_no_fault(self, tmp_path):
        assert environment.record({}, (), tmp_path)["distributions"] == {}

    def test_a_baseline_keeps_no_commit_no_path_and_nothing_of_the_user(self):
        record = {
            "schema": 1,
            "cpu": "fast",
            "git": {"commit": "1"},
            "env": {"HOME": "/home/me"},
            "seed": None,
            "blas": "x",
        }
        assert environment.portable(record) == {"schema": 1, "cpu": "fast", "blas": "x"}


class TestCpu:
    def test_the_model_is_told_where_the_system_does(self, monkeypatch):
        monkeypatch.setattr(
            environment.Path, "read_text", lambda *_: "processor: 0\nmodel name\t: A  CPU \nmodel name\t: B\n"
        )
        assert environment.cpu_model() == "A  CPU"

    def test_else_the_architecture(self, monkeypatch):
        monkeypatch.setattr(environment.Path, "read_text", lambda *_: "processor: 0\n")
        assert environment.cpu_model() == platform.machine()

    @pytest.mark.parametrize(("processor", "expected"), [("arm", "arm"), ("", platform.machine())])
    def test_also_where_there_is_no_such_file(self, monkeypatch, processor, expected):
        def missing(*_):
            raise FileNotFoundError

        monkeypatch.setattr(environment.Path, "read_text", missing)
        monkeypatch.setattr(platform, "processor", lambda: processor)
        assert environment.cpu_model() == expected


@pytest.fixture
def repository(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    def git(*arguments):
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    git("init", "-q")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-qm", "one")
    return tmp_path


class TestGit:
    def test_a_clean_tree(self, repository):
        (repository / "untracked").write_text("")
        state = environment.git_state(repository)
        assert len(state["commit"]) == 40
        assert state["dirty"] is False

    def test_a_changed_tree(self, repository):
        (repository / "a").write_text("2")
        assert environment.git_state(repository)["dirty"] is True

    def test_the_index_is_not_touched(self, repository):
        before = (repository / ".git" / "index").stat().st_mtime_ns
        os.utime(repository / "a", (1, 1))
        environment.git_state(repository)
        assert (repository / ".git" / "index").stat().st_mtime_ns == before

    def test_a_folder_of_a_repository(self, repository):
        folder = repository / "below" / "it"
        folder.mkdir(parents=True)
        assert environment.git_state(folder) == environment.git_state(repository)

    def test_a_work_tree_whose_repository_lies_elsewhere(self, repository, tmp_path, monkeypatch):
        own = {"commit": environment.git_state(repository)["commit"], "dirty": False}
        (tmp_path / ".git").rename(tmp_path / "elsewhere")
        assert environment.git_state(repository) is None
        (tmp_path / ".git").write_text("gitdir: elsewhere\n")
        assert environment.git_state(repository) == own
        (tmp_path / ".git").unlink()
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
        assert environment.git_state(repository) == own

    def test_a_repository_without_a_commit(self, tmp_path):
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        assert environment.git_state(tmp_path) is None

    def test_git_is_not_asked_where_there_is_no_repository(self, tmp_path, monkeypatch):
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("asked"))
        assert environment.git_state(tmp_path) is None

    def test_no_repository(self, tmp_path, monkeypatch):
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
        assert environment.git_state(tmp_path) is None

    def test_no_git(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", "")
        assert environment.git_state(tmp_path) is None

    def test_a_git_that_does_not_answer_in_time_says_nothing_of_changes(self, repository, monkeypatch):
        run = subprocess.run

        def slow(command, **options):
            if "status" in command:
                raise subprocess.TimeoutExpired(command, 10)
            return run(command, **options)

        commit = environment.git_state(repository)["commit"]
        monkeypatch.setattr(subprocess, "run", slow)
        assert environment.git_state(repository) == {"commit": commit, "dirty": None}


class TestMentioned:
    def test_files_of_the_project_that_code_names(self, tmp_path):
        (tmp_path / "data").mkdir()
        (tmp_path / "notebooks").mkdir()
        for name in ("data/a.csv", "notebooks/b.csv", "c.csv"):
            (tmp_path / name).write_text("1")
        code = [
            "pl.read_csv('../data/a.csv')",
            'x = "b.csv"; y = "data"; z = "gone.csv"',
            f"'{'x' * 255}' '..' ''",
        ]
        found = environment.mentioned(code, tmp_path / "notebooks", tmp_path)
        assert found == ["data/a.csv", "notebooks/b.csv"]

    def test_nothing_outside_of_it(self, tmp_path):
        (tmp_path / "secret").write_text("1")
        (tmp_path / "project").mkdir()
        found = environment.mentioned(
            ["'../secret'", f"'{tmp_path}/secret'"], tmp_path / "project", tmp_path / "project"
        )
        assert found == []

    def test_names_that_the_system_does_not_take(self, tmp_path):
        assert environment.mentioned(["'" + "/".join(["x" * 300]) + "' 'a\x00b'"], tmp_path, tmp_path) == []
