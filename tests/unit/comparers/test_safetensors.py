"""safetensors: values by dtype, structure, headers that lie, memory."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import comparers
from pytest_nbrepro.comparers import base, numbers
from pytest_nbrepro.comparers.safetensors import SafetensorsComparer
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, CheckStatus, Limits

EQUAL, WITHIN, DRIFT = CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.DRIFT
STRUCTURE, ERROR = CheckStatus.STRUCTURE, CheckStatus.ERROR
TENSORS = SafetensorsComparer()
WORDS = {
    "f8": "F64",
    "f4": "F32",
    "f2": "F16",
    "i8": "I64",
    "i1": "I8",
    "u1": "U8",
    "b1": "BOOL",
    "c8": "C64",
}


def raw(header, values=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + values


def tensors(metadata=None, word=None, **arrays):
    """Return the bytes of a file; `word` replaces the dtype."""
    header = {"__metadata__": metadata} if metadata else {}
    content = b""
    for name, array in arrays.items():
        array = np.asarray(array)
        begin, content = len(content), content + array.tobytes()
        kind = word or WORDS[array.dtype.str[1:]]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [begin, len(content)]}
    return raw(header, content)


def bf16(*values):
    return (np.float32(values).view(np.uint32) >> 16).astype(np.uint16)


@pytest.fixture
def compared(tmp_path):
    def compare(old, new, comparer=TENSORS, **more):
        paths = tmp_path / "old.safetensors", tmp_path / "new.safetensors"
        for path, content in zip(paths, (old, new), strict=True):
            path.write_bytes(content)
        return base.judge(comparer, *paths, ArtifactRule("*", **more), {})

    return compare


@pytest.mark.parametrize(("dtype", "rel"), [("f8", 1e-6), ("f4", 1e-5), ("f2", 1e-3), ("c8", 1e-5)])
def test_floats_have_the_limits_of_their_dtype(compared, dtype, rel):
    old = np.full((3, 2), 8.0, dtype)
    for factor, status in ((0.8, WITHIN), (8, DRIFT)):
        new = old.copy()
        new[2, 1] *= 1 + factor * rel
        outcome = compared(tensors(w=old), tensors(w=new), SafetensorsComparer(block=16))
        assert outcome.status is status
        assert outcome.worst is None or outcome.worst.where == "w[2, 1]"


def test_bfloat16_is_compared_as_numbers(compared):
    old, near, far = (tensors(word="BF16", w=bf16(1.0, value)) for value in (2.0, 2.015625, 2.0625))
    outcome = compared(old, near)
    assert (outcome.status, outcome.limit) == (WITHIN, "rel 0.016, abs 1e-5")
    assert outcome.worst == base.Place("w[1]", "2.0", "2.015625")
    assert compared(old, far).status is DRIFT
    exact = {"rel": 0.0, "abs": 0.0}
    assert compared(old, near, limits=Limits(**exact)).status is DRIFT
    assert compared(old, near, limits=Limits(**exact, ulp=1)).used == 1
    assert numbers.resolve(Limits(**exact, ulp=1), "bfloat16").at(2.0) == 0.015625


@pytest.mark.parametrize("word", ["F8_E4M3", "F8_E5M2", "F8_E8M0"])
def test_floats_of_8_bits_are_compared_exactly(compared, word):
    old, new = (tensors(word=word, w=np.uint8([1, n])) for n in (2, 3))
    outcome = compared(old, new, limits=Limits(rel=1.0, abs=9.0))
    assert (outcome.status, outcome.limit, outcome.bad) == (DRIFT, "exact", 1)


def test_integers_are_exact(compared):
    old, new = (tensors(w=np.int64([8_000_000 + n])) for n in (0, 1))
    assert compared(old, new, limits=Limits(rel=1e-3)).status is DRIFT
    assert compared(old, new, limits=Limits(abs=1)).status is WITHIN
    assert compared(tensors(w=[True]), tensors(w=[False]), limits=Limits(abs=1)).status is DRIFT


def test_scalars_and_empty_ones(compared):
    old, new = (tensors(a=np.float64(n), e=np.zeros((0, 3))) for n in (1, 2))
    outcome = compared(old, new)
    assert (outcome.worst.where, outcome.n, outcome.bad) == ("a", 1, 1)


def test_order_and_padding_mean_nothing(compared):
    old = tensors(a=np.ones(2), b=np.zeros(1))
    length = int.from_bytes(old[:8], "little")
    padded = raw(old[8 : 8 + length] + b"   ", old[8 + length :])
    assert compared(old, padded).status is EQUAL
    assert compared(old, tensors(b=np.zeros(1), a=np.ones(2))).status is EQUAL


def test_names_dtypes_and_shapes_are_the_contract(compared):
    old = tensors(a=np.ones(2), b=np.ones(2))
    assert compared(old, tensors(a=np.ones(2))).message == "b: tensor lost"
    assert compared(tensors(a=np.ones(2)), old).message == "b: tensor new"
    assert compared(old, tensors(a=np.ones(2)), ignore_columns=("b",)).status is EQUAL
    assert compared(tensors(a=np.ones(2)), tensors(a=np.ones(2, "f4"))).message == "a: dtype F64 -> F32"
    assert "shape (2,) -> (2, 1)" in compared(tensors(a=np.ones(2)), tensors(a=np.ones((2, 1)))).message


def test_limits_by_name(compared):
    outcome = compared(tensors(a=np.ones(1)), tensors(a=np.float64([1.5])), columns={"a*": Limits(abs=1.0)})
    assert outcome.used == 0.5
    assert compared(tensors(a=[1.0]), tensors(a=[1 + 2e-6])).allow == "{columns: {a: {rel: 2.2e-6}}}"


def test_metadata_are_equal_or_left_out(compared):
    old, new = (tensors({"format": form}, a=np.ones(1)) for form in ("pt", "np"))
    outcome = compared(old, new)
    assert outcome.status is STRUCTURE
    assert outcome.message == "__metadata__: other metadata"
    assert compared(old, new, ignore_columns=("__metadata__",)).status is EQUAL


def one(dtype="U8", shape=(2,), offsets=(0, 2)):
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "header has 0 bytes"),
        (b"\5\0\0\0", "header has 5 bytes"),
        (b"\xff" * 8 + b"{}", "header has 18,446,744"),
        (raw(b""), "header has 0 bytes"),
        (raw(b"\xff"), "no JSON"),
        (raw(b"{"), "no JSON"),
        (raw(b"[" * 100_000), "no JSON"),
        (raw(b'{"a":1,"a":1}'), "a name occurs twice"),
        (raw([]), "no object"),
        (raw({"__metadata__": 1}), "not texts"),
        (raw({"__metadata__": {"a": 1}}), "not texts"),
        (raw({"a": 1}), "not dtype, shape and offsets"),
        (raw({"a": {}}), "not dtype, shape and offsets"),
        (raw(one("F3"), b"12"), "'F3' of the tensor 'a' is unknown"),
        (raw(one([]), b"12"), "is unknown"),
        (raw(one(shape="2"), b"12"), "shape or offsets"),
        (raw(one(shape=[-2]), b"12"), "shape or offsets"),
        (raw(one(shape=[True]), b"12"), "shape or offsets"),
        (raw(one(offsets=[0, 2.0]), b"12"), "shape or offsets"),
        (raw(one(offsets=[0]), b"12"), "shape or offsets"),
        (raw(one(offsets=[0, 3]), b"12"), "another size"),
        (raw(one(offsets=[2, 0]), b"12"), "another size"),
        (raw(one(offsets=[1, 3]), b"123"), "begins at 1, not at 0"),
        (raw({**one(), "b": one(offsets=[1, 3])["a"]}, b"123"), "begins at 1, not at 2"),
        (raw(one(), b"1"), "tensors have 2 bytes, the file 1"),
        (raw(one(), b"123"), "tensors have 2 bytes, the file 3"),
    ],
)
def test_headers_that_lie(tmp_path, content, message):
    path, good = tmp_path / "bad.safetensors", tmp_path / "good.safetensors"
    path.write_bytes(content)
    good.write_bytes(tensors(a=np.ones(1)))
    with pytest.raises(UndecodableError, match=message):
        TENSORS.schema(path)
    assert base.judge(TENSORS, path, good, ArtifactRule("*"), {}).status is ERROR
    assert base.judge(TENSORS, good, path, ArtifactRule("*"), {}).status is STRUCTURE


def test_a_file_that_shrinks_while_it_is_read(compared, tmp_path, monkeypatch):
    path = tmp_path / "old.safetensors"
    whole = tensors(a=np.zeros(1 << 16))

    class Shrinking(SafetensorsComparer):
        def _tensor(self, *args):
            path.write_bytes(whole[:100])
            return super()._tensor(*args)

    outcome = compared(whole, tensors(a=np.ones(1 << 16)), Shrinking())
    assert (outcome.status, outcome.message) == (
        ERROR,
        "the baseline is not readable: it ends before its last value",
    )


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "a.safetensors"
    path.write_bytes(raw(content))
    try:
        TENSORS.schema(path)
    except UndecodableError as error:
        assert error.what  # noqa: PT017


def test_the_schema(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(tensors({"format": "pt"}, a=np.ones((2, 3), "f4")))
    assert TENSORS.schema(path) == {
        "tensors": {"a": {"dtype": "F32", "shape": [2, 3]}},
        "metadata": {"format": "pt"},
    }
    path.write_bytes(raw({}))
    assert TENSORS.schema(path) == {"tensors": {}}
    assert comparers.kind_of("model.SafeTensors") == "safetensors"
    assert comparers.comparer("safetensors").kind == "safetensors"


def test_memory_stays_that_of_a_block(compared):
    old, new = (tensors(a=np.full(2_000_000, value)) for value in (1.0, 1.0 + 1e-8))
    tracemalloc.start()
    try:
        outcome = compared(old, new)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.status is WITHIN
    assert peak < 12 << 20  # a side has 16 MB
