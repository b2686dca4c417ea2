"""``grad_norm``: how strongly one batch would move an untrained network."""

from __future__ import annotations

from torch import nn
from torch import Tensor

from optuna_nas.proxies._batch import Batch
from optuna_nas.proxies._scored import scored
from optuna_nas.proxies._weights import gradients
from optuna_nas.proxies._weights import total
from optuna_nas.proxies._weights import weights_of


@scored(labels=True)
def grad_norm(module: nn.Module, batch: Batch) -> Tensor:
    """The sum over all matrices and kernels of the Euclidean norm of the loss's gradient.

    It takes one forward and one backward pass.

    Source: Abdelfattah et al. 2021, https://arxiv.org/abs/2101.08134, sec. 3.1.

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
    return total([slope.norm() for slope in gradients(module, batch, weights_of(module))])
