"""Which search space fits the data, and the hand-made network that a search begins with."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from optuna_nas import spaces
from optuna_nas._estimator._grids import GridInputs
from optuna_nas._estimator._table import TableInputs
from optuna_nas._estimator._targets import Classes
from optuna_nas._estimator._targets import Numbers
from optuna_nas.space import Network


NAMES = ("tabular", "mlp", "cnn", "rnn", "transformer")
FITTING = {
    "table": ("tabular", "mlp"),
    "image": ("cnn", "mlp", "transformer"),
    "sequence": ("rnn", "mlp", "transformer"),
}
"""The first is the one of ``"auto"``."""

MLP = {
    "depth": 2,
    "width": 128,
    "activation": "relu",
    "norm": "batch",
    "dropout": 0.1,
    "residual": False,
}
RNN = {
    "layers": 1,
    "cell": "gru",
    "hidden": 64,
    "bidirectional": True,
    "dropout": 0.1,
    "readout": "mean",
}


def check_space(space: Any) -> None:
    """Checks what the user chose.

    Args:
        space:
            ``"auto"``, a name or a function of a trial.

    Raises:
        ValueError:
            If it is neither.
    """
    if callable(space) or space in ("auto", *NAMES):
        return
    near = get_close_matches(str(space).lower(), NAMES, n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    legal = ", ".join(map(repr, ("auto", *NAMES)))
    raise ValueError(
        f"space must be one of {legal}, or a function of a trial that gives an nn.Module, but is "
        f"{space!r}.{guess}"
    )


def space_for(space: Any, kind: str) -> Any:
    """The space that was chosen, or fits.

    Args:
        space:
            As for :func:`check_space`.
        kind:
            ``"table"``, ``"image"`` or ``"sequence"``.

    Raises:
        ValueError:
            If it is not for such data.
    """
    if callable(space):
        return space
    if space == "auto":
        return FITTING[kind][0]
    if space not in FITTING[kind]:
        raise ValueError(
            f"space={space!r} is not for a{'n' if kind == 'image' else ''} {kind}, which X is; "
            f"there is {', '.join(map(repr, FITTING[kind]))}."
        )
    return space


def make_network(
    space: Any,
    inputs: TableInputs | GridInputs,
    shape: tuple[int, ...],
    targets: Classes | Numbers,
) -> tuple[Network, dict[str, Any]]:
    """The network of a space, and the params of the hand-made one; of a function of one's own,
    what its attribute ``default_params`` says or gives.

    Args:
        space:
            As :func:`space_for` gives it.
        inputs:
            What prepares the data.
        shape:
            Of a prepared row.
        targets:
            What is to be predicted.
    """
    out = targets.out_features
    if callable(space):
        return space, _default_params(space)
    if isinstance(inputs, TableInputs):
        return _for_a_table(space, inputs, targets)
    if space == "mlp":
        features = 1
        for size in shape:
            features *= size
        return spaces.MLP(in_features=features, out_features=out), MLP
    if space == "cnn":
        return spaces.CNN(input_shape=shape, num_classes=out), _cnn()
    if space == "rnn":
        return spaces.RNN(in_features=shape[-1], out_features=out), RNN
    network = spaces.Transformer(input_shape=shape, out_features=out)
    return network, _transformer(network)


def _for_a_table(
    space: str, inputs: TableInputs, targets: Classes | Numbers
) -> tuple[Network, dict[str, Any]]:
    if space == "mlp":
        return spaces.MLP(inputs.features, targets.out_features), MLP
    network = spaces.Tabular(
        numeric=inputs.numeric,
        cardinalities=inputs.sizes,
        out_features=targets.out_features,
        task=targets.task,
    )
    return network, _default_params(network)


def _default_params(space: Any) -> dict[str, Any]:
    given: Callable[[], dict[str, Any]] | dict[str, Any] = getattr(space, "default_params", {})
    return dict(given() if callable(given) else given)


def _cnn() -> dict[str, Any]:
    """Two stages of 3x3 convolutions; a smaller image has one."""
    params: dict[str, Any] = {"stages": 2, "pool": "max"}
    for i in range(2):
        stage = {"width": 24 << i, "op": "conv", "kernel": 3, "skip": True, "blocks": 1}
        params |= {f"stage{i}/{name}": value for name, value in stage.items()}
    return params


def _transformer(network: spaces.Transformer) -> dict[str, Any]:
    params: dict[str, Any] = {"width": 48, "position": "learned", "depth": 2}
    if len(network.input_shape) == 3:
        params["patch"] = network._sides()[-1]
    for i in range(2):
        params |= {f"layer{i}/heads": 3, f"layer{i}/ratio": 2}
    return params
