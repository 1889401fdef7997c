"""The documentation: every option, key, command and mask is in it, and its examples run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import yaml
from environs import clean

from pytest_nbrepro import foreign, masks, nbreg, spec, store
from pytest_nbrepro.cli import main
from pytest_nbrepro.model import CheckStatus, Limits, Run, RunStatus
from pytest_nbrepro.options import OPTIONS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
REFERENCE = (DOCS / "reference.md").read_text()
COMMANDS_PAGE = (DOCS / "commands.md").read_text()
MOVING = (DOCS / "moving.md").read_text()
TEXT = (DOCS / "text.md").read_text()
COMMANDS = {
    name: main.get_command(click.Context(main), name) for name in main.list_commands(click.Context(main))
}


@dataclass(frozen=True)
class Block:
    """A fenced block; `file` is the name that its first line, a comment, gives it."""

    page: str
    language: str
    text: str

    @property
    def file(self) -> str | None:
        match = re.match(r"# ([\w./-]+\.\w+)\n", self.text)
        return match[1] if match else None


def blocks_of(page: Path) -> list[Block]:
    found = re.findall(r"^```(\w+)[^\n]*\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [Block(page.stem, language, text) for language, text in found]


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def every(*languages):
    """Parametrize a test by the blocks in some languages."""
    chosen = [block for block in BLOCKS if block.language in languages]
    assert chosen
    return pytest.mark.parametrize("block", chosen, ids=[f"{b.page}-{n}" for n, b in enumerate(chosen)])


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one of its depth or less."""
    depth = len(heading) - len(heading.lstrip("#"))
    match = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{depth}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, heading
    return match[1]


def rows(text: str) -> dict[str, str]:
    """Return the rows of the tables in a text by what stands in their first backticks."""
    found = re.findall(r"^\| *`([^`]+)`(.*)\|$", text, re.MULTILINE)
    return dict(found)


# ---------------------------------------------------------------------------------------------------
# Completeness


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.flag)
def test_every_option_is_documented(option):
    row = rows(section(REFERENCE, "## Options of pytest"))[
        f"{option.flag} {option.metavar}" if option.metavar else option.flag
    ]
    assert f"`{option.key}`" in row
    assert f"`{option.variable}`" in row
    default = {None: "none", False: "off"}.get(option.default, f"`{option.default}`")
    assert f"| {default} |" in row


@pytest.mark.parametrize("path", spec.known_keys())
def test_every_key_is_documented(path):
    above, _, key = path.rpartition(".")
    tables = re.split(r"\n\n(?=\|)", section(REFERENCE, "## Keys of an annotation"))
    table = next(t for t in tables if t.startswith(f"| key{_TABLES[above]}"))
    assert re.search(rf"^\|[^|]*`{key}`", table, re.MULTILINE)


_LIMITS, _MASK = " of limits", " of a mask"
_TABLES = {
    "": " |",
    "metrics.<name>": " of a metric's rule",
    "metrics.<name>.margin": _LIMITS,
    "artifacts.<name>": " of an artifact's rule",
    "artifacts.<name>.columns.<column>": _LIMITS,
    "artifacts.<name>.numbers": _LIMITS,
    "artifacts.<name>.masks.<mask>": _MASK,
    "outputs": " of `outputs`",
    "outputs.masks.<mask>": _MASK,
}


def test_there_are_no_more_keys_in_the_reference():
    text = section(REFERENCE, "## Keys of an annotation")
    documented = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`[^|]*)", text, re.MULTILINE))))
    assert documented == {path.rpartition(".")[2] for path in spec.known_keys()} | {"path"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented_and_nothing_else(name):
    text = section(COMMANDS_PAGE, f"## `nbrepro {name}`")
    command = COMMANDS[name]
    known = {
        flag
        for option in command.params
        if isinstance(option, click.Option)
        for flag in (*option.opts, *option.secondary_opts)
    }
    for argument in command.params:
        if isinstance(argument, click.Argument):
            assert (argument.metavar or str(argument.name).upper()).strip("[].") in text
    assert known == {
        flag for flag in re.findall(r"`(--?[a-z-]+)(?: [A-Z]+)?`", text) if not flag.startswith("--nbrepro")
    }


def test_every_option_of_the_group_is_documented():
    text = section(COMMANDS_PAGE, "# Commands")
    for option in main.params:
        for flag in option.opts:
            assert f"`{flag}" in text, flag


def test_there_are_no_more_commands_in_the_reference():
    assert set(re.findall(r"^## `nbrepro (\w+)`$", COMMANDS_PAGE, re.MULTILINE)) == set(COMMANDS)


