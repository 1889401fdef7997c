"""Executed notebooks as pages that do nothing."""

from __future__ import annotations

import base64
import re

import pytest
from bs4 import BeautifulSoup

from pytest_nbrepro.reports import notebooks

PNG = base64.b64encode(b"\x89PNG").decode()


def output(**data):
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {k.replace("__", "/"): v for k, v in data.items()},
    }


@pytest.fixture
def shown(tmp_path, write_notebook):
    """The page of a notebook, parsed."""

    def show(*cells):
        path = write_notebook(tmp_path / "n.ipynb", *cells)
        return BeautifulSoup(notebooks.page(path, "<n> & co"), "html.parser")

    return show


def test_sources_outputs_and_formulas(shown):
    page = shown(
        {
            "cell_type": "markdown",
            "source": "# Title\n\nso $x^2$ and\n\n$$\\frac{1}{2}$$\n\n\\begin{align}a&=b\\end{align}",
        },
        {
            "source": "1 + 1",
            "outputs": [output(text__plain="2"), output(image__png=PNG), output(text__latex="$y$")],
        },
    )
    assert page.h1.get_text() == "Title"
    assert len(page.find_all("math")) == 4
    assert page.find("img")["src"].startswith("data:image/png")
    assert "2" in page.get_text()
    assert page.title.get_text() == "<n> & co"
    assert page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"] == notebooks.POLICY
    assert not page.find_all(["script", "link", "iframe"])


ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=https://evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<img src=https://evil.example/pixel.png>",
    "<img src='data:text/html,<script>alert(1)</script>'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='https://evil.example'>x</a>",
    "<area href='https://evil.example'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<style>@import 'https://evil.example/x.css'; body { background: url(https://evil.example/x.png) }</style>",
    "<p style=\"background: url('https://evil.example/x.png')\">x</p>",
    "<svg><script>alert(1)</script><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "<svg onload=alert(1)><animate attributeName=href values='javascript:alert(1)'/></svg>",
    "<iframe src='https://evil.example'></iframe><iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='https://evil.example'></object><embed src='https://evil.example'>",
    "<form action='https://evil.example'><input name=a><button formaction='https://evil.example'>x</button></form>",
    "<video src='https://evil.example/v'></video><audio src='https://evil.example/a'></audio>",
    "<body background='https://evil.example/x.png' onload=alert(1)>",
    "<table background='https://evil.example/x.png'></table>",
    "<math><a xlink:href='javascript:alert(1)'>x</a></math>",
    "</main></body></html><script>alert(1)</script>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
]


def check_inert(soup):
    assert not soup.find_all(lambda tag: notebooks._GONE.fullmatch(tag.name))
    for tag in soup.find_all(True):
        for name, value in tag.attrs.items():
            text = " ".join(value) if isinstance(value, list) else value
            assert not name.startswith("on")
            if name in {"src", "href", "xlink:href", "style", "background", "data"}:
                assert "evil.example" not in text
                assert "javascript:" not in text
                assert name != "src" or re.match(r"data:image/", text)
        if tag.name == "style":
            assert "evil.example" not in tag.get_text()


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_acts_fetches_or_leads_away(attack):
    check_inert(BeautifulSoup(notebooks.inert(f"<p>before</p>{attack}<p>after</p>"), "html.parser"))


def test_nor_does_it_anywhere_in_a_notebook(shown):
    every = "\n\n".join(ATTACKS)
    page = shown(
        {"cell_type": "markdown", "source": f"before\n\n{every}\n\nafter"},
        {"cell_type": "raw", "source": every},
        {"source": every, "outputs": [output(text__html=every, text__plain=every)]},
        {"source": "1", "outputs": [output(**{"image/svg+xml": f"<svg>{every}</svg>"})]},
        {"source": "1", "outputs": [output(**{"application/javascript": every})]},
        {"source": "1", "outputs": [output(text__latex=every), output(text__latex=f"$\\text{{{every}}}$")]},
        {"source": "1", "outputs": [{"output_type": "stream", "name": "stdout", "text": every}]},
    )
    assert len(page.head.extract().find_all("meta")) == 3
    check_inert(page)


def test_links_lead_nowhere_and_say_where_they_would(shown):
    page = shown({"cell_type": "markdown", "source": "[there](https://example.org) [below](#x)"})
    there, below = page.find_all("a")
    assert "href" not in there.attrs
    assert there["title"] == "https://example.org"
    assert not below.attrs


def test_pictures_from_elsewhere_are_told(shown):
    page = shown({"cell_type": "markdown", "source": "![a plot](plots/a.png)"})
    assert not page.find("img")
    assert "[picture not shown: a plot]" in page.get_text()


def test_what_is_no_notebook_is_an_error(tmp_path):
    path = tmp_path / "n.ipynb"
    path.write_text("{}")
    with pytest.raises(Exception, match=r"(?i)notebook|nbformat|cells|version"):
        notebooks.page(path, "n")
