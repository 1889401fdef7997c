"""PDF: pages, their text and their looks; what says when a file was written is left out."""

from __future__ import annotations

import hashlib
import math
import sys

import pytest
from PIL import Image

from pytest_nbrepro import comparers
from pytest_nbrepro.comparers import base
from pytest_nbrepro.comparers.pdfs import PdfComparer
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import Artifact, ArtifactRule, CheckStatus

EQUAL, WITHIN, DRIFT = CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.DRIFT
STRUCTURE, ERROR = CheckStatus.STRUCTURE, CheckStatus.ERROR
PDF = PdfComparer()


def document(*pages, size=(360, 288), day="20260101"):
    """Return a PDF file; each page is its content in PDF's own language."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for i, content in enumerate(pages):
        box = f"/MediaBox [0 0 {size[0]} {size[1]}]"
        fonts = "/Resources << /Font << /F 3 0 R >> >>"
        objects.append(f"<< /Type /Page /Parent 2 0 R {box} {fonts} /Contents {5 + 2 * i} 0 R >>")
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    objects.append(f"<< /CreationDate (D:{day}) /Producer (program {day}) >>")
    text, at = "%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        at.append(len(text))
        text += f"{number} 0 obj\n{each}\nendobj\n"
    table = "".join(f"{start:010d} 00000 n \n" for start in at)
    size_of_table = len(objects) + 1
    trailer = f"trailer << /Size {size_of_table} /Root 1 0 R /Info {len(objects)} 0 R >>"
    end = f"xref\n0 {size_of_table}\n0000000000 65535 f \n{table}{trailer}\nstartxref\n{len(text)}\n%%EOF\n"
    return (text + end).encode()


def words(text):
    return f"BT /F 24 Tf 40 100 Td ({text}) Tj ET"


@pytest.fixture
def compared(tmp_path):
    def compare(old, new, **more):
        paths = tmp_path / "old.pdf", tmp_path / "new.pdf"
        for path, content in zip(paths, (old, new), strict=True):
            path.write_bytes(content)
        return base.judge(PDF, *paths, ArtifactRule("*", **more), {})

    return compare


def test_dates_and_programs_mean_nothing(compared):
    outcome = compared(document(words("a"), day="20260101"), document(words("a"), day="20260102"))
    assert outcome.status is EQUAL
    assert outcome.n == 500 * 400 + 1


def test_two_of_one_figure_are_equal(compared, tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    def drawn(day, title):
        figure, axes = plt.subplots()
        axes.plot([1, 3, 2])
        axes.set_title(title)
        figure.savefig(tmp_path / "a.pdf", metadata={"CreationDate": None, "Keywords": day})
        plt.close(figure)
        return (tmp_path / "a.pdf").read_bytes()

    old, new = drawn("monday", "AUC = 0.913"), drawn("tuesday", "AUC = 0.913")
    assert old != new
    assert compared(old, new).status is EQUAL
    outcome = compared(old, drawn("monday", "AUC = 0.319"))
    assert outcome.status is DRIFT
    assert "text of page 1: differs" in outcome.message


def test_other_text_fails_whatever_the_tile(compared):
    outcome = compared(document(words("0.913")), document(words("0.918")), tile=1.0)
    assert (outcome.status, outcome.used) == (DRIFT, math.inf)
    assert outcome.worst == base.Place("text of page 1", "0.913", "0.918")
    assert outcome.message == "text of page 1: differs"
    assert [p.status for p in outcome.parts] == [DRIFT, WITHIN]


def test_other_looks_fail(compared):
    box = "0 0 1 rg 72 72 36 36 re f"
    outcome = compared(document(words("a"), box), document(words("a"), box.replace("36 36", "36 37")))
    assert outcome.status is DRIFT
    assert outcome.worst.where.startswith("page 2, tile at (")
    assert outcome.message.startswith("pages: ")
    assert compared(document(box), document(box.replace("36 36", "36 37")), tile=0.1).status is WITHIN


def test_pages_and_their_sizes_are_the_contract(compared):
    assert compared(document(words("a")), document(words("a"), words("b"))).message == "pages 1 -> 2"
    outcome = compared(document(words("a")), document(words("a"), size=(360, 200)))
    assert (outcome.status, outcome.message) == (STRUCTURE, "page 1: size [360.0, 288.0] -> [360.0, 200.0]")
    assert compared(document(), document(day="1")).status is ERROR  # no page at all


def test_what_is_no_pdf(compared, tmp_path):
    good = document(words("a"))
    assert compared(good, b"no").message.startswith("the result is not readable")
    assert compared(b"no", good).message.startswith("the baseline is not readable")
    with pytest.raises(UndecodableError):
        PDF.schema(tmp_path / "old.pdf")


def test_a_page_that_is_too_large_is_not_drawn(compared, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    outcome = compared(document(words("a")), document(words("a"), day="1"))
    assert (outcome.status, outcome.message) == (ERROR, "page 1 is too large to be drawn: 500 x 400 pixels")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert compared(document(words("a")), document(words("a"), day="1")).status is EQUAL


def artifact(path):
    content = path.read_bytes()
    return Artifact(path.name, "", path.name, hashlib.sha256(content).hexdigest(), len(content))


def test_without_the_extra_it_is_an_error_that_says_so(tmp_path, monkeypatch):
    old, new = tmp_path / "a.pdf", tmp_path / "b.pdf"
    old.write_bytes(document(words("a")))
    new.write_bytes(document(words("a"), day="1"))
    before = comparers.described(artifact(old), tmp_path)
    assert (before.kind, before.schema) == ("pdf", {"pages": [[360.0, 288.0]]})
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    after = comparers.described(artifact(new), tmp_path)
    assert "pytest-nbrepro[pdf]" in after.schema["undecodable"]
    check = comparers.compare(before, tmp_path, after, tmp_path, ArtifactRule("*"))
    assert check.status is ERROR
    assert "pytest-nbrepro[pdf]" in check.message
