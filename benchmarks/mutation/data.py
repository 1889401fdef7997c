"""Faults of data: in what is loaded, and in what is left of it to train on."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mutation.sites import Edit, Operator, Script, Source, last_name, root_name

_LOADERS = ("load_", "make_", "fetch_", "read_")
_NO_LOADERS = {"make_pipeline", "make_union", "make_column_transformer", "make_scorer"}


@dataclass(frozen=True)
class Data:
    """A statement that gives data names."""

    source: Source
    statement: ast.Assign
    X: str  # the expression that holds the features
    y: str  # … the labels; "" where they are a column of the features
    frame: bool  # pandas, else numpy
    target: bool = False  # a frame with its labels in the column "target"

    @property
    def rows(self) -> str:
        """What is indexed to get rows."""
        return ".iloc" if self.frame else ""

    @property
    def widest(self) -> str:
        """The place of the column that varies most, as an expression."""
        return f"int({self.X}.std(axis=0).argmax())"

    @property
    def column(self) -> str:
        """The place of the labels in a frame that holds them."""
        return f"{self.X}.columns.get_loc('target')"

    def taking(self, rows: str) -> str:
        """Return the statement that takes rows of features and labels alike; `{n}` is their number."""
        rows = rows.replace("{n}", f"len({self.X})")
        names = [self.X, self.y] if self.y else [self.X]
        return f"{', '.join(names)} = {', '.join(f'{name}{self.rows}[{rows}]' for name in names)}"


def loaded(script: Script) -> Iterator[Data]:
    """Yield the statements that load data."""
    for source in script:
        for statement in source.tree.body:
            if isinstance(statement, ast.Assign) and _loads(statement.value):
                yield _data(source, statement, _names(statement))


def _data(source: Source, statement: ast.Assign, names: list[str]) -> Data:
    text = source.code(statement.value)
    frame = "as_frame=True" in text
    if len(names) == 2:
        return Data(source, statement, names[0], names[1], frame)
    if "read_" in text:
        return Data(source, statement, names[0], "", frame=True)
    if frame:
        name = names[0] if text.endswith(".frame") else f"{names[0]}.frame"
        return Data(source, statement, name, "", frame, target=True)
    return Data(source, statement, f"{names[0]}.data", f"{names[0]}.target", frame)


def splits(script: Script) -> Iterator[tuple[Source, ast.Assign, ast.Call]]:
    """Yield the statements that part data for training and testing."""
    for source in script:
        for statement in source.tree.body:
            call = statement.value if isinstance(statement, ast.Assign) else None
            if isinstance(call, ast.Call) and last_name(call.func) == "train_test_split":
                assert isinstance(statement, ast.Assign)
                yield source, statement, call


def _places(script: Script) -> Iterator[Data]:
    """Yield all data: as they are loaded, and what is left of them to train on."""
    yield from loaded(script)
    frames = _frames(script)
    for source, statement, call in splits(script):
        names = _names(statement)
        if len(names) == 4:
            yield Data(source, statement, names[0], names[2], root_name(call.args[0]) in frames)


def _frames(script: Script) -> set[str]:
    """Return the names of frames that are loaded, and of what is taken from them."""
    frames = {data.X.split(".")[0] for data in loaded(script) if data.frame}
    for source in script:
        for statement in source.tree.body:
            if isinstance(statement, ast.Assign) and root_name(statement.value) in frames:
                frames |= set(_names(statement))
    return frames


def _names(statement: ast.Assign) -> list[str]:
    target = statement.targets[0]
    elements = target.elts if isinstance(target, ast.Tuple) else [target]
    return [element.id for element in elements if isinstance(element, ast.Name)]


def _loads(node: ast.expr) -> bool:
    calls = (call for call in ast.walk(node) if isinstance(call, ast.Call))
    names = {last_name(call.func) for call in calls} - _NO_LOADERS
    return any(name.startswith(_LOADERS) for name in names)


# ---------------------------------------------------------------------------------------------------
# The faults, each a line behind the statement


def _behind(line: Callable[[Data], str]) -> Callable[[Script], Iterator[Edit]]:
    def edits(script: Script) -> Iterator[Edit]:
        for data in _places(script):
            if text := line(data):
                yield data.source.behind(data.statement, text)

    return edits


def _outliers(data: Data) -> str:
    return f"{data.X}{data.rows}[::50, {data.widest}] *= 10"


def _nulls(data: Data) -> str:
    return f'{data.X}{data.rows}[::20, {data.widest}] = float("nan")'


def _dropped(data: Data) -> str:
    return data.taking("{n} // 20 :")


def _without_first(data: Data) -> str:
    return data.taking("1:")


def _duplicated(data: Data) -> str:
    return data.taking("[*range({n}), *range({n} // 20)]")


def _shuffled(data: Data) -> str:
    return data.taking("sorted(range({n}), key=lambda row: row * 7919 % {n})")


def _noisy(data: Data) -> str:
    if data.target:
        return f"{data.X}.iloc[::20, {data.column}] = {data.X}.iloc[::-1, {data.column}].to_numpy()[::20]"
    if not data.y:
        return ""
    values = f"{data.y}.to_numpy()" if data.frame else data.y
    return f"{data.y}{data.rows}[::20] = {values}[::-1][::20].copy()"


def _one_wrong(data: Data) -> str:
    if data.target:
        return f"{data.X}.iloc[0, {data.column}] = {data.X}.iloc[-1, {data.column}]"
    return f"{data.y}{data.rows}[0] = {data.y}{data.rows}[-1]" if data.y else ""


def _shifted(data: Data) -> str:
    column = f"{data.X}{data.rows}[:, {data.widest}]"
    reverse = ".to_numpy()[::-1].copy()" if data.frame else "[::-1].copy()"
    return f"{column} = {column}{reverse}"


def _narrowed(data: Data) -> str:
    if data.frame:
        columns = f"{data.X}.select_dtypes('float').columns"
        return f"{data.X} = {data.X}.astype(dict.fromkeys({columns}, 'float32'))"
    return f'{data.X} = {data.X}.astype("float32")'


def _leaked(script: Script) -> Iterator[Edit]:
    for source, statement, call in splits(script):
        names = _names(statement)
        given = [source.code(argument) for argument in call.args]
        yield source.behind(statement, f"{', '.join(names[::2])} = {', '.join(given)}")


def _scored_on_training(script: Script) -> Iterator[Edit]:
    trained: dict[str, str] = {}
    for _, statement, _ in splits(script):
        names = _names(statement)
        trained |= dict(zip(names[1::2], names[::2], strict=True))
    for source in script:
        for call in source.calls():
            used = [node for node in ast.walk(call) if isinstance(node, ast.Name) and node.id in trained]
            if len({node.id for node in used}) < 2:
                continue
            text, (begin, _) = source.code(call), source.span(call)
            for node in sorted(used, key=lambda node: -source.span(node)[0]):
                start, end = source.span(node)
                text = text[: start - begin] + trained[node.id] + text[end - begin :]
            yield source.instead(call, text)


OPERATORS = (
    Operator("outliers", "every 50th value of a column times ten", _behind(_outliers)),
    Operator("nulls", "every 20th value of a column NaN", _behind(_nulls)),
    Operator("dropped rows", "the first twentieth left out", _behind(_dropped)),
    Operator("one row", "the first row left out", _behind(_without_first)),
    Operator("duplicated rows", "the first twentieth twice", _behind(_duplicated)),
    Operator("shuffled rows", "in another order, labels with them", _behind(_shuffled)),
    Operator("label noise", "every 20th label from another row", _behind(_noisy)),
    Operator("one label", "the first label is that of the last row", _behind(_one_wrong)),
    Operator("data shift", "a column upside down", _behind(_shifted)),
    Operator("float32", "features cast down", _behind(_narrowed)),
    Operator("leakage", "training on all rows, those of the test included", _leaked),
    Operator("scored on training", "the score is that of the training data", _scored_on_training),
)
