"""The graph of a computation: operations that occur once, and their linear combinations.

An operation on the same inputs with the same settings is the same node. What is computed from
nodes by adding, subtracting and scaling is no node but a linear combination, so that sums of sums
are flat, and what cancels or is multiplied by zero is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from typing import NamedTuple
from typing import TypeAlias


Value: TypeAlias = tuple[tuple[int, float], ...]
"""Nodes and their coefficients, by node; none at all is zero."""

ZERO: Value = ()
NEGLIGIBLE = 1e-12


class Node(NamedTuple):
    """An operation, or where a computation begins.

    Attributes:
        label:
            What it does, with its settings; equal for operations that differ in inputs only.
        inputs:
            What it works on, all of them made before it.
        commutes:
            Whether the order of the inputs makes no difference.
    """

    label: str
    inputs: tuple[Value, ...] = ()
    commutes: bool = False


class Graph:
    """Nodes by number; each is made after those it depends on."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.weights: dict[int, int] = {}
        """Of nodes that are trainable weights, how many numbers they hold."""
        self._numbers: dict[Node, int] = {}

    def leaf(self, label: str, *, weights: int = 0) -> Value:
        """A new beginning, different from all others: an input, a weight, noise.

        Args:
            label:
                What kind it is.
            weights:
                How many trainable numbers it holds.
        """
        self.nodes.append(Node(label))
        number = len(self.nodes) - 1
        if weights:
            self.weights[number] = weights
        return ((number, 1.0),)

    def operation(
        self, label: str, inputs: Sequence[Value] = (), *, commutes: bool = False
    ) -> Value:
        """What an operation gives: a node that may be there already.

        Args:
            label:
                What it does, with its settings.
            inputs:
                What it works on.
            commutes:
                Whether the order of the inputs makes no difference.
        """
        node = Node(label, tuple(sorted(inputs) if commutes else inputs), commutes)
        if node not in self._numbers:
            self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return ((self._numbers[node], 1.0),)

    def only_node(self, value: Value) -> Node | None:
        """The node that a value is, if it is no sum and not scaled.

        Args:
            value:
                Any.
        """
        return self.nodes[value[0][0]] if len(value) == 1 and value[0][1] == 1.0 else None

    def live(self, outputs: Iterable[Value]) -> list[int]:
        """The nodes that outputs depend on, in the order made.

        Args:
            outputs:
                Values of this graph.
        """
        found: set[int] = set()
        ahead = [number for value in outputs for number, _ in value]
        while ahead:
            number = ahead.pop()
            if number not in found:
                found.add(number)
                ahead += [n for value in self.nodes[number].inputs for n, _ in value]
        return sorted(found)


def total(*scaled: tuple[Value, float]) -> Value:
    """A linear combination of values.

    Args:
        *scaled:
            Each a value and what to multiply it by.
    """
    sums: dict[int, float] = {}
    for value, factor in scaled:
        for number, coefficient in value:
            sums[number] = sums.get(number, 0.0) + factor * coefficient
    return tuple(sorted((n, c) for n, c in sums.items() if abs(c) > NEGLIGIBLE))
