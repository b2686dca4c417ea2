"""What is kept of the best candidates: weights, and what they say of the held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import TypeAlias

import torch
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
        folder:
            Where to leave them for another process as well, or None.
    """

    def __init__(self, most: int, folder: Path | None = None) -> None:
        self.most = most
        self.folder = folder
        self.candidates: list[Candidate] = []

    def add(self, candidate: Candidate) -> None:
        """Keeps a candidate, if it is one of the best.

        Args:
            candidate:
                A new one.
        """
        ranked = sorted([*self.candidates, candidate], key=_place)
        self.candidates = ranked[: self.most]
        if self.folder is not None and any(one is candidate for one in self.candidates):
            _write(candidate, self.folder)


def read_candidate(path: Path) -> Candidate:
    """A candidate that another process left.

    Args:
        path:
            Its file.
    """
    found = torch.load(path, weights_only=True)
    folds = tuple(Trained(**fold) for fold in found.pop("folds"))
    return Candidate(**found, folds=folds)


def _write(candidate: Candidate, folder: Path) -> None:
    """Beside its place first: a process may end at any moment."""
    folds = [vars(fold) for fold in candidate.folds]
    draft = folder / f"{candidate.number}.draft"
    torch.save({"number": candidate.number, "score": candidate.score, "folds": folds}, draft)
    draft.rename(folder / f"{candidate.number}.pt")


def _place(candidate: Candidate) -> Any:
    return -candidate.score, candidate.number
