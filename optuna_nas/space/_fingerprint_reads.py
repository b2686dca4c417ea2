"""Which calls read values of tensors, so that what comes of them no record of calls can tell."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import torch

from optuna_nas.space._fingerprint_calls import tensors_in


READS_VALUES = {
    "__array__": "an array",
    "__bool__": "if tensor",
    "__complex__": "complex(tensor)",
    "__contains__": "x in tensor",
    "__float__": "float(tensor)",
    "__index__": "a tensor as an index",
    "__int__": "int(tensor)",
    "_pack_padded_sequence": "pack_padded_sequence",
    "allclose": "torch.allclose",
    "argwhere": "torch.argwhere",
    "bincount": "torch.bincount",
    "equal": "torch.equal",
    "is_nonzero": "torch.is_nonzero",
    "item": ".item()",
    "masked_select": "torch.masked_select",
    "nonzero": "torch.nonzero",
    "numpy": ".numpy()",
    "tolist": ".tolist()",
    "unique": "torch.unique",
    "unique_consecutive": "torch.unique_consecutive",
}
"""Those whose result has a shape that depends on values are among them."""

MASKS = (torch.bool, torch.uint8)


def reads_by(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """In what words a call reads values of tensors; None if it does not.

    Args:
        name:
            Of the function, as :func:`name_of` gives it.
        args:
            As called.
        kwargs:
            As called.
    """
    if name == "where" and len(args) + len(kwargs) == 1:
        return "torch.where of one argument"
    if name == "__getitem__" and any(x.dtype in MASKS for x in tensors_in(args[1])):
        return "x[mask]"
    if name == "one_hot" and kwargs.get("num_classes", [*args[1:], -1][0]) == -1:
        return "one_hot without num_classes"
    if name in ("repeat_interleave", "tensor_split") and kwargs.get("output_size") is None:
        settings = {n: x for n, x in kwargs.items() if n not in ("input", "self")}
        if len(args) + len(kwargs) == 1 or list(tensors_in((args[1:], settings))):
            return f"{name} by a tensor"
    return READS_VALUES.get(name)
