"""Duplicates: what to do with a trial whose network computes what an earlier one's did.

Params are names: several may stand for one computation. What a trial computes is in its user attr
``fingerprint``, so that workers share it and a resume finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import TYPE_CHECKING

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import PartialFixedSampler
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
from torch import nn
from torch import Tensor

from optuna_nas._reports import reports_in
from optuna_nas.samplers import ProposalSampler
from optuna_nas.samplers._planning import PlanningSampler
from optuna_nas.space import AnsweredTrial
from optuna_nas.space import ARCHITECTURE
from optuna_nas.space import ask
from optuna_nas.space import CANNOT_BE_BUILT
from optuna_nas.space import fingerprint
from optuna_nas.space import Network
from optuna_nas.space import SampledTrial
from optuna_nas.space import sketch
from optuna_nas.training import Rejected


if TYPE_CHECKING:
    from optuna_nas.study._costs import Costs


FINGERPRINT = "fingerprint"
"""Trial user attr: :func:`optuna_nas.fingerprint` of its network."""

DUPLICATE_OF = "duplicate_of"
"""Trial user attr: the number of the earlier trial that it is equal to."""

POLICIES = ("reuse", "retrain", "reject")


class Duplicate(Rejected):
    """A candidate that nothing is wrong with, but that was evaluated before."""


class Duplicates:
    """Finds out what candidates compute, and which earlier trial computed the same.

    Two trials are equal if their networks have one fingerprint and evaluators were answered the
    same (``lr``, ...). The earlier one has to have ended with a value: complete, or pruned after a
    report. One that was rejected says nothing, and one that is under way is not waited for.

    Args:
        policy:
            ``"reuse"``, ``"retrain"`` or ``"reject"``.
        network:
            The search space.
        example:
            Inputs, two rows.

    Raises:
        ValueError:
            If the policy is none of these, or there is no example.
    """

    def __init__(self, policy: str, network: Network, example: tuple[Tensor, ...] | None) -> None:
        if policy not in POLICIES:
            raise ValueError(
                f"duplicates must be one of {', '.join(map(repr, POLICIES))}, or None not to look "
                f"for any, but is {policy!r}."
            )
        if example is None:
            raise ValueError(
                f"duplicates={policy!r} needs an example to run networks on: give "
                "Objective(..., example=inputs), a batch of inputs."
            )
        self.policy = policy
        self._network, self._example = network, example
        self._device = "meta"
        self._shapes: dict[Any, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_shapes": {}}

    def is_known(
        self, trials: Sequence[FrozenTrial], answer: Callable[[str, BaseDistribution], Any]
    ) -> bool:
        """Whether a candidate computes what one of some trials does.

        Args:
            trials:
                In any state; failed ones do not count.
            answer:
                The candidate: its value of each decision.
        """
        try:
            sketched, self._device = sketch(
                self._network, SampledTrial(AnsweredTrial(answer)), self._device
            )
            found = fingerprint(sketched, self._example, shapes=self._shapes)
        except (*CANNOT_BE_BUILT, IndexError):  # which is the objective's to say
            return False
        same = (t for t in trials if t.user_attrs.get(FINGERPRINT) == found)
        return any(_answers(t, answer) for t in same if t.state != TrialState.FAIL)

    def earlier(self, trial: SampledTrial, module: nn.Module, costs: Costs) -> FrozenTrial | None:
        """Notes what a candidate computes, and deals with what is known of that.

        Args:
            trial:
                The candidate's. Evaluators' questions are asked as far as they lead to a trial
                that was answered the same.
            module:
                The candidate.
            costs:
                Of the candidate itself, against which all constraints are held: weights that
                nothing depends on are no part of a fingerprint, but count, and may take time.

        Returns:
            A complete trial to take the values of, or None if the candidate is to be trained.

        Raises:
            Duplicate:
                If it is to be rejected.
            Rejected:
                If it breaks a constraint.
            optuna.TrialPruned:
                If the earlier trial was pruned; its last report is repeated.
            ValueError:
                If the module reads values of tensors.
        """
        found = fingerprint(module, self._example, shapes=self._shapes)
        trial.set_user_attr(FINGERPRINT, found)
        study = getattr(trial, "study", None)
        same = [] if study is None else _ended_before(study, found)
        known = next((t for t in same if _answers(t, lambda n, d: ask(trial, n, d))), None)
        if known is None:
            return None
        trial.set_user_attr(DUPLICATE_OF, known.number)
        if self.policy == "retrain":
            return None
        said = f"the network computes what trial {known.number}'s does"
        if self.policy == "reject":
            raise Duplicate(f"{said}, which ended {known.state.name}")
        costs.check_all(module)
        if known.state == TrialState.COMPLETE:
            return known
        step, value = _reports(known)[-1]
        trial.report(value, step)
        raise optuna.TrialPruned(f"{said}, which was pruned at step {step}")


def introduce(duplicates: Duplicates | None, study: Study, trial: optuna.Trial) -> None:
    """Lets the study's sampler ask what candidates compute, if it plans ahead.

    Args:
        duplicates:
            Who knows; None for nobody.
        study:
            The trial's.
        trial:
            If it was planned before, it is planned again: a resumed search then goes on as one
            that was never stopped.
    """
    sampler, is_planned = study.sampler, True
    while isinstance(sampler, PartialFixedSampler | ProposalSampler):
        if isinstance(sampler, ProposalSampler):
            sampler, is_planned = sampler._fallback, False  # it plans at the first question
        else:
            sampler = sampler._base_sampler
    if not isinstance(sampler, PlanningSampler):
        return
    is_known = known_in = None
    if duplicates is not None and duplicates.policy != "retrain":
        is_known, known_in = duplicates.is_known, (study._storage, study._study_id)
    if (sampler.is_known, sampler.known_in) != (is_known, known_in):
        sampler.is_known, sampler.known_in = is_known, known_in
        if is_planned and not trial.params:
            sampler.before_trial(study, study._storage.get_trial(trial._trial_id))


def _ended_before(study: Study, found: str) -> list[FrozenTrial]:
    """The trials with a fingerprint that have a value, complete ones first."""
    ended = (TrialState.COMPLETE, TrialState.PRUNED)
    trials = study._get_trials(deepcopy=False, states=ended, use_cache=True)
    same = [t for t in trials if t.user_attrs.get(FINGERPRINT) == found]
    valued = [t for t in same if t.state == TrialState.COMPLETE or _stopped_early(t)]
    return sorted(valued, key=lambda t: (t.state != TrialState.COMPLETE, t.number))


def _stopped_early(trial: FrozenTrial) -> bool:
    return "rejected" not in trial.user_attrs and bool(_reports(trial))


def _reports(trial: FrozenTrial) -> list[tuple[int, Any]]:
    """What a trial reported, by step; values of all objectives, where there are several."""
    return sorted({**trial.intermediate_values, **reports_in(trial.user_attrs)}.items())


def _answers(trial: FrozenTrial, answer: Callable[[str, BaseDistribution], Any]) -> bool:
    """Whether evaluators are answered as in a trial, asked in that order up to a difference."""
    return all(
        answer(name, trial.distributions[name]) == trial.params[name] for name in _rest(trial)
    )


def _rest(trial: FrozenTrial) -> Iterator[str]:
    asked = set(trial.user_attrs.get(ARCHITECTURE, ()))
    return (name for name in trial.params if name not in asked)
