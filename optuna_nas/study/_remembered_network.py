"""What a study remembers of its network, so that others can build and draw what it found.

Of a network only what :mod:`optuna_nas.spaces` ships is remembered, by name and arguments: a study
that comes from elsewhere can so name nothing else to import or run.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import fields
from dataclasses import is_dataclass
import json
from typing import Any

from optuna.study import Study
import torch
from torch import Tensor

from optuna_nas import spaces
from optuna_nas.space import Network


NETWORK = "optuna_nas:network"
"""Study user attr: ``space`` and ``arguments`` of a shipped network, ``example`` of its inputs."""


def remember_network(
    study: Study, network: Network, example: Sequence[Tensor] | None = None
) -> None:
    """Writes down what a study searches, if nothing is there yet.

    Args:
        study:
            A new or a loaded study.
        network:
            The search space.
        example:
            Inputs, each ``[rows, ...]``, of which shape and kind are kept.
    """
    if NETWORK in study.user_attrs:
        return
    shapes = [[list(x.shape[1:]), str(x.dtype).removeprefix("torch.")] for x in example or ()]
    study.set_user_attr(NETWORK, {**_named(network), "example": shapes or None})


def remembered_network(study: Study) -> tuple[Network | None, tuple[Tensor, ...] | None]:
    """Returns the network of a study and two rows of zeros to run it on; None for what is unknown.

    Args:
        study:
            Any study.
    """
    told = study.user_attrs.get(NETWORK)
    if not isinstance(told, Mapping):
        return None, None
    return _network(told), _example(told)


def network_code(network: Network | None) -> str | None:
    """Returns the Python that gives a shipped network; None for any other.

    Args:
        network:
            A search space.
    """
    named = _named(network)
    if not named:
        return None
    arguments = ", ".join(f"{name}={value!r}" for name, value in named["arguments"].items())
    return f"optuna_nas.spaces.{named['space']}({arguments})"


def _named(network: Any) -> dict[str, Any]:
    """Name and arguments, without those that are defaults; nothing if they would not give it."""
    kind: Any = type(network)
    name = kind.__name__
    shipped = name in spaces.__all__ and getattr(spaces, name) is kind
    if not shipped or not is_dataclass(network):
        return {}
    values = {one: getattr(network, one.name) for one in fields(network) if one.init}
    arguments = {one.name: value for one, value in values.items() if value != one.default}
    try:
        arguments = json.loads(json.dumps(arguments))
        same = kind(**arguments) == network
    except (TypeError, ValueError):
        return {}
    return {"space": name, "arguments": arguments} if same else {}


def _network(told: Mapping[str, Any]) -> Network | None:
    space = told.get("space")
    if space not in spaces.__all__:
        return None
    kind: Any = getattr(spaces, space)
    if not isinstance(kind, type):
        return None
    try:
        network: Network = kind(**told["arguments"])
    except (KeyError, TypeError, ValueError):  # of another version
        return None
    return network


def _example(told: Mapping[str, Any]) -> tuple[Tensor, ...] | None:
    try:
        return (
            tuple(
                torch.zeros(2, *shape, dtype=getattr(torch, dtype))
                for shape, dtype in told["example"]
            )
            or None
        )
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError):
        return None
