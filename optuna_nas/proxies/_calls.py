"""``Calls``: what a network calls while it runs, whether by a module or by a function.

Hooks on modules would miss ``F.relu(x)``. What is not seen is what a function of torch's calls
itself, as ``F.multi_head_attention_forward`` does.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import TypeAlias

from torch import Tensor
from torch.overrides import TorchFunctionMode


ACTIVATIONS = frozenset(
    [
        *("celu", "celu_", "elu", "elu_", "gelu", "hardsigmoid", "hardswish", "hardtanh"),
        *("hardtanh_", "leaky_relu", "leaky_relu_", "mish", "prelu", "relu", "relu_", "relu6"),
        *("rrelu", "rrelu_", "selu", "selu_", "sigmoid", "silu", "softplus", "tanh"),
    ]
)
CONVOLUTIONS = frozenset(f"conv{how}{d}d" for how in ("", "_transpose") for d in (1, 2, 3))
DROPOUTS = frozenset(
    ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]
)
NORMS = frozenset(["batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"])
CELLS = frozenset(["gru_cell", "lstm_cell", "rnn_relu_cell", "rnn_tanh_cell"])
RECURRENT = frozenset(["gru", "lstm", "rnn_relu", "rnn_tanh"])

Answer: TypeAlias = Callable[[str, Sequence[Any], Callable[[], Any]], Any]
"""Takes the function's name, its positional arguments, of which the first is a tensor, and what
makes the call; gives what the call is to give."""


class Calls(TorchFunctionMode):
    """Lets a function answer in place of torch's, while the context is open.

    Args:
        answer:
            Gives what the call is to give.
        names:
            Of the functions it answers for.
    """

    def __init__(self, answer: Answer, names: frozenset[str]) -> None:
        super().__init__()
        self._answer = answer
        self._names = names

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name not in self._names:
            return func(*args, **kwargs)
        if not args:  # F.relu(input=x)
            args = tuple(kwargs.values())[:1]
            kwargs = dict(tuple(kwargs.items())[1:])
        return self._answer(name, args, lambda: func(*args, **kwargs))


def passed_by(name: str, args: Sequence[Any], call: Callable[[], Any]) -> Any:
    """The answer of a function that gives what it takes."""
    return args[0]


def by_row(tensor: Tensor, rows: int) -> Tensor | None:
    """A tensor as ``[rows, ...]``; None if it has none for each row.

    Args:
        tensor:
            Rows first, perhaps with others folded into them (an image's patches), or elsewhere.
        rows:
            Of the batch.
    """
    if tensor.ndim and tensor.shape[0] % rows == 0:
        return tensor.reshape(rows, -1)
    where = next((i for i, size in enumerate(tensor.shape) if size == rows), None)
    return None if where is None else tensor.movedim(where, 0).flatten(1)
