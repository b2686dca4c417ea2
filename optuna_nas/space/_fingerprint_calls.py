"""A call of a function of torch, in words that do not depend on how it was spelled."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from functools import lru_cache
import inspect
from types import FunctionType
from typing import Any
from typing import NamedTuple

import torch
from torch import Tensor

from optuna_nas.space._fingerprint_graph import Value


SPELLINGS = {
    "__add__": "add",
    "__iadd__": "add",
    "__radd__": "add",
    "__sub__": "sub",
    "__isub__": "sub",
    "__rsub__": "rsub",
    "__mul__": "mul",
    "__imul__": "mul",
    "__rmul__": "mul",
    "__truediv__": "div",
    "__itruediv__": "div",
    "__div__": "div",
    "__idiv__": "div",
    "__neg__": "neg",
    "__matmul__": "matmul",
    "__imatmul__": "matmul",
    "multiply": "mul",
    "subtract": "sub",
    "divide": "div",
    "true_divide": "div",
    "negative": "neg",
    "clip": "clamp",
    "concat": "cat",
    "concatenate": "cat",
}
PLAIN = frozenset(map(type, (None, True, 1, 1.0, 1j, "", ..., torch.float32)))
NO_SETTINGS = frozenset(("inplace", "out", "generator", "device", "pin_memory"))


class Call(NamedTuple):
    """A call, and what it gave.

    Attributes:
        name:
            Of the function, without underscores for what is done in place.
        label:
            The name with all settings, tensors as ``#``.
        args:
            As called.
        kwargs:
            As called.
        inputs:
            The tensors in them, in that order.
        values:
            Theirs, as they were before the call.
        outputs:
            The tensors that it gave or changed.
    """

    name: str
    label: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    inputs: Sequence[Tensor]
    values: Sequence[Value]
    outputs: Sequence[Tensor]


def described(
    func: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[str, list[Tensor]]:
    """A call's label, and its tensors in the order in which the label names them.

    Args:
        func:
            What is called.
        name:
            Its :func:`name_of`.
        args:
            Its arguments.
        kwargs:
            Its arguments with names.
    """
    inputs: list[Tensor] = []
    defaults = _defaults(func) if isinstance(func, FunctionType) else None
    if defaults is None or len(args) > len(defaults):
        texts = [_text(x, inputs) for x in args]
        known: Collection[str] = ()
        named = {n: kwargs[n] for n in sorted(kwargs)}
    else:
        texts = []
        known = defaults
        named = {**defaults, **dict(zip(defaults, args, strict=False)), **kwargs}
    for n, x in named.items():
        if n not in NO_SETTINGS:
            text = _text(x, inputs)
            texts.append(text if n in known else f"{n}={text}")
    return f"{name}({', '.join(texts)})", inputs


def name_of(func: Any) -> str:
    """Returns one name for all spellings of a function.

    Args:
        func:
            A function or method of torch, or what reads an attribute of a tensor.
    """
    name: str = getattr(func, "__name__", None) or str(func)
    if name == "__get__":
        return str(func.__self__.__name__)
    if name in SPELLINGS:
        return SPELLINGS[name]
    if name.endswith("_") and not name.endswith("__"):
        name = name[:-1]
    return SPELLINGS.get(name, name)


def tensors_in(tree: Any) -> Iterator[Tensor]:
    """Yields the tensors in lists, tuples and dicts.

    Args:
        tree:
            Anything.
    """
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, list | tuple):
        for x in tree:
            yield from tensors_in(x)
    elif isinstance(tree, Mapping):
        for x in tree.values():
            yield from tensors_in(x)


@lru_cache(maxsize=256)
def _defaults(func: FunctionType) -> dict[str, Any] | None:
    """Of a function written in Python, by name; None for those with stars."""
    try:
        parameters = inspect.signature(func).parameters.values()
    except ValueError:  # it wraps one written in C, as `**` does
        return None
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        return None
    return {p.name: None if p.default is p.empty else p.default for p in parameters}


def _text(x: Any, inputs: list[Tensor]) -> str:
    """A setting in words that are the same in every process; tensors are put to the others."""
    if type(x) in PLAIN:
        return repr(x)
    if isinstance(x, Tensor):
        inputs.append(x)
        return "#"
    if isinstance(x, list | tuple):
        return f"[{', '.join([_text(y, inputs) for y in x])}]"
    if isinstance(x, Mapping):
        return f"{{{', '.join([f'{n}: {_text(y, inputs)}' for n, y in x.items()])}}}"
    if isinstance(x, slice):
        return f"slice{_text((x.start, x.stop, x.step), inputs)}"
    if isinstance(x, int | float | complex | str):
        return repr(x)
    if hasattr(x, "tolist"):  # numpy's
        return repr(x.tolist())
    if isinstance(x, torch.device | torch.Generator):
        return type(x).__name__
    if hasattr(x, "__qualname__"):
        return f"{x.__module__}.{x.__qualname__}"
    return str(x) if isinstance(x, torch.memory_format | torch.layout) else type(x).__qualname__
