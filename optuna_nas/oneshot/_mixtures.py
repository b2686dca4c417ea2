"""What a supernet has in place of a module, a repeat and a node: all of their parts, and a gate.

With a path set, each computes what the stand-alone network computes in its place, and nothing
else. Without, each sums all that its parts give, by the gate's weights. Parts are kept by index,
since an option may be called ``type`` or ``a.b``, which are no names of submodules.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import reduce
from itertools import islice
from typing import Any
from typing import TypeAlias

import torch
from torch import nn
from torch import Tensor

from optuna_nas.oneshot._gate import Gate


class Mixture(nn.Module):
    """The options of ``suggest_module``; takes and gives what each of them does.

    Args:
        gate:
            Shared by all modules that ask this decision.
        options:
            In the order of the gate's labels.
    """

    gate: Gate

    def __init__(self, gate: Gate, options: Sequence[nn.Module]) -> None:
        super().__init__()
        refer(self, gate)
        self.options = nn.ModuleList(options)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Takes any inputs. On a path it returns what the option returns, else a tensor."""
        if self.gate.taken is None:
            return mix(self.gate, self._outputs(inputs, named))
        return self.options[self.gate.taken[0]](*inputs, **named)

    def _outputs(self, inputs: tuple[Any, ...], named: dict[str, Any]) -> Iterator[Output]:
        for i in self.gate.mixing():
            label = f"option {self.gate.labels[i]!r}"
            yield i, label, untouched(self.gate, label, self.options[i], *inputs, **named)

    def inside(self, key: str, taken: Sequence[int]) -> str:
        return f"options.{taken[0]}.{key}"


class Exits(nn.Module):
    """The blocks of ``suggest_repeat``, with a gate on where to leave.

    Args:
        gate:
            With a logit for each number of blocks from the lowest on.
        blocks:
            As many as the highest number.
    """

    gate: Gate

    def __init__(self, gate: Gate, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        refer(self, gate)
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Any) -> Any:
        """Takes what the first block takes, returns what each block gives."""
        if self.gate.taken is None:
            return mix(self.gate, self._outputs(x))
        for block in islice(self.blocks, self.gate.labels[self.gate.taken[0]]):
            x = block(x)
        return x

    def _outputs(self, x: Any) -> Iterator[Output]:
        exits = {self.gate.labels[i]: i for i in self.gate.mixing()}
        for n in range(max(exits) + 1):
            label = f"block {n - 1}" if n > 0 else "the input, as 0 blocks leave it,"
            if n > 0:
                x = untouched(self.gate, label, self.blocks[n - 1], x)
            if n in exits:
                yield exits[n], label, x

    def inside(self, key: str, taken: Sequence[int]) -> str:
        return f"blocks.{key}"


class Inputs(nn.Module):
    """The edges of ``suggest_inputs``, from all inputs.

    Args:
        gate:
            With a logit for each input.
        edges:
            The module on the edge from each input.
    """

    gate: Gate

    def __init__(self, gate: Gate, edges: Sequence[nn.Module]) -> None:
        super().__init__()
        refer(self, gate)
        self.edges = nn.ModuleList(edges)

    def forward(self, states: Sequence[Tensor]) -> Any:
        """Takes all inputs, returns the sum of those taken, or of all by weight."""
        if len(states) != len(self.edges):
            raise ValueError(
                f"Decision {self.gate.name!r} takes {self.gate.k} of {len(self.edges)} inputs, "
                f"but {len(states)} came."
            )
        if self.gate.taken is None:
            return mix(self.gate, self._outputs(states))
        return reduce(torch.add, [self.edges[i](states[i]) for i in self.gate.taken])

    def _outputs(self, states: Sequence[Tensor]) -> Iterator[Output]:
        for i in self.gate.mixing():
            label = f"edge {i}"
            yield i, label, untouched(self.gate, label, self.edges[i], states[i])

    def inside(self, key: str, taken: Sequence[int]) -> str:
        edges, position, *rest = key.split(".", 2)
        return ".".join([edges, str(taken[int(position)]), *rest])


Gated: TypeAlias = Mixture | Exits | Inputs
"""Each has ``inside``: where it keeps what the stand-alone network in its place calls ``key``."""

Output: TypeAlias = tuple[int, str, Any]
"""A logit, what gave the output in words, and the output."""


def mix(gate: Gate, outputs: Iterable[Output]) -> Tensor:
    """Sums outputs by their weights, each computed when its turn comes.

    Args:
        gate:
            Whose weights.
        outputs:
            At least one, of one shape.

    Raises:
        TypeError:
            If one is no tensor.
        ValueError:
            If two have different shapes.
    """
    weights, first, total = gate.mixing(), "", None
    shape: torch.Size | None = None
    for i, label, out in outputs:
        if not isinstance(out, Tensor):
            raise TypeError(
                f"Decision {gate.name!r}: {label} gives {type(out).__name__}, but a supernet "
                "mixes tensors only. Wrap it in a module that returns one tensor."
            )
        if shape is None:
            first, shape = label, out.shape
        elif out.shape != shape:
            raise ValueError(
                f"Decision {gate.name!r}: {label} gives shape {list(out.shape)}, but {first} "
                f"gives {list(shape)}. What one decision chooses from must give one shape."
            )
        term = weights[i] * out
        total = term if total is None else total + term
    assert total is not None
    return total


def untouched(gate: Gate, label: str, part: nn.Module, *inputs: Any, **named: Any) -> Any:
    """Returns what a part gives for inputs that others take too.

    Args:
        gate:
            The decision.
        label:
            The part, in words.
        part:
            The module.
        *inputs:
            What it takes.
        **named:
            And by name.

    Raises:
        ValueError:
            If it changed an input, as its version counter tells.
    """
    tensors = [
        x
        for x in (*inputs, *named.values())
        if isinstance(x, Tensor) and not x.is_inference()  # these have no version counter
    ]
    before = [x._version for x in tensors]
    out = part(*inputs, **named)
    if [x._version for x in tensors] != before:
        raise ValueError(
            f"Decision {gate.name!r}: {label} works in place: it changed its input, which the "
            "others take too. Write nn.ReLU() in place of nn.ReLU(inplace=True), x + y in place "
            "of x += y."
        )
    return out


def refer(module: nn.Module, gate: Gate) -> None:
    """Keeps the gate where ``parameters()`` does not look: the supernet owns it, once.

    Args:
        module:
            One of the above.
        gate:
            Of its decision.
    """
    object.__setattr__(module, "gate", gate)
