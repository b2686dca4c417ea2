"""How many threads torch takes for a search."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


MOST_ROWS = 10_000


@contextmanager
def fitting_threads(kind: str, rows: int) -> Iterator[None]:
    """One thread for a table of up to 10,000 rows, and otherwise as many as there were.

    The operations of such networks are too small to share: threads wait for each other, and on a
    busy machine for a core.

    Args:
        kind:
            ``"table"``, ``"image"`` or ``"sequence"``.
        rows:
            How many there are.
    """
    before = torch.get_num_threads()
    if kind == "table" and rows <= MOST_ROWS:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
