"""The keys of an annotation: their types, their meaning, and what follows from them for a spec."""

from __future__ import annotations

from collections.abc import Mapping
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
from pytest_nbrepro.keytypes import (
    Allowance,
    CaseName,
    Count,
    Kind,
    Name,
    Names,
    Number,
    Reason,
    Regex,
    Replacement,
    Seconds,
    Text,
    Tolerance,
    Total,
    Ulps,
    Value,
    VariableName,
    take_limits,
    take_list,
    take_mapping,
    take_mask,
    take_outputs,
    take_rule,
    take_values,
)
from pytest_nbrepro.sources import Fault, KeyPath


class Key(NamedTuple):
    """One key that an annotation may have."""

    type: str
    help: str


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid")


# ---------------------------------------------------------------------------------------------------
# Keys


class LimitKeys(_Keys):
    """The allowance of a check: ``max(abs, rel * |baseline|, ulp * spacing(baseline))``."""

    rel: Tolerance = Field(default=None, description="Allowance as a share of the baseline's magnitude.")
    abs: Tolerance = Field(default=None, description="Allowance in the unit of the value.")
    ulp: Ulps = Field(
        default=None, description="Allowance in steps between neighbouring floats at the baseline."
    )

    def limits(self) -> model.Limits:
        """Return the allowance."""
        return model.Limits(self.rel, self.abs, self.ulp)


class MarginKeys(_Keys):
    """By how much the mean of new runs may differ from that of a baseline's: ``max(abs, rel * |mean|)``."""

    rel: Allowance = Field(
        default=None, description="Margin as a share of the magnitude of the baseline's mean."
    )
    abs: Allowance = Field(default=None, description="Margin in the unit of the metric.")

    def limits(self) -> model.Limits:
        """Return the margin."""
        return model.Limits(self.rel, self.abs)


class MetricKeys(LimitKeys):
    """How metrics are judged."""

    of: Total = Field(
        default=None, description="How many cases the metric is a share of: it is judged as a count."
    )
    flips: Count = Field(default=0, description="How many of the `of` cases may change. Needs `of`.")
    better: Annotated[
        Literal["higher", "lower"] | None,
        PlainValidator(readers.choice("higher", "lower")),
        Kind("higher or lower"),
    ] = Field(default=None, description="The side on which a change outside the limit is an improvement.")
    min: Number = Field(default=None, description="The least value that passes, whatever the baseline says.")
    max: Number = Field(
        default=None, description="The greatest value that passes, whatever the baseline says."
    )
    value: Annotated[str | None, PlainValidator(readers.expression), Kind("Python expression")] = Field(
        default=None,
        description="What the metric is: evaluated in the kernel after the last cell, at full precision. "
        "Needs a name without wildcards.",
    )
    margin: Annotated[
        MarginKeys | None, WrapValidator(take_limits), Kind("mapping with rel or abs", MarginKeys)
    ] = Field(
        default=None,
        description="By how much the means of several runs may differ: the metric passes when it is shown that they "
        "differ by less. Needs `new_runs`.",
    )
    series: Annotated[bool, PlainValidator(readers.truth), Kind("true or false")] = Field(
        default=False,
        description="Whether every printed value counts, step by step, instead of the last one alone.",
    )
    xfail: Reason = Field(
        default=None,
        description="Why this check is expected to fail; strict: it is a failure when it passes.",
    )


class MaskKeys(_Keys):
    """A mask of one's own; without `regex` the word `on`."""

    regex: Regex = Field(
        default=None, description="What is hidden: each match of this; ^ and $ are ends of lines."
    )
    replace: Replacement = Field(
        default=None,
        description="What stands in its place, with \\1 for groups; default: the mask's name in <>.",
    )


_Masks = Annotated[
    dict[Name, Annotated[MaskKeys | None, WrapValidator(take_mask)]],
    BeforeValidator(take_mapping),
    Kind("mapping of mask to off, on, or a mask of one's own", MaskKeys, "<mask>"),
]


class OutputKeys(LimitKeys):
    """How the text of cells is judged."""

    masks: _Masks = Field(
        default_factory=dict,
        description="Masks that are switched off, and masks of one's own; also those of rich outputs of cells.",
    )


_Column = Annotated[LimitKeys | None, WrapValidator(take_rule)]


