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


def installed(folder, name, version, *, record="", top_level=None, metadata=None):
    """Lay out what an installation of a distribution leaves."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text(record)
    if top_level is not None:
        (info / "top_level.txt").write_text(top_level)
    return str(folder)


class TestDistributions:
    def test_modules_are_known_by_the_list_that_a_distribution_brings(self, tmp_path):
        path = [installed(tmp_path, "PyYAML", "6.0", top_level="yaml\n_yaml\n")]
        assert environment.distributions({"_yaml", "other"}, path) == {"PyYAML": "6.0"}

    def test_or_by_the_files_that_it_installed(self, tmp_path):
        record = (
            "pkg/__init__.py,sha256=x,1\n"
            "single.py,,\n"
            "_native.cpython-311-x86_64-linux-gnu.so,,\n"
            '"odd/with,comma.py",,\n'
            "../../../bin/tool,,\n"
            "pkg-1.0.dist-info/RECORD,,\n"
            "_editable_impl_pkg.pth,,\n"
        )
        path = [installed(tmp_path, "pkg", "1.0", record=record)]
        for module in ("pkg", "single", "_native", "odd"):
            assert environment.distributions([module], path) == {"pkg": "1.0"}
        for module in ("..", "", "pkg-1", "_editable_impl_pkg"):
            assert environment.distributions([module], path) == {}

    def test_several_may_bring_parts_of_one_package(self, tmp_path):
        installed(tmp_path, "google-b", "2", top_level="google")
        path = [installed(tmp_path, "google-a", "1", top_level="google"), ""]
        assert list(environment.distributions(["google"], path).items()) == [
            ("google-a", "1"),
            ("google-b", "2"),
        ]

    def test_what_comes_first_on_the_path_is_what_counts(self, tmp_path):
        first = installed(tmp_path / "venv", "pkg", "2.0", top_level="pkg")
        second = installed(tmp_path / "system", "pkg", "1.0", top_level="pkg")
        assert environment.distributions(["pkg"], [first, second]) == {"pkg": "2.0"}

    def test_a_broken_leftover_is_passed_over(self, tmp_path):
        path = [installed(tmp_path, "pkg", "1", top_level="pkg", metadata="Metadata-Version: 2.1\n")]
        assert environment.distributions(["pkg"], path) == {}

    def test_folders_that_are_not_there_hold_none(self, tmp_path):
        assert environment.distributions(["pkg"], [str(tmp_path / "none"), "python311.zip"]) == {}


class TestRecord:
    def test_it_has_what_the_kernel_told_and_what_this_process_sees(self, tmp_path):
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
            "inputs": {"data.csv": hashlib.sha256(b"1").hexdigest()},
            "git": None,
            "seed": 7,
        }
        assert facts["path"] == path  # what was given stays as it was

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

        monkeypatch.setattr(subprocess, "run", slow)
        assert environment.git_state(repository)["dirty"] is None
