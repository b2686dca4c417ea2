"""``SampledTrial``: one candidate. Questions about structure become Optuna's own suggest calls.

A module is a categorical over its options' names, a repeat is an int, a node's inputs are a
categorical over their combinations; so every sampler, pruner, storage and plot of Optuna works.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import cast
from typing import TYPE_CHECKING

from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalChoiceType
from torch import nn

from optuna_nas._reports import reports_in
from optuna_nas._reports import with_report
from optuna_nas.space._asked import ask
from optuna_nas.space._asked import ASKED
from optuna_nas.space._asked import asked_in
from optuna_nas.space._asked import to_json
from optuna_nas.space._decisions import categorical_distribution
from optuna_nas.space._decisions import check_same
from optuna_nas.space._decisions import describe
from optuna_nas.space._decisions import float_distribution
from optuna_nas.space._decisions import inputs_distribution
from optuna_nas.space._decisions import int_distribution
from optuna_nas.space._decisions import legal
from optuna_nas.space._decisions import module_distribution
from optuna_nas.space._decisions import repeat_distribution
from optuna_nas.space._node import checked_module
from optuna_nas.space._node import Node
from optuna_nas.space._protocol import Trial
from optuna_nas.space._reports import checked_step
from optuna_nas.space._reports import only_value
from optuna_nas.space._reports import report_of
from optuna_nas.space._scope import Scope


if TYPE_CHECKING:
    import optuna


class SampledTrial:
    """A trial that can also be asked for modules, repeats and inputs.

    Whatever else the wrapped trial has (``number``, ``params``, ``study``, ...) passes through, so
    callbacks written for Optuna take a ``SampledTrial`` as they take a trial.

    Example:

        .. code-block:: python

            def objective(trial):
                trial = SampledTrial(trial)
                act = trial.suggest_module("act", {"relu": nn.ReLU, "gelu": nn.GELU})
                ...

    Args:
        trial:
            An ``optuna.Trial``, ``FixedTrial`` or ``FrozenTrial``.

    Raises:
        SearchSpaceError:
            From any question: if its answers cannot be a distribution, or if the study has seen
            the name with another one. ``FixedTrial`` and Optuna itself let ranges drift.
    """

    def __init__(self, trial: optuna.trial.BaseTrial) -> None:
        self._trial: Any = trial
        self.asked: dict[str, BaseDistribution] = {}
        """What this trial was asked so far, in the order asked."""
        self.failure: Exception | None = None
        """What asking itself raised: an error of sampler or storage, never the candidate's."""
        self.known: dict[int, float] = {}
        """With several objectives, by index the values that are known before the trial ends."""
        self.evaluating: int | None = None
        """The index of the objective that is being evaluated."""
        self.costs: Any = None
        """What metrics said of the candidate, where an objective asked them."""
        self._is_furthest = True
        self._answers: dict[str, Any] = {}
        self._before: dict[str, BaseDistribution] | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("__", "suggest_")) or name in ("_trial", "asked", "failure"):
            raise AttributeError(name)
        return getattr(self._trial, name)

    @property
    def params(self) -> dict[str, Any]:
        """The answers given so far."""
        return dict(self._trial.params)

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """An integer of ``low..high``, as :meth:`optuna.Trial.suggest_int`.

        Args:
            name:
                The decision's name.
            low:
                The smallest value.
            high:
                The largest value, included.
            step:
                The distance between two values.
            log:
                Whether to sample from the log domain.
        """
        return int(self._ask(name, int_distribution(name, low, high, step, log)))

    def suggest_float(
        self,
        name: str,
        low: float,
        high: float,
        *,
        step: float | None = None,
        log: bool = False,
    ) -> float:
        """A number of ``low..high``, as :meth:`optuna.Trial.suggest_float`.

        Args:
            name:
                The decision's name.
            low:
                The smallest value.
            high:
                The largest value, included.
            step:
                The distance between two values, or None for a continuum.
            log:
                Whether to sample from the log domain.
        """
        return float(self._ask(name, float_distribution(name, low, high, step, log)))

    def suggest_categorical(self, name: str, choices: Sequence[CategoricalChoiceType]) -> Any:
        """One of ``choices``, as :meth:`optuna.Trial.suggest_categorical`.

        Args:
            name:
                The decision's name.
            choices:
                Values that differ; str, int, float, bool or None.
        """
        return self._ask(name, categorical_distribution(name, choices))

    def suggest_module(
        self, name: str, options: Mapping[str, Callable[[], nn.Module]]
    ) -> nn.Module:
        """One of several modules. Only the chosen factory is called.

        Args:
            name:
                The decision's name.
            options:
                From a short name to a function without arguments that makes the module. All
                options take and give the same shapes.

        Returns:
            What the chosen factory made.
        """
        chosen = self._ask(name, module_distribution(name, options))
        return checked_module(options[chosen](), f"Decision {name!r}: option {chosen!r}")

    def suggest_repeat(
        self, name: str, low: int, high: int, block: Callable[[int], nn.Module]
    ) -> nn.Module:
        """``low..high`` blocks in sequence.

        Args:
            name:
                The decision's name.
            low:
                The smallest number of blocks; with 0 the result may be the identity.
            high:
                The largest number of blocks, included.
            block:
                Makes block i, called for i = 0, 1, ... All blocks give the same shape.

        Returns:
            An ``nn.Sequential`` of the blocks.
        """
        repeats = self._ask(name, repeat_distribution(name, low, high))
        return nn.Sequential(
            *(checked_module(block(i), f"Decision {name!r}: block {i}") for i in range(repeats))
        )

    def suggest_inputs(
        self, name: str, n: int, k: int, edge: Callable[[int], nn.Module]
    ) -> nn.Module:
        """A node that takes k of n inputs, as in the cells of DARTS (Liu et al. 2019, sec. 2.1).

        Args:
            name:
                The decision's name. Its values are the inputs taken: ``"0+2"``.
            n:
                How many inputs there are.
            k:
                How many the node takes.
            edge:
                Makes the module on the edge from input i; called for the inputs taken.

        Returns:
            A module whose ``forward(states)`` takes the n inputs, in a list, and returns the sum
            of ``edge(i)(states[i])`` over the inputs taken.
        """
        chosen = self._ask(name, inputs_distribution(name, n, k))
        taken = [int(i) for i in chosen.split("+")]
        return Node(
            taken, [checked_module(edge(i), f"Decision {name!r}: edge {i}") for i in taken]
        )

    def scope(self, name: str) -> Trial:
        """A view of this trial that puts ``name/`` before every name.

        Args:
            name:
                What to put before the names; scopes nest.
        """
        return cast(Trial, Scope(self, name))

    def report(self, value: float | Sequence[float | None], step: int) -> None:
        """Reports intermediate values, in studies with several objectives too.

        There, they go to the user attrs ``reports``, ``{step: [value of each objective]}``, 20
        steps in each, and never to Optuna's intermediate values: with those, ``TPESampler``
        raises once a trial is pruned.

        Args:
            value:
                The score so far; with several objectives one for each, None for what is not known
                yet. Within :class:`optuna_nas.Objective` the score alone will do: what the others
                are is put beside it, as far as it is known.
            step:
                At least 0; epochs, as a rule. Of two values for one step, the first counts.

        Raises:
            TypeError:
                If a value or the step is no number.
            ValueError:
                If there is not one value for each objective, or the step is negative.
        """
        study = getattr(self._trial, "study", None)
        if study is None:  # a fixed or frozen trial, which keeps none
            return
        if len(study.directions) == 1:
            self._trial.report(only_value(value), step)
            return
        step = checked_step(step)
        values = report_of(value, len(study.directions), self.known, self.evaluating)
        attrs = self._trial.user_attrs
        self._is_furthest = step > max(reports_in(attrs), default=-1)
        self._trial.set_user_attr(*with_report(attrs, step, values))

    def should_prune(self) -> bool:
        """Whether the study's pruner wants to stop this trial.

        With several objectives, only pruners that know of them are asked: those with
        ``several_objectives = True``, as ours in :mod:`optuna_nas.pruners`. Optuna's know one. If
        several evaluators report, they are asked at each step once, by the first to get there.
        """
        if not self._is_multi_objective():
            return bool(self._trial.should_prune())
        study = self._trial.study
        knows = getattr(study.pruner, "several_objectives", False)
        if not (knows and self._is_furthest):
            return False
        frozen = study._storage.get_trial(self._trial._trial_id)
        return bool(study.pruner.prune(study, frozen))

    def set_user_attr(self, key: str, value: Any) -> None:
        """As :meth:`optuna.Trial.set_user_attr`.

        Args:
            key:
                The attribute's name.
            value:
                Something that JSON can hold.
        """
        self._trial.set_user_attr(key, value)

    def set_constraint(self, key: str, value: float) -> None:
        """As :meth:`optuna.Trial.set_constraint`.

        Args:
            key:
                The constraint's name.
            value:
                How far it is broken; 0 or less is feasible.
        """
        self._trial.set_constraint(key, value)

    def _is_multi_objective(self) -> bool:
        study = getattr(self._trial, "study", None)
        return study is not None and len(study.directions) > 1

    def _ask(self, name: str, distribution: BaseDistribution) -> Any:
        if name in self.asked:  # cells that share their decisions ask often
            check_same(name, self.asked[name], distribution)
            return self._answers[name]
        try:
            self._remember(name, distribution)
            answer = ask(self._trial, name, distribution)
            if not legal(distribution, answer):
                raise ValueError(
                    f"Decision {name!r} was answered by {answer!r}, but legal is "
                    f"{describe(distribution)}. Was the trial enqueued or fixed with that value?"
                )
        except Exception as error:
            self.failure = error
            raise
        self.asked[name], self._answers[name] = distribution, answer
        return answer

    def _remember(self, name: str, distribution: BaseDistribution) -> None:
        """Holds a name that is new to this trial against those that the study's trials asked."""
        study = getattr(self._trial, "study", None)
        if study is None:
            return
        if self._before is None or name not in self._before:
            self._before = asked_in(study)
        if name in self._before:
            check_same(name, self._before[name], distribution)
        else:
            self._before[name] = distribution
            study.set_user_attr(ASKED, to_json(self._before))
