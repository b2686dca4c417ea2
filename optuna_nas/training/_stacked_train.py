"""``train_together``: what ``Train`` does for one candidate, for a group of one structure."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
import math
from time import perf_counter

import optuna.exceptions

from optuna_nas.training._data import Resident
from optuna_nas.training._device import resolve_device
from optuna_nas.training._rejected import is_out_of_memory
from optuna_nas.training._rejected import Rejected
from optuna_nas.training._stacked_loop import Member
from optuna_nas.training._stacked_loop import StackedLoop
from optuna_nas.training._train import Train


def resident(train: Train) -> tuple[Resident, Resident] | None:
    """The rows to train and to score on, on the device; None if a stack cannot have them.

    Args:
        train:
            Any.
    """
    is_plain = type(train) is Train and train.resource == "epochs" and train.epochs is not None
    if not is_plain or train.fidelities or train.inherit is not None:
        return None
    device = resolve_device(train.device)
    rows, valid = train._train.to(device), train._valid.to(device)
    train._train, train._valid = rows, valid
    return (rows, valid) if isinstance(rows, Resident) and isinstance(valid, Resident) else None


@dataclass(frozen=True)
class Unfinished:
    """Memory ran out for the group. The member's module has its initial weights.

    Args:
        reported:
            How many epochs it has reported.
    """

    reported: int


def train_together(
    train: Train, members: Sequence[Member]
) -> list[float | optuna.exceptions.TrialPruned | Unfinished]:
    """Trains a group, reports each member's scores, and returns what came of each.

    Each leaves the user attrs that :class:`Train` leaves; ``seconds`` is its share of the
    group's. The modules are left on the device, in eval mode, with the last score's weights.

    Args:
        train:
            What :func:`resident` has rows of.
        members:
            Of one structure.

    Returns:
        For each member its best score, why it was stopped, or that it has to be trained alone.
    """
    tracks = [_Track(member) for member in members]
    try:
        _train(train, tracks)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
    finally:
        for track in tracks:
            track.note()
    best = max if train.direction == "maximize" else min
    return [
        track.stopped or (best(track.curve) if track.written else Unfinished(len(track.curve)))
        for track in tracks
    ]


def _train(train: Train, tracks: Sequence[_Track]) -> None:
    rows = resident(train)
    assert rows is not None
    assert train.epochs is not None
    members = [track.member for track in tracks]
    loop = StackedLoop(members, *rows, epochs=train.epochs, metric=train.metric)
    for number in range(1, train.epochs + 1):
        left = [track for track in tracks if track.stopped is None]
        started = perf_counter()
        losses, scores = loop.epoch(number)
        share = (perf_counter() - started) / len(left)
        for track, loss, score in _in_order(left, losses, scores):
            track.seconds += share
            track.ended(number, train.epochs, loss, score)
        stays = [i for i, track in enumerate(left) if track.stopped is None]
        for i, track in enumerate(left):
            if track.stopped is not None or number == train.epochs:
                loop.stack.write(i, track.member.module)
                track.written = True
        if not stays or number == train.epochs:
            break
        if len(stays) < len(left):
            loop.keep(stays)


@dataclass
class _Track:
    """What became of a member so far."""

    member: Member
    curve: list[float] = field(default_factory=list)
    seconds: float = 0.0
    stopped: optuna.exceptions.TrialPruned | None = None
    written: bool = False
    """Whether the module has its trained weights."""

    def ended(self, number: int, epochs: int, loss: float, score: float) -> None:
        """Reports an epoch, as :class:`Train` does."""
        for what, value in (("loss", loss), ("score", score)):
            if not math.isfinite(value):
                self.stopped = Rejected(f"{what} is {value} in epoch {number} of {epochs}")
                return
        self.curve.append(score)
        self.member.trial.report(score, number)
        if number < epochs and self.member.trial.should_prune():
            self.stopped = optuna.exceptions.TrialPruned(f"stopped after epoch {number}")

    def note(self) -> None:
        trial = self.member.trial
        trial.set_user_attr("curve", self.curve)
        trial.set_user_attr("seconds", self.seconds)
        trial.set_user_attr("epochs", len(self.curve))


def _in_order(
    tracks: Sequence[_Track], losses: Sequence[float], scores: Sequence[float]
) -> Iterator[tuple[_Track, float, float]]:
    """By the trials' numbers, as they would report one after the other."""
    each = zip(tracks, losses, scores, strict=True)
    return iter(sorted(each, key=lambda one: getattr(one[0].member.trial, "number", 0)))
