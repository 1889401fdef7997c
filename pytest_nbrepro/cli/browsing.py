"""A table of runs on a terminal, with keys: curses draws what `grid` says."""

from __future__ import annotations

import contextlib
import curses
import io
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pytest_nbrepro.cli.grid import KEYS, Cursor, Grid, Piece, Style

_NAMES = {
    curses.KEY_UP: "up",
    curses.KEY_DOWN: "down",
    curses.KEY_LEFT: "left",
    curses.KEY_RIGHT: "right",
    curses.KEY_PPAGE: "pgup",
    curses.KEY_NPAGE: "pgdn",
    curses.KEY_HOME: "home",
    curses.KEY_END: "end",
    curses.KEY_ENTER: "enter",
    10: "enter",
    13: "enter",
    27: "esc",
    3: "q",
}
_STYLES: dict[Style, int] = {
    "plain": curses.A_NORMAL,
    "head": curses.A_BOLD,
    "cursor": curses.A_REVERSE,
    "chosen": curses.A_BOLD | curses.A_UNDERLINE,
    "mark": curses.A_BOLD,
}
Command = Callable[[Sequence[str]], None]


def browse(grid: Grid, ids: Sequence[str], command: Command) -> None:
    """Let a person look at runs until they have enough.

    Args:
        grid: the table.
        ids: of the runs, as rows were given.
        command: runs `nbrepro` with arguments; what it writes is shown.
    """
    os.environ.setdefault("ESCDELAY", "25")  # ms that curses waits for the rest of a key after Esc
    curses.wrapper(lambda screen: _Browser(screen, grid, ids, command).run())


class _Browser:
    def __init__(self, screen: Any, grid: Grid, ids: Sequence[str], command: Command) -> None:
        self._screen = screen
        self._grid = grid
        self._ids = ids
        self._command = command
        with contextlib.suppress(curses.error):  # some terminals cannot
            curses.curs_set(0)
        with contextlib.suppress(curses.error):
            curses.use_default_colors()

    def run(self) -> None:
        """Show the table, and do what keys say."""
        while True:
            width, height = self._size()
            self._draw(self._grid.lines(width, height))
            action = self._grid.press(self._key(), max(height - 2, 1))
            if action == "quit":
                return
            if action == "open":
                self._text(self._told("show", self._ids[self._grid.row]))
            elif action == "diff":
                self._diff()
            elif action == "columns":
                self._columns()
            elif action == "help":
                self._text(KEYS.splitlines())

    def _diff(self) -> None:
        before = self._grid.before()
        if before is None:
            self._text(["Mark another run first (space), or go to one with a run below it."])
        else:
            self._text(self._told("diff", self._ids[before], self._ids[self._grid.row]))

    def _told(self, *arguments: str) -> list[str]:
        """Return what a command writes."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            self._command(arguments)
        return out.getvalue().splitlines() or ["nothing differs" if arguments[0] == "diff" else "nothing"]

    def _text(self, lines: Sequence[str]) -> None:
        """Show a text until the person goes back."""
        top = 0
        while True:
            width, height = self._size()
            page = max(height - 1, 1)
            seen: list[list[Piece]] = [[(line[:width], "plain")] for line in lines[top : top + page]]
            foot = f"{min(top + page, len(lines))}/{len(lines)}  ↑ ↓ PgUp PgDn scroll  q back"
            self._draw([*seen, *([[]] * (page - len(seen))), [(foot[:width], "head")]])
            key = self._key()
            if key in {"q", "esc", "enter", "left"}:
                return
            moved = Cursor(top)
            if moved.move(key, max(len(lines) - page + 1, 1), page):
                top = moved.at

    def _columns(self) -> None:
        """Let the person choose columns."""
        grid, cursor = self._grid, Cursor()
        while True:
            width, height = self._size()
            page = max(height - 1, 1)
            cursor.keep(page)
            seen: list[list[Piece]] = []
            for number in range(cursor.top, min(cursor.top + page, len(grid.head))):
                box = " " if number in grid.hidden else "x"
                seen.append(
                    [(f"[{box}] {grid.head[number]}"[:width], "cursor" if number == cursor.at else "plain")]
                )
            self._draw(
                [*seen, *([[]] * (page - len(seen))), [("space show or hide  q back"[:width], "head")]]
            )
            key = self._key()
            if key in {"q", "esc", "enter", "c"}:
                return
            if key == " ":
                grid.toggle(cursor.at)
            else:
                cursor.move(key, len(grid.head), page)

    # -- the terminal -------------------------------------------------------------------------------

    def _size(self) -> tuple[int, int]:
        height, width = self._screen.getmaxyx()
        return width, height

    def _draw(self, lines: Iterator[list[Piece]] | Sequence[list[Piece]]) -> None:
        self._screen.erase()
        for number, pieces in enumerate(lines):
            column = 0
            for text, style in pieces:
                with contextlib.suppress(curses.error):  # a screen's last cell, a window that got smaller
                    self._screen.addstr(number, column, text, _STYLES[style])
                column += len(text)
        self._screen.refresh()

    def _key(self) -> str:
        try:
            key = self._screen.get_wch()
        except curses.error:  # a window that changed its size
            return ""
        except KeyboardInterrupt:
            return "q"
        if isinstance(key, str):
            return _NAMES.get(ord(key), key)
        return _NAMES.get(key, "")
