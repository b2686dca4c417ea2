"""``fingerprint``: a hash of what a module computes, equal for architectures that are the same.

The forward pass is recorded as a graph of operations, not as a tree of modules, so names and the
order of construction play no part. It runs on the meta device, where a convolution costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import nn
from torch import Tensor

from optuna_nas.space._explore import CANNOT_BE_BUILT
from optuna_nas.space._fingerprint_colours import digest
from optuna_nas.space._fingerprint_graph import Graph
from optuna_nas.space._fingerprint_graph import Value
from optuna_nas.space._fingerprint_record import CannotBeToldError
from optuna_nas.space._fingerprint_record import Recorder
from optuna_nas.space._fingerprint_record import Shapes


ROWS = 2
DICTS = ("_parameters", "_buffers", "_modules")


def fingerprint(module: nn.Module, example: Any, *, shapes: Shapes | None = None) -> str:
    """Returns a hash of what a module computes in eval mode.

    Equal for modules whose graphs of operations are isomorphic, once identities dissolved, sums of
    sums were flattened, what is multiplied by zero vanished, and equal operations without weights
    on one input merged. Shapes of weights, kernels, strides and the like count, and so does the
    rate of dropout, which is a hyperparameter of the training; what else a module does in train
    mode only is not seen. Values of weights and buffers, and names, do not count. One module
    applied twice differs from two modules.

    What is multiplied by zero is zero, and so is what certain operations make of zeros (``relu``,
    pooling, convolutions without bias, normalization as it is initialized); a sigmoid is none.

    Graphs are told apart by colour refinement, to which some highly symmetric ones look equal.

    Args:
        module:
            On any device; one on the meta device will do. It is left as it was.
        example:
            A batch of inputs, ``[batch, ...]``, tensor or array; a tuple for a ``forward`` of
            several. Only shapes and kinds count. Hashes of one example can be compared.
        shapes:
            Remembers from call to call what shapes operations give, which makes calls faster: a
            dict, empty at first.

    Returns:
        32 hexadecimal digits, the same in every process.

    Raises:
        TypeError:
            If module is no ``nn.Module`` or a compiled one, or the example no batch of numbers.
        ValueError:
            If the module reads values of tensors (``.item()``, ``if tensor``, ``x[mask]``), or
            calls what is no function of torch, or cannot be run on the example.

    Example:

        .. code-block:: python

            a = nn.Sequential(nn.Linear(4, 8), nn.Identity(), nn.ReLU())
            b = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True))
            assert fingerprint(a, torch.zeros(1, 4)) == fingerprint(b, torch.zeros(1, 4))
    """
    graph, outputs = recorded(module, example, {} if shapes is None else shapes)
    return digest(graph, outputs)


def live_parameters(module: nn.Module, example: Any) -> int:
    """Returns how many trainable weights have a part in what the module computes.

    Args:
        module:
            As in :func:`fingerprint`.
        example:
            As in :func:`fingerprint`.
    """
    graph, outputs = recorded(module, example, {})
    return sum(graph.weights.get(node, 0) for node in graph.live(outputs))


def recorded(module: nn.Module, example: Any, shapes: Shapes) -> tuple[Graph, list[Value]]:
    """Runs a module and returns the graph of what it did, and its outputs.

    Args:
        module:
            As in :func:`fingerprint`.
        example:
            As in :func:`fingerprint`.
        shapes:
            As in :func:`fingerprint`.

    Raises:
        TypeError:
            As in :func:`fingerprint`.
        ValueError:
            As in :func:`fingerprint`.
    """
    parts = _checked_parts(module)
    rows = _rows(example, module)
    first = next(chain(module.parameters(), module.buffers()), None)
    devices = ["meta"] if first is not None and first.is_meta else ["meta", "cpu"]
    for device in devices:
        try:
            with _left_as_they_were(parts):
                recorder = Recorder(device, shapes, parts)
                with recorder.running(rows) as inputs:
                    outputs = module(*inputs)
                return recorder.graph, recorder.values(outputs)
        except CannotBeToldError:
            raise
        except (*CANNOT_BE_BUILT, IndexError) as error:
            if device == devices[-1]:
                raise ValueError(
                    f"module {type(module).__name__} cannot be run on the example: {error}"
                ) from error
    raise AssertionError


def _checked_parts(module: Any) -> list[nn.Module]:
    """The module and all in it."""
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"fingerprint: module must be an nn.Module, but is {module!r} "
            f"({type(module).__name__}); build(network, params) gives one."
        )
    parts = list(module.modules())
    if any(isinstance(part, torch.jit.ScriptModule) for part in parts):
        raise TypeError(
            f"fingerprint: module {type(module).__name__} is or holds a ScriptModule, whose "
            "operations cannot be recorded; give the module that it was made of."
        )
    return parts


def _rows(example: Any, module: nn.Module) -> list[Tensor]:
    """Two rows of each input, in the precision of the module."""
    inputs = example if isinstance(example, tuple) else (example,)
    try:
        batches = [torch.as_tensor(x) for x in inputs]
    except (TypeError, ValueError, RuntimeError):
        batches = []
    if not batches or any(x.ndim == 0 or len(x) == 0 for x in batches):
        raise TypeError(
            "fingerprint: example must be a batch of inputs, a tensor or an array of at least one "
            f"row (or a tuple of them), but got {example!r} ({type(example).__name__})."
        )
    floats = (p.dtype for p in module.parameters() if p.is_floating_point())
    dtype = next(floats, torch.get_default_dtype())
    rows = [x[:1].detach().expand(ROWS, *x.shape[1:]).contiguous() for x in batches]
    return [x.to(dtype) if x.is_floating_point() else x for x in rows]


@contextmanager
def _left_as_they_were(parts: Sequence[nn.Module]) -> Iterator[None]:
    """Eval mode; afterwards all attributes are those of before, and so is torch's RNG."""
    before = [(vars(x), dict(vars(x)), [dict(vars(x)[name]) for name in DICTS]) for x in parts]
    with torch.random.fork_rng(devices=()):  # nothing is run on a GPU
        try:
            for attributes, _, _ in before:
                attributes["training"] = False  # `eval` may do more, such as merge weights
            yield
        finally:
            for attributes, kept, dicts in before:
                _restore(attributes, kept)
                for name, members in zip(DICTS, dicts, strict=True):
                    _restore(attributes[name], members)


def _restore(now: dict[str, Any], before: dict[str, Any]) -> None:
    now.clear()
    now.update(before)
