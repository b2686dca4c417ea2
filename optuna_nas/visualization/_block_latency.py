"""``with_latency``: what each step of a computation takes, measured in the running network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn
from torch import Tensor

from optuna_nas.metrics._blocks import call_times
from optuna_nas.metrics._device import CPU
from optuna_nas.metrics._device import device_name
from optuna_nas.metrics._example import inputs_for
from optuna_nas.metrics._quiet import quiet
from optuna_nas.metrics._with_weights import with_weights
from optuna_nas.visualization._graph import Computation


REPEATS = 20
THREADS = 1
CONDITIONS = f"one row at a time, {THREADS} thread of the CPU ({{name}}), torch {{version}}"


def with_latency(
    computation: Computation, module: nn.Module, batch: Sequence[Tensor]
) -> Computation:
    """The same computation with milliseconds: of one row, in eval mode, on one thread of the CPU.

    Measured in place are calls of modules that call no other, as ``LatencyTable`` does; what the
    network does between them, such as residual sums, has none.

    Args:
        computation:
            What the module computes in eval mode.
        module:
            The network, on any device; it stays as it was. Weights on the meta device are made up.
        batch:
            Its inputs, on the CPU, of which the first row is taken.

    Raises:
        ValueError:
            If it cannot run one row on the CPU, calls other modules there, or none at all.
    """
    copy = with_weights(module, CPU).eval()
    rows = inputs_for(copy, tuple(x[:1] for x in batch))
    try:
        with quiet(CPU, THREADS):
            times = call_times(copy, rows, REPEATS)
    except (ValueError, TypeError, RuntimeError, IndexError) as error:
        shapes = ", ".join(str(list(x.shape)) for x in rows)
        raise ValueError(
            "color='latency' measures the network on one row on the CPU, but it cannot run that, "
            f"of shape {shapes}: {error} ({type(error).__name__})."
        ) from error
    if len(times) != computation.blocks:
        raise ValueError(
            "color='latency' needs a network that does the same for each batch, but it called "
            f"{computation.blocks} modules when it was drawn and {len(times)} when measured."
        )
    operations = tuple(
        replace(one, milliseconds=sum((times[i] for i in one.blocks), 0.0))
        for one in computation.operations
    )
    if not any(one.blocks for one in operations):
        raise ValueError(
            "color='latency' measures the modules that a network calls, but "
            f"{type(module).__name__} calls none."
        )
    return replace(computation, operations=operations)


def conditions() -> str:
    """How it is measured, in words."""
    return CONDITIONS.format(name=device_name(CPU), version=torch.__version__)