def test_every_field_of_a_run_and_every_status_is_documented(tmp_path):
    run = Run("id", tmp_path, "a.ipynb", "default", {}, RunStatus.COMPLETED, "now")
    text = section(REFERENCE, "## Folders")
    for name in ["schema", "pid", "born", *store.to_record(run), *RunStatus]:
        assert f"`{name}`" in text, name
    for status in CheckStatus:
        assert f"`{status}`" in section(REFERENCE, "## Statuses of a check"), status


def test_the_table_of_masks_is_that_of_the_code():
    table = rows(section(TEXT, "## Text of cells, and masks"))
    assert list(table) == list(masks.MASKS)
    for name, cells in table.items():
        before, after = re.findall(r"`([^`]+)`", cells)
        assert masks.mask(before.replace(r"\x1b", "\x1b"))[0] == after, name
        assert set(masks.mask(before.replace(r"\x1b", "\x1b"))[1]) == {name}


@pytest.mark.parametrize("theirs", foreign.TAGS)
def test_what_nbval_s_tags_are_here(theirs):
    table = rows(section(MOVING, "## nbval"))
    assert f"`{foreign.TAGS[theirs]}`" in table[theirs]
    assert f"`# {theirs.upper().replace('-', '_')}`" in table[theirs]


def test_the_sanitize_example_does_what_nbval_does(tmp_path, write_notebook):
    from pytest_nbrepro.notebook import read

    (block,) = [b for b in BLOCKS if b.page == "moving" and b.language == "yaml"]
    notebook = write_notebook(tmp_path / "fit.ipynb", "1")
    (tmp_path / "fit.nbrepro.yaml").write_text(block.text)
    masking = spec.load(read(notebook), spec.load_project(tmp_path)).outputs.masks
    text = "on 1/2/13: <graphviz.files.Source at 0x7f1e>"
    assert masks.mask(text, masking=masking)[0] == "on DATE-STAMP: <graphviz.files.Source at MEMORY-ADDRESS>"


def test_every_key_of_nbreg_is_told_of():
    told = set(re.findall(r"`nbreg\.(\w+)`", section(MOVING, "## pytest-notebook")))
    assert told == nbreg.KNOWN


def test_what_nbmake_s_metadata_are_here(tmp_path, write_notebook):
    from pytest_nbrepro.notebook import read

    table = rows(section(MOVING, "## nbmake"))
    execution = {"timeout": 7, "allow_errors": True}
    for key, value in execution.items():
        notebook = read(write_notebook(tmp_path / "a.ipynb", "1", execution={key: value}))
        loaded = spec.load(notebook, spec.load_project(tmp_path))
        meant = {"cell_timeout"} if loaded.cell_timeout == 7 else notebook.cells[0].tags
        assert meant == {"cell_timeout"} or meant == {"raises-exception"}
        assert f"`{next(iter(meant))}`" in table[f"execution.{key}"]


# ---------------------------------------------------------------------------------------------------
# Examples


@every("yaml")
def test_every_annotation_is_read_without_fault(block, tmp_path, write_notebook):
    from pytest_nbrepro.notebook import read

    if (block.file or "").endswith(".yml"):
        assert {"jobs", "reproduce"} & set(yaml.safe_load(block.text))
        return
    notebook = write_notebook(tmp_path / "train.ipynb", "x = 1.0\nnoise = 0.1")
    (tmp_path / "train.nbrepro.yaml").write_text(block.text)
    project = spec.load_project(tmp_path)
    loaded = spec.load(read(notebook), project)
    assert loaded != spec.Spec()
    assert spec.expand(read(notebook), project, loaded)


@every("toml")
def test_every_pyproject_is_read_without_fault(block, tmp_path, write_notebook):
    from pytest_nbrepro.notebook import read

    assert tomllib.loads(block.text)
    (tmp_path / "pyproject.toml").write_text(block.text)
    if "nbrepro" not in tomllib.loads(block.text).get("tool", {}):
        return
    notebook = write_notebook(tmp_path / "analysis/train.ipynb", "x = 1.0")
    assert spec.load(read(notebook), spec.load_project(tmp_path)) != spec.Spec()


@every("python")
def test_every_piece_of_python_compiles(block):
    compile(block.text, block.file or block.page, "exec")


