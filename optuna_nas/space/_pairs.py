"""Pairwise covering: answers chosen so that every two values of two decisions meet in some run.

Greedy, after Cohen et al. 1997, "The AETG system: an approach to testing based on combinatorial
design", sec. 4. Sets of values are the bits of an int.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from random import Random
from typing import Any
from typing import TypeAlias


Item: TypeAlias = tuple[str, Any]
"""A decision's name and one of its values."""


class Pairs:
    """Which values have met, and which values to choose so that more of them meet.

    Args:
        random:
            Breaks ties.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._items: list[Item] = []
        self._bit: dict[Item, int] = {}
        self._of_name: dict[str, int] = {}
        self._met: dict[Item, int] = {}

    def add(self, name: str, values: Sequence[Any]) -> None:
        """Takes in a decision whose values shall meet all others'.

        Args:
            name:
                The decision's name; one that is known already is left alone.
            values:
                Its values.
        """
        if name in self._of_name:
            return
        for value in values:
            self._bit[name, value] = 1 << len(self._items)
            self._items.append((name, value))
            self._met[name, value] = 0
        self._of_name[name] = sum(self._bit[name, value] for value in values)

    def mark(self, run: Mapping[str, Any]) -> None:
        """Notes that the values of a run have met.

        Args:
            run:
                Its answers.
        """
        items = [item for item in run.items() if item in self._bit]
        together = sum(self._bit[item] for item in items)
        for item in items:
            self._met[item] |= together

    def next(self) -> tuple[Item, Item] | None:
        """Returns two values that have not met and were not returned before, or None."""
        everything = (1 << len(self._items)) - 1
        for item in self._items:
            missing = everything & ~self._of_name[item[0]] & ~self._met[item]
            if missing:
                other = self._items[missing.bit_length() - 1]
                self._met[item] |= self._bit[other]
                self._met[other] |= self._bit[item]
                return item, other
        return None

    def best(self, name: str, answered: Mapping[str, Any]) -> Any:
        """Returns the value that meets most values for the first time.

        Args:
            name:
                A decision that was added.
            answered:
                The answers so far.
        """
        together = sum(self._bit.get(item, 0) for item in answered.items())
        values = [self._items[i] for i in _bits(self._of_name[name])]
        new = [(together & ~self._met[item]).bit_count() for item in values]
        return self._random.choice(
            [v for (_, v), n in zip(values, new, strict=True) if n == max(new)]
        )


def _bits(mask: int) -> list[int]:
    return [i for i in range(mask.bit_length()) if mask >> i & 1]
