"""``Skeletons``: architectures without memory, to be called with slices of the largest network.

To build one takes some milliseconds, as long as a step of a small network, so the last ones are
kept.
"""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from optuna_nas.oneshot._nesting import misfit
from optuna_nas.oneshot._slices import constants_of
from optuna_nas.oneshot._slices import without_memory
from optuna_nas.space import AnsweredTrial
from optuna_nas.space import build
from optuna_nas.space import CANNOT_BE_BUILT
from optuna_nas.space import Network
from optuna_nas.space import SampledTrial
from optuna_nas.space import SearchSpaceError
from optuna_nas.space import sketch
from optuna_nas.space._answered import Answer


KEPT = 64
"""How many are kept."""

DRAWS = 100
"""How often an architecture is drawn anew if it cannot be built."""


class Skeletons:
    """Builds architectures, checks and keeps them, on the meta device.

    Args:
        network:
            The search space.
        values:
            Of the decisions that are fixed.
        largest:
            The largest network.
        device:
            Where to build: ``"meta"``, or ``"cpu"`` for a network that cannot be built there.
    """

    def __init__(
        self, network: Network, values: Mapping[str, Any], largest: nn.Module, device: str
    ) -> None:
        self._network = network
        self._values = values
        self._largest = largest
        self._device = device
        self._kept: dict[frozenset[tuple[str, Any]], nn.Module] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, params: Mapping[str, Any]) -> nn.Module:
        """The architecture of params.

        Raises:
            TypeError:
                If params are no dict.
            ValueError:
                If they do not fit, or the architecture is no slice of the largest.
        """
        if not isinstance(params, Mapping):
            raise TypeError(
                "params must be a dict from decision to value, but got "
                f"{params!r} ({type(params).__name__})."
            )
        unhashable = [name for name, value in params.items() if not isinstance(value, Hashable)]
        if unhashable:
            name = unhashable[0]
            raise ValueError(f"params have {name!r} = {params[name]!r}, which is no choice of it.")
        key = frozenset(params.items())
        if key in self._kept:
            self._kept[key] = self._kept.pop(key)  # the last one used goes last
            return self._kept[key]
        with torch.random.fork_rng(devices=[]), torch.device(self._device):
            skeleton = build(self._network, params)
        return self._keep(params, skeleton)

    def drawn(self, answer: Answer) -> dict[str, Any]:
        """Draws an architecture that can be built.

        Args:
            answer:
                From a name and its distribution to a random value.

        Returns:
            Its params.

        Raises:
            ValueError:
                If none can be built, or it is no slice of the largest.
        """
        failed: Exception | None = None
        for _ in range(DRAWS):
            trial = AnsweredTrial(answer)
            try:
                with torch.random.fork_rng(devices=[]):
                    skeleton, _ = sketch(self._network, SampledTrial(trial), self._device)
            except SearchSpaceError:
                raise
            except CANNOT_BE_BUILT as error:
                failed = error
            else:
                self._keep(trial.params, skeleton)
                return dict(trial.params)
        raise ValueError(
            f"none of {DRAWS} random architectures could be built; the last: {failed}"
        ) from failed

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": {}}  # a copy makes its own

    def _keep(self, params: Mapping[str, Any], skeleton: nn.Module) -> nn.Module:
        for name, value in self._values.items():
            if params.get(name, value) != value:
                raise ValueError(
                    f"params have {name!r} = {params[name]!r}, but this supernet was made with "
                    f"{value!r}."
                )
        problem = misfit(skeleton, self._largest)
        if problem:
            raise ValueError(
                f"The architecture {dict(params)} is no slice of the largest network: {problem}. "
                f"Fix some of these decisions, OnceForAll(network, values={{...}})."
            )
        if self._device == "meta":
            self._fill_constants(params, skeleton)
        else:
            without_memory(skeleton)
        while len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[frozenset(params.items())] = skeleton
        return skeleton

    def _fill_constants(self, params: Mapping[str, Any], skeleton: nn.Module) -> None:
        """Gives a skeleton what it shares with nobody, of a network that is made for it."""
        constants = constants_of(skeleton)
        if constants:
            with torch.random.fork_rng(devices=[]):
                real = build(self._network, params)
            for name in constants:
                owner, _, buffer = name.rpartition(".")
                skeleton.get_submodule(owner)._buffers[buffer] = real.get_buffer(name)
