"""What hypothesis draws: distributions, and spaces in which questions depend on answers."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from hypothesis import strategies as st
import optuna
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution


@dataclass(frozen=True)
class Conditional:
    """Question ``x<i>`` is asked where all conditions on earlier answers hold."""

    options: Sequence[int]
    conditions: Sequence[Mapping[str, frozenset[int]]]

    def asked(self, answer: Callable[[str], Any]) -> dict[str, Any]:
        params: dict[str, Any] = {}
        for i, when in enumerate(self.conditions):
            if all(params.get(name) in values for name, values in when.items()):
                params[f"x{i}"] = answer(f"x{i}")
        return params

    def assignments(self) -> Iterator[dict[str, int]]:
        for values in product(*map(range, self.options)):
            yield {f"x{i}": value for i, value in enumerate(values)}

    def __call__(self, trial: optuna.Trial) -> float:
        params = self.asked(
            lambda name: trial.suggest_int(name, 0, self.options[int(name[1:])] - 1)
        )
        return float(sum((i + 1) * value for i, value in enumerate(params.values())))


@st.composite
def conditionals(draw: st.DrawFn, *, conditions: int = 2) -> Conditional:
    options = draw(st.lists(st.integers(1, 3), min_size=2, max_size=5))
    found = []
    for i in range(len(options)):
        on = draw(st.lists(st.sampled_from(range(i)), max_size=conditions)) if i else []
        values = st.frozensets(st.integers(0, 2), min_size=1, max_size=2)
        found.append({f"x{j}": draw(values) for j in on})
    return Conditional(options, found)


@st.composite
def ints(draw: st.DrawFn) -> IntDistribution:
    low, width = draw(st.integers(-50, 50)), draw(st.integers(1, 200))
    if draw(st.booleans()):
        return IntDistribution(abs(low) + 1, abs(low) + 1 + width, log=True)
    step = draw(st.integers(1, width))
    return IntDistribution(low, low + width // step * step, step=step)


@st.composite
def floats(draw: st.DrawFn) -> FloatDistribution:
    low, width = draw(st.floats(-100, 100)), draw(st.floats(0.1, 1000))
    kind = draw(st.sampled_from(["linear", "log", "steps"]))
    if kind == "log":
        return FloatDistribution(abs(low) + 1e-6, abs(low) + width, log=True)
    if kind == "linear":
        return FloatDistribution(low, low + width)
    step = draw(st.sampled_from([0.1, 0.25, 0.3]))
    return FloatDistribution(0.0, round(step * draw(st.integers(1, 40)), 9), step=step)


def categoricals() -> st.SearchStrategy[CategoricalDistribution]:
    choice = st.one_of(st.none(), st.text(max_size=3), st.integers(2, 99), st.floats(0.1, 0.9))
    return st.lists(choice, min_size=2, max_size=6, unique=True).map(CategoricalDistribution)


def distributions() -> st.SearchStrategy[BaseDistribution]:
    """Any of Optuna's, with two values or more."""
    return st.one_of(ints(), floats(), categoricals())
