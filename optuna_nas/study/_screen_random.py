"""``screen``: of many random candidates, those that promise most, to begin a study with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Sequence
import math
from typing import Any

from optuna.distributions import BaseDistribution
from torch import nn

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
from optuna_nas.study._names import evaluator_name
from optuna_nas.study._screen import Estimate
from optuna_nas.training._seeds import seeded


def screen(
    network: Network,
    proxy: Estimate | Sequence[Estimate],
    n: int,
    keep: int,
    *,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Scores random candidates, and returns those of the highest score, for ``warm_start``.

    Candidates drawn twice are scored once. They are those that ``create_study(sampler="random",
    seed=seed)`` would propose first.

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
        seed:
            Of the candidates and their weights.

    Returns:
        Params, the best first, all different; fewer than ``keep`` if there are not so many that
        can be built and scored.

    Raises:
        TypeError:
            If a proxy is not callable.
        ValueError:
            If ``n`` or ``keep`` is below 1, ``keep`` above ``n`` or the seed below 0, or no
            candidate can be scored, with the reasons.
        SearchSpaceError:
            If the network asks something wrong in itself.
    """
    proxies = [proxy] if callable(proxy) else list(proxy)
    _check(proxies, n, keep, seed)
    met: dict[Any, tuple[dict[str, Any], list[float]]] = {}
    reasons: Counter[str] = Counter()
    for number in range(n):
        trial = SampledTrial(AnsweredTrial(_answer(seed, number)))
        with seeded(seed):
            try:
                module = construct(network, trial)
            except CANNOT_BE_BUILT as error:
                if isinstance(error, SearchSpaceError) or error is trial.failure:
                    raise
                reasons[f"cannot be built: {error}"] += 1
                continue
            identity = frozenset((name, key(value)) for name, value in trial.params.items())
            if identity not in met:
                met[identity] = trial.params, _scores(proxies, module, trial, reasons)
    found = [(p, s) for p, s in met.values() if all(map(math.isfinite, s))]
    if not found:
        told = "; ".join(f"{reason} ({count} times)" for reason, count in reasons.most_common(3))
        raise ValueError(f"none of {n} random candidates can be scored: {told}.")
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


def _check(proxies: Sequence[Any], n: int, keep: int, seed: int) -> None:
    if not proxies or not all(map(callable, proxies)):
        raise TypeError(
            "proxy must be a callable (module, trial) -> float, Proxy(synflow, batch), or several "
            f"of them, but is {proxies!r}."
        )
    if keep < 1 or n < keep:
        raise ValueError(f"keep must be at least 1 and at most n={n}, but is {keep}.")
    if seed < 0:
        raise ValueError(f"seed must be at least 0, but is {seed}.")
