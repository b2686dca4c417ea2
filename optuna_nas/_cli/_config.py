"""``search.toml``: the options of a search in a file, which every run writes and any can take."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
import json
import os
from pathlib import Path
import re
import sys
from typing import Any

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import nearest
from optuna_nas._cli._options import Options
from optuna_nas._cli._table import check_file


CONFIG = "search.toml"

PATHS = {"data", "test", "out", "storage"}
"""Options that may be paths; in a file they are relative to its folder."""

NO_PATHS = ("digits", ":memory:")


def read_config(path: Path, names: list[str]) -> dict[str, Any]:
    """Reads options from a file.

    Args:
        path:
            As :func:`to_toml` writes it, or by hand.
        names:
            What options there are, without their dashes.

    Returns:
        From the names of options, with underscores, to values. Paths, which are relative to the
        file, are so to the current folder.

    Raises:
        BadInput:
            If it is no such file, names an option that there is not, or a path that is no text.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"--config {path} is not there.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path} cannot be read as TOML: {error}.") from None
    options = {name.replace("-", "_"): value for name, value in found.items()}
    for name in options:
        if name not in names:
            raise BadInput(f"{path}: {name!r} is no option of search.{nearest(name, names)}")
        if isinstance(options[name], dict):
            raise BadInput(f"{path}: {name} must be a value, not a table.")
    for name in PATHS & options.keys():
        if not isinstance(options[name], str):
            raise BadInput(f"{path}: {name} must be a text, not {options[name]!r}.")
        there = os.path.expanduser(options[name])  # as a shell does
        options[name] = _moved(there, os.path.realpath(path.parent), os.getcwd())
    return options


def read_options(path: Path) -> Options:
    """The options of a search that was run.

    Args:
        path:
            Its ``search.toml``.

    Raises:
        BadInput:
            If it cannot be read, or names no data.
    """
    options = read_config(path, list(Options.__dataclass_fields__))
    if "data" not in options:
        raise BadInput(f'{path} does not say what to learn from, as in data = "train.csv".')
    for name, value in options.items():
        if isinstance(value, list):
            options[name] = tuple(value)
        if name == "out":
            options[name] = Path(value)
    try:
        return Options(**options)
    except TypeError as error:
        raise BadInput(f"{path}: {error}.") from None


def check_there(options: Options, config: Path | None, named: Collection[str]) -> None:
    """Checks that the rows are there; without any library, so that nobody waits to hear of it.

    Args:
        options:
            The command line.
        config:
            The file that some of them are from.
        named:
            The names of those.

    Raises:
        BadInput:
            If the rows to learn from or to test on are not there.
    """
    for name in ("data", "test"):
        place = getattr(options, name)
        if place in (None, "digits") or Path(place).is_dir():
            continue
        if name in named and not Path(place).exists():
            raise BadInput(
                f"{place} is not there. {config} names it as its {name}; paths in that file are "
                "relative to its folder."
            )
        check_file(Path(place))


def to_toml(options: Options) -> str:
    """What repeats a search: ``optuna-nas search --config search.toml``, from any folder.

    A password in ``--storage`` is not written, so that option must be given again.

    Args:
        options:
            The command line, and what it left open; the file goes to their folder.
    """
    lines = [
        "# optuna-nas search --config search.toml goes on with this search; with --out and the",
        "# name of a new folder, it does it again. Paths are relative to the folder of this file.",
    ]
    given = {field.name: getattr(options, field.name) for field in fields(options)}
    del given["out"]
    if options.storage is not None and has_password(options.storage):
        del given["storage"]
        lines.append("# storage: not written here, since it has a password. Give --storage.")
    if ":" in (options.space or ""):
        lines.append("# space: its module is looked for where the command is given.")
    for name, value in given.items():
        if value not in (None, ()):
            if name in PATHS:
                value = _moved(value, os.getcwd(), os.path.realpath(options.folder))
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join([*lines, 'out = "."', ""])


def has_password(storage: str) -> bool:
    """Whether a URL has one.

    Args:
        storage:
            A path or a URL.
    """
    _, _, rest = storage.partition("://")
    return ":" in rest.rpartition("@")[0]


def split_scheme(storage: str) -> tuple[str, str]:
    """Splits what says that a file is SQLite's from the path; other URLs stay whole.

    Args:
        storage:
            A path or a URL.
    """
    path = re.sub(r"^sqlite(\+\w+)?:///", "", storage)
    return storage.removesuffix(path), path


def _moved(text: str, start: str, to: str) -> str:
    """A path that was relative to one folder, relative to another."""
    scheme, path = split_scheme(text)
    if path in NO_PATHS or "://" in path or os.path.isabs(path):
        return text
    path = os.path.normpath(os.path.join(start, path))
    try:
        return scheme + os.path.relpath(path, to)
    except ValueError:  # no way leads from one drive of Windows to another
        return scheme + path
