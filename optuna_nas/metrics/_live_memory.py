"""``peak_bytes``: the memory alive at the worst moment of a forward pass, exactly."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import MutableMapping
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch import UntypedStorage
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary


ATTENTION = torch.ops.aten.scaled_dot_product_attention.default


def peak_bytes(
    call: Callable[..., object], inputs: Sequence[Tensor], held: Iterable[Tensor]
) -> int:
    """The most bytes alive at once.

    Each storage counts once, however many tensors are views of it, from the operation that makes
    it until the last tensor on it is gone. Operations made of others count as those do, so that
    the CPU and the meta device give the same number; what a kernel needs for itself does not
    show. Attention is the fused kernel, which never holds a weight for each pair of tokens.

    Args:
        call:
            The forward pass. It runs in inference mode.
        inputs:
            What it is called with; alive all the time, as its caller holds them.
        held:
            Tensors that are there all the time, such as weights.
    """
    live = _Live((*held, *inputs))
    with torch.inference_mode(), live:
        call(*inputs)
    return live.peak


class _Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees each operation, and with it each new storage; forgets those that are freed."""

    def __init__(self, held: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._held: MutableMapping[UntypedStorage, int] = WeakIdKeyDictionary()
        for tensor in held:
            storage = tensor.untyped_storage()
            self._held[storage] = storage.nbytes()
        self._always: int = sum(self._held.values())  # type: ignore[no-untyped-call]
        self._bytes: MutableMapping[UntypedStorage, int] = WeakIdKeyDictionary()
        self.peak = self._always

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is ATTENTION and args[0].ndim == 4:  # others have no fused kernel
            out = _as_fused(func(*args, **kwargs))
        else:
            with self:
                out = func.decompose(*args, **kwargs)
            if out is not NotImplemented:
                return out
            out = func(*args, **kwargs)
        self._see(part for part in pytree.tree_leaves(out) if isinstance(part, Tensor))
        return out

    def _see(self, tensors: Iterable[Tensor]) -> None:
        for tensor in tensors:
            storage: UntypedStorage = tensor.untyped_storage()
            if storage not in self._held:
                self._bytes[storage] = storage.nbytes()
        self.peak = max(self.peak, self._always + sum(self._bytes.values()))


def _as_fused(out: Tensor) -> Tensor:
    """On the meta device, in the fused kernel's layout, of which the next copy depends."""
    if not out.is_meta:
        return out
    n, heads, time, width = out.shape
    return out.new_empty(n, time, heads, width).transpose(1, 2)
