"""Changes of safetensors files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from pytest_nbrepro.comparers.boxes import Box
from pytest_nbrepro.comparers.perturbing.arrays import elements
from pytest_nbrepro.comparers.perturbing.values import MOST, Change
from pytest_nbrepro.comparers.safetensors import KINDS, WORDS, header
from pytest_nbrepro.comparers.tallies import Array

_HALF = "bfloat16"


def changes(path: Path) -> Iterator[Change]:
    """Yield changes of a file's tensors; those in dtypes that numpy has not are left as they are."""
    with path.open("rb") as stream:
        tensors, metadata = header(stream, path.stat().st_size)
        found = {
            name: (tensor.dtype, tensor.read(stream, Box((0,) * len(tensor.shape), tensor.shape)))
            for name, tensor in tensors.items()
        }
    write = partial(_write, dict(metadata))
    if len(found) > 1:
        last = list(found)[-1]
        yield f"{last} dropped", partial(write, {name: found[name] for name in found if name != last})
    for name, (dtype, values) in islice(found.items(), MOST):
        if dtype in KINDS:
            continue
        for what, changed in elements(values):
            yield f"{name}: {what}", partial(write, {**found, name: (WORDS[changed.dtype.str[1:]], changed)})


def _write(metadata: Mapping[str, str], tensors: Mapping[str, tuple[str, Array]], target: Path) -> None:
    told: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    content = b""
    for name, (dtype, values) in tensors.items():
        data = _stored(dtype, values)
        told[name] = {
            "dtype": dtype,
            "shape": values.shape,
            "data_offsets": [len(content), len(content) + len(data)],
        }
        content += data
    text = json.dumps(told).encode()
    target.write_bytes(len(text).to_bytes(8, "little") + text + content)


def _stored(dtype: str, values: Array) -> bytes:
    """Return values as the file holds them; a bfloat16 is the upper half of the float32 as which it is read."""
    if KINDS.get(dtype) == _HALF:
        values = (values.view(np.uint32) >> 16).astype(np.uint16)
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
