"""What a function of tensors is called in a drawing, and which ones are none of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from optuna_nas.visualization._words import NOTHING
from optuna_nas.visualization._words import Words


RESHAPES = frozenset(
    """
    view view_as reshape reshape_as flatten unflatten transpose permute contiguous squeeze
    unsqueeze expand expand_as chunk split narrow movedim swapaxes t unbind tensor_split
    clone detach to type float half double type_as select requires_grad_ alias
    select_scatter __getitem__ __get__ moveaxis swapdims ravel rearrange cpu cuda pin_memory
    """.split()  # noqa: SIM905
)
"""Functions that only look at a tensor in another way: not drawn, the shapes tell."""

CONSTANTS = frozenset(
    """
    new_ones new_zeros new_full new_empty new_tensor zeros_like ones_like full_like
    empty_like rand_like randn_like size dim numel __len__ stride is_floating_point
    """.split()  # noqa: SIM905
)
"""Functions of a tensor's shape alone."""

JOINS = {
    "cat": "concat",
    "concat": "concat",
    "concatenate": "concat",
    "stack": "stack",
    "mul": "×",
    "multiply": "×",
    "sub": "−",
    "div": "÷",
    "truediv": "÷",
    "true_divide": "÷",
    "matmul": "matmul",
    "bmm": "matmul",
    "einsum": "einsum",
}

ACTIVATIONS = {"relu": "ReLU", "relu6": "ReLU6", "elu": "ELU", "gelu": "GELU", "silu": "SiLU"}

FUNCTIONS = {
    "linear": "linear",
    "scaled_dot_product_attention": "attention",
    "multi_head_attention_forward": "attention",
    "embedding": "embedding",
    "dropout": "dropout",
    "layer_norm": "normalization",
    "batch_norm": "normalization",
    "mean": "pooling",
    "amax": "pooling",
}


def words_of_function(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Words:
    """What a function of tensors is called.

    Args:
        name:
            As torch names it.
        args:
            What it is given.
        kwargs:
            By name.
    """
    name = name.strip("_")
    if name == "dropout" and not kwargs.get("training", len(args) < 3 or args[2]):
        return NOTHING
    if name == "setitem":
        return Words("assign", "join")
    numbers = [x for x in args if isinstance(x, int | float) and not isinstance(x, bool)]
    if name in ("add", "sub") and numbers == [0]:
        return NOTHING
    tensors = [x for x in args if isinstance(x, Tensor)]
    if name == "add" and len(tensors) > 1:
        return Words("+", "sum")
    if name in ("add", "sub", "mul", "div") and numbers:
        return Words(f"{ {'add': '+', **JOINS}[name] } {numbers[0]:.3g}", "activation")
    if name in ("cat", "concat", "concatenate") and args and len(args[0]) == 1:
        return NOTHING
    if name in JOINS:
        return Words(JOINS[name], "join")
    kind = "convolution" if name.startswith("conv") else "pooling" if "pool" in name else ""
    said = ACTIVATIONS.get(name, name.replace("_", " "))
    return Words(said, kind or FUNCTIONS.get(name, "activation"))
