"""``Metric``: what all costs of a network share. A new one is a name, a unit and ``measure``."""

from __future__ import annotations

from typing import Any

from torch import nn

from optuna_nas.metrics._constraint import Constraint


class Metric:
    """A cost of an architecture: an evaluator, and with a limit a :class:`Constraint`.

    :class:`optuna_nas.Objective` asks it before the network is trained. What depends on trained
    weights is another evaluator, any function of (module, trial).

    Example:

        .. code-block:: python

            class Layers(Metric):
                name = "layers"
                unit = "layers"

                def measure(self, module):
                    return float(len(list(module.modules())))

            Objective(network, train, Layers(), constraints=[Layers() <= 20])
    """

    name: str
    """What it is called in constraints, errors and plots; with its unit, if it has one."""

    unit: str
    """What it is measured in."""

    direction: str = "minimize"
    """Costs are there to be small."""

    static: bool = True
    """Whether a module on the meta device, without weights, is enough to tell."""

    # Without it, numpy's numbers on the left would compare element by element.
    __array_ufunc__ = None

    def measure(self, module: nn.Module) -> float:
        """The cost of a module, in ``unit``.

        Args:
            module:
                The network; it is left as it was.
        """
        raise NotImplementedError

    def __call__(self, module: nn.Module, trial: Any) -> float:
        """:meth:`measure`, as an evaluator.

        Args:
            module:
                The network.
            trial:
                Asked for nothing.
        """
        return self.measure(module)

    def __le__(self, limit: float) -> Constraint:
        return Constraint(self, limit, upper=True)

    def __ge__(self, limit: float) -> Constraint:
        return Constraint(self, limit, upper=False)

    def __lt__(self, limit: float) -> Constraint:
        return Constraint(self, limit, upper=True, strict=True)

    def __gt__(self, limit: float) -> Constraint:
        return Constraint(self, limit, upper=False, strict=True)
