"""What to train on: rows that live on the device, or rows that a DataLoader brings each epoch.

Small data need no DataLoader, which costs more than the training step of a small network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
from functools import cached_property
import math
from typing import Any
from typing import NamedTuple
from typing import TypeAlias

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset
from torch.utils.data import default_collate
from torch.utils.data import IterableDataset
from torch.utils.data import Subset
from torch.utils.data import TensorDataset

from optuna_nas.training._arrays import check_rows
from optuna_nas.training._arrays import to_inputs
from optuna_nas.training._arrays import to_targets


Bounds: TypeAlias = tuple[int, int] | None
"""The lowest and the highest class; None if the targets are floats."""


class Batch(NamedTuple):
    """Some rows, on the device.

    Args:
        inputs:
            X, rows first.
        targets:
            y: int64 classes or floats.
        bounds:
            Of these targets or of more; known before they got there, so that it costs no wait.
    """

    inputs: Tensor
    targets: Tensor
    bounds: Bounds


@dataclass(frozen=True)
class Resident:
    """Rows in memory, on one device.

    Args:
        inputs:
            X, rows first.
        targets:
            y: int64 classes or floats.
    """

    inputs: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> Resident:
        """The same rows on a device; itself, if they are there."""
        inputs, targets = self.inputs.to(device), self.targets.to(device)
        here = inputs is self.inputs and targets is self.targets
        return self if here else Resident(inputs, targets)

    def batches(self, size: int, generator: torch.Generator | None = None) -> Iterator[Batch]:
        """Batches in random order for training, or with ``generator=None`` in order.

        A last batch of one row is left out of training, since batch normalisation cannot take it;
        the order differs in each epoch, so no row is lost.
        """
        bounds = self._bounds
        if generator is None:
            parts = torch.split(self.inputs, size), torch.split(self.targets, size)
            for x, y in zip(*parts, strict=True):
                yield Batch(x, y, bounds)
            return
        order = torch.randperm(len(self.inputs), generator=generator).to(self.inputs.device)
        for rows in torch.split(order, size)[: self.steps(size)]:
            x, y = self.inputs.index_select(0, rows), self.targets.index_select(0, rows)
            yield Batch(x, y, bounds)

    def steps(self, size: int) -> int:
        """How many batches an epoch of training has."""
        return _steps(len(self.inputs), size)

    def peek(self) -> Batch:
        """The first two rows, on the CPU."""
        return Batch(self.inputs[:2].cpu(), self.targets[:2].cpu(), self._bounds)

    @cached_property
    def _bounds(self) -> Bounds:
        return _bounds(self.targets)


@dataclass(frozen=True)
class Loaded:
    """Rows that are loaded anew each epoch, since they may hold random transforms.

    Args:
        source:
            A Dataset, for which a DataLoader is made; or a DataLoader, which is used as it is.
        name:
            What to call it in an error: ``"train"``.
        device:
            Where its batches go.
    """

    source: Dataset[Any] | DataLoader[Any]
    name: str
    device: str | torch.device = "cpu"

    def to(self, device: torch.device) -> Loaded:
        """The same rows, whose batches go to a device."""
        return replace(self, device=device)

    def batches(self, size: int, generator: torch.Generator | None = None) -> Iterator[Batch]:
        """Batches as the loader makes them; a DataLoader's own sizes and order win."""
        for batch in self._loader(size, generator):
            yield self._batch(batch)

    def steps(self, size: int) -> int | None:
        """How many batches an epoch of training has; None if nobody knows."""
        try:
            return len(self._loader(size, torch.Generator()))
        except TypeError:
            return None

    def peek(self) -> Batch | None:
        """Two rows, on the CPU; None if only iterating would tell."""
        loader = self.source if isinstance(self.source, DataLoader) else None
        dataset: Any = self.source if loader is None else loader.dataset
        if isinstance(dataset, IterableDataset):
            return None
        if loader is not None and loader.batch_sampler is None:
            return None
        if len(dataset) == 0:
            raise ValueError(f"{self.name}: the dataset has no rows.")
        collate = default_collate if loader is None else loader.collate_fn
        rows = collate([dataset[i] for i in range(min(2, len(dataset)))])
        return replace(self, device="cpu")._batch(rows)

    def _loader(self, size: int, generator: torch.Generator | None) -> DataLoader[Any]:
        if isinstance(self.source, DataLoader):
            return self.source
        if generator is None or isinstance(self.source, IterableDataset):
            return DataLoader(self.source, size)
        rows = len(self.source)  # type: ignore[arg-type]
        drop_last = _steps(rows, size) < math.ceil(rows / size)
        return DataLoader(
            self.source, size, shuffle=True, generator=generator, drop_last=drop_last
        )

    def _batch(self, batch: Any) -> Batch:
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise TypeError(
                f"{self.name}: a batch must be a pair (X, y), but is {_describe(batch)}. For "
                "anything else give your own function of (module, trial) in place of Train."
            )
        x, y = to_inputs(batch[0], self.name), to_targets(batch[1], self.name)
        bounds = _bounds(y)
        return Batch(
            x.to(self.device, non_blocking=True), y.to(self.device, non_blocking=True), bounds
        )


Rows: TypeAlias = Resident | Loaded
Data: TypeAlias = tuple[Any, Any] | Dataset[Any] | DataLoader[Any] | Rows
"""What can be trained on: a pair (X, y), a Dataset or a DataLoader."""


def load(data: Data, name: str) -> Rows:
    """Takes data as the user has them.

    Args:
        data:
            A pair (X, y) of arrays or tensors, a Dataset or a DataLoader. A TensorDataset, also
            behind ``random_split``, counts as a pair.
        name:
            What to call them in an error: ``"train"``.

    Raises:
        TypeError:
            If they are anything else, or hold something else than numbers.
        ValueError:
            If a pair has no rows, not as many X as y, or values that are not finite.
    """
    if isinstance(data, Resident | Loaded):
        return data
    pair = _pair(data)
    if pair is None and isinstance(data, Dataset | DataLoader):
        return Loaded(data, name)
    if pair is None:
        raise TypeError(
            f"{name} must be a pair (X, y), a Dataset or a DataLoader, but is {_describe(data)}."
        )
    inputs, targets = to_inputs(pair[0], name), to_targets(pair[1], name)
    check_rows(inputs, targets, name)
    return Resident(inputs, targets)


def _pair(data: Any) -> tuple[Any, Any] | None:
    # Exactly these types: a subclass may put random transforms into its __getitem__.
    if type(data) is Subset and type(data.dataset) in (Subset, TensorDataset):
        whole = _pair(data.dataset)
        rows = torch.as_tensor(data.indices)
        return None if whole is None else (whole[0][rows], whole[1][rows])
    if type(data) is TensorDataset:
        data = data.tensors
    return (data[0], data[1]) if isinstance(data, tuple | list) and len(data) == 2 else None


def _steps(rows: int, size: int) -> int:
    """Batches in an epoch: a last one of a single row is left out, unless it is the only one."""
    return max(1, math.ceil(rows / size) - (rows % size == 1 and size > 1))


def _bounds(targets: Tensor) -> Bounds:
    if targets.is_floating_point():
        return None
    low, high = targets.aminmax()
    return int(low), int(high)


def _describe(value: Any) -> str:
    length = f" of length {len(value)}" if hasattr(value, "__len__") else ""
    return f"{type(value).__name__}{length}"
