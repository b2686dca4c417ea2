"""``FewShot``: a supernet split on one decision, whose options then share weights no longer."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import cast

import torch
from torch import nn

from optuna_nas.oneshot._derive import inherit
from optuna_nas.oneshot._mixed_network import NothingToMixError
from optuna_nas.oneshot._paths import kept_choices
from optuna_nas.oneshot._replay import Context
from optuna_nas.oneshot._supernet import check_supernet
from optuna_nas.oneshot._supernet import Supernet


class FewShot(nn.Module):
    """One supernet for each option of a decision; all begin with the weights of the one given.

    It is few-shot NAS (Zhao et al. 2021, https://arxiv.org/abs/2006.06863, sec. 3): architectures
    that differ in this decision no longer disturb one another. Train the parts further, each on
    its own; :class:`OneShot` takes the whole. There is a path, set by :meth:`activate`, but no
    mixture across the parts.

    Example:

        .. code-block:: python

            few_shot = FewShot(supernet, "0>1")
            for part in few_shot.supernets.values():
                for epoch in train_supernet(part, train, epochs=10, seed=0):
                    print(epoch)
            one_shot = OneShot(few_shot, valid)

    Args:
        supernet:
            Trained as a whole. Weights and gates are copied, which is the paper's transfer
            learning.
        decision:
            A module, a repeat or a node that every architecture has. Options that were dropped
            get no part.

    Raises:
        TypeError:
            If ``supernet`` is none.
        ValueError:
            If the decision is not open in the supernet, some architectures do not have it, or
            nothing is open beside it.

    Attributes:
        decision:
            What was split.
        network:
            The search space.
        values:
            The decisions that were not open in the supernet given, by name.
    """

    def __init__(self, supernet: Supernet, decision: str) -> None:
        super().__init__()
        check_supernet(supernet)
        _check(supernet, decision)
        self.decision = decision
        self.network = supernet.network
        self.values = supernet.values
        self._options = kept_choices(supernet.decisions[decision])
        self._parts = nn.ModuleList(_part(supernet, decision, o) for o in self._options)

    @property
    def supernets(self) -> dict[Any, Supernet]:
        """The supernet of each option."""
        return dict(zip(self._options, cast("Iterable[Supernet]", self._parts), strict=True))

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Takes and returns what the network does, on the active path."""
        for part in self.supernets.values():
            if part.path is not None:
                return part(*inputs, **named)
        raise RuntimeError(
            "A FewShot computes one path: set it with activate(params). For a mixture, call one "
            "of its supernets."
        )

    @property
    def path(self) -> dict[str, Any] | None:
        """The architecture that is active, or None."""
        paths = (part.path for part in self.supernets.values())
        return next((path for path in paths if path is not None), None)

    def activate(self, params: Mapping[str, Any] | None) -> None:
        """Sets the architecture that forward passes compute.

        Args:
            params:
                As for :meth:`Supernet.activate`; None for none.

        Raises:
            ValueError:
                If params do not fit, with all that is wrong.
        """
        active = None if params is None else self._part_of(params)
        if active is not None:
            active.activate(params)
        for part in self.supernets.values():
            if part is not active:
                part.activate(None)

    def sample(self, generator: torch.Generator | None = None) -> dict[str, Any]:
        """Draws an architecture: a part, all alike, and from its gates the rest.

        Args:
            generator:
                On the CPU; by default torch's own.

        Returns:
            Params, exactly the names that are active.
        """
        i = int(torch.randint(len(self._options), (), generator=generator, device="cpu"))
        return self.supernets[self._options[i]].sample(generator)

    def derive(
        self, params: Mapping[str, Any], *, recalibrate: Iterable[Any] | None = None
    ) -> nn.Module:
        """Builds an architecture on its own, with a copy of the weights that it has in its part.

        Args:
            params:
                As for :meth:`activate`.
            recalibrate:
                As for :meth:`Supernet.derive`.
        """
        return self._part_of(params).derive(params, recalibrate=recalibrate)

    def _part_of(self, params: Mapping[str, Any]) -> Supernet:
        if not isinstance(params, Mapping):
            raise TypeError(
                "params must be a dict from decision to value, but got "
                f"{params!r} ({type(params).__name__})."
            )
        if self.decision not in params or params[self.decision] not in self._options:
            got = repr(params[self.decision]) if self.decision in params else "none"
            raise ValueError(
                f"params must have {self.decision!r}, on which this supernet was split, one of "
                f"{', '.join(map(repr, self._options))}, but got {got}."
            )
        return self.supernets[params[self.decision]]


def _check(supernet: Supernet, decision: str) -> None:
    if decision not in supernet.decisions:
        raise ValueError(
            f"decision must be one that is open in the supernet, {_listed(supernet.decisions)}, "
            f"but got {decision!r}."
        )
    can_split = [name for name, context in supernet._asks if _always(supernet, context)]
    if decision not in can_split:
        open_ones = [name for name in supernet.decisions if name in can_split]
        raise ValueError(
            f"decision {decision!r} is asked only on the way to some options of others, so it "
            f"cannot split all architectures; these can: {_listed(open_ones) or 'none'}."
        )


def _always(supernet: Supernet, context: Context) -> bool:
    """Whether all architectures come this way."""
    gates = supernet.decisions
    return all(
        not led.isdisjoint(gates[name].choices[choice])
        for name, led in context
        for choice in kept_choices(gates[name])
    )


def _part(supernet: Supernet, decision: str, option: Any) -> Supernet:
    """A supernet of the architectures with this option, with the weights of the whole."""
    gates, taken = supernet.decisions, {decision: supernet.decisions[decision].choices[option]}
    asked = {
        name
        for name, context in supernet._asks
        if all(n not in taken or not led.isdisjoint(taken[n]) for n, led in context)
    }
    values = {name: value for name, value in supernet.values.items() if name in asked}
    try:
        with torch.random.fork_rng(devices=[]):
            part = Supernet(supernet.network, {**values, decision: option})
    except NothingToMixError as error:
        raise ValueError(
            f"decision {decision!r} leaves nothing to mix when it is {option!r}: split on "
            "another one."
        ) from error
    inherit(part.module, supernet.module, taken)
    for name, gate in part.decisions.items():
        gate.load_state_dict(gates[name].state_dict())
        gate.to(gates[name].logits.device)
    part.relaxation = supernet.relaxation
    return part.train(supernet.training)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
