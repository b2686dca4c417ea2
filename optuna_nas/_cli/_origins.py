"""Where a network comes from, in words."""

from __future__ import annotations

from optuna_nas._cli._options import PROXIES


KNOWN = {"default": ", the one made by hand", "darts": ", which DARTS proposed"}


def said_of(origin: str | None) -> str:
    """What to say after a network's number; nothing if the sampler proposed it.

    Args:
        origin:
            The user attr ``origin`` of its trial, or None.
    """
    if origin in PROXIES:
        return f", which {origin} proposed"
    return KNOWN.get(origin or "", "")