def test_the_example_of_a_comparer_works(tmp_path):
    from pytest_nbrepro.model import ArtifactRule

    (block,) = [b for b in BLOCKS if b.page == "reference" and b.language == "python" and "class " in b.text]
    namespace: dict[str, object] = {}
    exec(compile(block.text, "example", "exec"), namespace)
    (kind,) = [value for value in namespace.values() if isinstance(value, type) and hasattr(value, "kind")]
    comparer = kind()
    one, other = tmp_path / "one.xyz", tmp_path / "other.xyz"
    one.write_text("2\ncomment\nH 0 0 0.0\nH 0 0 0.74\n")
    other.write_text("2\ncomment\nH 0 0 0.0\nH 0 0 0.75\n")
    schema = comparer.schema(one)
    rule = ArtifactRule("*.xyz")
    assert comparer.compare(one, one, rule, schema).status.ok
    assert comparer.compare(one, other, rule, schema).status is CheckStatus.DRIFT
    assert comparer.compare(one, other, ArtifactRule("*.xyz", Limits(abs=0.1)), schema).status.ok
    other.write_text("1\ncomment\nH 0 0 0.0\n")
    assert comparer.compare(one, other, rule, schema).status is CheckStatus.STRUCTURE


@every("sh", "console", "yaml", "text")
def test_options_in_commands_exist(block):
    for line in block.text.replace(" && ", "\n").splitlines():
        words = (
            shlex.split(line.lstrip("$- ").removeprefix("run: "), comments=True)
            if re.match(r"[$\s-]*(?:run: )?(?:python -m )?(?:nbrepro|pytest) ", line)
            else []
        )
        if "nbrepro" in words[:1]:
            command = next((COMMANDS[word] for word in words if word in COMMANDS), main)
            known = {flag for option in (*command.params, *main.params) for flag in option.opts} | {
                "--help",
                "--version",
            }
            assert {word.split("=")[0] for word in words if word.startswith("-")} <= known, line
        given = {word.split("=")[0] for word in words if word.startswith("--nbrepro")}
        assert given <= {option.flag for option in OPTIONS}, line


def test_links_lead_somewhere():
    for page in [*PAGES, ROOT / "examples/README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"]:
        for target in re.findall(r"\]\(([^)\s]+)[^)]*\)", page.read_text()):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            there = page.parent / name if name else page
            assert there.exists(), f"{page.name}: {target}"
            headings = re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE) if anchor else []
            assert not anchor or anchor in map(_anchor, headings), f"{page.name}: {target}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pictures_are_there_small_and_told_in_words(page):
    for words, place in re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", page.read_text()):
        assert len(words) > 20
        assert (page.parent / place).stat().st_size < 150_000


def test_no_page_shows_a_path_of_some_machine():
    for page in PAGES:
        assert not re.search(
            r"(?<![\w.])/(?:home|tmp|work|root|Users|opt|usr|var)/|[A-Z]:\\", page.read_text()
        ), page.name


def test_pages_stay_short():
    for page in PAGES:
        assert len(page.read_text().splitlines()) <= (400 if page.stem == "reference" else 300), page.name


# ---------------------------------------------------------------------------------------------------
# Console blocks, with real kernels


CONSOLE = sorted({block.page for block in BLOCKS if block.language == "console"})


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("page", CONSOLE)
def test_what_is_typed_gives_what_is_shown(page, tmp_path):
    """Type the page's commands in order, in a folder that has the files which the page shows."""
    shell = Shell(tmp_path / "project")
    for block in BLOCKS:
        if block.page != page:
            continue
        if block.language == "console":
            for command, expected in typed(block.text):
                shell.type(command, expected)
        elif block.file:
            target = shell.folder / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text)


def typed(text: str) -> list[tuple[str, str]]:
    """Return the commands of a console block, each with what is shown below it."""
    pieces = re.split(r"^\$ (.+)\n", text, flags=re.MULTILINE)
    assert not pieces[0], "a console block begins with a command"
    return list(zip(pieces[1::2], pieces[2::2], strict=True))


class Shell:
    """A shell in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.last = 0
        own = clean("GIT_")
        who = {
            f"GIT_{role}_{key}": value
            for role in ("AUTHOR", "COMMITTER")
            for key, value in (("NAME", "n"), ("EMAIL", "e@x.invalid"))
        }
        path = os.pathsep.join([str(Path(sys.executable).parent), own["PATH"]])
        self.environ = {**own, **who, "PATH": path, "COLUMNS": "80", "GIT_CONFIG_GLOBAL": os.devnull}

    def type(self, command: str, expected: str) -> None:
        """Run a command, and compare what it writes with what is expected."""
        done = subprocess.run(
            ["bash", "-c", f"(exit {self.last}); {command}"],
            cwd=self.folder,
            env=self.environ,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        self.last = done.returncode
        shown = "\n".join(line.rstrip() for line in done.stdout.splitlines())
        pattern = ".*?".join(map(re.escape, expected.strip("\n").split("...")))
        assert re.fullmatch(pattern, shown.strip("\n"), re.DOTALL), (
            f"$ {command}\n{shown}\n--- expected\n{expected}"
        )
