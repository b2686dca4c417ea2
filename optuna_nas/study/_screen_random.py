"""``screen``: of many candidates, those that promise most, to begin a study with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Sequence
import math
from typing import Any
import warnings

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from torch import nn

from optuna_nas._arguments import checked_int
from optuna_nas.proxies import vote
from optuna_nas.samplers._architectures import key
from optuna_nas.samplers._draw import draw
from optuna_nas.samplers._draw import generator
from optuna_nas.space import AnsweredTrial
from optuna_nas.space import CANNOT_BE_BUILT
from optuna_nas.space import construct
from optuna_nas.space import Network
from optuna_nas.space import SampledTrial
from optuna_nas.space import SearchSpaceError
from optuna_nas.study._create_study import create_study
from optuna_nas.study._names import evaluator_name
from optuna_nas.study._screen import Estimate
from optuna_nas.study._screen_arguments import check_estimate
from optuna_nas.study._screen_surrogate import Surrogate
from optuna_nas.training._seeds import seeded


def screen(
    network: Network,
    proxy: Estimate | Sequence[Estimate],
    n: int,
    keep: int,
    *,
    sampler: BaseSampler | str | None = None,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Scores candidates, and returns those of the highest score, for ``warm_start``.

    Candidates met twice are scored once. They are those that ``create_study(sampler="random",
    seed=seed)`` would propose first; or, with a sampler, those that it proposes by the scores of
    the ones before, in a study in memory. What cannot be scored is minus infinity to it; Optuna's
    ``GPSampler`` takes the lowest score so far instead.

    Example:

        .. code-block:: python

            best = screen(network, Proxy(proxies.synflow, (x[:32], None)), n=200, keep=10)
            warm_start(study, best, user_attrs={"origin": "synflow"})

    Args:
        network:
            The search space.
        proxy:
            A :class:`optuna_nas.proxies.Proxy`, or any ``(module, trial) -> float``, more is
            better. Of several, the majority decides (:func:`optuna_nas.proxies.vote`).
        n:
            How many candidates to draw.
        keep:
            How many to return, at most.
        sampler:
            Who proposes candidates, as for :func:`create_study`: ``"regularized_evolution"``, or
            a sampler. Several proxies are its objectives. By default they are random.
        seed:
            Of the candidates and their weights. A sampler that is given as an object has its own.

    Returns:
        Params, the best first, all different; fewer than ``keep`` if there are not so many that
        can be built and scored.

    Raises:
        TypeError:
            If a proxy is not callable, lacks its batch, or is a :class:`Surrogate`.
        ValueError:
            If ``n`` or ``keep`` is no int of at least 1, ``keep`` above ``n``, the seed below 0 or
            the sampler unknown, or no candidate can be scored, with the reasons.
        SearchSpaceError:
            If the network asks something wrong in itself.
    """
    proxies = _checked(proxy, n, keep, seed)
    met: dict[Any, tuple[dict[str, Any], list[float]]] = {}
    reasons: Counter[str] = Counter()

    def scores(asked: Any) -> list[float]:
        trial = SampledTrial(asked)
        with seeded(seed):
            try:
                module = construct(network, trial)
            except CANNOT_BE_BUILT as error:
                if isinstance(error, SearchSpaceError) or error is trial.failure:
                    raise
                reasons[f"cannot be built: {error}"] += 1
                return [-math.inf] * len(proxies)
            identity = frozenset((name, key(value)) for name, value in trial.params.items())
            if identity not in met:
                met[identity] = trial.params, _scores(proxies, module, trial, reasons)
            return met[identity][1]

    if sampler is None:
        for number in range(n):
            scores(AnsweredTrial(_answer(seed, number)))
    else:
        _propose(sampler, scores, len(proxies), n, seed)
    found = [(p, s) for p, s in met.values() if all(map(math.isfinite, s))]
    if not found:
        drawn = "random" if sampler is None else "proposed"
        told = "; ".join(f"{reason} ({count} times)" for reason, count in reasons.most_common(3))
        raise ValueError(f"none of {n} {drawn} candidates can be scored: {told}.")
    columns = [[s[i] for _, s in found] for i in range(len(proxies))]
    promise = columns[0] if len(columns) == 1 else vote(*columns)
    best = sorted(range(len(found)), key=lambda i: -promise[i])[:keep]
    return [found[i][0] for i in best]


def _answer(seed: int, number: int) -> Callable[[str, BaseDistribution], Any]:
    return lambda name, distribution: draw(distribution, generator(seed, number, name))


def _scores(
    proxies: Sequence[Estimate], module: nn.Module, trial: SampledTrial, reasons: Counter[str]
) -> list[float]:
    scores = [float(proxy(module, trial)) for proxy in proxies]
    for proxy, score in zip(proxies, scores, strict=True):
        if not math.isfinite(score):
            reason = trial.user_attrs.get("unscored", {}).get(evaluator_name(proxy))
            reasons[reason or f"{evaluator_name(proxy)} is {score}"] += 1
    return scores


def _propose(
    sampler: BaseSampler | str,
    scores: Callable[[optuna.Trial], list[float]],
    count: int,
    n: int,
    seed: int,
) -> None:
    """Lets a sampler propose n candidates by the scores of those before."""

    def values(trial: optuna.Trial) -> list[float]:
        found = scores(trial)
        return found if all(map(math.isfinite, found)) else [-math.inf] * count

    directions: Any = ["maximize"] * count
    study = create_study(sampler=sampler, pruner=None, directions=directions, seed=seed)
    with warnings.catch_warnings():
        # GPSampler takes the lowest score for what has none, as it should, and warns each time.
        warnings.filterwarnings("ignore", "Clip non-finite values")
        study.optimize(values, n_trials=n)


def _checked(proxy: Any, n: Any, keep: Any, seed: Any) -> list[Estimate]:
    proxies = list(proxy) if isinstance(proxy, list | tuple) else [proxy]
    if not proxies:
        raise TypeError(f"proxy must be a Proxy(synflow, batch) or several, but is {proxy!r}.")
    for one in proxies:
        check_estimate("proxy", one)
        if isinstance(one, Surrogate):
            raise TypeError(
                "proxy must score networks untrained, but a Surrogate learns from the trials of a "
                "study: give it to Objective(..., screen=Screen(Surrogate()))."
            )
    checked_int("n", n, 1)
    checked_int("seed", seed, 0)
    if checked_int("keep", keep, 1) > n:
        raise ValueError(f"keep must be at most n={n}, but is {keep}.")
    return proxies
