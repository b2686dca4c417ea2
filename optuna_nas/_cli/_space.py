"""Which search space fits the data, with which arguments, and its hand-made network."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import fields
from dataclasses import MISSING
from typing import Any

import torch

from optuna_nas import spaces
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._function import load_function
from optuna_nas._estimator._grids import GridInputs
from optuna_nas._estimator._spaces import FITTING
from optuna_nas._estimator._spaces import make_network
from optuna_nas._estimator._table import TableInputs
from optuna_nas._estimator._targets import Classes
from optuna_nas._estimator._targets import Numbers
from optuna_nas.space import AnsweredTrial
from optuna_nas.space import CANNOT_BE_BUILT
from optuna_nas.space import construct
from optuna_nas.space import SampledTrial


MORE: Mapping[str, Callable[[int, int], Any]] = {
    "nasbench201": lambda out, channels: spaces.NASBench201(
        num_classes=out, channels=8, cells=1, in_channels=channels
    ),
    "mobilenet": lambda out, channels: spaces.MobileNet(num_classes=out, in_channels=channels),
    "darts": lambda out, channels: spaces.DARTS(
        num_classes=out, channels=8, layers=3, in_channels=channels
    ),
    "hierarchical": lambda out, channels: spaces.Hierarchical(
        num_classes=out, channels=8, in_channels=channels
    ),
}
"""For images, beside those of the estimators; of a size for one core of a processor."""


@dataclass(frozen=True)
class Space:
    """A search space.

    Args:
        name:
            A class of :mod:`optuna_nas.spaces`, or ``"module:function"``.
        network:
            The function of a trial.
        default_params:
            Of the network made by hand, which is the first of a search; may be empty.
    """

    name: str
    network: Any
    default_params: dict[str, Any]

    @property
    def arguments(self) -> dict[str, Any]:
        """What a shipped space was given, where it is not the default."""
        if ":" in self.name:
            return {}
        given = asdict(self.network)
        defaults = {f.name: f.default for f in fields(self.network) if f.default is not MISSING}
        return {n: v for n, v in given.items() if n not in defaults or v != defaults[n]}


def check_name(name: str | None, kind: str, data: str) -> str:
    """The space that was chosen, or fits.

    Args:
        name:
            As :class:`Options` have it.
        kind:
            ``"table"``, ``"image"`` or ``"sequence"``.
        data:
            What the data are called, for errors.

    Raises:
        BadInput:
            If it is not for such data.
    """
    fitting: tuple[str, ...] = (*FITTING[kind], *(MORE if kind == "image" else ()))
    if name is None:
        return fitting[0]
    if ":" in name or name in fitting:
        return name
    others = [other for other in FITTING if name in FITTING[other]] or ["image"]
    raise BadInput(
        f"--space {name} is for {' and '.join(f'{other}s' for other in others)}, but {data} "
        f"{'is a table' if kind == 'table' else f'holds {kind}s'}. There is: "
        f"{', '.join(fitting)}."
    )


def make_space(
    name: str, inputs: TableInputs | GridInputs, rows: torch.Tensor, targets: Classes | Numbers
) -> Space:
    """Makes the space for some data.

    Args:
        name:
            As :func:`check_name` gives it.
        inputs:
            What prepares rows.
        rows:
            Two of them, prepared.
        targets:
            What is to be predicted.

    Raises:
        BadInput:
            If a function of the user's is not there, or does not take such rows.
    """
    if name in MORE:
        network = MORE[name](targets.out_features, rows.shape[1])
        return Space(type(network).__name__, network, {})
    space = load_function(name, "--space") if ":" in name else name
    network, params = make_network(space, inputs, tuple(rows.shape[1:]), targets)
    if ":" not in name:
        return Space(type(network).__name__, network, params)
    _check_takes(name, network, params, rows, targets.out_features)
    return Space(name, network, params)


def first_choices(params: Mapping[str, Any]) -> AnsweredTrial:
    """A trial that answers with params, and else with the first choice or the lowest number.

    Args:
        params:
            From decision to value.
    """

    def answer(name: str, distribution: Any) -> Any:
        if name in params:
            return params[name]
        return distribution.choices[0] if hasattr(distribution, "choices") else distribution.low

    return AnsweredTrial(answer)


def _check_takes(
    name: str, network: Any, params: Mapping[str, Any], rows: torch.Tensor, out: int
) -> None:
    """Checks one candidate; others that do not fit are rejected in the search."""
    shape = list(rows.shape[1:])
    try:
        module = construct(network, SampledTrial(first_choices(params)))
        with torch.no_grad():
            outputs = module.eval()(rows)
    except (*CANNOT_BE_BUILT, IndexError) as error:
        raise BadInput(
            f"--space {name}: a network of it cannot take rows [n, {', '.join(map(str, shape))}]: "
            f"{str(error).rstrip('.')}."
        ) from None
    found = tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
    if found != (len(rows), out):
        raise BadInput(
            f"--space {name}: a network of it must give [n, {out}] for rows [n, "
            f"{', '.join(map(str, shape))}], but gives {found} for {len(rows)} rows."
        )
