"""P-DARTS: the search goes on in deeper and deeper networks with fewer and fewer options.

Chen et al. 2019, sec. 3::

    for each stage:
        build a deeper network with the options that are left
        search it, with dropout behind skip connections that decays within the stage
        of each decision, keep the strongest options
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from optuna_nas.oneshot._collapse import is_module_choice
from optuna_nas.oneshot._darts import darts
from optuna_nas.oneshot._schedules import decay
from optuna_nas.oneshot._search_epoch import SearchEpoch
from optuna_nas.oneshot._supernet import Supernet
from optuna_nas.space import Network
from optuna_nas.training import Data
from optuna_nas.training import generator_for


@dataclass(frozen=True)
class Stage:
    """A stage of a progressive search.

    Args:
        network:
            The search space at this depth. All stages ask the same decisions.
        keep:
            How many options of each module decision it has, at most.
        skip_dropout:
            The rate of dropout behind options that are the identity, at its begin.
    """

    network: Network
    keep: int
    skip_dropout: float = 0.0


def progressive(
    stages: Sequence[Stage],
    train: Data,
    valid: Data,
    *,
    epochs: int = 25,
    warmup: int = 10,
    values: Mapping[str, Any] | None = None,
    seed: int | None = None,
    **options: Any,
) -> Iterator[tuple[Supernet, SearchEpoch]]:
    """Searches stage by stage, and yields the stage's supernet and the epoch after each epoch.

    It is P-DARTS (Chen et al. 2019, https://arxiv.org/abs/1904.12760), whose stages have 5, 11 and
    17 cells, 8, 5 and 3 options, and a dropout of 0, 0.4 and 0.7. Weights begin anew at each
    stage; gates go on from the stage before (in the authors' code, they begin anew as well). The
    authors' limit on the number of skip connections in the outcome is not applied.

    Args:
        stages:
            From the first to the last.
        train:
            As for :func:`darts`.
        valid:
            As for :func:`darts`.
        epochs:
            In each stage.
        warmup:
            In how many epochs of each stage only weights are trained.
        values:
            As for :class:`Supernet`.
        seed:
            For initial weights too.
        **options:
            More arguments of :func:`darts`.

    Raises:
        ValueError:
            If there are no stages, or a stage keeps less than one option; and as
            :func:`darts` does.
    """
    if not stages:
        raise ValueError("stages must be at least one Stage, but there are none.")
    for stage in stages:
        if stage.keep < 1:
            raise ValueError(f"Stage: keep must be at least 1, but is {stage.keep!r}.")
    return _run(stages, train, valid, epochs, warmup, values, generator_for(seed), options)


def _run(
    stages: Sequence[Stage],
    train: Data,
    valid: Data,
    epochs: int,
    warmup: int,
    values: Mapping[str, Any] | None,
    generator: torch.Generator,
    options: dict[str, Any],
) -> Iterator[tuple[Supernet, SearchEpoch]]:
    before: Supernet | None = None
    left: dict[str, list[bool]] = {}
    for stage in stages:
        seed = int(torch.randint(2**31, (), generator=generator))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            supernet = Supernet(stage.network, values)
        if before is not None:
            _carry(before, left, supernet)
        _keep_strongest(supernet, stage.keep, options.get("exclude", ()))
        left = {name: gate.kept.tolist() for name, gate in supernet.decisions.items()}
        dropout = decay(stage.skip_dropout) if stage.skip_dropout else None
        for epoch in darts(
            supernet,
            train,
            valid,
            epochs=epochs,
            warmup=warmup,
            skip_dropout=dropout,
            seed=seed,
            **options,
        ):
            yield supernet, epoch
        before = supernet


def _carry(before: Supernet, left: Mapping[str, list[bool]], after: Supernet) -> None:
    """Goes on from the gates of another supernet, with the options that it had left."""
    for name, gate in after.decisions.items():
        other = before.decisions.get(name)
        if other is None or other.labels != gate.labels:
            raise ValueError(
                f"Decision {name!r} is not the same in all stages: "
                f"{'it is new' if other is None else f'it was one of {list(other.labels)}'}. "
                "Stages differ in depth, not in what they ask."
            )
        with torch.no_grad():
            gate.logits.copy_(other.logits)
        gate.drop([label for label, kept in zip(gate.labels, left[name], strict=True) if not kept])


def _keep_strongest(supernet: Supernet, keep: int, exclude: Sequence[str]) -> None:
    """Drops the weakest options, but always leaves one that may be derived."""
    for name, gate in supernet.decisions.items():
        if is_module_choice(gate):
            logits = dict(zip(gate.labels, gate.logits.tolist(), strict=True))
            kept = zip(gate.labels, gate.kept.tolist(), strict=True)
            ranked = sorted((o for o, left in kept if left), key=lambda o: -logits[o])
            derivable = [option for option in ranked if option not in exclude]
            left = ranked[:keep]
            if derivable and not set(left) & set(derivable):
                left = [*ranked[: keep - 1], derivable[0]]
            supernet.drop(name, *(option for option in ranked if option not in left))
