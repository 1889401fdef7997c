"""What a run gave, value by value, found without the package's capture and comparers.

Only masks are the package's own: what they hide means nothing by the definition of a result.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from pytest_nbrepro import masks
from pytest_nbrepro.capture import Hidden
from pytest_nbrepro.model import Run

Json = dict[str, Any]


def results(run: Run, root: Path) -> dict[str, str]:
    """Return a digest of every result of a run: printed texts, figures, files and metrics.

    Texts count as they are but for masks, pictures by their pixels, arrays by dtype, shape and bytes, tables and JSON by
    every value in full precision.

    Args:
        run: a complete run.
        root: the project's root.
    """
    hidden = Hidden.of(run, root, masks.ALL)
    found = {name: _digest(_masked(text, hidden)) for name, text in _streams(run)}
    for name, value in _shown(run):
        found[name] = (
            _picture(base64.b64decode(value)) if "image/png" in name else _digest(_masked(value, hidden))
        )
    for path in sorted((run.folder / "files").rglob("*")):
        if path.is_file():
            found |= {f"file {name}": digest for name, digest in _file(path, hidden)}
    return found | {f"metric {name}": repr((m.value, m.dtype)) for name, m in run.metrics.items()}


def _streams(run: Run) -> Iterator[tuple[str, str]]:
    for index, cell in _cells(run):
        for stream in ("stdout", "stderr"):
            texts = [_joined(output["text"]) for output in cell["outputs"] if output.get("name") == stream]
            if texts:
                yield f"{stream} of cell {index}", "".join(texts)


def _shown(run: Run) -> Iterator[tuple[str, str]]:
    for index, cell in _cells(run):
        for number, output in enumerate(cell["outputs"]):
            for mime, value in output.get("data", {}).items():
                text = _joined(value) if isinstance(value, (str, list)) else json.dumps(value, sort_keys=True)
                yield f"{mime} {number} of cell {index}", text


def _cells(run: Run) -> Iterator[tuple[int, Json]]:
    notebook = json.loads((run.folder / "notebook.ipynb").read_text())
    return ((i, cell) for i, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code")


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _masked(text: str, hidden: Hidden) -> bytes:
    return hidden.apply(text)[0].encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _picture(data: bytes) -> str:
    image = Image.open(io.BytesIO(data))
    return f"{image.mode} {image.size} {_digest(image.tobytes())}"


def _file(path: Path, hidden: Hidden) -> Iterator[tuple[str, str]]:
    name, kind = path.name, path.suffix
    if kind == ".png":
        yield name, _picture(path.read_bytes())
    elif kind == ".npy":
        yield name, _array(np.load(path))
    elif kind == ".npz":
        with np.load(path) as members:
            yield from ((f"{name} {member}", _array(members[member])) for member in members.files)
    elif kind == ".parquet":
        frame = pl.read_parquet(path)
        yield name, _digest(repr((frame.schema, frame.rows())).encode())
    else:
        yield name, _digest(_masked(path.read_text(), hidden))


def _array(values: np.ndarray) -> str:
    return f"{values.dtype} {values.shape} {_digest(np.ascontiguousarray(values).tobytes())}"


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return the names of the results that two runs do not share."""
    names = dict.fromkeys((*before, *after))
    return [name for name in names if before.get(name) != after.get(name)]


# ---------------------------------------------------------------------------------------------------
# Behind printed digits

PRELUDE = """\
import sys

import numpy
import pandas
import polars

numpy.set_printoptions(floatmode="unique", threshold=sys.maxsize)
pandas.set_option("display.float_format", float.__repr__)
pandas.set_option("display.max_rows", None, "display.max_columns", None)
polars.Config.set_float_precision(17)
polars.Config.set_tbl_rows(-1)
polars.Config.set_tbl_cols(-1)
"""
_FLOAT = re.compile(r"[-+ <>^=]*[\d,]*(?:\.\d+)?[eEfFgGn%]")


def unrounded(source: str) -> str:
    """Return code that prints and shows every number with all of its digits where the given code rounds it.

    `round`, ``.round``, formats of floats in f-strings, `fmt` of ``savetxt`` and the digits of a classification report are
    seen through; what pandas, numpy and polars leave out of what they show is for the PRELUDE.
    """
    return ast.unparse(ast.fix_missing_locations(_Unrounded().visit(ast.parse(source))))


class _Unrounded(ast.NodeTransformer):
    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        self.generic_visit(node)
        spec = node.format_spec
        if isinstance(spec, ast.JoinedStr) and _FLOAT.fullmatch(ast.unparse(spec)[2:-1]):
            return ast.FormattedValue(node.value, ord("r"), None)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        method = node.func if isinstance(node.func, ast.Attribute) else None
        if isinstance(node.func, ast.Name) and node.func.id == "round":
            return node.args[0]
        if method and method.attr == "round":
            of_numpy = isinstance(method.value, ast.Name) and method.value.id == "np"
            return node.args[0] if of_numpy else method.value
        if isinstance(node.func, ast.Name) and node.func.id == "classification_report":
            node.keywords.append(ast.keyword("digits", ast.Constant(17)))
        node.keywords = [keyword for keyword in node.keywords if keyword.arg != "fmt"]
        return node
