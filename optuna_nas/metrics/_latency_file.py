"""A latency table as a file: readable JSON, so that one from another device can be written."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from optuna_nas.metrics._latency_fit import Whole


FORMAT = "optuna_nas latency table"
VERSION = 1


@dataclass(frozen=True)
class Conditions:
    """What a latency table holds for.

    Args:
        device:
            ``"cpu"``, ``"cuda:0"``, ...
        device_name:
            What its maker calls it; of another device than this machine's, nothing is measured.
        threads:
            How many threads an operation may take.
        inputs:
            Precision and shape of each input of the network: ``(("float32", (1, 3, 32, 32)),)``.
        runtime:
            What ran the blocks: ``"torch 2.13.0"``.
    """

    device: str
    device_name: str
    threads: int
    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    runtime: str

    def batch(self, device: torch.device) -> tuple[Tensor, ...]:
        """Such inputs, of ones; of zeros if they are integers, which are legal tokens.

        Args:
            device:
                Where.
        """
        dtypes = [getattr(torch, dtype) for dtype, _ in self.inputs]
        shapes = [shape for _, shape in self.inputs]
        return tuple(
            torch.full(shape, int(dtype.is_floating_point), dtype=dtype, device=device)
            for dtype, shape in zip(dtypes, shapes, strict=True)
        )

    def __str__(self) -> str:
        inputs = ", ".join(f"{dtype}{list(shape)}" for dtype, shape in self.inputs)
        return f"{self.device_name}, {self.threads} thread(s), {inputs}"


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Args:
        name:
            The metric's name.
        conditions:
            What the table holds for.
        blocks:
            Milliseconds of each block.
        networks:
            Networks that were measured as a whole.
    """

    name: str
    conditions: Conditions
    blocks: Mapping[str, float]
    networks: Sequence[Whole]


def write(path: Path, contents: Contents) -> None:
    """Writes a file, over one that is there.

    Args:
        path:
            Where.
        contents:
            What.
    """
    conditions = contents.conditions
    fields = {
        "format": FORMAT,
        "version": VERSION,
        "name": contents.name,
        **asdict(conditions),
        "inputs": [{"dtype": dtype, "shape": shape} for dtype, shape in conditions.inputs],
        "networks": [asdict(network) for network in contents.networks],
        "blocks": dict(contents.blocks),
    }
    path.write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Contents:
    """Reads a file.

    Args:
        path:
            Where it is.

    Raises:
        ValueError:
            If it is no table, one of another version, or lacks something, which is named.
    """
    fields = _fields(path)
    try:
        contents = Contents(
            name=str(fields["name"]),
            conditions=_conditions(fields),
            blocks={str(name): _ms(ms) for name, ms in fields["blocks"].items()},
            networks=[
                Whole(int(one["blocks"]), _ms(one["sum_ms"]), _ms(one["measured_ms"]))
                for one in fields["networks"]
            ],
        )
    except KeyError as error:
        raise ValueError(f"{path}: the latency table lacks {error}.") from None
    except (TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path}: the latency table is not of its form: {error}") from None
    if not contents.blocks:
        raise ValueError(f"{path}: the latency table holds no block.")
    return contents


def _fields(path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no latency table: it is not JSON: {error}") from None
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise ValueError(f'{path} is no latency table: "format" is not {FORMAT!r}.')
    if fields.get("version") != VERSION:
        raise ValueError(
            f"{path} is a latency table of version {fields.get('version')!r}; this release "
            f"reads version {VERSION}. Learn it again."
        )
    return fields


def _conditions(fields: Mapping[str, Any]) -> Conditions:
    inputs = []
    for given in fields["inputs"]:
        dtype = str(given["dtype"])
        if not isinstance(getattr(torch, dtype, None), torch.dtype):
            raise ValueError(f"{dtype!r} is no dtype of torch.")
        inputs.append((dtype, tuple(int(size) for size in given["shape"])))
    return Conditions(
        device=str(fields["device"]),
        device_name=str(fields["device_name"]),
        threads=int(fields["threads"]),
        inputs=tuple(inputs),
        runtime=str(fields["runtime"]),
    )


def _ms(value: Any) -> float:
    """Milliseconds: 0 for what takes none, such as an identity."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"milliseconds must be a finite number of at least 0, but are {value!r}.")
    return float(value)
