"""What ``Inherit`` is given, checked before any work."""

from __future__ import annotations

from pathlib import Path
import re
from typing import Any

from optuna_nas._arguments import checked_float
from optuna_nas._arguments import checked_int


UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?B)\s*", re.IGNORECASE)


def check_artifacts(artifacts: Any) -> None:
    """Checks where weights go; a folder is made.

    Args:
        artifacts:
            A folder or an artifact store.

    Raises:
        TypeError:
            If it is neither.
        ValueError:
            If the folder cannot be made.
    """
    if all(hasattr(artifacts, verb) for verb in ("open_reader", "write", "remove")):
        return
    if not isinstance(artifacts, str | Path):
        raise TypeError(
            "artifacts must be a folder or one of Optuna's artifact stores, but is "
            f"{artifacts!r} ({type(artifacts).__name__})."
        )
    try:
        Path(artifacts).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"artifacts {str(artifacts)!r} cannot be a folder: {error.strerror}. Give another."
        ) from error


def to_bytes_of(budget: Any) -> int:
    """Returns a budget in bytes.

    Args:
        budget:
            An int, or a number with a unit: ``"1.5 GB"``, a thousand MB to the GB.

    Raises:
        ValueError:
            If it is anything else, or nothing.
    """
    size = budget
    if isinstance(budget, str) and (match := SIZE.fullmatch(budget)):
        size = int(float(match[1]) * UNITS[match[2].upper()])
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise ValueError(
            "budget must be a positive number of bytes, such as 500_000_000 or '500 MB' (B, KB, "
            f"MB, GB or TB), but is {budget!r}."
        )
    return size


def check_epochs_of_heirs(epochs: int | None) -> None:
    """Checks how many epochs a trial that inherits is trained.

    Args:
        epochs:
            An int of at least 1 or None.

    Raises:
        ValueError:
            If it is anything else.
    """
    if epochs is not None:
        checked_int("Inherit: epochs", epochs, 1, otherwise=", or None")


def check_share(max_fresh: Any) -> None:
    """Checks a share.

    Args:
        max_fresh:
            Of the parameters, in 0..1.

    Raises:
        ValueError:
            If it is anything else.
    """
    checked_float("max_fresh", max_fresh, least=0, most=1)
