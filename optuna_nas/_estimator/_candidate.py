"""What is kept of the best candidates: weights, and what they say of the held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from typing import TypeAlias

from torch import Tensor


State: TypeAlias = dict[str, Tensor]


@dataclass(frozen=True)
class Trained:
    """One training, as it was when it scored best.

    Args:
        score:
            On the rows held out.
        state:
            The weights, on the CPU.
        outputs:
            For the rows held out, on the CPU.
        epochs:
            After how many.
        of:
            How many epochs the learning rate's schedule spanned.
    """

    score: float
    state: State
    outputs: Tensor
    epochs: int
    of: int


@dataclass(frozen=True)
class Candidate:
    """A trial's trainings.

    Args:
        number:
            The trial's.
        score:
            The mean over the folds.
        folds:
            One training for each.
    """

    number: int
    score: float
    folds: tuple[Trained, ...]

    @property
    def epochs(self) -> tuple[int, int]:
        """How many to train on all rows, and how many the schedule is to span."""
        stop = round(sum(fold.epochs for fold in self.folds) / len(self.folds))
        span = round(sum(fold.of for fold in self.folds) / len(self.folds))
        return max(1, stop), max(1, span)


class Kept:
    """The best candidates so far, of equal ones the earlier.

    Args:
        most:
            How many to keep.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.candidates: list[Candidate] = []

    def add(self, candidate: Candidate) -> None:
        """Keeps a candidate, if it is one of the best.

        Args:
            candidate:
                A new one.
        """
        ranked = sorted([*self.candidates, candidate], key=_place)
        self.candidates = ranked[: self.most]


def _place(candidate: Candidate) -> Any:
    return -candidate.score, candidate.number
