"""``build``: the recorded architecture again; ``construct``: how every network is made."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from optuna.distributions import BaseDistribution
from torch import nn
from torch.nn.parameter import is_lazy

from optuna_nas.space._answered import AnsweredTrial
from optuna_nas.space._decisions import describe
from optuna_nas.space._decisions import first
from optuna_nas.space._decisions import legal
from optuna_nas.space._decisions import SearchSpaceError
from optuna_nas.space._protocol import Network
from optuna_nas.space._sampled import checked_module
from optuna_nas.space._sampled import SampledTrial


ARCHITECTURE = "architecture"
"""Trial user attr: the names that the network asked, beside those of the evaluators."""


def build(network: Network, params_or_trial: Any) -> nn.Module:
    """Builds the architecture that params describe, with fresh weights.

    What is built depends on the params only; the weights come from torch's RNG.

    Args:
        network:
            The search space.
        params_or_trial:
            Params, a dict from decision to value, taken strictly: exactly the names that the
            network asks for. Or a trial, of which it takes the names that the network asks;
            a trial also holds what evaluators asked (``lr``, ...).

    Returns:
        The module, in train mode, on torch's default device.

    Raises:
        ValueError:
            If names are missing or unknown or values are illegal, with all of them listed.
        TypeError:
            If the network does not give a module.
    """
    if isinstance(params_or_trial, Mapping):
        params, strict = dict(params_or_trial), set(params_or_trial)
    elif isinstance(getattr(params_or_trial, "params", None), Mapping):
        # A FixedTrial's params are only those that were asked already.
        params = dict(getattr(params_or_trial, "_params", params_or_trial.params))
        strict = set(params_or_trial.user_attrs.get(ARCHITECTURE, ()))
    else:
        raise TypeError(
            "build takes params (a dict from decision to value) or a trial, but got "
            f"{params_or_trial!r} ({type(params_or_trial).__name__})."
        )
    missing: list[str] = []
    illegal: list[str] = []

    def answer(name: str, distribution: BaseDistribution) -> Any:
        if name not in params:
            missing.append(name)
        elif not legal(distribution, params[name]):
            illegal.append(f"{name!r} = {params[name]!r} ({describe(distribution)})")
        else:
            return distribution.to_external_repr(distribution.to_internal_repr(params[name]))
        return first(distribution)  # go on, to find every problem in one pass

    trial = AnsweredTrial(answer)
    try:
        return construct(network, SampledTrial(trial))
    finally:  # wrong params explain a network that could not be made, so they are told first
        unknown = sorted(strict - set(trial.params))
        problems = [
            *_listed("missing", [f"{n!r}{_guess(n, unknown)}" for n in missing]),
            *_listed("unknown", [f"{n!r}{_guess(n, list(trial.params))}" for n in unknown]),
            *_listed("illegal", illegal),
        ]
        if problems:
            raise ValueError(f"params do not fit the network: {'; '.join(problems)}.")


def construct(network: Network, trial: Any) -> nn.Module:
    """Calls the network with the trial and checks what it gives.

    Args:
        network:
            The search space.
        trial:
            Who answers.

    Raises:
        TypeError:
            If the network is not callable or does not give an ``nn.Module``.
        SearchSpaceError:
            If it holds lazy modules, whose shapes nobody knows before data comes.
    """
    if isinstance(network, nn.Module) or not callable(network):
        raise TypeError(
            "network must be a function of a trial (or an nn.Module class whose __init__ takes "
            f"one), but got {network!r} ({type(network).__name__})."
        )
    module = checked_module(network(trial), f"network {_name(network)}")
    lazy = [name for name, parameter in module.named_parameters() if is_lazy(parameter)]
    if lazy:
        raise SearchSpaceError(
            f"network {_name(network)} has lazy parameters without a shape ({', '.join(lazy)}); "
            "give the input sizes: nn.Linear(in_features, ...) in place of nn.LazyLinear(...)."
        )
    return module


def _listed(problem: str, names: list[str]) -> list[str]:
    return [f"{problem} {', '.join(names)}"] if names else []


def _guess(name: str, legal_names: list[str]) -> str:
    nearest = get_close_matches(name, legal_names, n=1)
    return f" (did you mean {nearest[0]!r}?)" if nearest else ""


def _name(network: Any) -> str:
    return getattr(network, "__name__", None) or repr(network)