class ArtifactKeys(LimitKeys):
    """How files and rich outputs are judged; keys that do not apply to a kind are not used there."""

    tile: Annotated[float | None, PlainValidator(readers.share), Kind("share, 0 to 1 or in per cent")] = (
        Field(default=None, description="Images: the share of the worst 50-pixel tile that may differ.")
    )
    key: Names = Field(default=(), description="Tables: the columns on which rows are joined.")
    order: Annotated[
        Literal["position", "any"], PlainValidator(readers.choice("position", "any")), Kind("position or any")
    ] = Field(
        default="position",
        description="Tables: whether rows are compared by their position or sorted first.",
    )
    numbers: Annotated[LimitKeys | None, WrapValidator(take_limits), Kind("mapping of limits", LimitKeys)] = (
        Field(default=None, description="Texts: the allowance of numbers in text that is otherwise equal.")
    )
    columns: Annotated[
        dict[Name, _Column],
        BeforeValidator(take_mapping),
        Kind("mapping of pattern to limits, or to the word ignore", LimitKeys, "<column>"),
    ] = Field(
        default_factory=dict,
        description="Limits of single columns (of tables in HTML, too), archive members or JSON paths, by name or pattern; "
        "`ignore` leaves them out.",
    )
    masks: _Masks = Field(
        default_factory=dict,
        description="Texts and HTML: masks that are switched off, and masks of one's own.",
    )
    xfail: Reason = Field(
        default=None,
        description="Why this check is expected to fail; strict: it is a failure when it passes.",
    )


class SpecKeys(_Keys):
    """All keys of an annotation."""

    flags: Annotated[dict[Name, Value], BeforeValidator(take_mapping), Kind("mapping of flag to value")] = (
        Field(
            default_factory=dict,
            description="Values of flags for every case; also declares flags that are not found by themselves.",
        )
    )
    cases: Annotated[
        dict[CaseName, Annotated[dict[Name, Value], BeforeValidator(take_mapping)]],
        BeforeValidator(take_mapping),
        Kind("mapping of case to mapping of flag to value"),
    ] = Field(default_factory=dict, description="Named sets of flag values, each of them a test.")
    matrix: Annotated[
        dict[Name, Annotated[tuple[Value, ...], BeforeValidator(take_values)]],
        BeforeValidator(take_mapping),
        Kind("mapping of flag to list of values"),
    ] = Field(default_factory=dict, description="Each combination of these values is a case, named by them.")
    metrics: Annotated[
        dict[Name, Annotated[MetricKeys | None, WrapValidator(take_rule)]],
        BeforeValidator(take_mapping),
        Kind("mapping of name or pattern to rule, or to the word ignore", MetricKeys, "<name>"),
    ] = Field(default_factory=dict, description="How metrics are judged; later rules win.")
    artifacts: Annotated[
        dict[Name, Annotated[ArtifactKeys | None, WrapValidator(take_rule)]],
        BeforeValidator(take_mapping),
        Kind("mapping of name or pattern to rule, or to the word ignore", ArtifactKeys, "<name>"),
    ] = Field(default_factory=dict, description="How files and rich outputs are judged; later rules win.")
    outputs: Annotated[
        OutputKeys | None,
        WrapValidator(take_outputs),
        Kind("compare, ignore or mapping of limits and masks", OutputKeys),
    ] = Field(default=OutputKeys(), description="How text results and printed text of cells are judged.")
    inputs: Names = Field(
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
        dict[VariableName, Annotated[str, PlainValidator(readers.variable)]],
        BeforeValidator(take_mapping),
        Kind("mapping of name to text or whole number"),
    ] = Field(default_factory=dict, description="Environment variables of the kernel.")
    kernel: Text = Field(
        default=None, description="Name of the kernel that runs the notebook, instead of the notebook's own."
    )
    timeout: Seconds = Field(default=None, description="How long a whole run may take.")
    cell_timeout: Seconds = Field(default=None, description="How long one cell may take.")
    memory: Annotated[
        int | None, PlainValidator(readers.size), Kind("bytes, or a text such as 512MB, 8GiB")
    ] = Field(default=None, description="Resident memory that the kernel and its children may use together.")
    xfail: Reason = Field(
        default=None, description="Why the case is expected to fail; strict: it is a failure when it passes."
    )
    marks: Annotated[
        tuple[Annotated[str, PlainValidator(readers.mark)], ...],
        BeforeValidator(take_list),
        Kind("list of names"),
    ] = Field(default=(), description="Marks of pytest that the cases get, for -m.")
    runs: Annotated[int, PlainValidator(readers.runs), Kind("1, or a whole number from 5 on")] = Field(
        default=1,
        description="How many runs a baseline rests on. From 5 on its metrics may vary: a run is held against the "
        "interval in which these runs predict it.",
    )
    new_runs: Annotated[int, PlainValidator(readers.new_runs), Kind("1, or a whole number from 3 on")] = (
        Field(
            default=1,
            description="How many runs a test makes, all of which are judged together. Needs `runs` from 5 on.",
        )
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
