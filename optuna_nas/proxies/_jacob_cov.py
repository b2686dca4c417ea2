"""``jacob_cov``: how differently an untrained network's outputs depend on the rows of a batch."""

from __future__ import annotations

import torch
from torch import nn
from torch import Tensor

from optuna_nas.proxies._batch import Batch
from optuna_nas.proxies._scored import run
from optuna_nas.proxies._scored import scored


EPSILON = 1e-5
"""The paper's k."""


@scored(labels=False)
def jacob_cov(module: nn.Module, batch: Batch) -> Tensor:
    """``-sum_i [log(v_i + k) + 1 / (v_i + k)]``, v_i eigenvalues of the Jacobians' correlations.

    A row's Jacobian is the gradient of its outputs' sum by its inputs. It takes one forward and
    one backward pass. At best, with all rows uncorrelated, it is minus the number of rows. With
    more rows than a row has numbers they are correlated in any network, and it says little.

    Source: Mellor et al. 2020, the first version, https://arxiv.org/abs/2006.04647v1, eq. 2 to 4.

    Args:
        module:
            The network; it is left as it was.
        batch:
            ``(inputs, targets)`` on the module's device, at least two rows; targets may be None.

    Returns:
        Below 0; :class:`Unscored` if outputs do not depend on inputs, or these are integers.

    Raises:
        TypeError:
            If the batch is something else.
        ValueError:
            If it is empty or on another device, or the module has no parameters.
    """
    inputs = tuple(x.clone().requires_grad_(x.is_floating_point()) for x in batch.inputs)
    differentiable = [x for x in inputs if x.requires_grad]
    if not differentiable:
        raise RuntimeError("the inputs are integers, which have no gradient")
    outputs = run(module, inputs).sum()
    slopes = torch.autograd.grad(outputs, differentiable, allow_unused=True)
    jacobians = torch.cat([slope.flatten(1) for slope in slopes if slope is not None], 1)
    # In double: constant rows would else have correlations of rounding errors.
    correlations = torch.corrcoef(jacobians.double().cpu())
    if correlations.ndim < 2 or not torch.isfinite(correlations).all():
        raise RuntimeError("the gradients of a row do not vary, or there is but one row")
    values = torch.linalg.eigvalsh(correlations) + EPSILON
    score: Tensor = -(values.log() + 1 / values).sum()
    return score
