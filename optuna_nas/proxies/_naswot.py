"""``naswot``: how differently an untrained network treats the rows of a batch."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch import Tensor

from optuna_nas.proxies._batch import Batch
from optuna_nas.proxies._calls import ACTIVATIONS
from optuna_nas.proxies._calls import by_row
from optuna_nas.proxies._calls import Calls
from optuna_nas.proxies._calls import CELLS
from optuna_nas.proxies._calls import RECURRENT
from optuna_nas.proxies._scored import run
from optuna_nas.proxies._scored import scored


@scored(labels=False)
def naswot(module: nn.Module, batch: Batch) -> Tensor:
    """``log |det K|``, K_ij how many units are on for both rows i and j, or off for both.

    A unit is on where what its activation takes is above 0: for ReLU the paper's binary code, for
    others the same sign. Of recurrent layers and cells, whose activations are hidden, it is the
    sign of what they give. It takes one forward pass.

    Source: Mellor et al. 2021, https://arxiv.org/abs/2006.04647v3, eq. 1 and 2.

    Args:
        module:
            The network; it is left as it was.
        batch:
            ``(inputs, targets)`` on the module's device; targets may be None.

    Returns:
        Any number; :class:`Unscored` if two rows have one code, or there are no activations.

    Raises:
        TypeError:
            If the batch is something else.
        ValueError:
            If it is empty or on another device, or the module has no parameters.
    """
    rows = len(batch)
    kernel = torch.zeros(rows, rows, dtype=torch.double, device=batch.inputs[0].device)

    def count(name: str, args: Sequence[Any], call: Callable[[], Any]) -> Any:
        if name in ACTIVATIONS:
            add(args[0])
            return call()
        given = call()
        add(given if isinstance(given, Tensor) else given[0])
        return given

    def add(x: Tensor) -> None:
        if (codes := by_row(x.detach(), rows)) is None:
            return
        # +1 and -1 in one product: K = (units + codes codes') / 2.
        signs = (codes > 0).to(codes.dtype).mul_(2).sub_(1)
        kernel.add_((signs @ signs.T + signs.shape[1]).double() / 2)

    with torch.no_grad(), Calls(count, ACTIVATIONS | CELLS | RECURRENT):
        run(module, batch.inputs)
    if not kernel.any():
        raise RuntimeError("the network has no activations")
    log: Tensor
    sign, log = torch.linalg.slogdet(kernel)
    if not sign or not torch.isfinite(log):
        raise RuntimeError("two rows of the batch have one code")
    return log
