"""``synflow``: how much flows from the inputs to the outputs along all paths. It needs no data."""

from __future__ import annotations

import torch
from torch import nn
from torch import Tensor

from optuna_nas.proxies._batch import Batch
from optuna_nas.proxies._calls import Calls
from optuna_nas.proxies._calls import NORMS
from optuna_nas.proxies._calls import passed_by
from optuna_nas.proxies._scored import run
from optuna_nas.proxies._scored import scored
from optuna_nas.proxies._weights import filled
from optuna_nas.proxies._weights import total
from optuna_nas.proxies._weights import weights_of


@scored(labels=False)
def synflow(module: nn.Module, batch: Batch) -> Tensor:
    """The log of the sum over all weights of ``|w dR/dw|``, R the outputs' sum for inputs of ones.

    All parameters and buffers are taken by their absolute value, normalisation is passed by, and
    all is in double precision, as in the authors' and in Abdelfattah's code. The log, which
    changes no order, is NASLib's: sums reach 1e50.

    Source: Tanaka et al. 2020, https://arxiv.org/abs/2006.05467, eq. 3, summed as in Abdelfattah
    et al. 2021, https://arxiv.org/abs/2101.08134, sec. 3.2, eq. 1.

    Args:
        module:
            The network; it is left as it was.
        batch:
            ``(inputs, targets)`` on the module's device. Of inputs only the shape matters, but for
            integers (tokens), whose first row is taken. Targets may be None.

    Returns:
        Any number; :class:`Unscored` if nothing flows, or too much for a double.

    Raises:
        TypeError:
            If the batch is something else.
        ValueError:
            If it is empty or on another device, or the module has no parameters.
    """
    module.double()
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.abs_()
    weights = weights_of(module)
    inputs = tuple(
        torch.ones_like(x[:1], dtype=torch.double) if x.is_floating_point() else x[:1]
        for x in batch.inputs
    )
    with Calls(passed_by, NORMS):
        flow = run(module, inputs).sum()
    slopes = filled(torch.autograd.grad(flow, weights, allow_unused=True), weights)
    saliency = [(w * slope).abs().sum() for w, slope in zip(weights, slopes, strict=True)]
    if not (result := total(saliency)):
        raise RuntimeError("nothing flows from the inputs to the outputs")
    return result.log()
