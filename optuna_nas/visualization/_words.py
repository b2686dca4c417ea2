"""What a step of a computation is called in a drawing: few words, as papers write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from optuna_nas import ops


@dataclass(frozen=True)
class Words:
    """What is said of a step.

    Args:
        name:
            What it is, without its width; empty if it changes nothing worth drawing.
        kind:
            One of ``KINDS``.
        width:
            Channels or features that it gives, where it chooses them.
    """

    name: str
    kind: str = "other"
    width: str = ""


NOTHING = Words("")

WHOLE: tuple[type[nn.Module], ...] = (
    ops.FactorizedReduction,
    ops.Patches,
    ops.SelfAttention,
    ops.SqueezeExcite,
)
"""Modules made of others that are drawn as one box."""

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
OPENED = ("Transformer", "TransformerEncoder", "TransformerDecoder")
NORMS = {"BatchNorm": "BN", "LayerNorm": "LN", "GroupNorm": "GN", "InstanceNorm": "IN"}


def is_one_box(module: nn.Module, whole: tuple[type[nn.Module], ...]) -> bool:
    """Whether a module is drawn as one, whatever it calls.

    Args:
        module:
            Any.
        whole:
            Classes of which it is wanted, beside torch's own modules and ``WHOLE``.
    """
    if isinstance(module, (*WHOLE, *whole)) or not any(True for _ in module.children()):
        return True
    kind = type(module)
    is_torchs = kind.__module__.startswith("torch.nn.modules")
    return (
        is_torchs
        and not isinstance(module, CONTAINERS)
        and not any(kind.__name__ in (name, f"{name}Layer") for name in OPENED)
    )


def words_of(module: nn.Module) -> Words:
    """What a module is called that is drawn as one.

    Args:
        module:
            Any.
    """
    name = type(module).__name__
    if isinstance(module, nn.Identity | nn.Flatten | nn.Unflatten):
        return NOTHING
    if hasattr(module, "kernel_size"):
        return _sliding(module, name)
    if isinstance(module, nn.modules.batchnorm._NormBase | nn.LayerNorm | nn.GroupNorm):
        return Words(next((NORMS[n] for n in NORMS if name.startswith(n)), name), "normalization")
    if isinstance(module, nn.modules.dropout._DropoutNd | ops.DropPath):
        kind = "drop-path" if isinstance(module, ops.DropPath) else "dropout"
        return Words(f"{kind} {module.p:g}", "dropout") if module.p else NOTHING
    if isinstance(module, nn.RNNBase):
        layers = f"{module.num_layers}-layer " * (module.num_layers > 1)
        both = "bidirectional " * module.bidirectional
        width = module.hidden_size * (2 if module.bidirectional else 1)
        return Words(f"{layers}{both}{module.mode.split('_')[0]}", "recurrent", str(width))
    return _by_class(module, name)


def _by_class(module: nn.Module, name: str) -> Words:
    if isinstance(module, nn.Linear | nn.Bilinear):
        return Words(name.lower(), "linear", str(module.out_features))
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return Words("embedding", "embedding", str(module.embedding_dim))
    if isinstance(module, nn.MultiheadAttention):
        return Words("attention", "attention", f"{module.num_heads} heads")
    if isinstance(module, ops.SelfAttention):
        return Words("self-attention", "attention", f"{module.heads} heads")
    if isinstance(module, ops.SqueezeExcite):
        return Words("squeeze-excite", "attention")
    if isinstance(module, ops.FactorizedReduction):
        width = str(module.norm.num_features)
        return Words("factorized reduction", "convolution", width)
    if isinstance(module, ops.Patches):
        side = _by(module.project.kernel_size)
        return Words(f"{side} patches", "embedding", str(module.project.out_channels))
    if isinstance(module, ops.Zero):
        return Words("zero", "zero")
    own = {"LearnedPositions": "learned positions", "SinusoidalPositions": "sinusoidal positions"}
    if name in own:
        return Words(own[name], "embedding")
    if isinstance(module, ops.Last | ops.Mean):
        return Words({"Last": "last step", "Mean": "mean over time"}[name], "pooling")
    if "Pool" in name:
        size = getattr(module, "output_size", None)
        is_global = size in (1, (1,), (1, 1), (1, 1, 1))
        kind = "max pool" if "Max" in name else "avg pool"
        return Words(f"global {kind}" if is_global else f"{kind} to {_by(size, name)}", "pooling")
    if type(module).__module__ == "torch.nn.modules.activation":
        return Words(name, "activation")
    return Words(name, "normalization" if "Norm" in name else "other")


def _sliding(module: Any, name: str) -> Words:
    """Convolutions and pooling."""
    name = name if name[-2:] in ("1d", "2d", "3d") else f"{name}2d"
    size, strides = _by(module.kernel_size, name), _tuple(module.stride)
    stride = strides[0] if len(set(strides)) == 1 else _by(strides)
    moved = f", /{stride}" if stride != 1 else ""
    if "Conv" not in name:
        kind = "max pool" if "Max" in name else "avg pool" if "Avg" in name else name[:-2]
        return Words(f"{size} {kind}{moved}", "pooling")
    depthwise = module.groups > 1 and module.groups == module.in_channels
    grouped = "dw " if depthwise else "grouped " if module.groups > 1 else ""
    dilated = "dil. " if set(_tuple(module.dilation)) != {1} else ""
    turned = "transposed " if "Transpose" in name else ""
    kind = f"{size} {dilated}{grouped}{turned}conv{moved}"
    return Words(kind, "convolution", str(module.out_channels))


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _by(value: Any, name: str = "2d") -> str:
    """``3×3``; a single number stands for as many as the module's name says."""
    sizes = _tuple(value)
    return "×".join(map(str, sizes if len(sizes) > 1 else sizes * int(name[-2])))
