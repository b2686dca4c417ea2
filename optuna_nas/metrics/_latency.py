"""``Latency``: how long a network takes, measured on the machine it runs on."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict
from dataclasses import dataclass
import math
from typing import Any

import torch
from torch import nn

from optuna_nas.metrics._counts import check_count
from optuna_nas.metrics._device import device_name
from optuna_nas.metrics._device import measuring_device
from optuna_nas.metrics._example import batch_of
from optuna_nas.metrics._example import inputs_for
from optuna_nas.metrics._lazy import check_initialized
from optuna_nas.metrics._metric import Metric
from optuna_nas.metrics._quiet import check_threads
from optuna_nas.metrics._quiet import quiet
from optuna_nas.metrics._runtimes import Backend
from optuna_nas.metrics._runtimes import check_backend
from optuna_nas.metrics._runtimes import ready
from optuna_nas.metrics._timing import time_calls
from optuna_nas.metrics._timing import Timing


@dataclass(frozen=True)
class Measured(Timing):
    """A network's latency, and under what conditions it was measured.

    Args:
        device:
            The processor's name.
        threads:
            How many threads an operation could take.
        batch_size:
            How many rows were run at once.
        backend:
            What ran the network.
        torch:
            The version of torch.
    """

    device: str
    threads: int
    batch_size: int
    backend: str
    torch: str


class Latency(Metric):
    """Milliseconds of one inference of a batch, measured: in eval mode, of a copy of the network.

    On one thread of the CPU it is the thread's processor time: what the inference takes where it
    has a core to itself, and much the same on a busy machine, since waiting for the core does not
    count; nor does what a network has threads of its own do. On several threads it is the time on
    the wall, and on CUDA the time between two events on the device; both are longer where others
    compute as well. The value is the median of the repeats.

    Two workers of a user never measure on one kind of device at once: the second waits.

    As an evaluator it keeps :class:`Measured` as a dict in the trial's user attr ``"latency_ms"``.

    Example:

        .. code-block:: python

            latency = Latency(X[:1])
            Objective(network, train, latency, constraints=[latency <= 5.0])

    Args:
        example:
            A batch of inputs, at least one row; a tuple for a ``forward`` of several. Rows are
            repeated or left out for ``batch_size``, and numbers cast to the network's precision.
        device:
            ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
        batch_size:
            How many rows are run at once.
        threads:
            How many threads an operation may take. With more than one, keep the machine idle: one
            thread that has to wait for its core holds up the others.
        backend:
            ``"eager"``; ``"compile"`` for :func:`torch.compile` (a C++ compiler must be there, and
            what the process compiled before is compiled anew); ``"onnx"`` for ONNX Runtime, on the
            CPU. Compiling is not part of the time.
        precision:
            When to stop: half the width of the median's 95 % interval, as a share of the median.
        time_limit:
            Seconds after which to stop all the same; the measurement is then called noisy.
        repeats:
            The fewest to take, as far as the limit allows. A repeat is a call, or 5 ms of calls.

    Raises:
        TypeError:
            If the example is no tensor or array of numbers, or a number is none.
        ValueError:
            If the example has no row or is on a third device; if there is no such device or
            backend, or not so many threads; if a number is too small or not finite.
        ImportError:
            If a package for the backend is missing.
    """

    name = "latency_ms"
    unit = "ms"
    static = False

    def __init__(
        self,
        example: Any,
        *,
        device: str | torch.device = "cpu",
        batch_size: int = 1,
        threads: int = 1,
        backend: Backend = "eager",
        precision: float = 0.02,
        time_limit: float = 5.0,
        repeats: int = 40,
    ) -> None:
        check_count("batch_size", batch_size)
        check_count("repeats", repeats)
        check_threads(threads)
        _check_positive("precision", precision)
        _check_positive("time_limit", time_limit)
        self.device = measuring_device(device)
        check_backend(backend, self.device)
        self.batch_size = int(batch_size)
        self.threads = int(threads)
        self.backend = backend
        self.precision = float(precision)
        self.time_limit = float(time_limit)
        self.repeats = int(repeats)
        self.example = batch_of(example, self.batch_size, self.device)

    def measure(self, module: nn.Module) -> float:
        """The median in milliseconds.

        Args:
            module:
                The network, with weights; it is left as it was.

        Raises:
            ValueError:
                As :meth:`record`.
        """
        return self.record(module).median_ms

    def __call__(self, module: nn.Module, trial: Any) -> float:
        """:meth:`measure`, as an evaluator.

        Args:
            module:
                The network.
            trial:
                Keeps the record in a user attr.
        """
        measured = self.record(module)
        trial.set_user_attr(self.name, asdict(measured))
        return measured.median_ms

    def record(self, module: nn.Module) -> Measured:
        """The median, how sure it is, and how it was measured.

        Args:
            module:
                The network, with weights; it is left as it was.

        Raises:
            ValueError:
                If the network is on the meta device, has lazy layers without a size, or cannot
                run such a batch.
        """
        self._check_has_weights(module)
        with quiet(self.device, self.threads):
            copy = deepcopy(module).to(self.device).eval()
            with torch.inference_mode():
                timing = time_calls(
                    self._checked_call(copy),
                    device=self.device,
                    precision=self.precision,
                    time_limit=self.time_limit,
                    repeats=self.repeats,
                )
        return Measured(
            **asdict(timing),
            device=device_name(self.device),
            threads=self.threads,
            batch_size=self.batch_size,
            backend=self.backend,
            torch=str(torch.__version__),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Latency) and self._settings() == other._settings()

    def __hash__(self) -> int:
        return hash(self._settings())

    def _settings(self) -> tuple[Any, ...]:
        plain = {name: value for name, value in vars(self).items() if name != "example"}
        return type(self), *plain.items(), *((x.shape, x.dtype) for x in self.example)

    def _check_has_weights(self, module: nn.Module) -> None:
        check_initialized(module, self.name)
        tensors = [*module.named_parameters(), *module.named_buffers()]
        meta = [name for name, tensor in tensors if tensor.is_meta]
        if meta:
            raise ValueError(
                f"{self.name}: the network must have weights to be run, but on the meta device "
                f"are {', '.join(meta)}. Build it first."
            )

    def _checked_call(self, copy: nn.Module) -> Callable[[], object]:
        inputs = tuple(x.to(self.device) for x in inputs_for(copy, self.example))
        try:
            copy(*inputs)
            return ready(copy, inputs, self.backend, self.threads)
        except (ValueError, TypeError, RuntimeError, IndexError) as error:
            shapes = ", ".join(str(tuple(x.shape)) for x in inputs)
            raise ValueError(
                f"{self.name}: the network cannot run an example of shape {shapes} with the "
                f"backend {self.backend!r}: {error}"
            ) from error


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, but is {value!r} ({type(value).__name__}).")
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be above 0 and finite, but is {value}.")
