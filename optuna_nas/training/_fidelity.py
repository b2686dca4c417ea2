"""``Fidelity``: what share of a full training a candidate gets: rows, pixels, channels, epochs."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import TypeAlias

from torch import nn

from optuna_nas._arguments import checked_float
from optuna_nas.training._epochs import check_epochs


ProxyNetwork: TypeAlias = Callable[[Mapping[str, Any]], nn.Module]
"""From a trial's params to the network that is trained in the candidate's place."""


@dataclass(frozen=True)
class Fidelity:
    """A cheaper training; without arguments, a full one.

    Example:

        .. code-block:: python

            fidelities = [Fidelity(data=1 / 9), Fidelity(data=1 / 3), Fidelity()]
            train = Train((X, y), (X_valid, y_valid), epochs=20, fidelities=fidelities)

    Args:
        data:
            The share of the training rows, in (0, 1]. Each class has its share, and at least a
            row. The rows of a smaller share are among those of a larger one.
        image_size:
            To what height and width images ``[n, channels, height, width]`` are resized, those of
            ``valid`` too: one int for both, or a pair. None leaves them.
        network:
            What is trained in the candidate's place, a function of the trial's params:
            ``space.smaller(network, {"width": 0.5})``. None is the candidate.
        epochs:
            How many; None for those of :class:`Train`.
        cost:
            What it costs, as a share of a full training. None takes the product of the shares of
            rows, pixels and epochs, and counts a network as if it were the candidate.

    Raises:
        ValueError:
            If an argument is not what is said above.
        TypeError:
            If ``network`` is no function of params.
    """

    data: float = 1.0
    image_size: int | tuple[int, int] | None = None
    network: ProxyNetwork | None = None
    epochs: int | None = None
    cost: float | None = None

    def __post_init__(self) -> None:
        checked_float("data", self.data, above=0, most=1)
        if self.image_size is not None and not _is_size(self.image_size):
            raise ValueError(
                "image_size must be an int of at least 1, a pair (height, width) of them, or "
                f"None, but is {self.image_size!r}."
            )
        if self.network is not None and (
            isinstance(self.network, nn.Module) or not callable(self.network)
        ):
            raise TypeError(
                "network must be a function from a trial's params to a module, "
                "space.smaller(network, {'width': 0.5}), but is "
                f"{self.network!r} ({type(self.network).__name__})."
            )
        if self.epochs is not None:
            check_epochs(self.epochs)
        if self.cost is not None:
            checked_float("cost", self.cost, above=0, otherwise=", or None")

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of the images; None leaves them."""
        if self.image_size is None or isinstance(self.image_size, tuple):
            return self.image_size
        return self.image_size, self.image_size

    def share_of_cost(self, epochs: int, pixels: int) -> float:
        """What it costs, as a share of a full training.

        Args:
            epochs:
                Those of a full training.
            pixels:
                Height times width of a full image; whatever, if none are resized.
        """
        if self.cost is not None:
            return self.cost
        height, width = self.size or (pixels, 1)
        return self.data * (self.epochs or epochs) / epochs * height * width / pixels


def _is_size(size: Any) -> bool:
    sides = size if isinstance(size, tuple) and len(size) == 2 else (size,)
    return all(isinstance(s, int) and s is not True and s >= 1 for s in sides)
