"""The viewer of a project whose runs are made by hand."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email.message import Message

import pytest
from bs4 import BeautifulSoup


@dataclass
class Page:
    """What was sent back."""

    status: int
    headers: Message
    body: bytes
    url: str

    @property
    def text(self):
        return self.body.decode()

    @property
    def soup(self):
        return BeautifulSoup(self.text, "html.parser")

    @property
    def said(self):
        """What a person reads in the main part."""
        main = self.soup.main or self.soup
        return re.sub(r"\s+", " ", main.get_text(" ")).strip()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    """Asks for pages as a browser does, without running their scripts."""

    def __init__(self, base):
        self.base = base

    def __call__(self, place="", *, form=None, follow=True, **headers):
        url = urllib.parse.urljoin(self.base, place)
        data = urllib.parse.urlencode(form, doseq=True).encode() if form is not None else None
        if form is not None:
            headers.setdefault("Origin", "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(self.base)))
        request = urllib.request.Request(url, data, {k.replace("_", "-"): v for k, v in headers.items()})
        opener = urllib.request.build_opener(*([] if follow else [_Stay]))
        try:
            with opener.open(request, timeout=30) as answer:
                return Page(answer.status, answer.headers, answer.read(), answer.url)
        except urllib.error.HTTPError as error:
            with error:
                return Page(error.code, error.headers, error.read(), error.url)


@pytest.fixture
def visit(bench, serving):
    """Ask for pages of the project: ``visit("runs/ID")``."""
    with serving(bench.root) as base:
        yield Browser(base)
