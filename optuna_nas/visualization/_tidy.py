"""``tidied``: a computation without what only the code needs.

Sums of sums become one, zeros leave the sums, what gives nothing and costs nothing goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from optuna_nas.visualization._graph import Computation
from optuna_nas.visualization._graph import Operation
from optuna_nas.visualization._graph import Value


def tidied(computation: Computation) -> Computation:
    """The same computation in fewer steps.

    Args:
        computation:
            As it was seen.
    """
    operations, stands_for = list(computation.operations), dict[int, Value]()

    def now(value: Value) -> Value:
        made_by, part = value
        if made_by not in stands_for:
            return value
        instead, same = stands_for[made_by]
        return instead, part or same

    used = [i for o in operations for i in {i for i, _ in o.inputs}]
    used += [i for i, _ in computation.outputs]
    for i, operation in enumerate(operations):
        inputs = [now(value) for value in operation.inputs]
        if operation.kind == "sum":
            inputs = [v for one in inputs for v in _terms(operations, used, one, operation)]
            rest = [v for v in inputs if operations[v[0]].kind != "zero"]
            inputs = rest or inputs[:1]
            if len(inputs) == 1:
                stands_for[i] = inputs[0]
        elif operation.kind == "dropout" and operations[inputs[0][0]].kind == "zero":
            stands_for[i] = inputs[0]
        operations[i] = replace(operation, inputs=tuple(inputs))
    calls = (replace(c, args=tuple(map(now, c.args))) for c in computation.calls)
    outputs = tuple(dict.fromkeys(map(now, computation.outputs)))
    return _kept(replace(computation, operations=tuple(operations), calls=tuple(calls)), outputs)


def _terms(
    operations: Sequence[Operation], used: Sequence[int], value: Value, by: Operation
) -> tuple[Value, ...]:
    """What a sum's input is the sum of, if it is one that nothing else needs."""
    one = operations[value[0]]
    is_part = one.kind == "sum" and one.calls == by.calls and used.count(value[0]) == 1
    return one.inputs if is_part else (value,)


def _kept(computation: Computation, outputs: tuple[Value, ...]) -> Computation:
    """What the outputs need, and what has weights or costs time although they do not."""
    operations = computation.operations
    needed = _with_all_before(operations, {i for i, _ in outputs})
    dear = {i for i, o in enumerate(operations) if o.parameters or o.flops or o.kind == "input"}
    number = {i: n for n, i in enumerate(sorted(_with_all_before(operations, needed | dear)))}

    def renumbered(values: tuple[Value, ...]) -> tuple[Value, ...]:
        return tuple((number[i], part) for i, part in values if i in number)

    kept = (
        replace(operations[i], inputs=renumbered(operations[i].inputs), used=i in needed)
        for i in number
    )
    calls = (replace(call, args=renumbered(call.args)) for call in computation.calls)
    return replace(
        computation, operations=tuple(kept), calls=tuple(calls), outputs=renumbered(outputs)
    )


def _with_all_before(operations: Sequence[Operation], some: set[int]) -> set[int]:
    found = set(some)
    for i in reversed(range(len(operations))):
        if i in found:
            found |= {before for before, _ in operations[i].inputs}
    return found
