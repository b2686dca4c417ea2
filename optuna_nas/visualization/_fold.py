"""``fold``: from a computation to few boxes. What repeats is drawn once, chains are one box.

A module's calls are its natural parts: equal ones in a row become one "×3". Where there are still
too many boxes, calls of a kind that comes again become a letter, and are drawn apart, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from optuna_nas.visualization._boxes import boxes_of
from optuna_nas.visualization._boxes import Unit
from optuna_nas.visualization._calls import CallTree
from optuna_nas.visualization._calls import Part
from optuna_nas.visualization._graph import Computation
from optuna_nas.visualization._graph import Diagram


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def fold(computation: Computation, title: str, most: int) -> list[Diagram]:
    """Diagrams of at most so many boxes, if enough comes more than once.

    Args:
        computation:
            What a network computes, tidied.
        title:
            Of the first diagram.
        most:
            How many boxes a diagram should have.

    Returns:
        The network's own, then one for each letter.
    """
    folding = _Folding(CallTree(computation))
    diagrams = [_small(folding, 0, title, most)]
    while len(diagrams) <= len(folding.letters):
        kind, letter = list(folding.letters.items())[len(diagrams) - 1]
        call = folding.tree.kinds.index(kind)
        times = folding.tree.kinds.count(kind)
        name = f"{computation.calls[call].type} {letter}, {times} times (sizes of the first)"
        diagrams.append(_small(folding, call, name, most))
    return diagrams


def _small(folding: _Folding, call: int, title: str, most: int) -> Diagram:
    """Of one call; kinds within become letters, the largest first, until it is small."""
    letters = dict(folding.letters)
    while True:
        folding.opened.clear()
        folding.letters = dict(letters)
        diagram = folding.diagram(call, framed=False)
        within = [opened for opened in folding.opened if opened != call]
        kind = folding.tree.largest_kind(within) if _size(diagram) > most else None
        if kind is None:
            return replace(diagram, title=title)
        folding.apart.add(kind)


def _size(diagram: Diagram) -> int:
    """How many boxes are drawn, those within others included."""
    inside = sum(_size(box.inside) for box in diagram.boxes if box.inside)
    return inside + sum(box.kind != "port" for box in diagram.boxes)


class _Folding:
    """How calls are cut into units.

    Args:
        tree:
            The calls.
    """

    def __init__(self, tree: CallTree) -> None:
        self.tree = tree
        self.apart: set[Any] = set()
        self.letters: dict[Any, str] = {}
        self.opened: list[int] = []

    def diagram(self, call: int, *, framed: bool) -> Diagram:
        """Of one call; with ports in place of inputs and outputs, if it is to be framed."""
        return boxes_of(self.tree, call, list(self._units(call)), framed=framed)

    def _units(self, call: int) -> Iterator[Unit]:
        self.opened.append(call)
        parts = self.tree.parts(call)
        while parts:
            first, n = parts[0], self._run(parts)
            covered = tuple(i for part in parts[:n] for i in part.operations)
            if first.call is None:
                yield Unit(covered)
            elif self.tree.kinds[first.call] in self.apart:
                yield self._cell(parts[:n], covered)
            elif n > 1:
                yield Unit(covered, n, inside=self.diagram(first.call, framed=True))
            else:
                yield from self._units(first.call)
            parts = parts[n:]

    def _run(self, parts: list[Part]) -> int:
        """How many equal parts, from the first on, are drawn as one."""
        first, n = parts[0], 1
        reach, sources = self._reach(first), self.tree.sources(first)
        passed = sources if reach > 1 else set()
        if reach == 1 and len(sources) > 1:
            return 1
        while n < len(parts) and self.tree.equal(first, parts[n]):
            if not self.tree.follows(parts[n], parts[max(0, n - reach) : n], passed):
                break
            n += 1
        while n > 1 and self.tree.escapes(parts[:n], parts[: max(0, n - reach)]):
            n -= 1
        return n

    def _reach(self, part: Part) -> int:
        """From how many parts before it one takes something: a cell from two, a block from one."""
        if part.call is None or self.tree.kinds[part.call] not in self.apart:
            return 1
        return max(1, len(self.tree.computation.calls[part.call].args))

    def _cell(self, parts: list[Part], covered: tuple[int, ...]) -> Unit:
        call = parts[0].call
        assert call is not None
        letter = LETTERS[len(self.letters) % len(LETTERS)]
        letter += str(len(self.letters) // len(LETTERS) or "")
        letter = self.letters.setdefault(self.tree.kinds[call], letter)
        reach = self._reach(parts[0])
        note = f"each takes the {reach} before" if reach > 1 and len(parts) > 1 else ""
        name = f"{self.tree.computation.calls[call].type} {letter}"
        return Unit(covered, len(parts), letter, name, note=note)
