"""``from_dict``: a search space for those who have a dictionary of values to try."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from optuna.distributions import BaseDistribution
from torch import nn

from optuna_nas.space import ask
from optuna_nas.space import categorical_distribution
from optuna_nas.space import int_distribution
from optuna_nas.space import SearchSpaceError
from optuna_nas.space import Trial


@dataclass(frozen=True)
class FromDict:
    """What :func:`from_dict` returns: asks every decision, gives ``build`` the answers.

    Args:
        search_space:
            From a name to the distribution of its values.
        build:
            From a dict of the values chosen to the module.
    """

    search_space: dict[str, BaseDistribution] = field(hash=False)
    build: Callable[[dict[str, Any]], nn.Module]

    def __call__(self, trial: Trial) -> nn.Module:
        return self.build({name: ask(trial, name, d) for name, d in self.search_space.items()})


def from_dict(
    mapping: Mapping[str, Any], build: Callable[[dict[str, Any]], nn.Module]
) -> FromDict:
    """Returns the search space of the networks that ``build`` makes of a dictionary's values.

    Example:

        .. code-block:: python

            def build(chosen):
                width, activation = chosen["width"], getattr(nn, chosen["activation"])
                return nn.Sequential(nn.Linear(64, width), activation(), nn.Linear(width, 10))


            network = spaces.from_dict(
                {"width": range(16, 65, 16), "activation": ["ReLU", "Tanh"]}, build
            )

    Args:
        mapping:
            From a name to a list (one of its values), a ``range`` (one of its integers) or one of
            Optuna's distributions.
        build:
            Gets a dict from name to chosen value, returns the module. With a function of a
            module's top level, the search space can be pickled.

    Raises:
        SearchSpaceError:
            If a value of the mapping is none of these; it lists every one that is wrong.
        TypeError:
            If ``mapping`` is not a mapping or ``build`` not a function.
    """
    if not isinstance(mapping, Mapping):
        raise TypeError(
            "from_dict: mapping must be a dict from a name to its values, but got "
            f"{mapping!r} ({type(mapping).__name__})."
        )
    if isinstance(build, nn.Module) or not callable(build):
        raise TypeError(
            "from_dict: build must be a function from the dict of chosen values to an nn.Module, "
            f"but got {build!r} ({type(build).__name__})."
        )
    search_space, problems = {}, []
    for name, values in mapping.items():
        try:
            search_space[name] = _distribution(name, values)
        except SearchSpaceError as error:
            problems.append(str(error))
    if problems:
        raise SearchSpaceError("\n".join(problems))
    return FromDict(search_space, build)


def _distribution(name: str, values: Any) -> BaseDistribution:
    if isinstance(values, BaseDistribution):
        return values
    if isinstance(values, list):
        return categorical_distribution(name, values)
    if isinstance(values, range) and len(values) > 0:
        ascending = values if values.step > 0 else values[::-1]
        return int_distribution(name, ascending[0], ascending[-1], ascending.step, log=False)
    raise SearchSpaceError(
        f"Decision {name!r}: values must be a list, a range or an Optuna distribution, but got "
        f"{values!r} ({type(values).__name__}).{_remedy(values)}"
    )


def _remedy(values: Any) -> str:
    """Guesses what was meant."""
    if hasattr(values, "tolist"):  # arrays, tensors, NumPy's numbers
        return _remedy(values.tolist())
    if isinstance(values, range):
        return " This range is empty: its end is not included."
    if isinstance(values, tuple) and len(values) == 2 and all(map(_is_number, values)):
        between = _between(*sorted(values))
        return f" For anything between write {between}; for one of these two, {[*values]}."
    if isinstance(values, list | tuple | set | frozenset):
        listed = sorted(values, key=repr) if isinstance(values, set | frozenset) else [*values]
        return f" For one of these write {listed}." if listed else " Give at least one, in a list."
    if isinstance(values, str | int | float | None):
        return f" If it does not vary, use it in build; or write [{values!r}]."
    return ""


def _between(low: float, high: float) -> str:
    if isinstance(low, int) and isinstance(high, int):
        return f"range({low}, {high + 1})"
    return f"optuna.distributions.FloatDistribution({low}, {high})"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
