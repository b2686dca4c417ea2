"""A time limit that holds within a training too, and leaves time to train the best again."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
import math
from time import perf_counter
from time import time
from typing import Any

from optuna_nas.training._schedules import Schedule


LARGEST_SHARE = 0.4
"""Of the whole limit, how much one training may take, and how much is kept for the end."""

SMALLEST_SHARE = 0.3
"""A training that gets less of the time of those before is not begun."""


class OutOfTime(Exception):
    """A training has used up its time."""


@dataclass
class Clock:
    """How much time is left, and for what.

    Args:
        timeout:
            Seconds from now, or infinity.
        again:
            How long training again on all rows takes, as a share of a trial; 0 if nobody does.
        networks:
            How many are trained again.
    """

    timeout: float = math.inf
    again: float = 0.0
    networks: int = 1
    started: float = field(default_factory=lambda: perf_counter())
    trials: list[float] = field(default_factory=list)
    """The seconds of each."""

    def __getstate__(self) -> dict[str, Any]:
        # What perf_counter counts from is another moment in another process.
        return {**vars(self), "started": time() - self.passed()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.started += perf_counter() - time()

    def passed(self) -> float:
        """Seconds so far."""
        return perf_counter() - self.started

    def left(self) -> float:
        """Seconds until the limit."""
        return self.timeout - self.passed()

    def for_trial(self) -> float:
        """Seconds that the trainings of a trial may take, so that time is left to repeat them."""
        if self.timeout == math.inf:
            return math.inf
        mean = sum(self.trials) / len(self.trials) if self.trials else 0.0
        kept = min(LARGEST_SHARE * self.timeout, self.again * self.networks * mean)
        left = self.left()
        return max(0.0, min(LARGEST_SHARE * self.timeout, left - kept, left / (1 + self.again)))

    def is_over(self) -> bool:
        """Whether another trial would not be worth its while."""
        if self.timeout == math.inf:
            return False
        mean = sum(self.trials) / len(self.trials) if self.trials else 0.0
        return self.for_trial() <= SMALLEST_SHARE * mean


@dataclass
class Limited:
    """A schedule that spans what ends first: the epochs, or the seconds from its making on.

    Args:
        schedule:
            The one without a limit.
        seconds:
            How many there are.
        scoring:
            How many steps take as long as a last score, for which time is left.
    """

    schedule: Schedule
    seconds: float
    scoring: float = 0.0
    started: float = field(default_factory=lambda: perf_counter())
    steps: int = 0

    def __call__(self, progress: float) -> float:
        """The factor on the learning rate.

        Args:
            progress:
                The share of the epochs that is done.

        Raises:
            OutOfTime:
                If the seconds have passed; not before the first step.
        """
        spent = perf_counter() - self.started
        last = self.scoring * spent / max(1, self.steps)
        share = (spent + last) / self.seconds if self.seconds > 0 else math.inf
        if share > 1 and self.steps:
            raise OutOfTime
        self.steps += 1
        return self.schedule(min(1.0, max(progress, share)))
