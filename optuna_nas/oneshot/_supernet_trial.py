"""``SupernetTrial``: one network that holds every candidate. It calls every factory."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

from optuna.distributions import BaseDistribution
from torch import nn

from optuna_nas.oneshot._gate import Gate
from optuna_nas.oneshot._mixtures import Exits
from optuna_nas.oneshot._mixtures import Gated
from optuna_nas.oneshot._mixtures import Inputs
from optuna_nas.oneshot._mixtures import Mixture
from optuna_nas.oneshot._replay import Ask
from optuna_nas.oneshot._replay import Context
from optuna_nas.space import AnsweredTrial
from optuna_nas.space import describe
from optuna_nas.space import SampledTrial
from optuna_nas.space._decisions import check_same
from optuna_nas.space._decisions import first
from optuna_nas.space._decisions import inputs_distribution
from optuna_nas.space._decisions import legal
from optuna_nas.space._decisions import module_distribution
from optuna_nas.space._decisions import repeat_distribution
from optuna_nas.space._node import checked_module


class SupernetTrial(SampledTrial):
    """Answers questions about structure with all options at once, under one gate per name.

    :class:`Supernet` gives one to the network. A decision's gate is shared by all that ask for
    its name; weights are not.

    Args:
        values:
            What numbers and plain categoricals are: a dict, or a trial that is asked. A value for
            a module, a repeat or a node in a dict fixes it; a trial is not asked for these.

    Raises:
        ValueError:
            From a question about a number or a plain categorical that has no value.
        TypeError:
            If ``values`` is something else.
    """

    def __init__(self, values: Mapping[str, Any] | Any | None = None) -> None:
        values = {} if values is None else values
        self.fixed: Mapping[str, Any] = {}
        if isinstance(values, Mapping):
            self.fixed = dict(values)
            values = AnsweredTrial(self._value)
        elif not hasattr(values, "suggest_categorical"):
            raise TypeError(
                "values must be a dict from decision to value, or a trial, but got "
                f"{values!r} ({type(values).__name__})."
            )
        super().__init__(values)
        self.gates: dict[str, Gate] = {}
        """One for each decision that is not fixed, by name."""
        self.gated: list[Gated] = []
        """The modules that the network was given."""
        self.missing: dict[str, BaseDistribution] | None = None
        """Set to a dict, it takes the decisions that lack a value, and nothing is raised."""
        self._asks: dict[Ask, None] = {}
        self._context: Context = ()

    @property
    def asks(self) -> tuple[Ask, ...]:
        """What was asked on the way to which options, in the order asked."""
        return tuple(self._asks)

    @property
    def values(self) -> dict[str, Any]:
        """What was answered: numbers, plain categoricals, and what is fixed."""
        return dict(self._answers)

    def suggest_module(
        self, name: str, options: Mapping[str, Callable[[], nn.Module]]
    ) -> nn.Module:
        """All options, mixed. Every factory is called.

        Args:
            name:
                The decision's name.
            options:
                As in :meth:`SampledTrial.suggest_module`.
        """
        distribution = module_distribution(name, options)
        if self._is_fixed(name):
            return super().suggest_module(name, options)
        gate = self._gate(name, distribution, list(options), k=1)
        modules = []
        for i, (option, factory) in enumerate(options.items()):
            with self._within(name, [i]):
                modules.append(checked_module(factory(), f"Decision {name!r}: option {option!r}"))
        return self._given(Mixture(gate, modules))

    def suggest_repeat(
        self, name: str, low: int, high: int, block: Callable[[int], nn.Module]
    ) -> nn.Module:
        """``high`` blocks, and a gate on where to leave.

        Args:
            name:
                The decision's name.
            low:
                The smallest number of blocks.
            high:
                The largest number of blocks.
            block:
                As in :meth:`SampledTrial.suggest_repeat`.
        """
        distribution = repeat_distribution(name, low, high)
        if self._is_fixed(name):
            return super().suggest_repeat(name, low, high, block)
        numbers = range(distribution.low, distribution.high + 1)
        gate = self._gate(name, distribution, numbers, k=1)
        blocks = []
        for i in range(distribution.high):
            with self._within(name, [exit for exit, n in enumerate(numbers) if n > i]):
                blocks.append(checked_module(block(i), f"Decision {name!r}: block {i}"))
        return self._given(Exits(gate, blocks))

    def suggest_inputs(
        self, name: str, n: int, k: int, edge: Callable[[int], nn.Module]
    ) -> nn.Module:
        """A node that weighs all its inputs.

        Args:
            name:
                The decision's name.
            n:
                How many inputs there are.
            k:
                How many the node takes in an architecture.
            edge:
                As in :meth:`SampledTrial.suggest_inputs`.
        """
        distribution = inputs_distribution(name, n, k)
        if self._is_fixed(name):
            return super().suggest_inputs(name, n, k, edge)
        gate = self._gate(name, distribution, range(n), k)
        edges = []
        for i in range(n):
            with self._within(name, [i]):
                edges.append(checked_module(edge(i), f"Decision {name!r}: edge {i}"))
        return self._given(Inputs(gate, edges))

    def _is_fixed(self, name: str) -> bool:
        return name in self.fixed or name in self.asked

    def _gate(
        self, name: str, distribution: BaseDistribution, labels: Sequence[Any], k: int
    ) -> Gate:
        self._note(name)
        if name in self.gates:
            check_same(name, self.gates[name].distribution, distribution)
        else:
            self.gates[name] = Gate(name, distribution, labels, k)
        return self.gates[name]

    def _given(self, gated: Gated) -> Gated:
        self.gated.append(gated)
        return gated

    def _ask(self, name: str, distribution: BaseDistribution) -> Any:
        self._note(name)
        if name in self.gates:
            raise ValueError(
                f"Decision {name!r} is mixed in this supernet, and now it is asked as a number or "
                "plain categorical, which cannot be mixed. Use another name, or fix it: "
                f"values={{{name!r}: {first(distribution)!r}}}."
            )
        return super()._ask(name, distribution)

    def _value(self, name: str, distribution: BaseDistribution) -> Any:
        """The answer of a dict."""
        if name not in self.fixed:
            missing = {name: distribution}
            if self.missing is None:
                raise MissingValueError(missing)
            self.missing.update(missing)
            return first(distribution)
        value = self.fixed[name]
        if not legal(distribution, value):
            raise ValueError(
                f"Decision {name!r}: values has {value!r}, but legal is {describe(distribution)}."
            )
        return distribution.to_external_repr(distribution.to_internal_repr(value))

    def _note(self, name: str) -> None:
        self._asks[name, self._context] = None

    @contextmanager
    def _within(self, name: str, leading: Sequence[int]) -> Iterator[None]:
        """Notes what is asked while a part is made: only architectures that take it ask that."""
        outside, self._context = self._context, (*self._context, (name, frozenset(leading)))
        try:
            yield
        finally:
            self._context = outside


class MissingValueError(ValueError):
    """Numbers or plain categoricals, which a supernet cannot mix, that nobody supplies."""

    def __init__(
        self, missing: Mapping[str, BaseDistribution], unknown: Sequence[str] = ()
    ) -> None:
        listed = ", ".join(f"{name!r} ({describe(d)})" for name, d in missing.items())
        example = ", ".join(f"{name!r}: {first(d)!r}" for name, d in missing.items())
        super().__init__(
            "A supernet mixes modules, repeats and inputs, but numbers and plain categoricals "
            f"need a value: {listed}. Write Supernet(network, values={{{example}}}), or "
            "values=trial to let Optuna choose."
            + (
                f" (The network does not ask {', '.join(map(repr, unknown))}, which values name.)"
                if unknown
                else ""
            )
        )
