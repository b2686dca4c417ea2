"""``OneShot``: the evaluator that trains nothing. A trial is a path of a trained supernet."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any
from typing import TypeAlias

import torch
from torch import nn

from optuna_nas.oneshot._derive import recalibrate as recalibrate_norms
from optuna_nas.oneshot._few_shot import FewShot
from optuna_nas.oneshot._once_for_all import OnceForAll
from optuna_nas.oneshot._supernet import Supernet
from optuna_nas.space import ARCHITECTURE
from optuna_nas.training._data import Data
from optuna_nas.training._data import load
from optuna_nas.training._data import Rows
from optuna_nas.training._scores import direction_of
from optuna_nas.training._scores import evaluate
from optuna_nas.training._scores import Metric
from optuna_nas.training._scores import name_of


SharedWeights: TypeAlias = Supernet | FewShot | OnceForAll
"""What has paths."""


class OneShot:
    """Scores a candidate by its path in a trained supernet, by forward passes only.

    It is an evaluator, a function of (module, trial), so any study searches the supernet, with as
    many other objectives as there are (Guo et al. 2020, https://arxiv.org/abs/1904.00420, sec.
    3, by evolution). The module, whose weights are fresh, is not looked at. The supernet is left
    as it was: path, modes, and the statistics of batch normalizations.

    Example:

        .. code-block:: python

            for epoch in train_supernet(supernet, train, epochs=50):
                print(epoch)
            study = optuna_nas.create_study(direction="maximize")
            study.optimize(Objective(Net, OneShot(supernet, valid)), n_trials=1000)

    Args:
        supernet:
            Of the network that the study searches; or a :class:`FewShot` or a
            :class:`OnceForAll`. It has one active path, so it is not for threads (``n_jobs``).
        valid:
            What to score on: a pair (X, y), a Dataset or a DataLoader.
        metric:
            As for :class:`Train`.
        direction:
            As for :class:`Train`.
        recalibrate:
            Batches of inputs (or tuples that begin with them) from which each path has its own
            running statistics of batch normalizations, as in :meth:`Supernet.derive`. Without
            them, those of all paths that were trained are used, which fit none.
        batch_size:
            Rows in one forward pass; a DataLoader's own wins.

    Raises:
        TypeError:
            If ``supernet`` is none, or the data are of a kind that cannot be scored on.
        ValueError:
            If there is nothing to score on, or the metric does not go with it; from a call, if the
            trial's architecture is none of the supernet's.
    """

    def __init__(
        self,
        supernet: SharedWeights,
        valid: Data,
        *,
        metric: Metric = None,
        direction: str | None = None,
        recalibrate: Iterable[Any] | None = None,
        batch_size: int = 256,
    ) -> None:
        if not isinstance(supernet, SharedWeights):
            raise TypeError(
                "supernet must be a Supernet, Supernet(network, values), a FewShot or a "
                f"OnceForAll, but got {supernet!r} ({type(supernet).__name__})."
            )
        self.supernet = supernet
        self.metric = metric
        self.batch_size = batch_size
        self._recalibrate = list(recalibrate) if isinstance(recalibrate, Iterator) else recalibrate
        self._valid = load(valid, "valid")
        peeked = self._valid.peek()
        targets = None if peeked is None else peeked.targets
        self.direction = direction_of(metric, direction, targets)
        """``"maximize"`` or ``"minimize"``."""
        self.name = name_of(metric, targets)
        """What the score is called: ``"accuracy"``, or the name of the function."""

    def __call__(self, module: nn.Module, trial: Any) -> float:
        """Returns the score of the trial's path.

        Args:
            module:
                Ignored.
            trial:
                Any with ``params``. If it says which of them the network asked, as
                :class:`Objective` sees to, only those count.
        """
        params = self._checked(_architecture(trial))
        self._valid = self._valid.to(device_of(self.supernet))
        return score_path(
            self.supernet, params, self._valid, self.metric, self.batch_size, self._recalibrate
        )

    def _checked(self, params: dict[str, Any]) -> dict[str, Any]:
        values = {n: v for n, v in self.supernet.values.items() if params.get(n, v) != v}
        if values:
            other = ", ".join(f"{name!r} = {params[name]!r}" for name in values)
            raise ValueError(
                f"the trial has {other}, but the supernet was made with {values}. Search a "
                "network that does not ask for them, or fix them in the study: "
                f"optuna.samplers.PartialFixedSampler({values}, sampler)."
            )
        return params


def _architecture(trial: Any) -> dict[str, Any]:
    # A FixedTrial's params are only those that were asked already.
    params = getattr(trial, "_params", trial.params)
    return {name: params[name] for name in trial.user_attrs.get(ARCHITECTURE, params)}


def score_path(
    supernet: SharedWeights,
    params: Mapping[str, Any],
    rows: Rows,
    metric: Metric,
    batch_size: int,
    recalibrate: Iterable[Any] | None = None,
) -> float:
    """What one path scores; the supernet is left as it was.

    Args:
        supernet:
            Whose path.
        params:
            Of the path, as for :meth:`Supernet.activate`.
        rows:
            What to score it on, on the supernet's device.
        metric:
            As for :class:`Train`.
        batch_size:
            Rows in one forward pass.
        recalibrate:
            As for :class:`OneShot`.
    """
    if isinstance(supernet, OnceForAll):  # its slices are no modules with statistics of their own
        module = supernet.derive(params, recalibrate=recalibrate)
        return evaluate(module, rows, metric, batch_size)
    modes = {part: part.training for part in supernet.modules()}
    with restored_path(supernet):
        supernet.activate(params)
        try:
            with _recalibrated(supernet, recalibrate):
                return evaluate(supernet, rows, metric, batch_size)
        finally:
            for part, training in modes.items():
                part.training = training


@contextmanager
def restored_path(supernet: SharedWeights) -> Iterator[None]:
    """Puts back the active path, or the mixture.

    Args:
        supernet:
            Whose path.
    """
    before = supernet.path
    try:
        yield
    finally:
        supernet.activate(before)


def device_of(module: nn.Module) -> torch.device:
    """Where a module lies.

    Args:
        module:
            All of it on one device.
    """
    return next((tensor.device for tensor in module.parameters()), torch.device("cpu"))


@contextmanager
def _recalibrated(supernet: SharedWeights, batches: Iterable[Any] | None) -> Iterator[None]:
    """Gives the active path statistics of its own, and puts those of before back."""
    norms = [p for p in supernet.modules() if isinstance(p, nn.modules.batchnorm._BatchNorm)]
    kept = [(buffer, buffer.clone()) for norm in norms for buffer in norm.buffers()]
    try:
        if batches is not None:
            recalibrate_norms(supernet, batches)
        yield
    finally:
        for buffer, before in kept:
            buffer.copy_(before)
