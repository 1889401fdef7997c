"""Options: where a value comes from, what it becomes, and what is said of one that cannot be taken."""

from pathlib import Path

import pytest

from pytest_nbrepro import options
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.options import OPTIONS, KernelStart, Settings, Update, in_ci

ROOT = Path("/project")
BY_NAME = {option.name: option for option in OPTIONS}


def resolve(flags=None, ini=None, environ=None):
    flags, ini = flags or {}, ini or {}
    return options.resolve(ROOT, lambda o: flags.get(o.name), lambda o: ini.get(o.name), environ or {})


class TestNames:
    def test_each_option_has_a_flag_a_key_and_a_variable(self):
        once = BY_NAME["update-in-ci"]
        assert (once.flag, once.key, once.variable) == (
            "--nbrepro-update-in-ci",
            "nbrepro_update_in_ci",
            "NBREPRO_UPDATE_IN_CI",
        )
        main = BY_NAME[""]
        assert (main.flag, main.key, main.variable) == ("--nbrepro", "nbrepro", "NBREPRO")

    def test_they_are_all_told_apart_and_explained(self):
        assert len({option.key for option in OPTIONS}) == len(OPTIONS)
        assert all(option.help for option in OPTIONS)


class TestOrder:
    def test_nothing_given_means_defaults(self):
        assert resolve() == Settings(
            enabled=False,
            all=False,
            update=Update.NONE,
            update_in_ci=False,
            once=False,
            why=False,
            baselines=ROOT / "baselines",
            dir=ROOT / ".nbrepro",
            tag=(),
            timeout=None,
            report=None,
            workers=1,
            executor=None,
            kernel_start=KernelStart.FORK,
        )

    @pytest.mark.parametrize(
        ("flags", "ini", "environ", "expected"),
        [
            ({"update": "new"}, {"update": "all"}, {"NBREPRO_UPDATE": "changed"}, Update.NEW),
            ({}, {"update": "all"}, {"NBREPRO_UPDATE": "changed"}, Update.ALL),
            ({}, {"update": ""}, {"NBREPRO_UPDATE": "changed"}, Update.CHANGED),
            ({}, {}, {"NBREPRO_UPDATE": ""}, Update.NONE),
        ],
    )
    def test_the_flag_wins_then_the_ini_key_then_the_environment(self, flags, ini, environ, expected):
        assert resolve(flags, ini, environ).update is expected

    def test_an_ini_key_can_switch_off_what_the_environment_switches_on(self):
        assert resolve(ini={"": "false"}, environ={"NBREPRO": "1"}).enabled is False


class TestValues:
    @pytest.mark.parametrize("text", ["1", "true", "Yes", "on", True])
    def test_true(self, text):
        assert resolve(ini={"all": text}).all is True

    @pytest.mark.parametrize("text", ["0", "FALSE", "no", "off", False])
    def test_false(self, text):
        assert resolve(ini={"all": text}).all is False

    def test_folders_start_at_the_root(self, tmp_path):
        settings = resolve({"baselines": "a/../b", "dir": str(tmp_path)})
        assert (settings.baselines, settings.dir) == (ROOT / "b", tmp_path.resolve())

    def test_tags_are_a_list_without_repetition(self):
        assert resolve({"tag": "cuda, big,,cuda"}).tag == ("cuda", "big")
        assert resolve(environ={"NBREPRO_TAG": "linux-x86_64.v3"}).tag == ("linux-x86_64.v3",)

    @pytest.mark.parametrize("text", ["a b", "../x", "-x", ".", "ä", "a,b/c"])
    def test_what_is_no_tag_is_refused(self, text):
        with pytest.raises(NbreproError, match=r"'.*' is no tag") as caught:
            resolve(ini={"tag": text})
        assert caught.value.where == "ini key nbrepro_tag"

    def test_seconds(self):
        assert resolve(environ={"NBREPRO_TIMEOUT": "1.5"}).timeout == 1.5

    @pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "ten"])
    def test_what_is_no_time_is_refused(self, text):
        with pytest.raises(NbreproError, match="not a number of seconds above 0") as caught:
            resolve({"timeout": text})
        assert caught.value.where == "--nbrepro-timeout"

    @pytest.mark.parametrize(("text", "expected"), [("1", 1), ("12", 12), ("auto", "auto")])
    def test_workers(self, text, expected):
        assert resolve(ini={"workers": text}).workers == expected

    @pytest.mark.parametrize("text", ["0", "-1", "1.5", "two", "Auto", "٣"])
    def test_what_is_no_number_of_workers_is_refused(self, text):
        with pytest.raises(NbreproError, match="is neither a whole number from 1 on nor 'auto'") as caught:
            resolve({"workers": text})
        assert caught.value.where == "--nbrepro-workers"

    def test_what_is_neither_true_nor_false_is_refused(self):
        with pytest.raises(NbreproError, match="'maybe' is neither true nor false") as caught:
            resolve(environ={"NBREPRO_ONCE": "maybe"})
        assert caught.value.where == "environment variable NBREPRO_ONCE"

    def test_an_unknown_word_is_refused_with_the_nearest(self):
        with pytest.raises(NbreproError, match="'change' is none of none, new, changed, all") as caught:
            resolve(ini={"update": "change"})
        assert caught.value.where == "ini key nbrepro_update"
        assert caught.value.hint == "did you mean 'changed'?"


class TestCI:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [("", False), ("0", False), ("False", False), ("true", True), ("1", True), ("x", True)],
    )
    def test_ci_is_any_value_but_the_false_ones(self, value, expected):
        assert in_ci({"CI": value}) is expected

    def test_not_set_is_not_ci(self):
        assert in_ci({}) is False
