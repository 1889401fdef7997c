"""Archives: members by their kinds, what is ignored, bombs and paths that lead out."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.comparers import base, comparer, kind_of, unpacking
from pytest_nbrepro.comparers.archives import ArchiveComparer
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, CheckStatus, Limits, Place

EQUAL, WITHIN, DRIFT = CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.DRIFT
STRUCTURE, ERROR = CheckStatus.STRUCTURE, CheckStatus.ERROR
ARCHIVES = ArchiveComparer(kind_of, comparer)
CSV, NOISE, OTHER = b"id,v\n1,1.5\n2,2.5\n", b"id,v\n1,1.5000000001\n2,2.5\n", b"id,v\n1,1.5\n2,9.5\n"


def zipped(members, compression=zipfile.ZIP_DEFLATED, year=2024) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), content, compression)
    return stream.getvalue()


def tarred(members, mode="w", **fields) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            for field, value in fields.items():
                setattr(info, field, value)
            if isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                archive.addfile(info)
    return stream.getvalue()


PACKERS = {
    "csv.gz": lambda content: gzip.compress(content, mtime=1),
    "csv.bz2": bz2.compress,
    "csv.xz": lzma.compress,
    "zip": lambda content: zipped([("data.csv", content)]),
    "tar": lambda content: tarred([("data.csv", content)]),
    "tar.gz": lambda content: tarred([("data.csv", content)], "w:gz"),
    "tgz": lambda content: tarred([("data.csv", content)], "w:gz"),
    "tar.bz2": lambda content: tarred([("data.csv", content)], "w:bz2"),
    "tar.xz": lambda content: tarred([("data.csv", content)], "w:xz"),
}


@pytest.fixture
def compared(tmp_path):
    """Compare two contents as archives."""

    def compare(old, new, suffix="zip", rule=None, archives=ARCHIVES, **more):
        paths = tmp_path / "old" / f"data.{suffix}", tmp_path / "new" / f"data.{suffix}"
        for path, content in zip(paths, (old, new), strict=True):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        try:
            schema = archives.schema(paths[0])
        except (UndecodableError, base.IncomparableError):
            schema = {}
        return base.judge(archives, *paths, rule or ArtifactRule("*", **more), schema)

    return compare


@pytest.mark.parametrize("suffix", list(PACKERS))
def test_members_are_compared_by_their_kinds(compared, suffix):
    pack = PACKERS[suffix]
    within = compared(pack(CSV), pack(NOISE), suffix)
    assert within.status is WITHIN
    assert 0 < within.used < 1
    bad = compared(pack(CSV), pack(OTHER), suffix)
    assert bad.status is DRIFT
    assert "row 1, column v" in bad.worst.where
    assert bad.bad == 1


def test_a_compressed_file_reads_as_the_file(compared):
    pack = PACKERS["csv.gz"]
    outcome = compared(pack(CSV), pack(b"id,v\n1,1.5\n2,2.6\n"), "csv.gz", limits=Limits(rel=1e-3))
    assert outcome.worst == Place("row 1, column v", "2.5", "2.6")
    assert outcome.allow == "{columns: {v: {rel: 4.4e-2}}}"
    assert {part.name for part in outcome.parts} == {"id", "v"}


def test_dates_and_compression_do_not_matter(compared):
    assert compared(gzip.compress(CSV, mtime=1), gzip.compress(CSV, 1, mtime=2), "csv.gz").status is EQUAL
    one, other = [("a.csv", CSV), ("b.txt", b"x")], [("b.txt", b"x"), ("a.csv", CSV)]
    assert compared(zipped(one), zipped(other, zipfile.ZIP_STORED, 1990)).status is EQUAL
    old, new = tarred(one, mtime=1, uid=0), tarred(one, "w:gz", mtime=2, uname="me")
    assert compared(old, gzip.decompress(new), "tar").status is EQUAL


def test_folders_do_not_count(compared):
    assert compared(zipped([("d/a.txt", b"x")]), zipped([("d/", b""), ("d/a.txt", b"x")])).status is EQUAL
    tar = tarred([("./d", (tarfile.DIRTYPE, "")), ("./a.txt", b"x")])
    assert compared(tarred([("a.txt", b"x")]), tar, "tar").status is EQUAL


def test_lost_and_new_members_are_named(compared):
    outcome = compared(zipped([("a.csv", CSV), ("b.csv", CSV)]), zipped([("a.csv", CSV), ("c.csv", CSV)]))
    assert outcome.status is STRUCTURE
    assert outcome.message == "b.csv: member lost; c.csv: member new"
    rule = ArtifactRule("*", ignore_columns=("[bc].csv",))
    assert (
        compared(zipped([("a.csv", CSV), ("b.csv", CSV)]), zipped([("a.csv", CSV)]), rule=rule).status
        is EQUAL
    )


def test_the_only_member_may_be_left_out(compared):
    pack = PACKERS["csv.gz"]
    assert compared(pack(CSV), pack(OTHER), "csv.gz", ignore_columns=("data.csv",)).status is EQUAL


def test_limits_go_by_member(compared):
    rule = ArtifactRule("*", columns={"a.csv": Limits(rel=9)})
    old = zipped([("a.csv", CSV), ("b.csv", CSV)])
    assert compared(old, zipped([("a.csv", OTHER), ("b.csv", CSV)]), rule=rule).status is WITHIN
    outcome = compared(old, zipped([("a.csv", OTHER), ("b.csv", OTHER)]), rule=rule)
    assert outcome.worst.where == "b.csv: row 1, column v"


def test_the_kinds_of_csv_columns_are_the_baselines(compared, tmp_path):
    old, new = zipped([("a.csv", b"v\n8.5\n")]), zipped([("a.csv", b"v\n9\n")])
    assert compared(old, new, limits=Limits(rel=0.5)).status is WITHIN
    schema = ARCHIVES.schema(tmp_path / "old" / "data.zip")
    assert schema["members"]["a.csv"]["schema"]["columns"] == [["v", "float"]]


def test_many_kinds_in_one_archive(compared):
    stream = io.BytesIO()
    np.savez(stream, w=np.ones(3))
    members = [("w.npz", stream.getvalue()), ("r.json", b'{"a": 1.5}'), ("m.pkl", b"\x80\x04N."), ("n", b"1")]
    changed = [
        ("w.npz", stream.getvalue()),
        ("r.json", b'{"a": 2.5}'),
        ("m.pkl", b"\x80\x04K\x01."),
        ("n", b"1"),
    ]
    outcome = compared(zipped(members), zipped(changed))
    statuses = {part.name: part.status for part in outcome.parts}
    assert statuses == {"w.npz": EQUAL, "r.json": DRIFT, "m.pkl": CheckStatus.DIFFERS, "n": EQUAL}


def test_a_member_that_was_never_readable_is_an_error(compared):
    outcome = compared(zipped([("a.json", b"{")]), zipped([("a.json", b"{}")]))
    assert outcome.status is ERROR
    assert "the baseline is not readable" in outcome.message
    assert compared(zipped([("a.json", b"{}")]), zipped([("a.json", b"{")])).status is STRUCTURE


# --- archives in archives


def test_archives_in_archives(compared):
    def nested(content, levels):
        for level in range(levels):
            content = zipped([(f"{level}.zip" if level else "a.csv", content)])
        return content

    assert compared(nested(CSV, 3), nested(NOISE, 3)).status is WITHIN
    deep = compared(nested(CSV, 4), nested(NOISE, 4))
    assert deep.status is CheckStatus.DIFFERS
    assert compared(nested(CSV, 9), nested(CSV, 9)).status is EQUAL


# --- workbooks

CORE = b'<p><dcterms:created xsi:type="t">2024-01-01</dcterms:created><x>%s</x></p>'


def test_the_times_in_a_workbook_do_not_matter(compared):
    def book(core, sheet=b"<v>1.5</v>"):
        return zipped([("docProps/core.xml", core), ("xl/worksheets/sheet1.xml", sheet)])

    old = book(CORE % b"me")
    later = book((CORE % b"me").replace(b"2024-01-01", b"2026-12-31"))
    assert compared(old, later, "xlsx").status is EQUAL
    assert not compared(old, book(CORE % b"you"), "xlsx").status.ok
    assert not compared(old, book(CORE % b"me", b"<v>2.5</v>"), "xlsx").status.ok


# --- links and devices


def test_links_are_compared_by_their_targets(compared):
    def link(target, kind=tarfile.SYMTYPE):
        return tarred([("a.txt", b"x"), ("l", (kind, target))])

    assert compared(link("a.txt"), link("a.txt") + b"\0" * 512, "tar").status is EQUAL
    outcome = compared(link("a.txt"), link("/etc/passwd"), "tar")
    assert (outcome.status, outcome.message) == (STRUCTURE, "l: link a.txt -> /etc/passwd")
    plain = compared(link("a.txt"), tarred([("a.txt", b"x"), ("l", b"x")]), "tar")
    assert plain.message == "l: a link on one side only"
    assert compared(link("a.txt", tarfile.LNKTYPE), link("b.txt", tarfile.LNKTYPE), "tar").status is STRUCTURE


def test_nothing_outside_is_read_through_a_link(tmp_path):
    (tmp_path / "a.tar").write_bytes(tarred([("l.txt", (tarfile.SYMTYPE, "/etc/passwd"))]))
    assert ARCHIVES.schema(tmp_path / "a.tar")["members"] == {"l.txt": {"link": "/etc/passwd"}}


HOSTILE = {
    "up": ("zip", zipped([("../../evil.txt", b"x")]), "leads out"),
    "absolute": ("zip", zipped([("/tmp/evil.txt", b"x")]), "leads out"),
    "backslashes": ("zip", zipped([("..\\evil.txt", b"x")]), "leads out"),
    "tar up": ("tar", tarred([("a/../../evil.txt", b"x")]), "leads out"),
    "tar link": ("tar", tarred([("../evil", (tarfile.SYMTYPE, "x"))]), "leads out"),
    "device": ("tar", tarred([("null", (tarfile.CHRTYPE, ""))]), "no file, folder or link"),
    "fifo": ("tar", tarred([("pipe", (tarfile.FIFOTYPE, ""))]), "no file, folder or link"),
    "twice": ("tar", tarred([("a", b"x"), ("a", b"y")]), "two members"),
}


@pytest.mark.parametrize("case", list(HOSTILE))
def test_hostile_members_are_errors_and_write_nothing(compared, tmp_path, case):
    suffix, content, message = HOSTILE[case]
    good = (zipped if suffix == "zip" else tarred)([("a", b"x")])
    for old, new in ((good, content), (content, good)):
        outcome = compared(old, new, suffix)
        assert outcome.status is ERROR
        assert message in outcome.message
    assert not list(tmp_path.rglob("evil*"))


# --- bombs


def test_a_bomb_is_an_error(compared):
    small = ArchiveComparer(kind_of, comparer, cap=10_000)
    for suffix, pack in PACKERS.items():
        outcome = compared(pack(CSV), pack(b"\0" * 1_000_000), suffix, archives=small)
        assert outcome.status is ERROR
        assert outcome.message == "it unpacks to more than 10,000 bytes"
    many = zipped([(f"{i}.csv", b"x" * 3000) for i in range(4)])
    assert compared(zipped([("0.csv", CSV)]), many, archives=small).status is ERROR


def test_too_many_members_are_an_error(compared, monkeypatch):
    monkeypatch.setattr(unpacking, "MEMBERS", 3)
    four = zipped([(f"{i}.txt", b"") for i in range(4)])
    assert compared(zipped([("0.txt", b"x")]), four).message == "it has more than 3 members"


def test_names_of_any_length_and_script(compared):
    name = f"{'d' * 200}/{'ü' * 120}.csv"
    outcome = compared(zipped([(name, CSV)]), zipped([(name, OTHER)]))
    assert outcome.status is DRIFT
    assert outcome.parts[0].kind == "table"
    assert compared(zipped([(".", CSV)]), zipped([(".", OTHER)])).status is not EQUAL


# --- broken files


@pytest.mark.parametrize("suffix", list(PACKERS))
def test_a_broken_archive_is_never_a_pass(compared, tmp_path, suffix):
    good = PACKERS[suffix](os.urandom(3000))
    for broken in (b"", b"hello", good[: len(good) // 8]):
        outcome = compared(good, broken, suffix)
        assert not outcome.status.ok
        if outcome.message.startswith("the result"):
            assert outcome.status is STRUCTURE
        swapped = compared(broken, good, suffix)
        assert not swapped.status.ok
    with pytest.raises(UndecodableError, match="not readable as"):
        ARCHIVES.schema(_written(tmp_path / f"x.{suffix}", b"hello"))


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_tar_that_is_damaged_between_its_members(compared):
    """The standard library stops there without a word."""
    good = tarred([("a", b"x" * 512), ("b", b"y" * 512)])
    broken = good[:1024] + b"\xff" * 512 + good[1536:]
    other = good[:1024] + b"\xfe" * 512 + good[1536:]
    for old, new, status in ((good, broken, STRUCTURE), (broken, good, ERROR), (broken, other, ERROR)):
        assert compared(old, new, "tar").status is status


def test_an_encrypted_member(compared):
    good = zipped([("a.csv", CSV)])
    content = bytearray(good)
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    assert compared(good, bytes(content)).status is STRUCTURE


def test_another_format_is_a_drift_of_structure(tmp_path):
    paths = _written(tmp_path / "a.zip", zipped([])), _written(tmp_path / "a.tar", tarred([]))
    assert base.judge(ARCHIVES, *paths, ArtifactRule("*"), {}).message == "format zip -> tar"


def test_an_empty_archive_equals_another(compared):
    assert compared(zipped([]), zipped([("d/", b"")])).status is EQUAL


@given(st.binary(max_size=60), st.binary(max_size=60), st.sampled_from(list(PACKERS)))
def test_any_bytes_give_an_outcome(tmp_path_factory, one, other, suffix):
    folder = tmp_path_factory.mktemp("bytes")
    paths = _written(folder / f"a.{suffix}", one), _written(folder / f"b.{suffix}", other)
    assert not base.judge(ARCHIVES, *paths, ArtifactRule("*"), {}).status.ok or one == other


@given(st.binary(max_size=60), st.binary(max_size=60), st.sampled_from(["csv.gz", "csv.bz2", "csv.xz"]))
def test_any_content_gives_an_outcome(tmp_path_factory, one, other, suffix):
    folder = tmp_path_factory.mktemp("content")
    pack = PACKERS[suffix]
    paths = _written(folder / f"a.{suffix}", pack(one)), _written(folder / f"b.{suffix}", pack(other))
    outcome = base.judge(ARCHIVES, *paths, ArtifactRule("*"), {})
    if one == other:
        assert outcome.status is EQUAL
