"""What screens are given, checked before anything runs."""

from __future__ import annotations

from typing import Any


def check_estimate(name: str, given: Any) -> None:
    """Checks an estimate.

    Args:
        name:
            The argument's.
        given:
            What came.

    Raises:
        TypeError:
            If it is no callable, or a proxy without its batch.
    """
    if not callable(given) or isinstance(given, type):
        raise TypeError(
            f"{name} must be a callable (module, trial) -> float, Proxy(naswot, batch), but is "
            f"{given!r} ({type(given).__name__})."
        )
    if hasattr(given, "needs_labels"):
        proxy = given.__name__
        raise TypeError(
            f"{name} must be a callable (module, trial) -> float, but {proxy} takes a batch, not "
            f"a trial: write Proxy({proxy}, batch)."
        )
