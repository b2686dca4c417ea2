"""``optimize_batched``: many small networks trained as one.

A training step of a small network is nearly all overhead. A batch of trials is asked at once; its
candidates that compute the same, but for weights and hyperparameters, share each step.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
import math
from time import time
from typing import Any

import optuna
from optuna.study import Study

from optuna_nas._arguments import check_study
from optuna_nas._arguments import checked_float
from optuna_nas._arguments import checked_int
from optuna_nas.study._objective import Objective
from optuna_nas.study._optimize import _loop
from optuna_nas.study._optimize import Callback
from optuna_nas.study._optimize_batched_generations import Generations
from optuna_nas.study._optimize_batched_generations import Turn
from optuna_nas.study._optimize_batched_halting import why_alone


_logger = optuna.logging.get_logger(f"optuna.{__name__}")  # obeys Optuna's verbosity


@dataclass(frozen=True)
class Batched:
    """How the trials of a call were trained; ``print`` gives it in words.

    Attributes:
        together:
            How many were trained as part of a group.
        alone:
            How many were trained one by one, by the reason.
        untrained:
            How many ended before their training: rejected, say.
    """

    together: int
    alone: Mapping[str, int]
    untrained: int

    def __str__(self) -> str:
        trained = self.together + sum(self.alone.values())
        lines = [f"{self.together} of {trained} trainings were part of a group"]
        lines += [f"{n} one by one: {reason}" for reason, n in self.alone.items()]
        return "; ".join(lines)


def optimize_batched(
    study: Study,
    objective: Callable[[optuna.Trial], Any],
    n_trials: int | None = None,
    *,
    batch: int = 32,
    timeout: float | None = None,
    callbacks: Sequence[Callback] = (),
    measure: bool = True,
) -> Batched:
    """Runs trials as ``study.optimize`` does, and trains those together that can be.

    A batch is a generation: all its trials are asked before any is trained. What a trial leaves in
    the study is what it leaves alone, but that the user attr ``seconds`` is its share of the
    group's. Without dropout, training is the same but for rounding; dropout draws other masks.

    Members of a group have one structure: the same modules, attributes and shapes, and one loss,
    label smoothing, batch size and kind of optimizer. Learning rates, weight decay, other settings
    of the optimizer, schedules, augmentation, clipping and rates of dropout are each member's own.
    Multilayer perceptrons of unequal widths are padded with zeros where that costs less than
    another step. All else is trained one by one: recurrent layers, what ``torch.vmap`` has no rule
    for, a :class:`Train` that counts seconds or FLOPs, has other fidelities, inherits weights or
    reads a DataLoader, an objective with other evaluators than one :class:`Train` and metrics.

    Example:

        .. code-block:: python

            objective = Objective(network, Train(train, valid, epochs=20))
            print(optimize_batched(study, objective, n_trials=320, batch=32))

    Args:
        study:
            Any. Samplers see what earlier batches came to.
        objective:
            An :class:`Objective`, or any function of a trial.
        n_trials:
            How many trials this call runs, as Optuna's; the last batch may be smaller.
        batch:
            How many trials are asked at once.
        timeout:
            Seconds after which no other batch is begun.
        callbacks:
            As Optuna's: called with (study, trial) for each trial that ended.
        measure:
            Whether a group is trained as one only if its first steps, on a copy, are faster so.
            False takes each group that is possible, and so does not depend on the clock.

    Returns:
        How many were trained as part of a group, and why the others were not. The log says so too.

    Raises:
        TypeError:
            If the study or the objective is none.
        ValueError:
            If a number is out of range, there is neither ``n_trials`` nor ``timeout``, or the
            study is of another :class:`Objective`.
    """
    _check(study, objective, n_trials, batch, timeout)
    if isinstance(objective, Objective):
        objective.check(study)
    reason = why_alone(objective)
    generations, one_by_one = None, 0
    if reason is None:
        assert isinstance(objective, Objective)
        generations = Generations(objective, measure)
    left = math.inf if n_trials is None else n_trials
    deadline = math.inf if timeout is None else time() + timeout
    with _loop(study):
        while left > 0 and time() < deadline and not study._stop_flag:
            size = 1 if generations is None else int(min(batch, left))
            left -= size
            turn = Turn(study, callbacks)
            with turn.all_told():
                if generations is None:
                    trial = turn.ask()
                    turn.run(trial, partial(objective, trial))
                    one_by_one += 1
                else:
                    generations.run(turn, size)
    done = _summary(generations, {} if reason is None else {reason: one_by_one})
    _logger.info(f"optimize_batched: {done}.")
    return done


def _summary(generations: Generations | None, alone: Mapping[str, int]) -> Batched:
    if generations is None:
        return Batched(0, alone, 0)
    return Batched(generations.together, dict(generations.alone), generations.untrained)


def _check(study: Any, objective: Any, n_trials: Any, batch: Any, timeout: Any) -> None:
    check_study("study", study)
    if not callable(objective):
        raise TypeError(
            "objective must be optuna_nas.Objective(network, ...) or another function of a trial, "
            f"but is {objective!r} ({type(objective).__name__})."
        )
    if n_trials is None and timeout is None:
        raise ValueError(
            "optimize_batched needs n_trials, timeout, or both: else it would never end."
        )
    if n_trials is not None:
        checked_int("n_trials", n_trials, 1, otherwise=", or None")
    checked_int("batch", batch, 1)
    if timeout is not None:
        checked_float("timeout", timeout, above=0, otherwise=" seconds, or None")
