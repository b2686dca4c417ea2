"""``l2_norm``: how large the weights are. It knows widths and little else: a baseline."""

from __future__ import annotations

from torch import nn
from torch import Tensor

from optuna_nas.proxies._batch import Batch
from optuna_nas.proxies._scored import scored
from optuna_nas.proxies._weights import total
from optuna_nas.proxies._weights import weights_of


@scored(labels=False)
def l2_norm(module: nn.Module, batch: Batch) -> Tensor:
    """The sum over all matrices and kernels of their Euclidean norm; the network is not run.

    Source: a baseline of Krishnakumar et al. 2022 (NAS-Bench-Suite-Zero),
    https://arxiv.org/abs/2210.03230, table 1.

    Args:
        module:
            The network; it is left as it was.
        batch:
            As for the others, on the module's device; not looked at.

    Returns:
        At least 0; :class:`Unscored` if there are no weights.

    Raises:
        TypeError:
            If the batch is something else.
        ValueError:
            If it is empty or on another device, or the module has no parameters.
    """
    return total([weight.detach().norm() for weight in weights_of(module)])
