"""``Proxy``: a proxy with its batch, as an evaluator, or as what a screen goes by."""

from __future__ import annotations

from typing import Any

from torch import nn

from optuna_nas.proxies._batch import checked_batch
from optuna_nas.proxies._scored import Score
from optuna_nas.proxies._scored import Unscored


UNSCORED = "unscored"
"""Trial user attr: ``{name of the proxy: why it could not score the network}``."""


class Proxy:
    """What a proxy says of a network on a batch: an evaluator ``(module, trial) -> float``.

    Example:

        .. code-block:: python

            Objective(network, Proxy(proxies.naswot, (x[:32], y[:32])))

    Args:
        score:
            One of :mod:`optuna_nas.proxies`, or any ``(module, batch) -> float``, more is better.
        batch:
            ``(inputs, targets)``, some 32 rows; targets may be None where the proxy needs none.
            The rows are moved to the device of the network.

    Raises:
        TypeError:
            If score is not callable, or batch is something else.
        ValueError:
            If the batch is empty, or has no targets where they are needed.
    """

    direction = "maximize"

    def __init__(self, score: Score, batch: Any) -> None:
        if not callable(score):
            raise TypeError(
                "score must be a proxy, (module, batch) -> float, but is "
                f"{score!r} ({type(score).__name__})."
            )
        self.score = score
        self.name = str(getattr(score, "__name__", type(score).__name__))
        self.batch = checked_batch(
            batch, self.name, labels=bool(getattr(score, "needs_labels", False))
        )
        self.example = tuple(x[:2] for x in self.batch.inputs)

    def __call__(self, module: nn.Module, trial: Any) -> float:
        """The score of a network; why there is none, in the user attr ``unscored``.

        Args:
            module:
                The network; it is left as it was.
            trial:
                Is told why a network cannot be scored.
        """
        first = next(module.parameters(), None)
        if first is None:  # to call it so is an error, but of many candidates one may be so
            score: float = Unscored(f"{self.name}: the network has no parameters")
        else:
            score = self.score(module, self.batch.to(first.device))
        reason = getattr(score, "reason", None)
        if reason is not None:
            before = trial.user_attrs.get(UNSCORED, {})
            trial.set_user_attr(UNSCORED, {**before, self.name: reason})
        return score
