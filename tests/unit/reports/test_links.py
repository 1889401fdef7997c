"""Addresses in a terminal's text that can be clicked."""

from __future__ import annotations

import pytest

from pytest_nbrepro.reports.links import has_links, link


@pytest.mark.parametrize(
    "environ",
    [
        {"TERM_PROGRAM": "iTerm.app"},
        {"VTE_VERSION": "6800"},
        {"KITTY_WINDOW_ID": "1"},
        {"WT_SESSION": "x"},
        {"TERM": "foot"},
        {"FORCE_HYPERLINK": "1"},
    ],
)
def test_terminals_that_have_them(environ):
    assert has_links(environ, terminal=True)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"TERM": "xterm-256color"},
        {"TERM_PROGRAM": "Apple_Terminal"},
        {"VTE_VERSION": "4600"},
        {"VTE_VERSION": "new"},
        {"TERM": "dumb", "KITTY_WINDOW_ID": "1"},
        {"CI": "true", "VTE_VERSION": "6800"},
        {"FORCE_HYPERLINK": "0", "KITTY_WINDOW_ID": "1"},
    ],
)
def test_all_others_have_none(environ):
    assert not has_links(environ, terminal=True)


def test_nothing_is_written_into_files_unless_it_is_forced():
    assert not has_links({"KITTY_WINDOW_ID": "1"}, terminal=False)
    assert has_links({"FORCE_HYPERLINK": "1"}, terminal=False)


def test_an_address_cannot_end_its_link():
    assert link("out/index.html", "file:///a\033\\b c") == (
        "\033]8;;file:///a\\bc\033\\out/index.html\033]8;;\033\\"
    )
