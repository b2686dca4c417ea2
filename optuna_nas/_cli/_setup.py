"""What a search is about: the command line, the data and the space together."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
import math
from pathlib import Path
from typing import Any

from optuna_nas._cli._data import Data
from optuna_nas._cli._data import load_data
from optuna_nas._cli._errors import bad_input
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._options import Options
from optuna_nas._cli._options import PRUNERS
from optuna_nas._cli._options import SAMPLERS
from optuna_nas._cli._space import make_space
from optuna_nas._cli._space import Space
from optuna_nas._estimator._table import TableInputs
from optuna_nas.metrics import Constraint
from optuna_nas.metrics import Flops
from optuna_nas.metrics import Latency
from optuna_nas.metrics import Metric
from optuna_nas.metrics import Parameters
from optuna_nas.study import Objective
from optuna_nas.study import Profile
from optuna_nas.study import profile
from optuna_nas.study import Screen
from optuna_nas.study._profile import NoneFound
from optuna_nas.training import Recipe
from optuna_nas.training import Train


EPOCHS_FOR_GRIDS = 15
EPOCHS_FOR_TABLES = 50

LEAST_STEPS = 200
"""Of few images a few epochs are too few steps of the optimizer to learn anything."""


@dataclass(frozen=True)
class Setup:
    """A search that can begin.

    Args:
        options:
            The command line.
        data:
            What to learn from.
        space:
            What to search.
    """

    options: Options
    data: Data
    space: Space

    @property
    def epochs(self) -> int:
        """How long each network is trained."""
        if self.options.epochs:
            return self.options.epochs
        if isinstance(self.data.inputs, TableInputs):
            return EPOCHS_FOR_TABLES
        batches = math.ceil(len(self.data.train[1]) / Recipe.batch_size)
        return max(EPOCHS_FOR_GRIDS, math.ceil(LEAST_STEPS / batches))

    @property
    def settled(self) -> Options:
        """The options with what was left open: another version may have other defaults."""
        options = self.options
        return replace(
            options,
            space=self.data.space,
            sampler=options.sampler or SAMPLERS[0],
            pruner=options.pruner or PRUNERS[0],
            trials=options.total,
            epochs=self.epochs,
        )

    @property
    def objectives(self) -> list[str]:
        """What is optimized: the score, to be maximized, and perhaps a cost."""
        also = [self.cost(self.options.also).name] if self.options.also else []
        return [self.data.metric, *also]

    def cost(self, name: str) -> Metric:
        """A cost by its name in the options."""
        row = self.data.train[0][:1]
        if name == "latency":
            with bad_input():
                return Latency(row, threads=self.options.threads)
        return Parameters() if name == "parameters" else Flops(row)

    def signature(self) -> dict[str, Any]:
        """What makes this search this one and not another, as JSON has it."""
        options = self.options
        arguments = ", ".join(f"{name}={value}" for name, value in self.space.arguments.items())
        optional = {
            "limits": options.limits,
            "test": options.test and Path(options.test).name,
            "warm start": options.warm_start,
            "proxy": options.proxy,
        }
        return {
            **{name: value for name, value in optional.items() if value},
            "data": f"{self.data.name} ({self.data.fingerprint})",
            "target": options.target,
            "drop": list(options.drop),
            "task": self.data.task,
            "space": f"{self.space.name}({arguments})",
            "epochs": self.epochs,
            "objectives": self.objectives,
            "seed": options.seed,
        }

    def objective(self, screen: Screen | None = None) -> Objective:
        """What trials are called with.

        Args:
            screen:
                What looks at candidates before they are trained.

        Raises:
            BadInput:
                If there is no such device, or no network within the limits.
        """
        options, data = self.options, self.data
        with bad_input():
            train = Train(
                data.train,
                data.valid,
                epochs=self.epochs,
                seed=options.seed,
                device=options.device,
            )
        also = [self.cost(options.also)] if options.also else []
        limits = [self.cost(name) <= limit for name, limit in options.limits.items()]
        static = [limit for limit in limits if limit.metric.static]
        if static:
            self._check_limits(static)
        return Objective(self.space.network, train, *also, constraints=limits, screen=screen)

    def _check_limits(self, limits: list[Constraint]) -> None:
        with bad_input():
            try:
                profile(self.space.network, limits, seed=self.options.seed)
            except NoneFound as error:
                raise BadInput(f"{error.problem}. {self._remedy(error.profile)}") from error

    def _remedy(self, found: Profile) -> str:
        """What to do where no random network is within the limits."""
        if not any(found.values.values()):
            return f"Correct the network, or give another --space: {next(iter(found.rejected))}"
        least = {name: min(values) for name, values in found.values.items()}
        over = [f"{n:,.0f} {name}" for name, n in least.items() if n > self.options.limits[name]]
        smallest = f"The smallest found has {' and '.join(over)}. " if over else ""
        return f"{smallest}Give --limit a larger value, or another --space."


def set_up(options: Options) -> Setup:
    """Loads the data and makes the space.

    Args:
        options:
            The command line.

    Raises:
        BadInput:
            If the data cannot be learned from, or the space is not for them.
    """
    data = load_data(options)
    space = make_space(data.space, data.inputs, data.train[0][:2], data.targets)
    return Setup(options, data, space)
