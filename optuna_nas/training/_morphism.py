"""Weights for a network from those of another one: the same function, where that can be.

Wider: a new unit is a copy of an old one, and what reads the two shares the old one's outgoing
weights between them. Deeper: a new layer begins as the identity. (Chen et al. 2016, "Net2Net",
https://arxiv.org/abs/1511.05641, sec. 2.) A larger kernel has the old one in its centre (Wei et
al. 2016, "Network morphism", https://arxiv.org/abs/1603.01670). What became smaller keeps the
leading units, an approximate morphism (Elsken et al. 2019, https://arxiv.org/abs/1804.09081).
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
import math

import torch
from torch import nn
from torch import Tensor

from optuna_nas.training._morphism_identity import identity
from optuna_nas.training._morphism_identity import silence
from optuna_nas.training._morphism_layers import aligned
from optuna_nas.training._morphism_layers import ALONG
from optuna_nas.training._morphism_layers import Layer
from optuna_nas.training._morphism_layers import layers_of
from optuna_nas.training._morphism_layers import STACKED
from optuna_nas.training._morphism_tensors import centred
from optuna_nas.training._morphism_tensors import Features
from optuna_nas.training._morphism_tensors import overlap
from optuna_nas.training._morphism_tensors import reading
from optuna_nas.training._morphism_tensors import spread


@dataclass
class Morphism:
    """Weights for a network, made from those of another one.

    Args:
        state:
            Tensors for ``load_state_dict``: all that were taken or set, and no others.
        inherited:
            How many numbers among the parameters come from the old network.
        identities:
            How many lie in new layers or blocks that begin as the identity.
        lost:
            How many layers of the old network nothing continues.
        copying:
            The names of these layers, but for those in residual blocks, which add nothing.
    """

    state: dict[str, Tensor] = field(default_factory=dict)
    inherited: int = 0
    identities: int = 0
    lost: int = 0
    copying: list[str] = field(default_factory=list)


def morphism(
    module: nn.Module,
    layers: Sequence[Layer],
    tensors: Mapping[str, Tensor],
    generator: torch.Generator,
) -> Morphism:
    """Finds weights for a network. The network is left as it is.

    It computes what the old one did, in eval mode, if both are sequences of linear layers and
    convolutions, each perhaps with batch normalisation and an activation; if widths and kernels
    only grew, or new layers stand behind activations f with f(f(x)) = f(x), as of ReLU. Where both
    happen at once, a layer may be taken for another of its width, and the rest is approximate.
    Where inputs are added as they are (residual connections), widening is exact too, and so are
    new residual blocks that end in such an activation.

    Args:
        module:
            The network, on any device.
        layers:
            Of the old network.
        tensors:
            Its state, on the CPU, by name.
        generator:
            For the shares of the copies, on the CPU. With halves, units that are equal would have
            equal gradients, and so remain equal.
    """
    made, new = Morphism(), layers_of(module)
    pairs = aligned(layers, new)
    made.lost = len(layers) - len(pairs)
    held = {name: x for name, x in module.state_dict().items() if isinstance(x, Tensor)}
    state = {name: x.detach().cpu() for name, x in held.items()}
    parameters = {name for name, _ in module.named_parameters()}
    before: Features | None = None
    for layer in new:
        like = pairs.get(layer.name)
        if like is None:
            before = _begun(made, module, layer, pairs, before)
            continue
        fresh = {name: x for name, x in state.items() if layer.owns(name)}
        for name, x, count in _continued(layer, like, fresh, tensors, before, generator):
            made.state[name] = x.to(fresh[name].dtype)
            made.inherited += count if name in parameters else 0
        before = _behind(layer, like, before)
    return made


def _begun(
    made: Morphism,
    module: nn.Module,
    layer: Layer,
    continued: Mapping[str, Layer],
    before: Features | None,
) -> Features | None:
    """Begins a new layer as the identity, if it can be; returns the features behind it."""
    set_to = silence(module, layer, continued)
    is_in_block = set_to is not None
    if set_to is None:
        set_to = identity(module, layer, continued)
    made.state.update(set_to)
    if set_to and not is_in_block:
        made.copying.append(layer.name)
    if set_to or is_in_block:
        own = module.get_submodule(layer.name).parameters(recurse=False)
        made.identities += sum(parameter.numel() for parameter in own)
    if is_in_block or layer.is_depthwise or len(layer.shape) < 2:
        return before
    if before is None or not set_to or len(before.index) != layer.shape[1]:
        return None
    return Features(before.old, before.index[spread(layer.shape[1], layer.shape[0])])


def _continued(
    layer: Layer,
    like: Layer,
    fresh: Mapping[str, Tensor],
    tensors: Mapping[str, Tensor],
    before: Features | None,
    generator: torch.Generator,
) -> Iterator[tuple[str, Tensor, int]]:
    """The tensors of a layer from those of another, and how many numbers of theirs they hold."""
    for name, own in fresh.items():
        old = tensors.get(like.tensor(layer.within(name)))
        if old is None or old.ndim != own.ndim:
            continue
        if layer.mixes and old.ndim > 1:
            x = old[spread(len(old), len(own))]
            if not layer.is_depthwise:
                x = reading(x, own, before, generator)
            kernels = zip(x.shape[2:], own.shape[2:], strict=True)
            read = old.shape[1] if before is None else own.shape[1]
            area = math.prod(min(sides) for sides in kernels)
            yield name, centred(x, own.shape[2:]), len(own) * min(read, own.shape[1]) * area
        elif layer.mixes or (layer.kind in ALONG and old.ndim == 1):
            yield name, old[spread(len(old), len(own))], len(own)
        elif old.shape == own.shape:
            yield name, old, old.numel()
        elif old.ndim and not layer.is_grouped:
            yield name, *overlap(old, own, STACKED.get(layer.kind, 1))


def _behind(layer: Layer, like: Layer, before: Features | None) -> Features | None:
    """What has become of the features behind a layer that continues another one."""
    if layer.mixes:
        return Features(like.shape[0], spread(like.shape[0], layer.shape[0]))
    return before if layer.kind in ALONG else None
