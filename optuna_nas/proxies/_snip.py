"""``snip``: how much the loss would change if connections were cut."""

from __future__ import annotations

from torch import nn
from torch import Tensor

from optuna_nas.proxies._batch import Batch
from optuna_nas.proxies._scored import scored
from optuna_nas.proxies._weights import gradients
from optuna_nas.proxies._weights import total
from optuna_nas.proxies._weights import weights_of


@scored(labels=True)
def snip(module: nn.Module, batch: Batch) -> Tensor:
    """The sum over all weights of ``|w dL/dw|``.

    It takes one forward and one backward pass.

    Source: the saliency of Lee et al. 2019, https://arxiv.org/abs/1810.02340, eq. 4, summed as in
    Abdelfattah et al. 2021, https://arxiv.org/abs/2101.08134, sec. 3.2, eq. 1.

    Args:
        module:
            The network; it is left as it was.
        batch:
            ``(inputs, targets)`` on the module's device.

    Returns:
        At least 0; :class:`Unscored` if it cannot be computed.

    Raises:
        TypeError:
            If the batch is something else.
        ValueError:
            If it is empty, without targets or on another device, or the module has no parameters.
    """
    weights = weights_of(module)
    slopes = gradients(module, batch, weights)
    return total([(w * slope).abs().sum() for w, slope in zip(weights, slopes, strict=True)])
