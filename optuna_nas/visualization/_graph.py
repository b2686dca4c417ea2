"""What is drawn, as data: the steps of a computation, and the boxes and arrows made of them."""

from __future__ import annotations

from dataclasses import dataclass


Value = tuple[int, int]
"""A tensor: the operation that made it, and 0; another number where one is passed on twice."""


@dataclass(frozen=True)
class Call:
    """One call of a module that is made of others.

    Args:
        name:
            The module's name in the network, as ``named_modules`` gives it.
        type:
            Its class.
        args:
            The tensors that it was given.
    """

    name: str
    type: str
    args: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One step: a module that calls no other, or a function of tensors.

    Args:
        name:
            In words, without its width: ``"3x3 conv"``.
        kind:
            One of ``KINDS``.
        width:
            Channels or features that it gives, where it chooses them.
        where:
            The module's name in the network, or that of the module whose ``forward`` it is in.
        calls:
            The calls that it is part of, by number, from the network's own inwards.
        inputs:
            What it takes.
        rewired:
            Those of them that another architecture's takes not.
        shape:
            What it gives, without the batch.
        parameters:
            Numbers that it holds and that no operation before it holds.
        flops:
            For one row.
        blocks:
            Which calls of modules that call no other are in it, by number.
        milliseconds:
            What these take, if it was measured.
        used:
            Whether the network's output depends on it.
        changed:
            Whether another architecture lacks it, or has another in its place.
    """

    name: str
    kind: str
    width: str = ""
    where: str = ""
    calls: tuple[int, ...] = ()
    inputs: tuple[Value, ...] = ()
    rewired: tuple[Value, ...] = ()
    shape: tuple[int, ...] = ()
    parameters: int = 0
    flops: float = 0.0
    blocks: range = range(0)
    milliseconds: float = 0.0
    used: bool = True
    changed: bool = False


@dataclass(frozen=True)
class Computation:
    """What a network computes.

    Args:
        operations:
            In the order in which they run; the first ones are the inputs.
        calls:
            All calls, by number.
        outputs:
            What the network gives.
        parameters:
            How many the network has.
        idle:
            How many of them were not used.
        blocks:
            How many calls there were of modules that call no other.
    """

    operations: tuple[Operation, ...]
    calls: tuple[Call, ...]
    outputs: tuple[Value, ...]
    parameters: int
    idle: int = 0
    blocks: int = 0

    @property
    def flops(self) -> float:
        """Of one row."""
        return sum(operation.flops for operation in self.operations)

    @property
    def milliseconds(self) -> float:
        """Of what was measured."""
        return sum(operation.milliseconds for operation in self.operations)


@dataclass(frozen=True)
class Line:
    """One line of a box.

    Args:
        text:
            What it says.
        changed:
            Whether a change is marked in it.
    """

    text: str
    changed: bool = False


@dataclass(frozen=True)
class Box:
    """What is drawn as one.

    Args:
        lines:
            What stands in it.
        kind:
            What colours it: one of ``KINDS``.
        shape:
            What comes out.
        parameters:
            In all that it stands for.
        flops:
            In all that it stands for, of one row.
        milliseconds:
            Likewise, if it was measured.
        times:
            For how many in a row it stands.
        note:
            A remark below the lines.
        letter:
            Under which its inside is drawn apart.
        inside:
            Boxes that are drawn within.
        used:
            Whether the output depends on it.
        changed:
            Whether a change is marked in it, or within.
    """

    lines: tuple[Line, ...]
    kind: str
    shape: tuple[int, ...] = ()
    parameters: int = 0
    flops: float = 0.0
    milliseconds: float = 0.0
    times: int = 1
    note: str = ""
    letter: str = ""
    inside: Diagram | None = None
    used: bool = True
    changed: bool = False


@dataclass(frozen=True)
class Arrow:
    """From a box to a box, by number.

    Args:
        tail:
            Where it begins.
        head:
            Where it ends, with a larger number.
        changed:
            Whether another architecture has it not.
    """

    tail: int
    head: int
    changed: bool = False


@dataclass(frozen=True)
class Diagram:
    """Boxes and arrows.

    Args:
        boxes:
            Each after all that lead to it.
        arrows:
            Between them.
        title:
            What stands above.
    """

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    title: str = ""


KINDS = {
    "convolution": "#0072B2",
    "linear": "#56B4E9",
    "attention": "#D55E00",
    "recurrent": "#CC79A7",
    "pooling": "#009E73",
    "embedding": "#E69F00",
    "cell": "#E69F00",
    "sum": "#F0E442",
    "join": "#F0E442",
    "normalization": "#999999",
    "activation": "#999999",
    "dropout": "#999999",
    "zero": "#999999",
    "other": "#999999",
    "input": "#999999",
    "port": "#999999",
}
"""Colours of Okabe and Ito, which colour-blind people tell apart. Of several kinds in a box, the
first one here colours it."""
