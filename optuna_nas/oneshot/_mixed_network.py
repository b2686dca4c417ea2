"""From a search space to the network with its mixtures, with all that is checked on the way."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from typing import NoReturn

import torch
from torch import nn

from optuna_nas.oneshot._mixtures import Gated
from optuna_nas.oneshot._mixtures import refer
from optuna_nas.oneshot._replay import check_known
from optuna_nas.oneshot._supernet_trial import MissingValueError
from optuna_nas.oneshot._supernet_trial import SupernetTrial
from optuna_nas.space import construct
from optuna_nas.space import describe
from optuna_nas.space import Network


class NothingToMixError(ValueError):
    """A search space whose decisions are all numbers or plain categoricals, or fixed."""


def mixed_network(
    network: Network, values: Mapping[str, Any] | Any | None
) -> tuple[nn.Module, SupernetTrial]:
    """Builds a network in which every decision about structure is open.

    Args:
        network:
            The search space.
        values:
            As for :class:`Supernet`.

    Returns:
        The network, and the trial that it asked.

    Raises:
        ValueError:
            If values are missing, illegal or unknown, or nothing is open.
    """
    trial = SupernetTrial(values)
    try:
        module = construct(network, trial)
    except MissingValueError as error:
        raise _all_missing(network, values) or error from None
    check_known(trial.asks, trial.fixed)
    _check_gates(trial)
    _connect(trial, module)
    return module, trial


def _all_missing(network: Network, values: Any) -> MissingValueError | None:
    """Names all decisions that lack a value, not just the first; placeholders take their place."""
    trial = SupernetTrial(values)
    trial.missing = {}
    with torch.device("meta"), suppress(Exception):  # what a placeholder breaks is not the error
        construct(network, trial)
    asked = {name for name, _ in trial.asks}
    unknown = [name for name in trial.fixed if name not in asked]
    return MissingValueError(trial.missing, unknown) if trial.missing else None


def _check_gates(trial: SupernetTrial) -> None:
    if not trial.gates:
        asked = [f"{name!r} ({describe(d)})" for name, d in trial.asked.items()]
        raise NothingToMixError(
            "A supernet needs a decision to mix, but the network asks for no module, repeat or "
            f"inputs that is not fixed; it asks {', '.join(asked) or 'nothing'}. Use "
            "suggest_module, suggest_repeat or suggest_inputs, or search it trial by trial."
        )


def _connect(trial: SupernetTrial, module: nn.Module) -> None:
    """Gives copies of mixtures (``nn.TransformerEncoder`` copies its layer) the gate of all, and
    sees to it that none runs whose weights torch would neither train nor save."""
    registered = set(module.modules())
    for part in registered:
        if isinstance(part, Gated):
            refer(part, trial.gates[part.gate.name])
    for gated in trial.gated:
        has_weights = any(True for _ in (*gated.parameters(), *gated.buffers()))
        if gated not in registered and has_weights:
            gated.forward = partial(_refuse, gated.gate.name)  # type: ignore[method-assign]


def _refuse(name: str, *inputs: Any, **named: Any) -> NoReturn:
    raise ValueError(
        f"Decision {name!r}: what the network was given is not among its submodules, so its "
        "weights would be neither trained nor inherited. Keep it in an attribute or an "
        "nn.ModuleList, not in a list."
    )
