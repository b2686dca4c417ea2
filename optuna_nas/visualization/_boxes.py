"""``boxes_of``: boxes and arrows of the units that a call is cut into; chains become one box."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace

from optuna_nas.visualization._calls import CallTree
from optuna_nas.visualization._graph import Arrow
from optuna_nas.visualization._graph import Box
from optuna_nas.visualization._graph import Diagram
from optuna_nas.visualization._graph import KINDS
from optuna_nas.visualization._graph import Line
from optuna_nas.visualization._graph import Operation
from optuna_nas.visualization._graph import Value


MOST_LINES = 6
HEAVY = ("convolution", "linear", "attention", "recurrent", "pooling", "embedding")
LIGHT = ("normalization", "activation", "dropout")


@dataclass(frozen=True)
class Unit:
    """Operations that are drawn as one.

    Args:
        operations:
            By number, in order, of all that it stands for.
        times:
            For how many equal ones it stands.
        letter:
            Under which one of them is drawn apart.
        name:
            What is drawn apart.
        inside:
            One of them, to be drawn within.
        note:
            A remark.
    """

    operations: tuple[int, ...]
    times: int = 1
    letter: str = ""
    name: str = ""
    inside: Diagram | None = None
    note: str = ""


def boxes_of(tree: CallTree, call: int, units: Sequence[Unit], *, framed: bool) -> Diagram:
    """The diagram of one call.

    Args:
        tree:
            The calls.
        call:
            Which one.
        units:
            All its operations, in order.
        framed:
            Whether its inputs and outputs are ports on a frame, or boxes.
    """
    operations = tree.computation.operations
    units = _chained(tree, call, units)
    given = _given(tree, call, units)
    boxes = [_input(tree, call, value, framed) for value in given]
    number: dict[Value, int] = {value: n for n, value in enumerate(given)}
    owner = {i: len(given) + n for n, unit in enumerate(units) for i in unit.operations}
    arrows: dict[tuple[int, int], bool] = {}
    for unit in units:
        boxes.append(_box(operations, unit))
        for value, rewired in _taken(operations, unit):
            arrow = (owner[value[0]] if value[0] in owner else number[value], len(boxes) - 1)
            arrows[arrow] = arrows.get(arrow, False) or rewired
    for n, (last, shape) in enumerate(_outputs(tree, call, owner, number)):
        arrows[last, len(boxes)] = False
        boxes.append(_port("output" if n == 0 else f"output {n + 1}", shape, framed))
    drawn = tuple(Arrow(tail, head, changed) for (tail, head), changed in arrows.items())
    return Diagram(tuple(boxes), drawn)


def _given(tree: CallTree, call: int, units: Sequence[Unit]) -> list[Value]:
    """The values from outside, in the order in which the call was given them."""
    inside = set(tree.members(call))
    operations = tree.computation.operations
    taken = dict.fromkeys(v for u in units for v, _ in _taken(operations, u))
    outside = [value for value in taken if value[0] not in inside]
    if call == 0:
        passed = (v for v in tree.computation.outputs if v[0] not in inside)
        outside = list(dict.fromkeys([*outside, *passed]))
    args = tree.computation.calls[call].args
    return sorted(outside, key=lambda v: args.index(v) if v in args else len(args))


def _input(tree: CallTree, call: int, value: Value, framed: bool) -> Box:
    made_by = tree.computation.operations[value[0]]
    args = tree.computation.calls[call].args
    name = "input"
    if made_by.kind == "input" and call == 0:
        name = made_by.name
    elif value in args and len(args) > 1:
        name = f"input {args.index(value) + 1}"
    return _port(name, made_by.shape, framed)


def _port(name: str, shape: tuple[int, ...], framed: bool) -> Box:
    return Box((), "port") if framed else Box((Line(name),), "input", shape)


def _outputs(
    tree: CallTree, call: int, owner: dict[int, int], number: dict[Value, int]
) -> list[tuple[int, tuple[int, ...]]]:
    """The boxes whose results the caller takes, and of which shape these are."""
    operations = tree.computation.operations
    if call == 0:
        values = tree.computation.outputs
        return [
            (owner[v[0]] if v[0] in owner else number[v], operations[v[0]].shape) for v in values
        ]
    inside = set(tree.members(call))
    given = (i for i in tree.members(call) if tree.consumers(i) - inside)
    return [(owner[i], operations[i].shape) for i in given]


def _taken(operations: Sequence[Operation], unit: Unit) -> Iterable[tuple[Value, bool]]:
    inside = set(unit.operations)
    for i in unit.operations:
        one = operations[i]
        yield from ((v, v in one.rewired) for v in one.inputs if v[0] not in inside)


def _chained(tree: CallTree, call: int, units: Sequence[Unit]) -> list[Unit]:
    """Merges each operation into the one before, if nothing else takes what that gives."""
    chains: list[Unit] = []
    ends: dict[int, int] = {}
    for unit in units:
        at = ends.pop(_only_source(tree, unit), None)
        if at is None or not _joins(tree, call, chains[at], unit):
            at = len(chains)
            chains.append(unit)
        else:
            covered = chains[at].operations + unit.operations
            chains[at] = replace(chains[at], operations=covered)
        if _is_step(unit):
            ends[unit.operations[-1]] = at
    return chains


def _only_source(tree: CallTree, unit: Unit) -> int:
    inputs = tree.computation.operations[unit.operations[0]].inputs
    is_one = _is_step(unit) and len(inputs) == 1
    return inputs[0][0] if is_one and len(tree.consumers(inputs[0][0])) == 1 else -1


def _joins(tree: CallTree, call: int, chain: Unit, unit: Unit) -> bool:
    """Whether it does: what does the work begins a box, but for that of the same module."""
    operations = tree.computation.operations
    first, last = operations[chain.operations[0]], operations[chain.operations[-1]]
    new = operations[unit.operations[0]]
    if {first.kind, new.kind} & {"sum", "join", "input", "zero"} or last.used != new.used:
        return False
    covered = [operations[i] for i in chain.operations]
    sequence = tree.computation.calls[first.calls[-1]].type == "Sequential"
    is_within = (
        sequence and first.calls[-1] != call and new.calls[: len(first.calls)] == first.calls
    )
    is_same = is_within or new.calls == first.calls
    works = new.kind in HEAVY and any(one.kind in HEAVY for one in covered)
    if not is_same and (works or first.calls[: len(new.calls)] != new.calls):
        return False
    lines = _lines([*covered, new])
    return len(lines) <= MOST_LINES


def _is_step(unit: Unit) -> bool:
    return not unit.letter and unit.inside is None


def _box(operations: Sequence[Operation], unit: Unit) -> Box:
    covered = [operations[i] for i in unit.operations]
    first = covered[: len(covered) // unit.times]
    box = Box(
        lines=_lines(first),
        kind=min((one.kind for one in first), key=list(KINDS).index),
        shape=covered[-1].shape,
        parameters=sum(one.parameters for one in covered),
        flops=sum(one.flops for one in covered),
        milliseconds=sum(one.milliseconds for one in covered),
        times=unit.times,
        note=unit.note,
        used=any(one.used for one in covered),
        changed=any(one.changed for one in covered),
    )
    if unit.letter:
        rewired = any(one.rewired for one in covered)
        changed = box.changed or rewired
        return replace(
            box, lines=(Line(unit.name),), kind="cell", letter=unit.letter, changed=changed
        )
    if unit.inside is None:
        return box
    within = [one for one in unit.inside.boxes if one.kind != "port"]
    if len(within) == 1 and within[0].times == 1 and within[0].inside is None:
        return replace(box, lines=within[0].lines)
    return replace(box, lines=(), kind="other", inside=unit.inside)


def _lines(operations: Sequence[Operation]) -> tuple[Line, ...]:
    """What stands in a box: normalizations and activations beside what they follow."""
    lines: list[Line] = []
    before: Operation | None = None
    for one in operations:
        text = _text(one.name, one.width)
        if before is not None and _is_pointwise(one) and "dw conv" in before.name:
            name = before.name.replace("dw conv", "sep. conv")
            lines[-1] = Line(_text(name, one.width), lines[-1].changed or one.changed)
        elif before is not None and one.kind in LIGHT and (before.kind in HEAVY + LIGHT):
            lines[-1] = Line(f"{lines[-1].text}, {text}", lines[-1].changed or one.changed)
        else:
            lines.append(Line(text, one.changed))
        before = one
    return tuple(_counted(lines))


def _text(name: str, width: str) -> str:
    name, _, stride = name.partition(",")
    return f"{name} {width}".rstrip() + stride


def _is_pointwise(one: Operation) -> bool:
    return one.name in ("1×1 conv", "1×1×1 conv")


def _counted(lines: Sequence[Line]) -> Iterable[Line]:
    """Equal lines in a row as one."""
    i = 0
    while i < len(lines):
        n = 1
        while i + n < len(lines) and lines[i + n] == lines[i]:
            n += 1
        text = f"({lines[i].text})" if "," in lines[i].text else lines[i].text
        yield replace(lines[i], text=f"{n} × {text}") if n > 1 else lines[i]
        i += n
