"""``Flops``: how much a network computes, counted by torch on the meta device.

There the kernels fall apart into what they compute; on the CPU the counter sees nothing of
``nn.LSTM`` or of attention.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from optuna_nas.metrics._example import checked_batch
from optuna_nas.metrics._example import inputs_for
from optuna_nas.metrics._lazy import check_initialized
from optuna_nas.metrics._metric import Metric
from optuna_nas.metrics._without_weights import without_weights


class Flops(Metric):
    """Floating-point operations of one forward pass of one row, in eval mode.

    FLOPs, not MACs: a multiplication and an addition count as two. Counted are matrix products,
    convolutions and attention, with everything made of them (linear and recurrent layers);
    biases, activations, normalisation, pooling and other work for each element are not, as in
    :class:`torch.utils.flop_counter.FlopCounterMode`, which counts.

    Args:
        example:
            A batch of inputs, at least one row; a tuple for a ``forward`` of several. For the
            count, only shapes and kinds matter; two rows are kept in ``example``, for a dry run.

    Raises:
        TypeError:
            If the example is no tensor or array of numbers.
        ValueError:
            If it has no row.
    """

    name = "flops"
    unit = "FLOPs"

    def __init__(self, example: Any) -> None:
        inputs = example if isinstance(example, tuple) else (example,)
        rows = tuple(_two_rows(batch) for batch in inputs)
        self._row = tuple(batch[:1].to("meta") for batch in rows)
        self.example = None if any(batch.is_meta for batch in rows) else rows

    def measure(self, module: nn.Module) -> float:
        """The FLOPs of one row.

        Args:
            module:
                The network, on any device, the meta device too. A copy without weights is run.

        Raises:
            ValueError:
                If a lazy layer has no size yet.
            Exception:
                What the forward pass raises: a shape that does not fit, or on the meta device the
                value of a tensor (``.item()``, ``if tensor``), on which no count can depend, or a
                tensor that is no part of the module (held by a function, or in a plain object).
        """
        check_initialized(module, self.name)
        copy = without_weights(module).eval()
        counter = FlopCounterMode(display=False)
        with torch.no_grad(), torch.device("meta"), counter:
            copy(*inputs_for(module, self._row))
        return float(counter.get_total_flops())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Flops) and self._shapes() == other._shapes()

    def __hash__(self) -> int:
        return hash(self._shapes())

    def _shapes(self) -> tuple[Any, ...]:
        return type(self), *((row.shape, row.dtype) for row in self._row)


def _two_rows(example: Any) -> Tensor:
    rows = checked_batch(example)[:2].detach()
    if rows.is_floating_point():
        rows = rows.to(torch.get_default_dtype())  # NumPy's is double, which no network takes
    if rows.is_meta:
        return rows
    return rows.to("cpu", copy=True)  # a view would take the whole batch to each worker
