"""``search.toml``: the options of a search in a file, which every run writes and any can take."""

from __future__ import annotations

import json
from pathlib import Path
import sys
from typing import Any

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import nearest
from optuna_nas._cli._options import Options


CONFIG = "search.toml"


def read_config(path: Path, names: list[str]) -> dict[str, Any]:
    """Reads options from a file.

    Args:
        path:
            As :func:`to_toml` writes it, or by hand.
        names:
            What options there are, without their dashes.

    Returns:
        From the names of options, with underscores, to values.

    Raises:
        BadInput:
            If it is no such file, or names an option that there is not.
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
        raise BadInput(f"--config {path} cannot be read as TOML: {error}.") from None
    options = {name.replace("-", "_"): value for name, value in found.items()}
    for name in options:
        if name not in names:
            raise BadInput(
                f"--config {path}: {name!r} is no option of search.{nearest(name, names)}"
            )
        if isinstance(options[name], dict):
            raise BadInput(f"--config {path}: {name} must be a value, not a table.")
    return options


def read_options(path: Path) -> Options:
    """The options of a search that was run.

    Args:
        path:
            Its ``search.toml``.

    Raises:
        BadInput:
            If it cannot be read.
    """
    options = read_config(path, list(Options.__dataclass_fields__))
    for name, value in options.items():
        if isinstance(value, list):
            options[name] = tuple(value)
        if name == "out":
            options[name] = Path(value)
    try:
        return Options(**options)
    except TypeError as error:
        raise BadInput(f"{path}: {error}.") from None


def to_toml(options: Options) -> str:
    """What repeats a search: ``optuna-nas search --config search.toml``.

    A password in ``--storage`` is not written, so that option must be given again.

    Args:
        options:
            The command line.
    """
    given = {"data": options.data, **options.given()}
    lines = ["# optuna-nas search --config search.toml does this search again."]
    if options.storage is not None and has_password(options.storage):
        del given["storage"]
        lines.append("# storage: not written here, since it has a password. Give --storage.")
    return "\n".join([*lines, *(f"{n} = {_value(v)}" for n, v in given.items()), ""])


def has_password(storage: str) -> bool:
    """Whether a URL has one.

    Args:
        storage:
            A path or a URL.
    """
    _, _, rest = storage.partition("://")
    return ":" in rest.rpartition("@")[0]


def _value(value: Any) -> str:
    """As TOML has it, whose strings, numbers and lists are JSON's."""
    if isinstance(value, tuple):
        return json.dumps(list(value), ensure_ascii=False)
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
