"""Training at one fidelity after the other: successive halving by rows, pixels, channels, epochs.

Each training begins afresh, and from the same weights. So the value is what a full training alone
gives, whichever came before it; and what was trained on few rows first, and then on all, is
worse than what saw all from the start (Ash & Adams 2020, "On Warm-Starting Neural Network
Training", https://arxiv.org/abs/1910.08475). With costs that triple it takes half as much more.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
import math
from typing import Any
from typing import TYPE_CHECKING

import optuna.exceptions
import torch
from torch import nn
from torch import Tensor

from optuna_nas.training._fidelity import Fidelity
from optuna_nas.training._fidelity import ProxyNetwork
from optuna_nas.training._fidelity_rows import resized
from optuna_nas.training._fidelity_rows import share_of
from optuna_nas.training._rejected import Rejected
from optuna_nas.training._seeds import restored


if TYPE_CHECKING:
    from optuna_nas.training._train import Train


@dataclass(frozen=True)
class Rung:
    """One fidelity, ready to train at.

    Args:
        train:
            Trains on its data.
        fidelity:
            Which.
        step:
            What it costs, in whole percent of the last one.
    """

    train: Train
    fidelity: Fidelity
    step: int


def rungs_of(train: Train, fidelities: Sequence[Fidelity]) -> tuple[Rung, ...]:
    """Returns a rung for each fidelity.

    Args:
        train:
            A full training.
        fidelities:
            The cheapest first.

    Raises:
        TypeError:
            If one is no :class:`Fidelity`, or needs rows in memory that are not.
        ValueError:
            If one does not go with the data or the resource, or does not cost more than the one
            before.
    """
    listed = isinstance(fidelities, Sequence)
    if not listed or not all(isinstance(fidelity, Fidelity) for fidelity in fidelities):
        raise TypeError(
            "fidelities must be a list of training.Fidelity(...), the cheapest first, but is "
            f"{fidelities!r}."
        )
    if fidelities and train.resource != "epochs":
        raise ValueError(
            f"fidelities need resource='epochs', but resource is {train.resource!r}: their steps "
            "are percent of the last one's cost."
        )
    trains = [_at(train, fidelity) for fidelity in fidelities]
    return tuple(map(Rung, trains, fidelities, _steps(train, fidelities)))


def train_at_each(rungs: Sequence[Rung], module: nn.Module, trial: Any) -> float:
    """Trains at one fidelity after the other, until the pruner says no; returns the last score.

    A single one is reported each epoch, as any training.

    Args:
        rungs:
            Of :func:`rungs_of`, at least one.
        module:
            The candidate.
        trial:
            As for :class:`Train`.
    """
    *cheap, last = rungs
    if not cheap:
        return last.train(_candidate(last, module, trial), trial)
    done: list[tuple[Rung, dict[str, Any]]] = []
    try:
        for number, rung in enumerate(cheap, 1):
            # So that the last one draws what it would draw alone.
            with restored():
                own = module if rung.fidelity.network is not None else deepcopy(module)
                value = _train(rung, own, trial, done)
            trial.report(value, rung.step)
            if trial.should_prune():
                raise optuna.exceptions.TrialPruned(
                    f"stopped after fidelity {number} of {len(rungs)}, {rung.step} % of the cost"
                )
        value = _train(last, module, trial, done)
        trial.report(value, last.step)
        return value
    finally:
        for key, told in _attrs(done).items():
            trial.set_user_attr(key, told)


def _steps(train: Train, fidelities: Sequence[Fidelity]) -> list[int]:
    """Costs in whole percent of the last, rounded down: then rungs that triple meet them."""
    pixels = 1 if train.example is None else math.prod(train.example.shape[-2:])
    costs = [fidelity.share_of_cost(train.epochs or 1, pixels) for fidelity in fidelities]
    steps = [max(1, int(100 * cost / costs[-1] + 1e-9)) for cost in costs]
    if any(first >= second for first, second in pairwise(steps)):
        raise ValueError(
            "each of fidelities must cost at least a percent of the last one's cost more than the "
            f"one before, but they cost {steps} %. The cheapest comes first; of a proxy network "
            "say what it costs: Fidelity(network=..., cost=0.25)."
        )
    return steps


def _at(train: Train, fidelity: Fidelity) -> Train:
    """The same training on other data."""
    other = copy(train)
    other.fidelities = other._rungs = ()
    other.epochs = fidelity.epochs or train.epochs
    share = share_of(train._train, fidelity.data, train.seed or 0)
    other._train = resized(share, fidelity.size)
    other._valid = resized(train._valid, fidelity.size)
    peeked = other._train.peek() if fidelity.size else None
    other.example = train.example if peeked is None else peeked.inputs
    return other


def _candidate(rung: Rung, module: nn.Module, trial: Any) -> nn.Module:
    """What is trained: the candidate, or the proxy of it; checked to take what it will get."""
    if rung.fidelity.network is not None:
        # A FixedTrial's params are only those that were asked already, of which there are none.
        module = _proxy(rung.fidelity.network, getattr(trial, "_params", trial.params))
        if not isinstance(module, nn.Module):
            raise TypeError(
                "network of a Fidelity must give an nn.Module, but gave "
                f"{module!r} ({type(module).__name__})."
            )
    if rung.fidelity.size is not None:
        _check_size(module, rung.train.example)
    return module


def _proxy(network: ProxyNetwork, params: Any) -> nn.Module:
    try:
        return network(params)
    except AttributeError as error:
        if error.obj is not params:
            raise
        raise TypeError(
            "network of a Fidelity must be a function of a trial's params, a dict, but it asks "
            f"them for {error.name!r}, as a search space asks a trial. Of a space make one: "
            "space.smaller(network, {'width': 0.5})."
        ) from error


def _check_size(module: nn.Module, example: Tensor | None) -> None:
    assert example is not None
    module.eval()
    try:
        with torch.no_grad():
            module(example.to(next((p.device for p in module.parameters()), example.device)))
    except (RuntimeError, ValueError, IndexError) as error:
        height, width = example.shape[-2:]
        raise Rejected(
            f"cannot run on images of {height}x{width}, which a fidelity resizes them to: {error}"
        ) from error


def _train(
    rung: Rung, module: nn.Module, trial: Any, done: list[tuple[Rung, dict[str, Any]]]
) -> float:
    within = _Within(trial)
    try:
        return rung.train(_candidate(rung, module, trial), within)
    finally:
        done.append((rung, within.kept))


def _attrs(done: Sequence[tuple[Rung, dict[str, Any]]]) -> dict[str, Any]:
    """Epochs are those that as many rows make of all; a part of the rows makes a part of one."""
    if not done:  # the candidate could not even be copied
        return {}
    return {
        "curve": done[-1][1]["curve"],
        "seconds": sum(kept["seconds"] for _, kept in done),
        "epochs": int(sum(rung.fidelity.data * kept["epochs"] for rung, kept in done) + 1e-9),
        "fidelities": [{"step": rung.step, **kept} for rung, kept in done],
    }


class _Within:
    """The trial as one of several trainings sees it: what that reports stays with it.

    Args:
        trial:
            Who answers all other questions.
    """

    def __init__(self, trial: Any) -> None:
        self._trial = trial
        self.kept: dict[str, Any] = {"curve": [], "seconds": 0.0, "epochs": 0}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_trial":
            raise AttributeError(name)
        return getattr(self._trial, name)

    def report(self, value: float, step: int) -> None:
        """Leaves it to the curve: steps are fidelities."""

    def should_prune(self) -> bool:
        """Never between epochs."""
        return False

    def set_user_attr(self, key: str, value: Any) -> None:
        """Keeps what :class:`Train` notes; a recipe's go to the trial."""
        if key in self.kept:
            self.kept[key] = value
        else:
            self._trial.set_user_attr(key, value)
