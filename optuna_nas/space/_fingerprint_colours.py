"""Colour refinement of a graph of operations, and its hash (Weisfeiler and Leman 1968).

    colour(node) <- its label
    repeat until no further nodes are told apart:
        down: colour(node) <- (colour(node), colours of its inputs, in their places)
        up:   colour(node) <- (colour(node), colours of its users, and in which places)

Isomorphic graphs have equal colours, whatever the order in which their nodes were made.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeAlias

from optuna_nas.space._fingerprint_graph import Graph
from optuna_nas.space._fingerprint_graph import Value


Users: TypeAlias = Mapping[int, Sequence[tuple[int, str]]]
"""Of each node: who uses it, and in which place with which coefficient."""

OUTPUT = -1


def digest(graph: Graph, outputs: Sequence[Value]) -> str:
    """Returns the hash of what outputs depend on: 32 hexadecimal digits.

    Args:
        graph:
            With all of their nodes.
        outputs:
            In the order that the module gives them.
    """
    live = graph.live(outputs)
    users = _users(graph, live, outputs)
    colours = {number: graph.nodes[number].label for number in live}
    before, found = -1, 0
    while before < found < len(live):
        _refine(graph, live, users, colours)
        before, found = found, len(set(colours.values()))
    ends = ";".join(_sum(value, colours) for value in outputs)
    return _hash(f"{','.join(sorted(colours.values()))}:{ends}", size=16)


def _refine(graph: Graph, live: Sequence[int], users: Users, colours: dict[int, str]) -> None:
    """Once down and once up."""
    for number in live:
        colours[number] = _hash(f"{colours[number]}({_inputs(graph, number, colours)})")
    colours[OUTPUT] = "output"
    for number in reversed(live):
        used = ",".join(sorted([colours[user] + place for user, place in users[number]]))
        colours[number] = _hash(f"{colours[number]}<{used}>")
    del colours[OUTPUT]


def _users(graph: Graph, live: Sequence[int], outputs: Sequence[Value]) -> Users:
    users: dict[int, list[tuple[int, str]]] = {number: [] for number in live}
    for i, value in enumerate(outputs):
        for used, coefficient in value:
            users[used].append((OUTPUT, f"@{i}*{coefficient:.9g}"))
    for number in live:
        node = graph.nodes[number]
        for i, value in enumerate(node.inputs):
            place = "" if node.commutes else f"{i}"
            for used, coefficient in value:
                users[used].append((number, f"@{place}*{coefficient:.9g}"))
    return users


def _inputs(graph: Graph, number: int, colours: Mapping[int, str]) -> str:
    node = graph.nodes[number]
    inputs = [_sum(value, colours) for value in node.inputs]
    return ";".join(sorted(inputs) if node.commutes else inputs)


def _sum(value: Value, colours: Mapping[int, str]) -> str:
    if len(value) == 1:
        number, coefficient = value[0]
        return f"{colours[number]}*{coefficient:.9g}"
    return "+".join(sorted(f"{colours[number]}*{c:.9g}" for number, c in value))


def _hash(text: str, size: int = 8) -> str:
    return blake2b(text.encode(), digest_size=size).hexdigest()
