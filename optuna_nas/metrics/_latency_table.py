"""``LatencyTable``: the latency of a network as the sum of its blocks', each measured before.

As in ProxylessNAS (Cai et al. 2019, https://arxiv.org/abs/1812.00332, app. B), with a plane
through some whole networks for what lies between the blocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from statistics import median

import torch
from torch import nn
from torch import Tensor

from optuna_nas.metrics._blocks import block_times
from optuna_nas.metrics._blocks import blocks_of
from optuna_nas.metrics._device import device_name
from optuna_nas.metrics._device import measuring_device
from optuna_nas.metrics._example import inputs_for
from optuna_nas.metrics._latency import Latency
from optuna_nas.metrics._latency_file import Conditions
from optuna_nas.metrics._latency_file import Contents
from optuna_nas.metrics._latency_file import read
from optuna_nas.metrics._latency_file import write
from optuna_nas.metrics._latency_fit import FEWEST
from optuna_nas.metrics._latency_fit import fit
from optuna_nas.metrics._latency_fit import leave_one_out
from optuna_nas.metrics._latency_fit import TableError
from optuna_nas.metrics._latency_fit import Whole
from optuna_nas.metrics._lazy import check_initialized
from optuna_nas.metrics._metric import Metric
from optuna_nas.metrics._quiet import quiet
from optuna_nas.metrics._with_weights import with_weights
from optuna_nas.metrics._without_weights import without_weights


META = torch.device("meta")
REPEATS = 20
SHOWN = 3


class LatencyTable(Metric):
    """Predicts the milliseconds of one inference of a batch on a device.

    Made by :meth:`learn` or :meth:`load`. A block is a module that calls no other, with its
    hyperparameters and the shapes that it gets. What is predicted is linear in the sum of
    their times and in their number. A candidate needs no weights for it, so that a limit
    (``table <= 5.0``) is checked before it is built.

    Example:

        .. code-block:: python

            table = LatencyTable.learn([build(space, p) for p in drawn], Latency(X[:1]))
            print(table)
            Objective(space, train, constraints=[table <= 5.0])

    Args:
        blocks:
            Milliseconds of each block, by its name.
        networks:
            What some whole networks took, for the rest; with none, the sum is the prediction.
        conditions:
            Device, threads and batch that all this holds for.
        name:
            The metric's name; of several devices' tables, each needs its own.
        learn_unseen:
            Whether a network's blocks that are not in the table are measured, and then are in
            it, if this machine has the table's device. Else such a network is an error.
    """

    unit = "ms"

    def __init__(
        self,
        blocks: Mapping[str, float],
        networks: Sequence[Whole],
        conditions: Conditions,
        *,
        name: str = Latency.name,
        learn_unseen: bool = True,
    ) -> None:
        self.name = name
        self.networks = tuple(networks)
        self.conditions = conditions
        self.learn_unseen = learn_unseen
        self._blocks = dict(blocks)
        self._plane = fit(self.networks)

    @classmethod
    def learn(
        cls,
        modules: Iterable[nn.Module],
        latency: Latency,
        *,
        name: str = Latency.name,
        learn_unseen: bool = True,
    ) -> LatencyTable:
        """Measures some networks, each as a whole and each of its blocks in place.

        Args:
            modules:
                Networks of a space, drawn at random: 30 are a good number, 8 the fewest.
            latency:
                How a whole network is measured: on what batch, device and threads, how long.
            name:
                The metric's name.
            learn_unseen:
                Whether blocks that none of these networks has are measured when they are met.

        Raises:
            TypeError:
                If ``latency`` is no :class:`Latency`.
            ValueError:
                If it is of another backend than ``"eager"``, there are too few networks, or one
                cannot be measured.
        """
        _check_latency(latency)
        conditions = _conditions(latency)
        seen: dict[str, dict[int, float]] = {}
        called, whole_ms = [], []
        for i, module in enumerate(modules):
            whole_ms.append(latency.measure(module))
            called.append(_blocks_of(module, conditions, name))
            for block, ms in _measured(module, latency.example, conditions).items():
                seen.setdefault(block, {})[i] = ms
        if len(called) < FEWEST:
            raise ValueError(f"modules must be at least {FEWEST} networks, but are {len(called)}.")
        networks = [
            Whole(len(blocks), sum(_elsewhere(seen[block], i) for block in blocks), ms)
            for i, (blocks, ms) in enumerate(zip(called, whole_ms, strict=True))
        ]
        blocks = {block: median(seen[block].values()) for block in sorted(seen)}
        return cls(blocks, networks, conditions, name=name, learn_unseen=learn_unseen)

    @classmethod
    def load(cls, path: str | PathLike[str], *, learn_unseen: bool = True) -> LatencyTable:
        """Reads a table that :meth:`save` wrote, or that was made of another device's times.

        Args:
            path:
                Where the file is.
            learn_unseen:
                Whether blocks that it lacks are measured, if this machine has its device.

        Raises:
            ValueError:
                If it is no latency table, one of another version, or lacks something.
        """
        file = read(Path(path))
        return cls(
            file.blocks,
            file.networks,
            file.conditions,
            name=file.name,
            learn_unseen=learn_unseen,
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the table as JSON, with the blocks that it has met since; see docs/costs.md.

        Args:
            path:
                Where; a file that is there is replaced.
        """
        write(Path(path), Contents(self.name, self.conditions, self._blocks, self.networks))

    @property
    def blocks(self) -> dict[str, float]:
        """Milliseconds of each block, by its name."""
        return dict(self._blocks)

    @property
    def error(self) -> TableError | None:
        """How far it is off for whole networks left out in turn; None with fewer than 8."""
        return leave_one_out(self.networks)

    def measure(self, module: nn.Module) -> float:
        """The predicted milliseconds.

        Args:
            module:
                The network, on any device, the meta device too; it is left as it was.

        Raises:
            ValueError:
                If it cannot take the table's batch; if most of its blocks are not in the table,
                or one is not and it is not to be measured, or not on this machine.
        """
        check_initialized(module, self.name)
        blocks = _blocks_of(module, self.conditions, self.name)
        if not self._blocks.keys() >= set(blocks):
            self._learn(module, blocks)
        plain_sum = sum(self._blocks[block] for block in blocks)
        predicted = self._plane.at(len(blocks), plain_sum)
        # Far from what it was fitted on, the plane may fall below 0.
        return predicted if predicted > 0 else plain_sum

    def __str__(self) -> str:
        error = self.error or "error unknown, without whole networks"
        return f"{self.name}, {len(self._blocks)} blocks, {self.conditions}: {error}"

    def _learn(self, module: nn.Module, blocks: list[str]) -> None:
        device = self.conditions.device
        if not self.learn_unseen or not _is_here(self.conditions):
            raise self._unseen(blocks)
        self._check_space(blocks)
        batch = self.conditions.batch(torch.device(device))
        for block, ms in _measured(module, batch, self.conditions).items():
            self._blocks.setdefault(block, ms)
        if not self._blocks.keys() >= set(blocks):
            raise self._unseen(blocks)

    def _check_space(self, blocks: list[str]) -> None:
        """Of a network most of whose blocks are new, the regression knows nothing."""
        unseen, all_blocks = set(blocks) - self._blocks.keys(), set(blocks)
        if 2 * len(unseen) > len(all_blocks):
            raise ValueError(
                f"{self.name}: {len(unseen)} of the {len(all_blocks)} different blocks of this "
                f"network are not in the table of {self.conditions}: the network is of another "
                "space, or the table was learned on too few networks."
            )

    def _unseen(self, blocks: list[str]) -> ValueError:
        unseen = sorted(set(blocks) - self._blocks.keys())
        listed = "; ".join(unseen[:SHOWN]) + ("; ..." if len(unseen) > SHOWN else "")
        return ValueError(
            f"{self.name}: {len(unseen)} blocks of this network are not in the table of "
            f"{self.conditions}: {listed}. Learn it on more networks of this space, on that "
            "device; there, with learn_unseen=True, it measures them itself."
        )


