"""Where a network comes from, as ``model.json`` says it, and the network again from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from dataclasses import is_dataclass
from typing import Any

from optuna.trial import FixedTrial
from torch import nn

from optuna_nas import spaces
from optuna_nas._estimator._averaged import Averaged
from optuna_nas.space import build
from optuna_nas.space import Network


def described(network: Network | None) -> dict[str, Any] | None:
    """The name and the fields of a shipped space; only the name of a function of one's own.

    Args:
        network:
            The search space, or None.
    """
    if network is None:
        return None
    name = type(network).__name__
    if _shipped(name) is type(network):
        given = {f.name: getattr(network, f.name) for f in fields(type(network)) if f.init}  # type: ignore[arg-type]
        return {"space": name, "fields": given}
    return {"own": getattr(network, "__qualname__", name)}


def rebuilt(said: Any) -> Network:
    """The search space that :func:`described` told of.

    Args:
        said:
            What it gave.

    Raises:
        ValueError:
            If it is none that is shipped.
    """
    space = _shipped(said.get("space")) if isinstance(said, dict) else None
    if space is None:
        own = repr(said["own"]) if isinstance(said, dict) and "own" in said else "none"
        raise ValueError(
            f"the network is of a search space of one's own ({own}), which only you have: give it "
            "as network=."
        )
    try:
        network: Network = space(**said["fields"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"model.json has no legal {space.__name__}: {error}.") from error
    return network


def structure(module: nn.Module, params: Any) -> dict[str, Any]:
    """The params of a network; of an ``Averaged``, those of each member.

    Args:
        module:
            The network.
        params:
            A dict, or a list of one for each member.
    """
    if not isinstance(module, Averaged):
        return {"params": dict(params)}
    members = [params] * len(module.members) if isinstance(params, Mapping) else params
    pairs = zip(module.members, members, strict=True)
    return {"classes": module.classes, "members": [structure(m, p) for m, p in pairs]}


def made(network: Network, said: Any) -> nn.Module:
    """The module that :func:`structure` told of, with fresh weights.

    Args:
        network:
            The search space.
        said:
            What it gave.

    Raises:
        ValueError:
            If the params do not fit the network.
    """
    given = said if isinstance(said, dict) else {}
    members = given.get("members")
    if isinstance(members, list) and members:
        modules = [made(network, member) for member in members]
        return Averaged(modules, classes=bool(given.get("classes")))
    params = given.get("params")
    if not isinstance(params, dict):
        raise ValueError(f"model.json has no legal params: {said!r:.60}.")
    return build(network, FixedTrial(params))


def params_in(said: Any) -> Any:
    """The params that :func:`structure` was given.

    Args:
        said:
            What it gave.
    """
    return [params_in(m) for m in said["members"]] if "members" in said else dict(said["params"])


def _shipped(name: Any) -> Any:
    found = getattr(spaces, name) if name in spaces.__all__ else None
    return found if isinstance(found, type) and is_dataclass(found) else None
