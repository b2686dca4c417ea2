"""``grasp``: whether cutting connections would weaken the gradients that are left."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas.proxies._batch import Batch
from optuna_nas.proxies._calls import Calls
from optuna_nas.proxies._scored import scored
from optuna_nas.proxies._weights import filled
from optuna_nas.proxies._weights import gradients
from optuna_nas.proxies._weights import total
from optuna_nas.proxies._weights import weights_of


@scored(labels=True)
def grasp(module: nn.Module, batch: Batch) -> Tensor:
    """The sum over all weights of ``-w (H g)``, where g is the loss's gradient and H its Hessian.

    It takes a backward pass through a backward pass: some five times the time of ``snip``.

    Source: Wang et al. 2020, https://arxiv.org/abs/2002.07376, eq. 8, with the sign and the sum of
    Abdelfattah et al. 2021, https://arxiv.org/abs/2101.08134, sec. 3.2, eq. 1.

    Args:
        module:
            The network; it is left as it was.
        batch:
            ``(inputs, targets)`` on the module's device.

    Returns:
        Any number; :class:`Unscored` if it cannot be computed.

    Raises:
        TypeError:
            If the batch is something else.
        ValueError:
            If it is empty, without targets or on another device, or the module has no parameters.
    """
    weights = weights_of(module)
    # The kernels of cuDNN, of fused attention and of hardsigmoid cannot be differentiated twice.
    attention = torch.nn.attention
    with (
        torch.backends.cudnn.flags(enabled=False),
        attention.sdpa_kernel(attention.SDPBackend.MATH),
        Calls(_hardsigmoid, frozenset(["hardsigmoid"])),
    ):
        slopes = gradients(module, batch, weights, graph=True)
        product = total([(slope.detach() * slope).sum() for slope in slopes])
        curved = filled(torch.autograd.grad(product, weights, allow_unused=True), weights)
    return total([-(w * hg).sum() for w, hg in zip(weights, curved, strict=True)])


def _hardsigmoid(name: str, args: Sequence[Any], call: Callable[[], Any]) -> Any:
    return F.relu6(args[0] + 3) / 6
