"""``--proxy``: of many random networks, those that a proxy scores best are the first of a search.

They are trained as all others are. So a proxy that is wrong costs a few trainings, and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
import math
import sys
from typing import Any

import optuna
import torch
from torch import nn

from optuna_nas import proxies
from optuna_nas._cli._errors import bad_input
from optuna_nas._cli._progress import Step
from optuna_nas._cli._setup import Setup
from optuna_nas.metrics import Constraint
from optuna_nas.proxies import Proxy
from optuna_nas.space import build
from optuna_nas.space import CANNOT_BE_BUILT
from optuna_nas.study import Screen
from optuna_nas.study import screen
from optuna_nas.study import warm_start
from optuna_nas.study._warm_start import ORIGIN
from optuna_nas.visualization._report_proxy import PROXY


CANDIDATES = 100
PROPOSALS = 5
ROWS = 32

TRIED = 10
"""Candidates that are scored before anything is written, to see whether the proxy can."""


def make_proxy(setup: Setup) -> Proxy:
    """The proxy with rows of the training part, tried on a few candidates.

    Args:
        setup:
            What is searched.

    Raises:
        BadInput:
            If it can score no network of the space.
    """
    options, (x, y) = setup.options, setup.data.train
    generator = torch.Generator().manual_seed(options.seed)
    rows = torch.randperm(len(y), generator=generator)[:ROWS]
    proxy = Proxy(getattr(proxies, str(options.proxy)), (x[rows], y[rows]))
    space = options.space or setup.data.space
    with bad_input(before=f"--proxy {options.proxy} is not for --space {space}: "):
        screen(setup.space.network, proxy, n=TRIED, keep=1, seed=_seed(setup))
    return proxy


def begin_with_proxy(
    study: optuna.Study,
    setup: Setup,
    proxy: Proxy,
    constraints: Sequence[Constraint],
    step: Step,
) -> int:
    """Enqueues those that the proxy scores best, of random candidates within the limits.

    Args:
        study:
            Of the search.
        setup:
            What is searched.
        proxy:
            As :func:`make_proxy` gives it.
        constraints:
            The limits.
        step:
            Told after each candidate.

    Returns:
        How many; fewer than 5 if not so many are different and within the limits.
    """
    network, scored = setup.space.network, 0

    def told(module: nn.Module, trial: Any) -> float:
        nonlocal scored
        scored += 1
        step(scored, "")
        return proxy(module, trial)

    told.__name__ = proxy.name
    with bad_input(before=f"--proxy {proxy.name}: "):
        ranked = screen(network, told, n=CANDIDATES, keep=CANDIDATES, seed=_seed(setup))
    within = (params for params in ranked if _holds(constraints, build(network, params)))
    proposed = warm_start(study, islice(within, PROPOSALS), user_attrs={ORIGIN: proxy.name})
    noted = {"name": proxy.name, "candidates": scored, "proposed": proposed}
    study.set_user_attr(PROXY, noted)
    return proposed


@dataclass(frozen=True)
class Unproposed:
    """What a proxy says of networks that it did not propose itself.

    What it proposed is alike in its scores, and would make it look worse than it is.

    Args:
        proxy:
            As :func:`make_proxy` gives it.
    """

    proxy: Proxy

    @property
    def name(self) -> str:
        """The proxy's."""
        return self.proxy.name

    def __call__(self, module: nn.Module, trial: Any) -> float:
        proposed = trial.user_attrs.get(ORIGIN) == self.name
        return math.nan if proposed else self.proxy(module, trial)


def watch(proxy: Proxy) -> Screen:
    """A screen that rejects nothing, but measures what the proxy is worth.

    Args:
        proxy:
            As :func:`make_proxy` gives it.
    """
    return Screen(Unproposed(proxy), first=sys.maxsize)


def _seed(setup: Setup) -> int:
    # With the search's own the candidates would be those that random search proposes anyway.
    return setup.options.seed + 1


def _holds(constraints: Sequence[Constraint], module: nn.Module) -> bool:
    try:
        return all(c.violation(c.metric.measure(module)) <= 0 for c in constraints)
    except CANNOT_BE_BUILT:
        return False