def _blocks_of(module: nn.Module, conditions: Conditions, name: str) -> list[str]:
    """Found on the meta device, where it needs neither weights nor the table's device."""
    copy = without_weights(module).eval()
    inputs = inputs_for(copy, conditions.batch(META))
    try:
        with META:
            return blocks_of(copy, inputs)
    except (ValueError, TypeError, RuntimeError, IndexError) as error:
        raise ValueError(
            f"{name}: the network cannot take the table's batch, {conditions}: {error}"
        ) from error


def _measured(
    module: nn.Module, batch: tuple[Tensor, ...], conditions: Conditions
) -> dict[str, float]:
    device = torch.device(conditions.device)
    copy = with_weights(module, device).eval()
    inputs = [x.to(device) for x in inputs_for(copy, batch)]
    with quiet(device, conditions.threads):
        return block_times(copy, inputs, REPEATS)


def _elsewhere(times: Mapping[int, float], network: int) -> float:
    """A block's time in the other networks, so that none is predicted from itself; or its own."""
    return median([ms for i, ms in times.items() if i != network] or times.values())


def _conditions(latency: Latency) -> Conditions:
    return Conditions(
        device=str(latency.device),
        device_name=device_name(latency.device),
        threads=latency.threads,
        inputs=tuple(
            (str(x.dtype).removeprefix("torch."), tuple(x.shape)) for x in latency.example
        ),
        runtime=f"torch {torch.__version__}",
    )


def _is_here(conditions: Conditions) -> bool:
    try:
        return device_name(measuring_device(conditions.device)) == conditions.device_name
    except ValueError:
        return False


def _check_latency(latency: Latency) -> None:
    if not isinstance(latency, Latency):
        raise TypeError(
            "latency must be a Latency, which says on what batch and device to measure, but is "
            f"{latency!r}."
        )
    if latency.backend != "eager":
        raise ValueError(
            "latency must be of the backend 'eager', in which blocks can be told apart, but is of "
            f"{latency.backend!r}."
        )
