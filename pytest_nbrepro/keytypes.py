"""The types that keys of an annotation may have, and what is wrong with a value that has another."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, PlainValidator

from pytest_nbrepro import readers
from pytest_nbrepro.readers import Wrong, described


@dataclass(frozen=True)
class Kind:
    """What a key takes, for people; `keys` is the model of the mapping below it, `each` the name of its keys.

    Without `each` the keys of the model stand directly below the key.
    """

    words: str
    keys: type[BaseModel] | None = None
    each: str | None = None


def take_mapping(value: Any) -> Any:
    """Take a mapping; a key with nothing below it counts as an empty one."""
    if value is not None and not isinstance(value, Mapping):
        raise Wrong(f"must be a mapping, is {described(value)}")
    return {} if value is None else value


def take_list(value: Any) -> Any:
    """Take a list."""
    if not isinstance(value, (list, tuple)):
        hint = (
            f"write [{json.dumps(value, ensure_ascii=False)}]"
            if isinstance(value, (str, int, float))
            else None
        )
        raise Wrong(f"must be a list, is {described(value)}", hint)
    return value


def take_values(value: Any) -> Any:
    """Take a list that is not empty."""
    if not take_list(value):
        raise Wrong("must have at least one value, the list is empty")
    return value


def take_limits(value: Any, handler: Callable[[Any], Any]) -> Any:
    """Take a mapping; a key with nothing below it counts as an empty one."""
    if value is not None and not isinstance(value, Mapping):
        raise Wrong(f"must be a mapping such as {{rel: 1e-3}}, is {described(value)}")
    return handler({} if value is None else value)


def take_rule(value: Any, handler: Callable[[Any], Any]) -> Any:
    """Take a mapping, or the word `ignore`, which becomes None."""
    if value == "ignore":
        return None
    if value is not None and not isinstance(value, Mapping):
        what = f"must be a mapping such as {{rel: 1e-3}} or the word ignore, is {described(value)}"
        raise Wrong(what, readers.meant(value, "ignore"))
    return handler({} if value is None else value)


def take_mask(value: Any, handler: Callable[[Any], Any]) -> Any:
    """Take the word `off`, which becomes None, the word `on`, or the mapping of a mask of one's own."""
    if value == "off":
        return None
    if value == "on":
        return handler({})
    if not isinstance(value, Mapping):
        what = f"must be off, on or a mapping such as {{regex: 'run-[0-9]+'}}, is {described(value)}"
        hint = (
            f"write {'on' if value else 'off'}"
            if isinstance(value, bool)
            else readers.meant(value, "off", "on")
        )
        raise Wrong(what, hint)
    return handler(value)


def take_outputs(value: Any, handler: Callable[[Any], Any]) -> Any:
    """Take a mapping, the word `compare`, or the word `ignore`, which becomes None."""
    if value == "ignore":
        return None
    if value != "compare" and not isinstance(value, Mapping):
        what = f"must be compare, ignore or a mapping such as {{rel: 1e-3}}, is {described(value)}"
        raise Wrong(what, readers.meant(value, "compare", "ignore"))
    return handler({} if value == "compare" else value)


# The types of keys. None is inside of each, so that an empty key reaches the reader, which names it.
Name = Annotated[str, PlainValidator(readers.text)]
VariableName = Annotated[str, PlainValidator(readers.variable_name)]
CaseName = Annotated[str, PlainValidator(readers.case_name)]
Value = Annotated[Any, PlainValidator(readers.flag_value)]
Text = Annotated[str | None, PlainValidator(readers.text), Kind("text")]
Reason = Annotated[str | None, PlainValidator(readers.reason), Kind("text")]
Tolerance = Annotated[float | None, PlainValidator(readers.tolerance), Kind("number, 0 or more")]
Allowance = Annotated[float | None, PlainValidator(readers.allowance), Kind("number above 0")]
Number = Annotated[float | None, PlainValidator(readers.number), Kind("number")]
Count = Annotated[int, PlainValidator(readers.whole()), Kind("whole number, 0 or more")]
Ulps = Annotated[int | None, PlainValidator(readers.whole()), Kind("whole number, 0 or more")]
Total = Annotated[int | None, PlainValidator(readers.whole(1)), Kind("whole number, 1 or more")]
Seconds = Annotated[
    float | None, PlainValidator(readers.seconds), Kind("seconds, or a text such as 90s, 10m, 2h")
]
Regex = Annotated[str | None, PlainValidator(readers.regex), Kind("regular expression")]
Replacement = Annotated[str | None, PlainValidator(readers.replacement), Kind("text")]
Names = Annotated[tuple[Name, ...], BeforeValidator(take_list), Kind("list of texts")]
