"""``smaller``: the same architecture, thinner or shallower, as a cheap proxy of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from numbers import Real
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import IntDistribution
from torch import nn

from optuna_nas.space._answered import AnsweredTrial
from optuna_nas.space._build import construct
from optuna_nas.space._decisions import describe
from optuna_nas.space._decisions import first
from optuna_nas.space._protocol import Network
from optuna_nas.space._sampled import SampledTrial
from optuna_nas.space._survey import decisions


@dataclass(frozen=True)
class Smaller:
    """From params to the smaller network.

    Args:
        network:
            The search space.
        changes:
            From decisions to what becomes of their values.
    """

    network: Network
    changes: Mapping[str, float]

    def __call__(self, params: Mapping[str, Any]) -> nn.Module:
        """Builds it, with fresh weights.

        Args:
            params:
                A trial's; names that the network does not ask are left aside.

        Raises:
            ValueError:
                If they are of another network: it asks for none of them.
        """

        def answer(name: str, distribution: BaseDistribution) -> Any:
            if name not in params:
                return first(distribution)
            change = _change_of(name, self.changes)
            value = params[name]
            return value if change is None else _less(distribution, value, change)

        trial = AnsweredTrial(answer)
        module = construct(self.network, SampledTrial(trial))
        if trial.params and not trial.params.keys() & params.keys():
            raise ValueError(
                f"params must have decisions of the network ({', '.join(trial.params)}), but have "
                f"{', '.join(params) or 'none'}."
            )
        return module


def smaller(network: Network, changes: Mapping[str, float]) -> Smaller:
    """Returns a function from params to a thinner or shallower network of the same space.

    It makes the proxy networks of :class:`optuna_nas.training.Fidelity`: what an architecture is
    worth shows, cheaply and roughly, in a small version of it (Zoph et al. 2018, "Learning
    Transferable Architectures", sec. 3; Zhou et al. 2020, "EcoNAS",
    https://arxiv.org/abs/2001.01233).

    Values stay legal: each becomes the nearest of the decision's values that is not larger than it
    was. So what is the smallest already stays, and architectures that differ there alone have the
    same proxy. What the smaller network asks and the params do not say is answered by the first
    choice or the lowest number.

    Example:

        .. code-block:: python

            thin = smaller(network, {"width": 0.5})
            shallow = smaller(network, {"depth": 2})

    Args:
        network:
            The search space.
        changes:
            From decisions to what becomes of their values: a float in (0, 1) is the share that is
            left, an int the most that is left. A decision is named in full, ``"stage0/width"``,
            or by the last part of its name, ``"width"``, in all places; the full name wins.

    Raises:
        ValueError:
            If there are no changes; if one is neither of these, or of a decision that the network
            does not ask or whose values are no numbers.
    """
    if not changes:
        raise ValueError("changes must name at least a decision, {'width': 0.5}, but is empty.")
    for name, change in changes.items():
        if not _is_most(change) and not _is_share(change):
            raise ValueError(
                f"changes[{name!r}] must be a float in (0, 1), the share that is left, or an int, "
                f"the most that is left, but is {change!r}."
            )
    asked, _ = decisions(network)
    for name in changes:
        named = {n: d for n, d in asked.items() if _is_named(n, name)}
        if not named:
            raise ValueError(f"changes names {name!r}, but the network asks {', '.join(asked)}.")
        for full, distribution in named.items():
            if isinstance(distribution, CategoricalDistribution) and not all(
                map(_is_number, distribution.choices)
            ):
                raise ValueError(
                    f"changes names {name!r}, but the values of {full!r} are no numbers: "
                    f"{describe(distribution)}."
                )
    return Smaller(network, dict(changes))


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_most(change: Any) -> bool:
    return isinstance(change, Integral) and not isinstance(change, bool)


def _is_share(change: Any) -> bool:
    return _is_number(change) and not _is_most(change) and 0 < change < 1


def _is_named(full: str, name: str) -> bool:
    return full == name or full.endswith(f"/{name}")


def _change_of(full: str, changes: Mapping[str, float]) -> float | None:
    named = [name for name in changes if _is_named(full, name)]
    return changes[max(named, key=len)] if named else None


def _less(distribution: BaseDistribution, value: float, change: float) -> float:
    """The legal value nearest to what is left, and no larger than the value was."""
    left = min(value, change) if _is_most(change) else value * change
    if isinstance(distribution, CategoricalDistribution):
        choices = [c for c in distribution.choices if c <= value]  # type: ignore[operator]
        return min(choices, key=lambda c: abs(c - left))  # type: ignore[operator,return-value]
    low: float = distribution.low  # type: ignore[attr-defined]
    step = distribution.step  # type: ignore[attr-defined]
    if step is not None:
        left = low + round((left - low) / step) * step
    left = max(low, min(left, value))
    return int(left) if isinstance(distribution, IntDistribution) else left
