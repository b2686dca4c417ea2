"""``PeakMemory``: how much memory an inference needs at its worst moment."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch import Tensor

from optuna_nas.metrics._counts import check_count
from optuna_nas.metrics._device import measuring_device
from optuna_nas.metrics._example import batch_of
from optuna_nas.metrics._example import inputs_for
from optuna_nas.metrics._lazy import check_initialized
from optuna_nas.metrics._live_memory import peak_bytes
from optuna_nas.metrics._metric import Metric
from optuna_nas.metrics._without_weights import tensors_in
from optuna_nas.metrics._without_weights import without_weights


MIB = 2**20


class PeakMemory(Metric):
    """MiB (2**20 bytes) at the peak of one inference: weights, buffers and live activations.

    In eval mode and inference mode, the batch included. On the CPU it is counted, not measured:
    the network runs on the meta device and each storage counts from the operation that makes it
    until its last tensor is gone. So it is exact and the same everywhere, and needs no weights.
    What kernels allocate for themselves (workspaces, reordered weights) and torch's own memory
    are not in it. On a CUDA device it is what torch's allocator held at most, beyond what it held
    before: workspaces are in it, and so are its blocks, of 512 bytes or more.

    Example:

        .. code-block:: python

            Objective(network, train, constraints=[PeakMemory(X[:1]) <= 8])

    Args:
        example:
            A batch of inputs, at least one row; a tuple for a ``forward`` of several.
        device:
            The CPU, which stands for the count, or a CUDA device.
        batch_size:
            Rows at a time; those of the example are cut or repeated to so many.

    Raises:
        TypeError:
            If an argument is of the wrong kind.
        ValueError:
            If the example has no row of values, the batch size is below 1, or the device is not
            there.
    """

    name = "peak_memory_mib"
    unit = "MiB"

    def __init__(
        self, example: Any, *, device: torch.device | str = "cpu", batch_size: int = 1
    ) -> None:
        check_count("batch_size", batch_size)
        self.device = measuring_device(device)
        self.static = self.device.type != "cuda"
        self.example = batch_of(example, batch_size, self.device)

    def measure(self, module: nn.Module) -> float:
        """The MiB at the peak.

        Args:
            module:
                The network; for the count, the meta device will do. A copy is run.

        Raises:
            ValueError:
                If a lazy layer has no size yet, or a network on the meta device is to be
                measured on a CUDA device.
            Exception:
                What the forward pass raises: a shape that does not fit, or on the meta device the
                value of a tensor (``.item()``, ``if tensor``).
        """
        check_initialized(module, self.name)
        batch = inputs_for(module, self.example)
        peak = _counted(module, batch) if self.static else _allocated(module, batch, self.device)
        return peak / MIB

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PeakMemory) and self._settings() == other._settings()

    def __hash__(self) -> int:
        return hash(self._settings())

    def _settings(self) -> tuple[Any, ...]:
        return type(self), self.device, tuple((x.shape, x.dtype) for x in self.example)


def _counted(module: nn.Module, batch: tuple[Tensor, ...]) -> int:
    copy = without_weights(module).eval()
    with torch.device("meta"):
        return peak_bytes(copy, [x.to("meta") for x in batch], tensors_in(copy, set()))


def _allocated(module: nn.Module, batch: tuple[Tensor, ...], device: torch.device) -> int:
    if any(tensor.is_meta for tensor in module.parameters()):
        raise ValueError(
            f"{PeakMemory.name}: on {device} memory is measured, for which the network needs "
            "weights, but it is on the meta device. Build it first."
        )
    rng = torch.random.fork_rng(devices=[device])
    with rng, torch.cuda.device(device), torch.inference_mode():
        copy = deepcopy(module).to(device).eval()
        inputs = [x.to(device) for x in batch]
        copy(*inputs)  # libraries take their workspaces at the first call, and keep them
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        copy(*inputs)
        activations = torch.cuda.max_memory_allocated(device) - before
        storages = [t.untyped_storage() for t in (*tensors_in(copy, set()), *inputs)]
        return activations + sum({s.data_ptr(): s.nbytes() for s in storages}.values())
