"""The watch on a search: does it collapse to operations without parameters, or grow sharp?

The early stopping of Zela et al. (2020, sec. 4.3), with k = ``window``::

    mean(i) = mean of the eigenvalue in epochs i-k+1, ..., i
    if mean(i-k) / mean(i) < 0.75: stop, and take the gates of epoch i-k
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import Any

from optuna.distributions import CategoricalDistribution
import torch
from torch import Tensor

from optuna_nas.oneshot._gate import Gate
from optuna_nas.oneshot._mixtures import Mixture
from optuna_nas.oneshot._supernet import Supernet


@dataclass(frozen=True)
class Watch:
    """What counts as a collapse.

    Args:
        parameter_free:
            The largest share of operations without parameters in the derived architecture that
            is none.
        eigenvalue:
            Whether to compute the dominant eigenvalue each epoch, which takes as long as some
            dozens of steps; and to stop early by it.
        window:
            Over how many epochs it is averaged and compared; 5 in the paper.
        ratio:
            Stop when the mean a window ago is less than this share of the mean now.

    Raises:
        ValueError:
            If ``parameter_free`` or ``ratio`` is not in [0, 1], or ``window`` is below 1.
    """

    parameter_free: float = 0.75
    eigenvalue: bool = False
    window: int = 5
    ratio: float = 0.75

    def __post_init__(self) -> None:
        for name in ("parameter_free", "ratio"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"Watch: {name} must be in [0, 1], but is {value!r}.")
        if self.window < 1:
            raise ValueError(f"Watch: window must be at least 1, but is {self.window!r}.")

    def sharper(self, eigenvalues: Sequence[float]) -> str | None:
        """Returns why to stop early, or None (Zela et al. 2020, sec. 4.3).

        Args:
            eigenvalues:
                Of all epochs so far. In the first two windows nothing is compared.
        """
        if len(eigenvalues) < 2 * self.window:
            return None
        sizes = [abs(value) for value in eigenvalues[-2 * self.window :]]
        before = sum(sizes[: self.window]) / self.window
        now = sum(sizes[self.window :]) / self.window
        if before >= self.ratio * now:
            return None
        return (
            f"the dominant eigenvalue of the validation Hessian grew from {before:.3g} to "
            f"{now:.3g} within {self.window} epochs"
        )

    def simpler(self, share: float | None) -> str | None:
        """Returns why an architecture counts as collapsed, or None.

        Args:
            share:
                From :func:`parameter_free_share`.
        """
        if share is None or share <= self.parameter_free:
            return None
        return f"{share:.0%} of the operations chosen have no parameters"


def is_module_choice(gate: Gate) -> bool:
    """Whether a gate is that of a ``suggest_module``.

    Args:
        gate:
            Of any decision.
    """
    categorical = isinstance(gate.distribution, CategoricalDistribution)
    return categorical and gate.labels == tuple(gate.choices)


def parameter_free_share(supernet: Supernet, params: Mapping[str, Any]) -> float | None:
    """Returns the share of an architecture's operations that have no parameters.

    Counted are decisions where some options have parameters and some have none; None if there
    are no such decisions.

    Args:
        supernet:
            Of the search space.
        params:
            The architecture.
    """
    weighty: dict[str, set[str]] = {}
    names = {name for name, gate in supernet.decisions.items() if is_module_choice(gate)}
    for part in supernet.module.modules():
        if isinstance(part, Mixture):
            with_weights = weighty.setdefault(part.gate.name, set())
            for label, option in zip(part.gate.labels, part.options, strict=True):
                if any(True for _ in option.parameters()):
                    with_weights.add(label)
    free = [
        params[name] not in labels
        for name, labels in weighty.items()
        if name in params and name in names
        if 0 < len(labels) < len(supernet.decisions[name].labels)
    ]
    return sum(free) / len(free) if free else None


def gate_entropy(supernet: Supernet) -> float:
    """Returns the mean entropy of the gates' softmax, as a share of the largest there can be.

    It is 1 when all options left are equal, and 0 when all gates have decided.

    Args:
        supernet:
            Whose gates.
    """
    shares = []
    for gate in supernet.decisions.values():
        logits = gate.logits.detach()[gate.kept]
        if len(logits) > 1:
            log_p = logits.double().log_softmax(0)
            shares.append(float(-(log_p.exp() * log_p).sum()) / math.log(len(logits)))
    return sum(shares) / len(shares) if shares else 0.0


def dominant_eigenvalue(
    loss: Tensor, parameters: Sequence[Tensor], *, iterations: int = 50, tolerance: float = 1e-3
) -> float:
    """Returns the eigenvalue of the Hessian that is largest in size, with its sign.

    By power iteration on products of the Hessian with a vector, which begins as noise of torch's
    RNG. Zela et al. (2020, https://arxiv.org/abs/1909.09656, sec. 4) take it of the validation
    loss with respect to the gates.

    Args:
        loss:
            With its graph, twice differentiable.
        parameters:
            What to differentiate it by.
        iterations:
            How many products at most.
        tolerance:
            Stop when the eigenvalue changes by less than this share of it.
    """
    slopes = torch.autograd.grad(
        loss, parameters, create_graph=True, allow_unused=True, materialize_grads=True
    )
    slope = torch.cat([part.flatten() for part in slopes])
    if not slope.requires_grad:  # the loss is linear
        return 0.0
    vector = torch.randn_like(slope)
    vector, eigenvalue = vector / vector.norm(), 0.0
    for _ in range(iterations):
        product = torch.autograd.grad(
            slope, parameters, vector, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        image = torch.cat([part.flatten() for part in product])
        before, eigenvalue = eigenvalue, float(vector @ image)
        size = float(image.norm())
        if size == 0 or abs(eigenvalue - before) <= tolerance * abs(eigenvalue):
            break
        vector = image / size
    return eigenvalue
