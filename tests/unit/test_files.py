"""Files that are replaced whole or not at all, and values that JSON keeps exactly."""

import errno
import hashlib
import json
import math
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import files

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.sampled_from(["$float", "NaN", "-0.0", "\ud800 half"])
)
KEYS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["$float", "$tuple"])
)


def containers(inner):
    tuples = st.lists(inner, max_size=4).map(tuple)
    return st.lists(inner, max_size=4) | tuples | st.dictionaries(KEYS, inner, max_size=4)


VALUES = st.recursive(SCALARS, containers, max_leaves=12)


def same(one, other):
    """Tell whether two values are equal in type, value and sign of zeros, all through; NaN is NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        if len(one) != len(other):
            return False
        left, right = (
            sorted(side.items(), key=lambda pair: (type(pair[0]).__name__, repr(pair[0])))
            for side in (one, other)
        )
        return all(same(a, c) and same(b, d) for (a, b), (c, d) in zip(left, right, strict=True))
    return one == other


class TestValues:
    @given(VALUES)
    def test_any_flag_value_survives_the_way_through_json(self, value):
        text = files.dump_json(files.to_json(value))
        text.encode("utf-8")
        assert same(files.from_json(json.loads(text)), value)

    @given(VALUES)
    def test_what_json_gets_is_plain_json(self, value):
        json.dumps(files.to_json(value), allow_nan=False)

    def test_plain_values_stay_readable(self):
        value = {"layers": [64, 32], "rate": 0.1, "name": "ü", "on": True, "none": None}
        assert files.to_json(value) == value

    def test_tags_say_what_json_has_no_word_for(self):
        assert files.to_json(float("-inf")) == {"$float": "-Infinity"}
        assert files.to_json((1, math.nan)) == {"$tuple": [1, {"$float": "NaN"}]}
        assert files.to_json(complex(-0.0, 1)) == {"$complex": [-0.0, 1.0]}
        assert files.to_json({1: "a"}) == {"$dict": [[1, "a"]]}
        assert files.to_json({"$float": 1}) == {"$dict": [["$float", 1]]}

    @pytest.mark.parametrize("value", [b"", {1, 2}, object(), [object()], {"a": ...}])
    def test_what_is_no_flag_value_is_refused(self, value):
        with pytest.raises(TypeError, match="no flag or metric is of type"):
            files.to_json(value)

    @pytest.mark.parametrize(
        "record",
        [
            {"$float": "12"},
            {"$float": 1.0},
            {"$float": []},
            {"$float": "NaN", "more": 1},
            {"$what": 1},
            {"$complex": [1, 2, 3]},
            {"$complex": "ab"},
            {"$tuple": 5},
            {"$dict": [[1]]},
            {"$dict": [[[], 1]]},
            {"a": [{"$dict": 3}]},
        ],
    )
    def test_a_wrong_tag_is_a_value_error(self, record):
        with pytest.raises(ValueError, match="wrongly tagged"):
            files.from_json(record)


class TestJson:
    def test_keys_are_sorted_and_unicode_stays(self):
        assert files.dump_json({"b": 1, "ä": [2]}, indent=None) == '{"b": 1, "ä": [2]}\n'
        assert files.dump_json({"b": 1, "a": 2}) == '{\n "a": 2,\n "b": 1\n}\n'

    def test_nan_must_be_tagged_first(self):
        with pytest.raises(ValueError, match="Out of range"):
            files.dump_json(math.nan)

    def test_a_file_name_that_is_not_utf8_comes_back(self, tmp_path):
        name = os.fsdecode(b"caf\xe9.csv")
        files.write_json(tmp_path / "a.json", {name: 1})
        assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {name: 1}


class TestHashes:
    def test_they_are_those_of_the_bytes(self, tmp_path):
        (tmp_path / "a").write_bytes(b"abc" * 500_000)
        assert files.sha256(tmp_path / "a") == hashlib.sha256(b"abc" * 500_000).hexdigest()
        assert files.sha256_text("ü") == hashlib.sha256("ü".encode()).hexdigest()
        assert files.sha256_text("\ud800") != files.sha256_text("\ud801")


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class TestReplacing:
    def test_the_content_is_replaced_and_folders_are_made(self, tmp_path):
        path = tmp_path / "a" / "b" / "c.txt"
        files.write_bytes(path, b"old")
        files.write_text(path, "neü")
        assert tree(tmp_path) == {"a/b/c.txt": "neü".encode()}

    def test_permissions_are_those_of_any_new_file(self, tmp_path):
        files.write_bytes(tmp_path / "a", b"")
        (tmp_path / "b").write_bytes(b"")
        modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"}
        assert len(modes) == 1

    def test_a_name_of_255_bytes_is_no_problem(self, tmp_path):
        path = tmp_path / ("ü" * 125 + ".json")
        files.write_json(path, 1)
        assert path.read_text() == "1\n"

    @pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), OSError(errno.ENOSPC, "full")])
    def test_an_exception_in_the_block_leaves_the_old_content(self, tmp_path, error):
        (tmp_path / "a").write_bytes(b"old")

        def interrupted():
            with files.replacing(tmp_path / "a") as stream:
                stream.write(b"half of it")
                raise error

        with pytest.raises(type(error)):
            interrupted()
        assert tree(tmp_path) == {"a": b"old"}

    @pytest.mark.parametrize("call", ["fsync", "replace"])
    def test_a_full_disk_leaves_the_old_content(self, tmp_path, monkeypatch, call):
        (tmp_path / "a").write_bytes(b"old")
        monkeypatch.setattr(os, call, full)
        with pytest.raises(OSError, match="No space left") as caught:
            files.write_bytes(tmp_path / "a", b"new")
        assert caught.value.errno == errno.ENOSPC
        assert tree(tmp_path) == {"a": b"old"}

    def test_what_is_soon_written_again_does_not_wait_for_the_disk(self, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "fsync", full)
        files.write_json(tmp_path / "a", [1], lasting=False)
        assert (tmp_path / "a").read_text() == "[\n 1\n]\n"

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
    def test_a_write_that_fails_leaves_nothing(self, tmp_path, monkeypatch):
        monkeypatch.setattr(Path, "open", lambda _, mode: open("/dev/full", mode.replace("x", "w")))  # noqa: SIM115
        with pytest.raises(OSError, match="No space left"):
            files.write_bytes(tmp_path / "a", b"new")
        assert tree(tmp_path) == {}

    def test_the_first_error_is_told_when_cleaning_up_fails_too(self, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "fsync", full)
        monkeypatch.setattr(Path, "unlink", lambda path: exec("raise PermissionError"))
        with pytest.raises(OSError, match="No space left"):
            files.write_bytes(tmp_path / "a", b"new")

    def test_a_folder_that_cannot_be_made_is_an_os_error(self, tmp_path):
        (tmp_path / "a").write_bytes(b"")
        with pytest.raises(OSError):
            files.write_bytes(tmp_path / "a" / "b", b"new")

    def test_a_half_surrogate_is_written_as_its_escape(self, tmp_path):
        files.write_text(tmp_path / "a", '"\ud800"')
        assert (tmp_path / "a").read_bytes() == b'"\\ud800"'


class TestCopy:
    def test_large_files_are_copied_whole(self, tmp_path):
        data = os.urandom((1 << 20) + 17)
        (tmp_path / "a").write_bytes(data)
        files.copy(tmp_path / "a", tmp_path / "b" / "c")
        assert (tmp_path / "b" / "c").read_bytes() == data

    def test_a_missing_source_leaves_the_target(self, tmp_path):
        (tmp_path / "b").write_bytes(b"old")
        with pytest.raises(FileNotFoundError):
            files.copy(tmp_path / "a", tmp_path / "b")
        assert tree(tmp_path) == {"b": b"old"}


def test_what_lies_below_a_folder_and_does_not_lead_out_of_it(tmp_path):
    folder = tmp_path / "folder"
    (folder / "b").mkdir(parents=True)
    for name in ("b/two", "a"):
        (folder / name).touch()
    (tmp_path / "outside").touch()
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "within").symlink_to(folder / "a")
    assert [name for name, _ in files.below(folder)] == ["a", "b/two", "within"]
    assert dict(files.below(folder))["b/two"] == folder / "b/two"
