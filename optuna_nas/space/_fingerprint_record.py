"""``Recorder``: writes down, as a graph, what torch is asked to compute while it runs.

It hears every function of torch that a module calls, also in place, through views, and in
``torch.nn.functional``, but nothing of what those call in turn. Weights and inputs are replaced by
twins on the recorder's own device; so the module's own never change.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any
from typing import TypeAlias

import torch
from torch import nn
from torch import Tensor
from torch.overrides import TorchFunctionMode

from optuna_nas.space._fingerprint_calls import Call
from optuna_nas.space._fingerprint_calls import described
from optuna_nas.space._fingerprint_calls import name_of
from optuna_nas.space._fingerprint_calls import PLAIN
from optuna_nas.space._fingerprint_calls import tensors_in
from optuna_nas.space._fingerprint_graph import Graph
from optuna_nas.space._fingerprint_graph import Value
from optuna_nas.space._fingerprint_graph import ZERO
from optuna_nas.space._fingerprint_reads import reads_by
from optuna_nas.space._fingerprint_rules import DROPOUTS
from optuna_nas.space._fingerprint_rules import values_of


Shapes: TypeAlias = dict[Hashable, Any]
"""What shapes an operation gives, by the operation, its settings and the shapes of its inputs."""

MAX_SHAPES = 20_000

SHAPE_ONLY = frozenset(("shape", "dtype", "ndim", "size", "dim", "numel", "is_nested"))


class CannotBeToldError(ValueError):
    """What a module computes cannot be told from one run."""


class Recorder(TorchFunctionMode):
    """Records what is computed while it is running.

    Args:
        device:
            Where to compute: ``"meta"``, or ``"cpu"`` for what cannot be run there.
        shapes:
            Of earlier recordings, and of this one afterwards. Only used on the meta device.
        parts:
            Of the module: what tensors they hold need not be computed.
    """

    def __init__(self, device: str, shapes: Shapes, parts: Sequence[nn.Module]) -> None:
        super().__init__()
        self.graph = Graph()
        self._parts = parts
        self._device = device
        self._shapes = shapes
        self._values: dict[int, Value] = {}
        self._twins: dict[int, Tensor] = {}
        self._buffers: set[int] = set()
        self._views: dict[int, list[Tensor]] = {}
        self._kept: list[Any] = []  # else their ids would be given to others

    @contextmanager
    def running(self, inputs: Sequence[Tensor]) -> Iterator[list[Tensor]]:
        """Records while the context is open.

        Args:
            inputs:
                Of the module.

        Returns:
            What to give to the module in their place.
        """
        with torch.inference_mode(False), torch.no_grad():
            twins = [
                self._twin(x, f"input {i} of {x.ndim} dimensions {x.dtype}")
                for i, x in enumerate(inputs)
            ]
            with self:
                yield twins

    def values(self, outputs: Any) -> list[Value]:
        """The values of what a module gave.

        Args:
            outputs:
                A tensor, or tensors in lists, tuples and dicts.

        Raises:
            ValueError:
                If there is no tensor in it.
        """
        tensors = list(tensors_in(outputs))
        if not tensors:
            raise ValueError(
                f"the module gave no tensor, but {type(outputs).__name__}; a tensor, or a list, "
                "tuple or dict of tensors has a fingerprint"
            )
        return [self._values[id(self._ours(x))] for x in tensors]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = name_of(func)
        if name in SHAPE_ONLY:
            return func(*args, **(kwargs or {}))
        if name == "__iter__":
            return iter(self.__torch_function__(torch.unbind, types, args))
        args, kwargs = self._ours(args), self._ours(kwargs) if kwargs else {}
        reads = reads_by(name, args, kwargs)
        if reads is not None:
            raise CannotBeToldError(
                f"the module reads values of a tensor ({reads}), so that what it "
                "computes depends on them, and a fingerprint would not tell. Compute with tensors "
                "(torch.where, a mask), take sizes from x.shape, or do without fingerprints "
                "(duplicates=None)."
            )
        label, inputs = described(func, name, args, kwargs)
        values = [self._values[id(x)] for x in inputs]
        result, outputs = self._result(func, label, inputs, args, kwargs)
        if outputs:
            call = Call(name, label, args, kwargs, inputs, values, outputs)
            for output, value in zip(outputs, values_of(call, self.graph), strict=True):
                self._set(output, value)
        return result

    def _result(
        self,
        func: Callable[..., Any],
        label: str,
        inputs: Sequence[Tensor],
        args: Any,
        kwargs: Any,
    ) -> tuple[Any, list[Tensor]]:
        """What a function returns, and the tensors that it made or changed.

        If it was called like this before, all that it returns are tensors of those shapes.
        """
        key = (func, label, *[(x.shape, x.stride(), x.dtype) for x in inputs])
        if self._device == "meta" and key in self._shapes and not kwargs.get("inplace"):
            result = _fresh(self._shapes[key])
            return result, list(tensors_in(result))
        versions = [x._version for x in inputs]
        result = self._moved(func(*args, **kwargs))
        if name_of(func) in DROPOUTS and any(result is x for x in inputs):
            result = result.detach()  # in eval mode it is its own argument
        sources = {_memory(x): x for x in inputs}
        views = [x for x in tensors_in(result) if _memory(x) in sources]
        for view in views:
            self._join(view, sources[_memory(view)])
        changed = [x for x, v in zip(inputs, versions, strict=True) if x._version != v]
        if not views and not changed:
            self._remember(key, result)
        known = {id(x) for x in inputs} - {id(x) for x in changed}
        return result, [x for x in tensors_in(result) if id(x) not in known] or changed

    def _remember(self, key: Hashable, result: Any) -> None:
        shape = _shape_of(result)
        if shape is not None:
            if len(self._shapes) >= MAX_SHAPES:
                self._shapes.clear()
            self._shapes[key] = shape

    def _set(self, tensor: Tensor, value: Value) -> None:
        """Gives a tensor its value; if it had one, those that share its memory change as well."""
        self._kept.append(tensor)
        changed = id(tensor) in self._values
        self._values[id(tensor)] = value
        if changed:
            for other in self._views.get(id(tensor), ()):
                if other is not tensor and (value, self._values[id(other)]) != (ZERO, ZERO):
                    label = f"change of {_place(tensor)} in {_place(other)}"
                    before = self._values[id(other)]
                    self._values[id(other)] = self.graph.operation(label, [before, value])

    def _join(self, view: Tensor, source: Tensor) -> None:
        if view is not source:
            group = self._views.setdefault(id(source), [source])
            group.append(view)
            self._views[id(view)] = group

    def _ours(self, given: Any) -> Any:
        """The same with twins in the place of tensors that come from outside."""
        if type(given) in PLAIN:
            return given
        if isinstance(given, Tensor):
            return given if id(given) in self._values else self._begun_with(given)
        kind = type(given)
        if kind is tuple or kind is list:
            return kind([x if type(x) in PLAIN else self._ours(x) for x in given])
        if kind is dict:
            return {name: self._ours(x) for name, x in given.items()}
        if kind is slice:
            return slice(*(self._ours(x) for x in (given.start, given.stop, given.step)))
        return given

    def _begun_with(self, tensor: Tensor) -> Tensor:
        """A twin of what the module has, or made of constants; not of what it computed."""
        computed_here = tensor.device.type == self._device and id(tensor) not in self._twins
        if computed_here and not isinstance(tensor, nn.Parameter) and not self._is_held(tensor):
            raise CannotBeToldError(
                f"a tensor of shape {list(tensor.shape)} comes from an operation that is no "
                "function of torch, such as a compiled extension, so that a fingerprint would "
                "miss what it was computed from. Do without fingerprints (duplicates=None)."
            )
        kind = "weight" if tensor.requires_grad else "constant"
        return self._twin(tensor, f"{kind} {list(tensor.shape)} {tensor.dtype}")

    def _is_held(self, tensor: Tensor) -> bool:
        if not self._buffers:
            self._buffers = {id(x) for part in self._parts for x in part._buffers.values()}
        held = (x for part in self._parts for x in tensors_in(vars(part)))
        return id(tensor) in self._buffers or any(x is tensor for x in held)

    def _twin(self, tensor: Tensor, label: str) -> Tensor:
        if id(tensor) not in self._twins:
            weights = tensor.numel() if tensor.requires_grad else 0
            twin = self._on_device(tensor)
            self._kept += [tensor, twin]
            self._twins[id(tensor)] = twin
            self._values[id(twin)] = self.graph.leaf(label, weights=weights)
        return self._twins[id(tensor)]

    def _on_device(self, tensor: Tensor) -> Tensor:
        if self._device == "cpu":
            return tensor.detach().cpu().clone()
        if tensor.is_meta:  # has no values that could change
            return tensor
        return torch.empty_strided(
            tensor.shape, tensor.stride(), dtype=tensor.dtype, device=self._device
        )

    def _moved(self, result: Any) -> Any:
        """What was made elsewhere, on the recorder's device."""
        if isinstance(result, Tensor):
            return result if result.device.type == self._device else self._on_device(result)
        if type(result) in (list, tuple):
            return type(result)([self._moved(x) for x in result])
        return result


def _memory(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _place(tensor: Tensor) -> str:
    """Which part of its memory a tensor is."""
    return f"{list(tensor.shape)} {tensor.stride()} {tensor.storage_offset()}"


def _shape_of(result: Any) -> Any:
    """What it takes to make the like; None for what holds anything else than tensors."""
    if isinstance(result, Tensor):
        return result.shape, result.stride(), result.dtype
    if type(result) not in (list, tuple) or not result:
        return None
    shapes = [_shape_of(x) for x in result]
    return None if None in shapes else [type(result), *shapes]


def _fresh(shape: Any) -> Any:
    if isinstance(shape, tuple):
        size, stride, dtype = shape
        return torch.empty_strided(size, stride, dtype=dtype, device="meta")
    return shape[0]([_fresh(x) for x in shape[1:]])
