"""``Style``: the colours of a drawing, and what they stand for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
import math
from typing import Literal

from optuna_nas.visualization._graph import Box
from optuna_nas.visualization._graph import Diagram
from optuna_nas.visualization._graph import KINDS
from optuna_nas.visualization._shapes import mixed


Colouring = Literal["operation", "parameters", "flops", "latency", "change"]
UNITS = {"parameters": "parameters", "flops": "FLOPs", "latency": "ms"}
COLOURINGS = ("operation", *UNITS)
GREY, BLUE, MARK, YELLOW = "#999999", "#0072B2", "#D55E00", "#F0E442"
NAMES = {"cell": "drawn apart"}


@dataclass(frozen=True)
class Style:
    """How things look.

    Args:
        background:
            Behind all.
        ink:
            Of texts.
        faint:
            Of lines, and of what is said aside.
        colouring:
            What the colours of boxes stand for.
        whole:
            The network's FLOPs, or milliseconds, of which a box has a share.
        largest:
            What the box that has most has of what the colours stand for.
    """

    background: str
    ink: str
    faint: str
    colouring: Colouring
    whole: float
    largest: float

    @property
    def aside(self) -> str:
        """The colour of small text in a box, which may be dark."""
        return self.ink if self.colouring in UNITS else self.faint

    def fill(self, box: Box) -> str:
        """The colour of a box, light enough for text."""
        if self.colouring in UNITS:
            strength = 0.03 + 0.57 * self._amount(box) / (self.largest or 1.0)
            return mixed(BLUE, self.background, strength)
        if self.colouring == "operation":
            return self.tint(KINDS[box.kind])
        return self.tint(self.stroke(box))

    def tint(self, colour: str) -> str:
        """A colour that text is legible on."""
        return mixed(colour, self.background, 0.5 if colour == YELLOW else 0.24)

    def stroke(self, box: Box) -> str:
        """The colour of its border."""
        if self.colouring == "change":
            return MARK if box.changed else GREY
        return self.border(KINDS[box.kind]) if self.colouring == "operation" else GREY

    def border(self, colour: str) -> str:
        """A colour that can be seen on the background, which yellow cannot."""
        return self.faint if colour == YELLOW else colour

    def legend(self, boxes: Iterable[Box]) -> list[tuple[str, str, str]]:
        """Fill, stroke and meaning of the colours that are there."""
        boxes = [box for box in boxes if box.inside is None]
        if self.colouring == "change":
            pairs = ((MARK, "changed or new"), (GREY, "as before"))
            return [(self.tint(c), c, name) for c, name in pairs]
        if self.colouring == "operation":
            kinds = [kind for kind in KINDS if any(box.kind == kind for box in boxes)]
            named: dict[str, list[str]] = {}
            for kind in kinds:
                named.setdefault(KINDS[kind], []).append(NAMES.get(kind, kind))
            named.pop(GREY, None)
            return [
                (self.tint(c), self.border(c), " or ".join(words)) for c, words in named.items()
            ]
        shares = (0.0, self.largest / 2, self.largest)
        strengths = (0.03, 0.315, 0.6)
        unit = UNITS[self.colouring]
        return [
            (mixed(BLUE, self.background, strength), GREY, f"{amount(share)} {unit}")
            for strength, share in zip(strengths, shares, strict=True)
        ]

    def _amount(self, box: Box) -> float:
        return box.parameters if self.colouring == "parameters" else self._cost(box)

    def _cost(self, box: Box) -> float:
        return box.milliseconds if self.colouring == "latency" else box.flops

    def footer(self, box: Box) -> str:
        """What stands below the lines: shape, parameters, share of the FLOPs or the latency."""
        share = self._cost(box) / self.whole if self.whole else 0.0
        return " · ".join(
            part
            for part in (
                "×".join(map(str, box.shape)),
                amount(box.parameters) if box.parameters else "",
                f"{share:.0%}".replace("%", " %") if share >= 0.005 else "",
            )
            if part
        )


def style_of(
    diagrams: Iterable[Diagram], whole: float, colouring: Colouring, *, dark: bool
) -> Style:
    """The style of a drawing.

    Args:
        diagrams:
            All that is drawn.
        whole:
            The network's FLOPs, or milliseconds where colours stand for these.
        colouring:
            What the colours of boxes stand for.
        dark:
            Whether the background is.
    """
    colours = ("#16191d", "#f2f2f2", "#a6adb5") if dark else ("#ffffff", "#1a1a1a", "#5f6368")
    style = Style(*colours, colouring, whole, 0.0)
    largest = max((style._amount(box) for box in all_boxes(diagrams)), default=0.0)
    return Style(*colours, colouring, whole, largest)


def all_boxes(diagrams: Iterable[Diagram]) -> list[Box]:
    """The boxes of diagrams, with those within others."""
    found: list[Box] = []
    for diagram in diagrams:
        found += diagram.boxes
        found += all_boxes(box.inside for box in diagram.boxes if box.inside)
    return found


def amount(number: float) -> str:
    """A number in few letters: ``36.9k``, ``3.35M``, ``1.2G``.

    Args:
        number:
            At least 0.
    """
    power = min(int(math.log10(number) // 3), 4) if number >= 1000 else 0
    scaled = number / 1000**power
    if power < 4 and float(f"{scaled:.3g}") >= 1000:
        power, scaled = power + 1, scaled / 1000
    return f"{scaled:.3g}{['', 'k', 'M', 'G', 'T'][power]}"
