"""``Energy``: what a forward pass draws, by the machine's own counters."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
import math
import time
from typing import Any

import torch
from torch import nn

from optuna_nas.metrics._counts import check_count
from optuna_nas.metrics._device import measuring_device
from optuna_nas.metrics._energy_counters import EnergyCounter
from optuna_nas.metrics._energy_counters import nvml
from optuna_nas.metrics._energy_counters import Rapl
from optuna_nas.metrics._example import batch_of
from optuna_nas.metrics._example import inputs_for
from optuna_nas.metrics._lazy import check_initialized
from optuna_nas.metrics._metric import Metric
from optuna_nas.metrics._quiet import check_threads
from optuna_nas.metrics._quiet import quiet


STILL = 2.0
"""Seconds after which a counter that has not moved is broken; the slowest move each 0.1 s."""


class Energy(Metric):
    """Millijoules of one forward pass of a batch, in eval mode and without gradients.

    Forward passes run one after the other, and what the counter rose by is divided by their
    number. It begins and ends as the counter moves, which some do only ten times a second.
    All that the processor's packages and their memory draw (RAPL), or the GPU's board (NVML), is
    in it: what idle hardware draws, what other processes do. So measure on an idle machine; two
    that measure by this library wait for each other. What fans, disks and a GPU's host draw is
    not in it.

    Args:
        example:
            A batch of inputs, at least one row; a tuple for a ``forward`` of several.
        device:
            ``"cpu"``, ``"cuda"`` or one of several, ``"cuda:1"``.
        batch_size:
            Rows at a time; those of the example are cut or repeated to so many.
        seconds:
            How long to run, after a quarter of that to warm up.
        threads:
            How many threads an operation may take on the CPU.
        counter:
            Another counter than the device's own, such as a power meter: called without
            arguments, it returns the millijoules used since some moment. It must be picklable
            for parallel workers.

    Raises:
        TypeError:
            If an argument is of the wrong kind.
        ValueError:
            If one is not legal, or the device is not there.
        ImportError:
            If a CUDA device is to be measured without ``nvidia-ml-py``.
        RuntimeError:
            If the machine has no counter, or it may not be read.
    """

    name = "energy_mj"
    unit = "mJ"
    static = False

    def __init__(
        self,
        example: Any,
        *,
        device: str | torch.device = "cpu",
        batch_size: int = 1,
        seconds: float = 2.0,
        threads: int = 1,
        counter: EnergyCounter | None = None,
    ) -> None:
        check_count("batch_size", batch_size)
        check_threads(threads)
        _check_seconds(seconds)
        self.device = measuring_device(device)
        self.seconds = float(seconds)
        self.threads = int(threads)
        self.example = batch_of(example, batch_size, self.device)
        self._given = counter
        self._counter()()  # a machine without one should say so now, not after a search began

    def measure(self, module: nn.Module) -> float:
        """The millijoules of one forward pass of a batch.

        Args:
            module:
                The network. A copy is run.

        Raises:
            ValueError:
                If a lazy layer has no size yet.
            RuntimeError:
                If the counter does not move.
            Exception:
                What the forward pass raises.
        """
        check_initialized(module, self.name)
        copy = deepcopy(module).to(self.device).eval()
        inputs = [x.to(self.device) for x in inputs_for(module, self.example)]
        with quiet(self.device, self.threads), torch.inference_mode():
            return _per_call(lambda: copy(*inputs), self._read(), self.seconds)

    def _counter(self) -> EnergyCounter:
        if self._given is not None:
            return self._given
        return nvml(self.device) if self.device.type == "cuda" else Rapl()

    def _read(self) -> EnergyCounter:
        counter = self._counter()
        if self.device.type != "cuda":
            return counter

        def read() -> float:
            torch.cuda.synchronize(self.device)
            return counter()

        return read

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Energy) and self._settings() == other._settings()

    def __hash__(self) -> int:
        return hash(self._settings())

    def _settings(self) -> tuple[Any, ...]:
        shapes = tuple((x.shape, x.dtype) for x in self.example)
        return type(self), self.device, self.seconds, self.threads, self._given, shapes


def _per_call(call: Callable[[], object], read: EnergyCounter, seconds: float) -> float:
    _calls_for(call, seconds / 4)
    before, _ = _until_it_moves(call, read)
    calls = _calls_for(call, seconds)
    after, more = _until_it_moves(call, read)
    return (after - before) / (calls + more)


def _calls_for(call: Callable[[], object], seconds: float) -> int:
    calls, until = 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        call()
        calls += 1
    return calls


def _until_it_moves(call: Callable[[], object], read: EnergyCounter) -> tuple[float, int]:
    """What the counter shows just after it moved, and how many calls that took."""
    calls, begin, until = 0, read(), time.perf_counter() + STILL
    while True:
        call()
        calls += 1
        now = read()
        if now != begin:
            return now, calls
        if time.perf_counter() > until:
            raise RuntimeError(
                f"{Energy.name}: the energy counter has not moved from {begin:g} mJ in {STILL:g} "
                f"seconds and {calls} forward passes."
            )


def _check_seconds(seconds: Any) -> None:
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise TypeError(f"seconds must be a number, but is {seconds!r}.")
    if not 0 < seconds < math.inf:
        raise ValueError(f"seconds must be above 0 and finite, but is {seconds}.")
