"""``build``: the recorded architecture again; ``construct``: how every network is made."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any
import warnings

from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from optuna_nas.space._answered import AnsweredTrial
from optuna_nas.space._decisions import describe
from optuna_nas.space._decisions import first
from optuna_nas.space._decisions import legal
from optuna_nas.space._decisions import SearchSpaceError
from optuna_nas.space._node import checked_module
from optuna_nas.space._protocol import Network
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
        if name in params and legal(distribution, params[name]):
            return distribution.to_external_repr(distribution.to_internal_repr(params[name]))
        if name in params:
            illegal.append(f"{name!r} = {params[name]!r} ({describe(distribution)})")
            return _nearest_value(distribution, params[name])
        missing.append(name)
        return _nearest_value(distribution, params.get(_nearest(name, params)))

    trial = AnsweredTrial(answer)
    module, error = None, None
    try:
        module = construct(network, SampledTrial(trial))
    except Exception as raised:
        error = raised
    unknown = [] if error else sorted(strict - set(trial.params))
    problems = [
        *_listed("missing", [f"{n!r}{_guess(n, strict - set(trial.params))}" for n in missing]),
        *_listed("unknown", [f"{n!r}{_guess(n, trial.params)}" for n in unknown]),
        *_listed("illegal", illegal),
    ]
    if problems:  # they explain a network that could not be made, so they are told first
        raise ValueError(f"params do not fit the network: {'; '.join(problems)}.") from error
    if error:
        raise error
    assert module is not None
    return module


def sketch(network: Network, trial: Any, device: str) -> tuple[nn.Module, str]:
    """Builds where size costs nothing: on the meta device, if the network does not mind.

    A network that reads its tensors in ``__init__`` (``.item()``, ``.tolist()``, ``if tensor``)
    is built on the CPU, and a warning says so.

    Args:
        network:
            The search space.
        trial:
            Who answers. It may be asked twice, and gives the same answers.
        device:
            ``"meta"``, or ``"cpu"`` for a network that is known to need it.

    Returns:
        The module, and the device to use from now on.

    Raises:
        Exception:
            What the network raises on the CPU.
    """
    if device == "cpu":
        return construct(network, trial), "cpu"
    try:
        with torch.device("meta"):
            return construct(network, trial), "meta"
    except SearchSpaceError:
        raise
    except Exception as error:  # meta tensors have no values: torch raises errors of all kinds
        on_meta = error
    module = construct(network, trial)
    warnings.warn(
        f"network cannot be built on the meta device ({on_meta}); it is built on the CPU, which "
        "takes longer. Do not read values of tensors in __init__ (.item(), if tensor), or "
        "silence this: warnings.filterwarnings('ignore', message='network cannot be built').",
        stacklevel=3,
    )
    return module, "cpu"


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


def _nearest(name: str, names: Iterable[str]) -> str:
    return next(iter(get_close_matches(name, names, n=1)), "")


def _guess(name: str, names: Iterable[str]) -> str:
    nearest = _nearest(name, names)
    return f" (did you mean {nearest!r}?)" if nearest else ""


def _nearest_value(distribution: BaseDistribution, value: Any) -> Any:
    """What was probably meant, so that what depends on it is not reported as well."""
    if legal(distribution, value):
        return value
    if isinstance(distribution, CategoricalDistribution) and isinstance(value, str):
        texts = {str(choice): choice for choice in distribution.choices}
        return texts.get(_nearest(value, texts), first(distribution))
    return first(distribution)


def _name(network: Any) -> str:
    return getattr(network, "__name__", None) or repr(network)
