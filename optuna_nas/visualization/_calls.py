"""``CallTree``: which operations a call is made of, and which calls are of one kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optuna_nas.visualization._graph import Computation


@dataclass(frozen=True)
class Part:
    """What a call is made of, seen from it: an operation of its own, or a call.

    Args:
        operations:
            By number, in order.
        call:
            By number; None for a single operation.
    """

    operations: tuple[int, ...]
    call: int | None = None


class CallTree:
    """The calls of a computation; call 0 is the network's own.

    Args:
        computation:
            What is drawn.
    """

    def __init__(self, computation: Computation) -> None:
        self.computation = computation
        self._members: list[list[int]] = [[] for _ in computation.calls]
        self._consumers: list[set[int]] = [set() for _ in computation.operations]
        for i, operation in enumerate(computation.operations):
            for call in operation.calls:
                self._members[call].append(i)
            for before, _ in operation.inputs:
                self._consumers[before].add(i)
        for i, _ in computation.outputs:
            self._consumers[i].add(len(computation.operations))
        self.kinds = [self._form(call, sizes=False) for call in range(len(self._members))]
        self._forms = [self._form(call, sizes=True) for call in range(len(self._members))]

    def members(self, call: int) -> list[int]:
        """The operations within a call."""
        return self._members[call]

    def parts(self, call: int) -> list[Part]:
        """What it is made of, in order."""
        found: dict[Any, list[int]] = {}
        for i in self._members[call]:
            calls = self.computation.operations[i].calls
            depth = calls.index(call) + 1
            key = ("call", calls[depth]) if len(calls) > depth else ("operation", i)
            found.setdefault(key, []).append(i)
        return [Part(tuple(m), key[1] if key[0] == "call" else None) for key, m in found.items()]

    def equal(self, a: Part, b: Part) -> bool:
        """Whether two calls do the same, but for weights and the size of what comes in."""
        if a.call is None or b.call is None:
            return False
        return bool(self._forms[a.call] == self._forms[b.call])

    def follows(self, part: Part, before: Sequence[Part], passed: set[int]) -> bool:
        """Whether it takes something from the part just before, and else from what it may.

        Args:
            part:
                The one in question.
            before:
                Parts that it may take from, the last of them just before it.
            passed:
                Operations that it may take from as well.
        """
        took = self.sources(part)
        allowed = passed.union(*(one.operations for one in before))
        return took <= allowed and bool(took & set(before[-1].operations))

    def escapes(self, run: Sequence[Part], some: Sequence[Part]) -> bool:
        """Whether anything outside a run takes what some of its parts give."""
        inside = {i for part in run for i in part.operations}
        return any(self._consumers[i] - inside for part in some for i in part.operations)

    def sources(self, part: Part) -> set[int]:
        """The operations outside that it takes something from."""
        taken = {i for o in part.operations for i, _ in self.computation.operations[o].inputs}
        return taken - set(part.operations)

    def consumers(self, operation: int) -> set[int]:
        """The operations that take what it gives; a number too large stands for the caller."""
        return self._consumers[operation]

    def largest_kind(self, calls: list[int]) -> Any:
        """Of calls with branches, the kind that comes again and has most in it, or None."""
        operations = self.computation.operations
        counts = Counter(self.kinds[call] for call in calls)
        weights = {
            self.kinds[call]: counts[self.kinds[call]] * len(self._members[call])
            for call in calls
            if counts[self.kinds[call]] > 1
            and len(self._members[call]) > 2
            and any(operations[i].kind in ("sum", "join") for i in self._members[call])
        }
        return max(weights, key=lambda kind: weights[kind]) if weights else None

    def _form(self, call: int, *, sizes: bool) -> tuple[Any, ...]:
        """What calls of one kind have in common: operations and wiring, if wanted sizes too."""
        place = {i: n for n, i in enumerate(self._members[call])}
        args = {value: n for n, value in enumerate(self.computation.calls[call].args)}
        form = []
        for i in self._members[call]:
            one = self.computation.operations[i]
            wiring = tuple(
                ("inside", place[value[0]]) if value[0] in place else ("given", args.get(value))
                for value in one.inputs
            )
            is_light = one.kind in ("normalization", "activation", "dropout")
            size = (one.width, one.shape) if sizes and not is_light else (len(one.shape),)
            rewired = tuple(value in one.rewired for value in one.inputs)
            form.append((one.name, one.kind, *size, one.used, one.changed, rewired, wiring))
        return tuple(form)
