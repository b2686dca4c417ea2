"""``optuna-nas predict``: rows of a file to a CSV of predictions, by an exported network."""

from __future__ import annotations

from collections.abc import Sequence
import csv
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from rich.markup import escape
import typer

from optuna_nas._cli._arrays import check_numbers
from optuna_nas._cli._arrays import read_arrays
from optuna_nas._cli._consoles import say
from optuna_nas._cli._errors import bad_input
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._images import images_in
from optuna_nas._cli._images import read_images
from optuna_nas._cli._images import SUFFIXES
from optuna_nas._cli._table import check_file
from optuna_nas._cli._table import read_table
from optuna_nas._cli._table import TABLES
from optuna_nas._cli._unfamiliar import unfamiliar
from optuna_nas._cli._write import write
from optuna_nas._export import load_program


def predict(model: Path, source: Path, proba: bool, drop: Sequence[str], out: Path | None) -> None:
    """Predicts rows, and prints them as CSV or writes them to a file.

    Args:
        model:
            The folder of an exported network.
        source:
            A table, an ``.npz`` file with X, an image, or a folder of images.
        proba:
            Whether to give the probabilities of classes.
        drop:
            Columns of the table that the network does not know.
        out:
            A file, or None for stdout.

    Raises:
        BadInput:
            If there is no such network, or the rows are not such as it takes.
    """
    with bad_input((ValueError, OSError)):
        program = load_program(model)
    schema, classes = program.model["inputs"], program.model["classes"]
    if proba and classes is None:
        raise BadInput(f"--proba is for classes, but {model} predicts numbers.")
    rows, paths = _read(source, schema, drop)
    with bad_input((ValueError, TypeError), before=f"{source}: "):
        found = program.predict_proba(rows) if proba else program.predict(rows)
    if schema["kind"] == "table":
        for line in unfamiliar(rows, schema):
            say(escape(line))
    found = np.asarray(found).reshape(len(found), -1)
    names = [str(name) for name in classes] if proba else _names(found.shape[1])
    first = [] if paths is None else ["file"]
    text = StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([*first, *names])
    for i, row in enumerate(found.tolist()):
        lines.writerow([*([] if paths is None else [paths[i]]), *row])
    if out is None:
        typer.echo(text.getvalue(), nl=False)
    else:
        write(out, text.getvalue())


def _names(outputs: int) -> list[str]:
    return ["prediction"] if outputs == 1 else [f"prediction{i}" for i in range(outputs)]


def _read(source: Path, schema: Any, drop: Sequence[str]) -> tuple[Any, list[Path] | None]:
    """Rows, and the files that they are of, if each is one."""
    if source.is_dir() or source.suffix.lower() in SUFFIXES:
        return _images(source, schema)
    check_file(source)
    suffix = source.suffix.lower()
    if suffix == ".npz":
        return _array(source), None
    if suffix not in TABLES:
        raise BadInput(
            f"{source}: ROWS must end in one of {', '.join((*TABLES, '.npz'))}, or be an image or "
            "a folder of images."
        )
    if schema["kind"] != "table":
        raise BadInput(f"{source} is a table, but the network takes {_wanted(schema)}.")
    return _table(source, schema, drop), None


def _images(source: Path, schema: Any) -> tuple[Any, list[Path]]:
    if schema["kind"] != "image":
        raise BadInput(f"{source} holds images, but the network takes {_wanted(schema)}.")
    paths = images_in(source) if source.is_dir() else [source]
    if not paths:
        raise BadInput(f"{source} holds no images, which end in {', '.join(SUFFIXES)}.")
    height, width, *channels = schema["shape"]
    rows = read_images(paths, (height, width), channels[0] if channels else 1)
    return rows.reshape(len(rows), *schema["shape"]), paths


def _array(source: Path) -> Any:
    arrays = read_arrays(source)
    name = next((name for name in ("x", "x_test") if name in arrays), None)
    if name is None:
        raise BadInput(f"{source} must hold X, but holds {', '.join(arrays) or 'nothing'}.")
    check_numbers(source, arrays[name])
    return arrays[name]


def _table(source: Path, schema: Any, drop: Sequence[str]) -> Any:
    columns, target = schema["columns"], schema["target"]
    frame = read_table(source, [c["name"] for c in columns if c["kind"] == "category"])
    if target in frame.columns:
        say(f"The column {escape(repr(target))}, which is predicted, is ignored.")
    names = [column["name"] for column in columns]
    missing = [name for name in names if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in (*names, target, *drop)]
    if schema["named"] and (missing or unknown):
        told = [f"lacks {_listed(missing)}"] * bool(missing)
        told += [f"has {_listed(unknown)}, which the network does not know"] * bool(unknown)
        remedy = f" To ignore a column: --drop {unknown[0]!r}." if unknown else ""
        raise BadInput(f"{source} {' and '.join(told)}; it takes {_listed(names)}.{remedy}")
    return frame[names] if schema["named"] else frame.to_numpy()


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")


def _wanted(schema: Any) -> str:
    if schema["kind"] == "table":
        return f"a table with {len(schema['columns'])} columns"
    return f"{schema['kind']}s of shape {' x '.join(map(str, schema['shape']))}"
