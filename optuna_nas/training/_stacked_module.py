"""``Stack``: k modules of one structure, computed as one by ``torch.vmap`` over their weights.

On one core, a training step of 32 multilayer perceptrons of width 64 takes a third of the time of
32 single ones. Batched products written by hand take a quarter, but only a network of linear
layers can be written by hand. Measured in ``studies/batched_training``.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch import Tensor
from torch.func import functional_call
from torch.nn.attention import sdpa_kernel
from torch.nn.attention import SDPBackend

from optuna_nas.training._stacked_padding import cut
from optuna_nas.training._stacked_padding import stacked
from optuna_nas.training._stacked_structure import RATES


class Stack:
    """k modules as one.

    Args:
        modules:
            k modules of one structure, or that can be padded to one. They keep their weights until
            :meth:`write`.
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        self.template = _with_rates(modules)
        """Whose forward is computed, with the weights below in place of its own."""
        self.parameters = _tensors([dict(module.named_parameters()) for module in modules])
        """By name, ``[k, ...]``."""
        self.buffers = _tensors([dict(module.named_buffers()) for module in modules])
        """By name, ``[k, ...]``, with the rates of dropout where they differ."""
        for name, parameter in modules[0].named_parameters():
            self.parameters[name].requires_grad_(parameter.requires_grad)
        for name, part in self.template.named_modules():
            if isinstance(part, Dropout):
                rates = [float(module.get_submodule(name).p) for module in modules]  # type: ignore[arg-type]
                device = next(iter(self.parameters.values())).device
                self.buffers[f"{name}.rate" if name else "rate"] = torch.tensor(
                    rates, device=device
                )

    def __call__(
        self, function: Callable[..., Tensor], *columns: Tensor, shared: int = 0
    ) -> Tensor:
        """What a function of (forward, *columns) gives for each member, ``[k, ...]``.

        Args:
            function:
                It sees one member: its forward, and its part of each column.
            *columns:
                ``[k, ...]``.
            shared:
                How many of the columns, the first ones, are ``[...]`` and all members' alike.
        """

        def of_one(parameters: Any, buffers: Any, *rows: Tensor) -> Tensor:
            def forward(inputs: Tensor) -> Any:
                return functional_call(self.template, (parameters, buffers), (inputs,))

            return function(forward, *rows)

        own = len(columns) - shared
        dims = (0, 0 if self.buffers else None, *[None] * shared, *[0] * own)
        mapped = torch.vmap(of_one, in_dims=dims, randomness="different")
        # vmap has rules for attention written out, and none for the fused kernels of a CPU.
        with sdpa_kernel(SDPBackend.MATH):
            out: Tensor = mapped(self.parameters, self.buffers, *columns)
        return out

    def train(self, mode: bool) -> None:
        """Sets the mode of all members.

        Args:
            mode:
                False for eval.
        """
        self.template.train(mode)

    def keep(self, rows: Tensor) -> None:
        """Drops all other members.

        Args:
            rows:
                Which to keep, in order.
        """
        for name, parameter in self.parameters.items():
            kept = parameter.detach().index_select(0, rows)
            self.parameters[name] = kept.requires_grad_(parameter.requires_grad)
        for name, buffer in self.buffers.items():
            self.buffers[name] = buffer.index_select(0, rows)

    @torch.no_grad()
    def write(self, i: int, module: nn.Module) -> None:
        """Puts the weights of a member into its module, which is left in eval mode.

        Args:
            i:
                Which, of those that are left.
            module:
                The one that the member was made of.
        """
        for held, own in (
            (self.parameters, module.named_parameters()),
            (self.buffers, module.named_buffers()),
        ):
            for name, tensor in own:
                tensor.copy_(cut(held[name][i], tensor))
        module.eval()


class Dropout(nn.Module):
    """``nn.Dropout`` whose rate is a tensor, so that it can differ within a stack."""

    rate: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("rate", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Takes and returns any shape."""
        if not self.training:
            return x
        return torch.where(torch.rand_like(x) < self.rate, 0.0, x / (1 - self.rate))


def _with_rates(modules: Sequence[nn.Module]) -> nn.Module:
    """The first module, or a copy with dropout of ours in place of that whose rates differ."""
    template = modules[0]
    ours: dict[int, Dropout] = {}  # by the module that it stands for, which may be held twice
    for name, part in modules[0].named_modules(remove_duplicate=False):
        rate = RATES.get(type(part))
        if rate is None or len({getattr(m.get_submodule(name), rate) for m in modules}) == 1:
            continue
        template = deepcopy(template) if template is modules[0] else template
        parent, _, child = name.rpartition(".")
        if not name:
            return Dropout()
        setattr(template.get_submodule(parent), child, ours.setdefault(id(part), Dropout()))
    return template


def _tensors(members: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
    with torch.no_grad():
        return {name: stacked([held[name] for held in members]) for name in members[0]}
