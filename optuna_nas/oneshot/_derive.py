"""From a supernet to one architecture on its own, with the weights that it inherits.

The network is built anew, and then each of its tensors is looked up in the supernet. To take
modules out of the supernet instead would miss those that are held twice, or in a list as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from torch import nn
from torch import Tensor
from torch.optim.swa_utils import update_bn

from optuna_nas.oneshot._mixtures import Gated


def shared_key(shared: nn.Module, key: str, taken: Mapping[str, tuple[int, ...]]) -> str:
    """Returns what the supernet calls that which the stand-alone network calls ``key``.

    Args:
        shared:
            The network with its mixtures, or a part of it.
        key:
            Of a parameter, a buffer or another state.
        taken:
            The logits that the architecture takes, by decision. A decision that is missing is
            open in both.
    """
    if isinstance(shared, Gated) and shared.gate.name in taken:
        key = shared.inside(key, taken[shared.gate.name])
    name, dot, rest = key.partition(".")
    child = shared._modules.get(name)
    if child is None or not dot:
        return key
    return f"{name}.{shared_key(child, rest, taken)}"


def inherit(module: nn.Module, shared: nn.Module, taken: Mapping[str, tuple[int, ...]]) -> None:
    """Gives a stand-alone network a copy of the supernet's weights, on their device.

    Args:
        module:
            The stand-alone network.
        shared:
            The network with its mixtures.
        taken:
            The logits that the architecture takes, by decision.
    """
    state = shared.state_dict()
    module.load_state_dict({k: state[shared_key(shared, k, taken)] for k in module.state_dict()})
    tensors = dict(_tensors(shared))
    for key, tensor in _tensors(module):  # device, dtype, and what a state dict leaves out
        tensor.data = tensors[shared_key(shared, key, taken)].detach().clone()
    for part in module.modules():
        if isinstance(part, nn.RNNBase):
            part.flatten_parameters()  # on a GPU, they want their weights in one piece


def recalibrate(module: nn.Module, batches: Iterable[Any]) -> None:
    """Computes the running statistics of batch normalizations anew, as averages over batches.

    Args:
        module:
            The network; other modules see the batches in train mode too.
        batches:
            Inputs, or tuples that begin with the inputs, as a ``DataLoader`` gives them.

    Raises:
        ValueError:
            If there are none.
    """
    seen = 0

    def counted() -> Iterator[Any]:
        nonlocal seen
        for batch in batches:
            seen += 1
            yield batch

    if not any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in module.modules()):
        return
    update_bn(counted(), module, next(module.parameters()).device)
    if seen == 0:
        raise ValueError("recalibrate must give at least one batch of inputs, but gave none.")


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from module.named_parameters(remove_duplicate=False)
    yield from module.named_buffers(remove_duplicate=False)
