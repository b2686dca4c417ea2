"""Hyperband's brackets (Li et al. 2018, algorithm 1), as Optuna's ``HyperbandPruner`` has them."""

from __future__ import annotations

from itertools import accumulate
from math import ceil
from zlib import crc32


def bracket_of(study_name: str, number: int, brackets: int, reduction_factor: int) -> int:
    """Returns the bracket of a trial, the same in every process.

    Args:
        study_name:
            The study's; another one deals the brackets out otherwise.
        number:
            The trial's.
        brackets:
            How many there are. Of bracket ``s``, the first ``s`` rungs are left out, and it gets
            about ``reduction_factor ** -s`` of the trials.
        reduction_factor:
            What part of a rung goes on.
    """
    if brackets == 1:
        return 0
    shares = [ceil(brackets * reduction_factor**s / (s + 1)) for s in reversed(range(brackets))]
    ticket = crc32(f"{study_name}_{number}".encode()) % sum(shares)
    return next(s for s, end in enumerate(accumulate(shares)) if ticket < end)
