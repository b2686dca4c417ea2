"""A network's weights as a safetensors file, and back. Not a pickle: reading one runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import json

from safetensors import SafetensorError
import safetensors.torch
from torch import nn
from torch import Tensor

from optuna_nas.training._morphism_layers import Layer
from optuna_nas.training._morphism_layers import layers_of


def to_bytes(module: nn.Module) -> bytes:
    """Returns a safetensors file of a network's state, with its layers in the metadata.

    What else a state may hold (``get_extra_state``) is left out: only a pickle could keep it.

    Args:
        module:
            On any device.
    """
    held = {name: x for name, x in module.state_dict().items() if isinstance(x, Tensor)}
    state = {name: x.detach().cpu().contiguous().clone() for name, x in held.items()}  # unshared
    layers = [[layer.name, layer.kind, layer.shape] for layer in layers_of(module)]
    return safetensors.torch.save(state, metadata={"layers": json.dumps(layers)})


def from_bytes(content: bytes) -> tuple[Sequence[Layer], Mapping[str, Tensor]]:
    """Returns the layers and the state in a file.

    Args:
        content:
            Of a file that :func:`to_bytes` made.

    Raises:
        ValueError:
            If it is another one, or damaged.
    """
    try:
        tensors = safetensors.torch.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        told = json.loads(header["__metadata__"]["layers"])
        layers = [Layer(name, kind, tuple(shape)) for name, kind, shape in told]
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a file of weights: {error}") from error
    return layers, tensors
