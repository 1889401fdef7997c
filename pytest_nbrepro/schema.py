"""The keys of an annotation: their types, their meaning, and what follows from them for a spec."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WrapValidator,
)
from pydantic.fields import FieldInfo

from pytest_nbrepro import model, readers
from pytest_nbrepro.errors import nearest
from pytest_nbrepro.readers import Wrong, described
from pytest_nbrepro.sources import Fault, KeyPath


@dataclass(frozen=True)
class Kind:
    """What a key takes, for people; `keys` is the model of the mapping below it, `each` the name of its keys.

    Without `each` the keys of the model stand directly below the key.
    """

    words: str
    keys: type[BaseModel] | None = None
    each: str | None = None


class Key(NamedTuple):
    """One key that an annotation may have."""

    type: str
    help: str


# ---------------------------------------------------------------------------------------------------
# Shapes


def _mapping(value: Any) -> Any:
    """Take a mapping; a key with nothing below it counts as an empty one."""
    if value is not None and not isinstance(value, Mapping):
        raise Wrong(f"must be a mapping, is {described(value)}")
    return {} if value is None else value


def _list(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        hint = (
            f"write [{json.dumps(value, ensure_ascii=False)}]"
            if isinstance(value, (str, int, float))
            else None
        )
        raise Wrong(f"must be a list, is {described(value)}", hint)
    return value


def _values(value: Any) -> Any:
    if not _list(value):
        raise Wrong("must have at least one value, the list is empty")
    return value


def _limits(value: Any, handler: Callable[[Any], Any]) -> Any:
    if value is not None and not isinstance(value, Mapping):
        raise Wrong(f"must be a mapping such as {{rel: 1e-3}}, is {described(value)}")
    return handler({} if value is None else value)


def _rule(value: Any, handler: Callable[[Any], Any]) -> Any:
    """Take a mapping, or the word `ignore`, which becomes None."""
    if value == "ignore":
        return None
    if value is not None and not isinstance(value, Mapping):
        what = f"must be a mapping such as {{rel: 1e-3}} or the word ignore, is {described(value)}"
        raise Wrong(what, readers.meant(value, "ignore"))
    return handler({} if value is None else value)


def _outputs(value: Any, handler: Callable[[Any], Any]) -> Any:
    """Take a mapping, the word `compare`, or the word `ignore`, which becomes None."""
    if value == "ignore":
        return None
    if value != "compare" and not isinstance(value, Mapping):
        what = f"must be compare, ignore or a mapping such as {{rel: 1e-3}}, is {described(value)}"
        raise Wrong(what, readers.meant(value, "compare", "ignore"))
    return handler({} if value == "compare" else value)


# The types of keys. None is inside of each, so that an empty key reaches the reader, which names it.
_Name = Annotated[str, PlainValidator(readers.text)]
_VariableName = Annotated[str, PlainValidator(readers.variable_name)]
_CaseName = Annotated[str, PlainValidator(readers.case_name)]
_Value = Annotated[Any, PlainValidator(readers.flag_value)]
_Text = Annotated[str | None, PlainValidator(readers.text), Kind("text")]
_Reason = Annotated[str | None, PlainValidator(readers.reason), Kind("text")]
_Tolerance = Annotated[float | None, PlainValidator(readers.tolerance), Kind("number, 0 or more")]
_Number = Annotated[float | None, PlainValidator(readers.number), Kind("number")]
_Count = Annotated[int, PlainValidator(readers.whole()), Kind("whole number, 0 or more")]
_Ulps = Annotated[int | None, PlainValidator(readers.whole()), Kind("whole number, 0 or more")]
_Total = Annotated[int | None, PlainValidator(readers.whole(1)), Kind("whole number, 1 or more")]
_Seconds = Annotated[
    float | None, PlainValidator(readers.seconds), Kind("seconds, or a text such as 90s, 10m, 2h")
]
_Names = Annotated[tuple[_Name, ...], BeforeValidator(_list), Kind("list of texts")]


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid")


# ---------------------------------------------------------------------------------------------------
# Keys


class LimitKeys(_Keys):
    """The allowance of a check: ``max(abs, rel * |baseline|, ulp * spacing(baseline))``."""

    rel: _Tolerance = Field(default=None, description="Allowance as a share of the baseline's magnitude.")
    abs: _Tolerance = Field(default=None, description="Allowance in the unit of the value.")
    ulp: _Ulps = Field(
        default=None, description="Allowance in steps between neighbouring floats at the baseline."
    )

    def limits(self) -> model.Limits:
        """Return the allowance."""
        return model.Limits(self.rel, self.abs, self.ulp)


class MetricKeys(LimitKeys):
    """How metrics are judged."""

    of: _Total = Field(
        default=None, description="How many cases the metric is a share of: it is judged as a count."
    )
    flips: _Count = Field(default=0, description="How many of the `of` cases may change. Needs `of`.")
    better: Annotated[
        Literal["higher", "lower"] | None,
        PlainValidator(readers.choice("higher", "lower")),
        Kind("higher or lower"),
    ] = Field(default=None, description="The side on which a change outside the limit is an improvement.")
    min: _Number = Field(default=None, description="The least value that passes, whatever the baseline says.")
    max: _Number = Field(
        default=None, description="The greatest value that passes, whatever the baseline says."
    )
    value: Annotated[str | None, PlainValidator(readers.expression), Kind("Python expression")] = Field(
        default=None,
        description="What the metric is: evaluated in the kernel after the last cell, at full precision. "
        "Needs a name without wildcards.",
    )
    series: Annotated[bool, PlainValidator(readers.truth), Kind("true or false")] = Field(
        default=False,
        description="Whether every printed value counts, step by step, instead of the last one alone.",
    )
    xfail: _Reason = Field(
        default=None,
        description="Why this check is expected to fail; strict: it is a failure when it passes.",
    )


_Column = Annotated[LimitKeys | None, WrapValidator(_rule)]


class ArtifactKeys(LimitKeys):
    """How files and rich outputs are judged; keys that do not apply to a kind are not used there."""

    tile: Annotated[float | None, PlainValidator(readers.share), Kind("share, 0 to 1 or in per cent")] = (
        Field(default=None, description="Images: the share of the worst 50-pixel tile that may differ.")
    )
    key: _Names = Field(default=(), description="Tables: the columns on which rows are joined.")
    order: Annotated[
        Literal["position", "any"], PlainValidator(readers.choice("position", "any")), Kind("position or any")
    ] = Field(
        default="position",
        description="Tables: whether rows are compared by their position or sorted first.",
    )
    numbers: Annotated[LimitKeys | None, WrapValidator(_limits), Kind("mapping of limits", LimitKeys)] = (
        Field(default=None, description="Texts: the allowance of numbers in text that is otherwise equal.")
    )
    columns: Annotated[
        dict[_Name, _Column],
        BeforeValidator(_mapping),
        Kind("mapping of pattern to limits, or to the word ignore", LimitKeys, "<column>"),
    ] = Field(
        default_factory=dict,
        description="Limits of single columns, archive members or JSON paths, by name or pattern; "
        "`ignore` leaves them out.",
    )
    xfail: _Reason = Field(
        default=None,
        description="Why this check is expected to fail; strict: it is a failure when it passes.",
    )


class SpecKeys(_Keys):
    """All keys of an annotation."""

    flags: Annotated[dict[_Name, _Value], BeforeValidator(_mapping), Kind("mapping of flag to value")] = (
        Field(
            default_factory=dict,
            description="Values of flags for every case; also declares flags that are not found by themselves.",
        )
    )
    cases: Annotated[
        dict[_CaseName, Annotated[dict[_Name, _Value], BeforeValidator(_mapping)]],
        BeforeValidator(_mapping),
        Kind("mapping of case to mapping of flag to value"),
    ] = Field(default_factory=dict, description="Named sets of flag values, each of them a test.")
    matrix: Annotated[
        dict[_Name, Annotated[tuple[_Value, ...], BeforeValidator(_values)]],
        BeforeValidator(_mapping),
        Kind("mapping of flag to list of values"),
    ] = Field(default_factory=dict, description="Each combination of these values is a case, named by them.")
    metrics: Annotated[
        dict[_Name, Annotated[MetricKeys | None, WrapValidator(_rule)]],
        BeforeValidator(_mapping),
        Kind("mapping of name or pattern to rule, or to the word ignore", MetricKeys, "<name>"),
    ] = Field(default_factory=dict, description="How metrics are judged; later rules win.")
    artifacts: Annotated[
        dict[_Name, Annotated[ArtifactKeys | None, WrapValidator(_rule)]],
        BeforeValidator(_mapping),
        Kind("mapping of name or pattern to rule, or to the word ignore", ArtifactKeys, "<name>"),
    ] = Field(default_factory=dict, description="How files and rich outputs are judged; later rules win.")
    outputs: Annotated[
        LimitKeys | None, WrapValidator(_outputs), Kind("compare, ignore or mapping of limits", LimitKeys)
    ] = Field(default=LimitKeys(), description="How text results and printed text of cells are judged.")
    inputs: _Names = Field(
        default=(),
        description="Files that the notebook reads, as patterns relative to its folder, where they are not found.",
    )
    seed: Annotated[
        int | None,
        PlainValidator(readers.whole(0, 2**32)),
        Kind("whole number, 0 or more and less than 2**32"),
    ] = Field(
        default=None,
        description="Seed of PYTHONHASHSEED, random and numpy, and of torch and tensorflow when they are imported.",
    )
    env: Annotated[
        dict[_VariableName, Annotated[str, PlainValidator(readers.variable)]],
        BeforeValidator(_mapping),
        Kind("mapping of name to text or whole number"),
    ] = Field(default_factory=dict, description="Environment variables of the kernel.")
    kernel: _Text = Field(
        default=None, description="Name of the kernel that runs the notebook, instead of the notebook's own."
    )
    timeout: _Seconds = Field(default=None, description="How long a whole run may take.")
    cell_timeout: _Seconds = Field(default=None, description="How long one cell may take.")
    memory: Annotated[
        int | None, PlainValidator(readers.size), Kind("bytes, or a text such as 512MB, 8GiB")
    ] = Field(default=None, description="Resident memory that the kernel and its children may use together.")
    xfail: _Reason = Field(
        default=None, description="Why the case is expected to fail; strict: it is a failure when it passes."
    )
    marks: Annotated[
        tuple[Annotated[str, PlainValidator(readers.mark)], ...],
        BeforeValidator(_list),
        Kind("list of names"),
    ] = Field(default=(), description="Marks of pytest that the cases get, for -m.")
    runs: Annotated[int, PlainValidator(readers.runs), Kind("1, or a whole number from 5 on")] = Field(
        default=1,
        description="How many runs a baseline rests on. From 5 on its metrics may vary: a run is held against the "
        "interval in which these runs predict it.",
    )


def known_keys() -> dict[str, Key]:
    """Return every key, by its path such as ``metrics.<name>.rel``, in the order of the schema.

    `path`, which only the entries of ``[[tool.nbrepro.notebooks]]`` have, is not among them.
    """
    return dict(_known(SpecKeys, ""))


def _known(keys: type[BaseModel], above: str) -> list[tuple[str, Key]]:
    found = []
    for name, info in keys.model_fields.items():
        kind = _kind(info)
        found.append((above + name, Key(kind.words, info.description or "")))
        if kind.keys is not None:
            found += _known(kind.keys, ".".join(filter(None, (above + name, kind.each))) + ".")
    return found


def _kind(info: FieldInfo) -> Kind:
    return next(item for item in info.metadata if isinstance(item, Kind))


# ---------------------------------------------------------------------------------------------------
# Checking


def check(value: Mapping[Any, Any]) -> list[Fault]:
    """Return all that is wrong with the annotation of one source."""
    try:
        SpecKeys.model_validate(value)
    except ValidationError as error:
        return [_fault(item) for item in error.errors(include_url=False, include_input=False)]
    return []


def _fault(item: Mapping[str, Any]) -> Fault:
    path: KeyPath = item["loc"]
    if item["type"] == "extra_forbidden":
        return Fault(path, "unknown key", nearest(str(path[-1]), _siblings(path)))
    if item["type"] == "invalid_key":
        return Fault(path, "unknown key, keys must be texts")
    wrong = item["ctx"]["error"]
    if path[-1:] == ("[key]",):
        return Fault(path[:-1], f"the key itself {wrong}", wrong.hint)
    return Fault(path, str(wrong), wrong.hint)


def _siblings(path: KeyPath) -> list[str]:
    """Return the keys that are known beside the last one of `path`."""
    keys: type[BaseModel] = SpecKeys
    rest = list(path[:-1])
    while rest:
        kind = _kind(keys.model_fields[rest.pop(0)])
        if kind.each is not None:
            rest.pop(0)
        keys = kind.keys or keys
    return list(keys.model_fields)
