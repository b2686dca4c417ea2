"""``Rewarding``: what a sampler that chooses the paths learns from after each epoch.

    n times: tell it R(path) on a validation batch

Pham et al. 2018, https://arxiv.org/abs/1802.03268, sec. 2.2, where it is the controller's turn.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from optuna_nas.oneshot._one_shot import score_path
from optuna_nas.oneshot._path_epochs import PathEpochs
from optuna_nas.oneshot._paths import Params
from optuna_nas.oneshot._paths import Proposed
from optuna_nas.training._data import Batch
from optuna_nas.training._data import Resident
from optuna_nas.training._data import Rows
from optuna_nas.training._scores import direction_of
from optuna_nas.training._scores import Metric


@dataclass(frozen=True)
class Rewarding:
    """What a sampler learns from after an epoch.

    Args:
        proposed:
            The sampler's paths.
        rows:
            Held-out data, on the device.
        metric:
            What a reward is.
        n:
            How many rewards an epoch.
    """

    proposed: Proposed
    rows: Rows
    metric: Metric
    n: int

    def learn(
        self, loop: PathEpochs, generator: torch.Generator, check: Callable[[str, float], None]
    ) -> float:
        """Tells the sampler n rewards, and returns their mean.

        Args:
            loop:
                The training, for its supernet and batch size.
            generator:
                Of the order of batches, on the CPU.
            check:
                Takes what a number is called and the number, and raises unless it is finite.
        """
        batches = _without_end(self.rows, loop.recipe.batch_size, generator)
        supernet: Any = loop.supernet

        def reward(params: Params) -> float:
            inputs, targets, _ = next(batches)
            rows, n = Resident(inputs, targets), len(targets)
            value = score_path(supernet, params, rows, self.metric, n, [inputs])
            check("reward", value)
            return value

        return self.proposed.learn(supernet, reward, self.n)


def reward_direction(rows: Rows, metric: Metric, direction: str | None) -> str:
    """Returns ``"maximize"`` or ``"minimize"``.

    Args:
        rows:
            What rewards are measured on.
        metric:
            What a reward is.
        direction:
            The user's, or None.
    """
    peeked = rows.peek()
    return direction_of(metric, direction, None if peeked is None else peeked.targets)


def check_rewards(rewards: Any) -> None:
    """Raises unless it is a number of rewards.

    Args:
        rewards:
            The user's.
    """
    if isinstance(rewards, bool) or not isinstance(rewards, int) or rewards < 1:
        raise ValueError(f"rewards must be an int of at least 1, but is {rewards!r}.")


def _without_end(rows: Rows, size: int, generator: torch.Generator) -> Iterator[Batch]:
    while True:
        empty = True
        for batch in rows.batches(size, generator):
            empty = False
            yield batch
        if empty:
            raise ValueError("valid gave no batches: drop_last with fewer rows than a batch?")
