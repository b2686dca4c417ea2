"""Proposals from anybody: a language model behind an HTTP API, or a rule of thumb.

What is proposed lies in the trial's system attrs, and what was wrong with it beside it. So the
next proposal hears of it, whichever process asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from typing import Any
from typing import TYPE_CHECKING
from typing import TypeAlias
import warnings

from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from optuna_nas._arguments import checked_float
from optuna_nas._arguments import checked_int
from optuna_nas.samplers._draw import checked_seed
from optuna_nas.samplers._draw import draw
from optuna_nas.samplers._draw import generator
from optuna_nas.samplers._nearest import nearest
from optuna_nas.samplers._patience import NoAnswerError
from optuna_nas.samplers._patience import Patience
from optuna_nas.samplers._planning import FIXED
from optuna_nas.samplers._proposal_answer import fitted
from optuna_nas.samplers._proposal_answer import params_in
from optuna_nas.samplers._proposal_answer import UnfitError
from optuna_nas.samplers._proposal_history import history_of
from optuna_nas.samplers._proposal_history import search_space_of
from optuna_nas.samplers._random import RandomSampler


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial


PROPOSAL = "optuna_nas:proposal"
"""Trial system attr: the fields of a proposal."""

TOLD = "proposal"
"""Trial user attr: ``"taken"``, ``"repaired: ..."``, ``"none"``, or ``"fallback: ..."``."""

Propose: TypeAlias = Callable[[dict[str, Any]], Mapping[str, Any] | str | None]


@dataclass(frozen=True)
class Proposal:
    """What came of asking for a trial's architecture.

    Args:
        params:
            What it answers; None if the fallback does.
        told:
            For people: the user attr.
        feedback:
            For who proposes next: what was wrong, repaired or left out.
    """

    params: Mapping[str, Any] | None
    told: str
    feedback: Sequence[str] = ()


class ProposalSampler(BaseSampler):
    """Asks a function of yours for each architecture, and never trusts its answer.

    The function gets the study as plain data, which ``json.dumps`` takes:

    - ``search_space``: for each decision its ``type`` (``"int"``, ``"float"``, ``"categorical"``)
      with ``low``, ``high``, ``step`` and ``log``, or ``choices``;
    - ``directions`` and ``metrics``: ``"minimize"`` or ``"maximize"``, and names, or None;
    - ``trials``: each with ``number``, ``state``, ``params``, ``values``, ``last_report`` (a step
      and values), ``feasible`` and ``rejected`` (why); numbers that are not finite are None;
    - ``trial``: the number of the one to propose, and ``fixed``: what it was enqueued with;
    - ``feedback``: what was wrong with the last answers, repaired or left out, in words.

    It returns a dict of decisions and values, or JSON of one, also amid prose or in code fences;
    or None, to leave this trial to the fallback. A value that is not legal is repaired to
    the nearest; decisions that are missing are drawn at random; names that are no decisions are
    left out. What cannot be repaired, or was evaluated already, is rejected, and the function is
    asked again with the reason. After ``retries`` the fallback proposes; an error of the function
    counts as a rejection, ``SystemExit`` too, and a timeout ends the asking at once. Neither ends
    the study; a ``KeyboardInterrupt`` does.

    It is not asked as long as the study knows no decision: in plain Optuna, the first trial
    is the fallback's; with :class:`optuna_nas.Objective` all decisions are known at once. What
    became of each proposal is in the trial's user attr ``proposal``.

    Python cannot end a function that hangs. It lives on in a daemon thread, and until it comes
    back it is not called again.

    Example:

        .. code-block:: python

            def propose(history):
                done = [t for t in history["trials"] if t["values"]]
                best = max(done, key=lambda t: t["values"][0], default=None)
                return {**best["params"], "stem": "conv"} if best else None


            study = optuna_nas.create_study(sampler=ProposalSampler(propose, seed=0))

    Args:
        propose:
            The function; in each process it is called once at a time.
        fallback:
            Who proposes in its place; None for :class:`RandomSampler`.
        timeout:
            Seconds to wait for an answer; None for no limit.
        retries:
            How often it is asked again for the same trial; 0 for never.
        avoid_repeats:
            Whether a proposal is rejected whose architecture was evaluated, or is under way.
        seed:
            At least 0, for what is drawn at random; None draws one.

    Raises:
        TypeError:
            If ``propose`` cannot be called, or the fallback is no sampler.
        ValueError:
            If the timeout is not above 0, or retries or seed are no ints of at least 0.
    """

    def __init__(
        self,
        propose: Propose,
        *,
        fallback: BaseSampler | None = None,
        timeout: float | None = 60.0,
        retries: int = 2,
        avoid_repeats: bool = True,
        seed: int | None = None,
    ) -> None:
        _check(propose, fallback, timeout)
        self._seed = checked_seed(seed)
        self._fallback = fallback or RandomSampler(seed=self._seed)
        self._propose = Patience(propose, timeout)
        self._retries = checked_int("retries", retries, 0)
        self._avoid_repeats = avoid_repeats
        self._warned = False

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        # Optuna comes here before the first answer: later than before_trial, and by then an
        # Objective has told the study all decisions of its network.
        if PROPOSAL not in trial.system_attrs:
            proposal = self._asked(study, trial)
            study._storage.set_trial_user_attr(trial._trial_id, TOLD, proposal.told)
            study._storage.set_trial_system_attr(trial._trial_id, PROPOSAL, asdict(proposal))
            if proposal.params is None:
                self._fallback.before_trial(study, trial)
        if self._is_proposed(study, trial):
            return {}
        return self._fallback.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        if self._is_proposed(study, trial):
            return {}
        return self._fallback.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        params = proposal_of(trial).params
        if params is None:
            return self._fallback.sample_independent(study, trial, param_name, param_distribution)
        if param_name in params:
            try:
                return nearest(param_distribution, params[param_name])
            except ValueError:
                pass  # the distribution is another one than the study knew
        return draw(param_distribution, generator(self._seed, trial.number, param_name))

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        if not self._is_proposed(study, trial):
            self._fallback.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        self._fallback.reseed_rng()

    def _is_proposed(self, study: Study, trial: FrozenTrial) -> bool:
        attrs = study._storage.get_trial_system_attrs(trial._trial_id)  # newer than the trial's
        return attrs.get(PROPOSAL, {}).get("params") is not None

    def _asked(self, study: Study, trial: FrozenTrial) -> Proposal:
        """Asks until an answer can be used."""
        trials = [t for t in study._get_trials(deepcopy=False) if t.number != trial.number]
        search_space = search_space_of(study, trials)
        if not search_space:
            return Proposal(None, "none")
        earlier = {t.number: proposal_of(t) for t in trials if PROPOSAL in t.system_attrs}
        proposed = {number: one.params or {} for number, one in earlier.items()}
        fixed = trial.system_attrs.get(FIXED, {})
        history = history_of(study, trials, search_space, proposed)
        history |= {"trial": trial.number, "fixed": dict(fixed)}
        feedback = list(earlier[max(earlier)].feedback) if earlier else []
        others = [t for t in trials if t.state != TrialState.FAIL] if self._avoid_repeats else []
        reasons: list[str] = []
        for _ in range(self._retries + 1):
            try:
                answer = self._propose({**history, "feedback": feedback})
                if answer is None:
                    return Proposal(None, "none", reasons)
                params, changes = fitted(params_in(answer, search_space), search_space)
                _check_new({**params, **fixed}, others, proposed)
            except NoAnswerError as error:
                return self._given_up([*reasons, str(error)])
            except UnfitError as error:
                reasons += str(error).splitlines()
            # Whatever the user's function raises. It runs in a thread, where ``sys.exit``, with
            # which clients for the command line give up, does not end the process either.
            except (Exception, SystemExit) as error:
                reasons.append(f"{type(error).__name__}: {str(error)[:200]}")
            else:
                told = f"repaired: {'; '.join(changes)}" if changes else "taken"
                return Proposal(params, told, [*reasons, *changes])
            feedback = list(reasons)
        return self._given_up(reasons)

    def _given_up(self, reasons: Sequence[str]) -> Proposal:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"propose gave no architecture that can be used ({reasons[-1]}), so that "
                f"{type(self._fallback).__name__} proposes this trial; this is said once. Each "
                f"trial's user attr {TOLD!r} tells what became of its proposal.",
                stacklevel=2,
            )
        return Proposal(None, f"fallback: {'; '.join(reasons)}", reasons)


def proposal_of(trial: FrozenTrial) -> Proposal:
    """Returns what was proposed for a trial; nothing, if nobody was asked.

    Args:
        trial:
            Of any sampler.
    """
    return Proposal(**trial.system_attrs.get(PROPOSAL, {"params": None, "told": "none"}))


def _check_new(
    params: Mapping[str, Any],
    others: Sequence[FrozenTrial],
    proposed: Mapping[int, Mapping[str, Any]],
) -> None:
    """Raises if another trial was asked nothing but what these params answer, and likewise."""
    for trial in others:
        theirs = trial.params
        if not trial.state.is_finished():
            theirs = {
                **trial.system_attrs.get(FIXED, {}),
                **proposed.get(trial.number, {}),
                **theirs,
            }
        if theirs and theirs.items() <= params.items():
            values = "" if trial.values is None else f", values {list(trial.values)}"
            raise UnfitError(
                f"trial {trial.number} has this architecture already "
                f"({trial.state.name.lower()}{values})"
            )


def _check(propose: Any, fallback: Any, timeout: float | None) -> None:
    if not callable(propose):
        raise TypeError(
            f"propose must be a function of the history, but is {type(propose).__name__}."
        )
    if fallback is not None and not isinstance(fallback, BaseSampler):
        raise TypeError(
            "fallback must be an Optuna sampler, or None for random search, but is "
            f"{type(fallback).__name__}."
        )
    if timeout is not None:
        checked_float("timeout", timeout, above=0, otherwise=" seconds, or None for no limit")
