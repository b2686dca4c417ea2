"""``Parameters``: how many numbers a network holds."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from optuna_nas.metrics._lazy import check_initialized
from optuna_nas.metrics._metric import Metric


@dataclass(frozen=True)
class Parameters(Metric):
    """The number of parameters, frozen ones too; those that layers share count once.

    It needs no weights, and so takes a module on the meta device as well.

    Example:

        .. code-block:: python

            Objective(network, train, Parameters(), constraints=[Parameters() <= 1e6])
    """

    name = "parameters"
    unit = "parameters"

    def measure(self, module: nn.Module) -> float:
        """How many parameters a module has.

        Args:
            module:
                The network.

        Raises:
            ValueError:
                If a lazy layer has no size yet.
        """
        check_initialized(module, self.name)
        return float(sum(parameter.numel() for parameter in module.parameters()))
