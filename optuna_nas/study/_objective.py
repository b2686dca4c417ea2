"""``Objective``: from a trial to its values. Space, metrics and training meet here.

A candidate is first built on the meta device, where size costs nothing, and held against the
constraints; then it is built for real and run once on two rows. What it costs is measured before
it is trained: so a pruner knows it too, and a network that is too slow takes no training.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any
from typing import Literal
import warnings

import optuna
from optuna.distributions import BaseDistribution
import torch
from torch import nn

from optuna_nas.metrics import Constraint
from optuna_nas.metrics import Metric
from optuna_nas.metrics import Parameters
from optuna_nas.space import ARCHITECTURE
from optuna_nas.space import CANNOT_BE_BUILT
from optuna_nas.space import construct
from optuna_nas.space import decisions
from optuna_nas.space import Network
from optuna_nas.space import SampledTrial
from optuna_nas.space import SearchSpaceError
from optuna_nas.space import sketch
from optuna_nas.study._costs import Costs
from optuna_nas.study._duplicates import Duplicate
from optuna_nas.study._duplicates import Duplicates
from optuna_nas.study._duplicates import introduce
from optuna_nas.study._names import evaluator_name
from optuna_nas.study._names import name_objectives
from optuna_nas.study._number import as_number
from optuna_nas.study._objective_arguments import check_metric_names
from optuna_nas.study._objective_arguments import checked_constraints
from optuna_nas.study._objective_arguments import checked_evaluators
from optuna_nas.study._objective_arguments import Evaluator
from optuna_nas.study._objective_arguments import example_of
from optuna_nas.study._objective_arguments import two_rows
from optuna_nas.study._remembered import check_directions
from optuna_nas.study._remembered import check_survey
from optuna_nas.study._remembered_network import remember_network
from optuna_nas.study._screen import checked_screen
from optuna_nas.study._screen import measured
from optuna_nas.study._screen import Screen
from optuna_nas.study._screen import Screened
from optuna_nas.study._seeds import trial_rng
from optuna_nas.training import is_out_of_memory
from optuna_nas.training import Rejected


MAX_PARAMETERS = 250_000_000
"""With Adam in float32 such a network takes 4 GB before its activations."""

INTERRUPTED = "interrupted"
"""Trial user attr: whether Ctrl-C ended it."""

WARN_AFTER = 10


class Objective:
    """What ``study.optimize`` calls: builds the candidate of a trial and evaluates it.

    A candidate that cannot be built or run, breaks a constraint, is too large, runs out of memory
    or gives NaN is *rejected*: its trial ends pruned, with the reason in the user attr
    ``rejected``, and the search goes on. Other errors are bugs; they end the search.

    Example:

        .. code-block:: python

            objective = Objective(Net, Train((X, y), (X_valid, y_valid), epochs=10))
            study = optuna_nas.create_study(direction="maximize")
            study.optimize(objective, n_trials=50)

    Args:
        network:
            The search space: a function of a trial, or an ``nn.Module`` class whose ``__init__``
            takes one.
        *evaluators:
            One for each direction of the study, in that order; each any callable
            ``(module, trial) -> float``. Metrics are measured first, and once each; all that a
            trial's metrics said is in its user attr ``metrics``.
        constraints:
            On metrics: ``[metrics.Parameters() <= 1_000_000]``. Checked before training; static
            metrics before the network takes any memory. In each trial they are Optuna's
            constraints, and the user attr ``constraints`` for the dashboard.
        example:
            An input, ``[batch, ...]``, of which two rows are run before training; a tuple for
            a ``forward`` of several. By default the data of the first evaluator that has some.
        max_parameters:
            Larger networks are rejected; None for no limit.
        screen:
            What rejects poor candidates before they are trained.
        duplicates:
            What to do with a candidate that computes what an earlier trial's network did, by
            :func:`optuna_nas.fingerprint`, and was answered the same by evaluators' questions:
            ``"reuse"`` takes the earlier values, but for metrics, ``"reject"`` rejects it, and
            ``"retrain"`` trains it. All three note the trial in the user attr ``duplicate_of``;
            with the first two, our samplers do not propose such candidates as long as they find
            others. None does not look, which is the default, since looking takes an example,
            milliseconds a trial, and networks that read no values of tensors.

    Raises:
        TypeError:
            If network, an evaluator, a constraint or the screen is something else.
        ValueError:
            If there is no evaluator, or two constraints or unequal metrics have one name, or
            duplicates is something else or lacks an example.
    """

    def __init__(
        self,
        network: Network,
        *evaluators: Evaluator,
        constraints: Sequence[Constraint] = (),
        example: Any = None,
        max_parameters: int | None = MAX_PARAMETERS,
        screen: Screen | None = None,
        duplicates: Literal["reuse", "retrain", "reject"] | None = None,
    ) -> None:
        self.network = network
        self.evaluators = checked_evaluators(evaluators)
        self.constraints = checked_constraints(constraints)
        check_metric_names(self.evaluators, self.constraints)
        self.example = two_rows(example if example is not None else example_of(evaluators))
        self.max_parameters = max_parameters
        self.screen = checked_screen(screen)
        self.duplicates = (
            None if duplicates is None else Duplicates(duplicates, network, self.example)
        )
        self._decisions: Mapping[str, BaseDistribution] | None = None
        self._device = "meta"
        self._rejected_in_a_row = 0

    def __call__(self, trial: optuna.Trial) -> float | tuple[float, ...]:
        study = getattr(trial, "study", None)
        if study is not None:
            self.check(study)
            introduce(self.duplicates, study, trial)
        sampled = SampledTrial(trial)
        sampled.costs = costs = Costs(sampled, self.constraints, self.example)
        with trial_rng(study, trial.number), measured(self.screen, sampled):
            try:
                with _noted(costs):
                    module = self._candidate(sampled, costs)
                    sampled.known.update(self._known(module, sampled, costs))
                values = self._values(module, sampled)
            except Rejected as rejection:
                self._reject(sampled, rejection)
                raise
            except optuna.TrialPruned:
                self._rejected_in_a_row = 0
                raise
            except KeyboardInterrupt:  # Optuna fails the trial, as after a bug
                sampled.set_user_attr(INTERRUPTED, True)
                raise
        self._rejected_in_a_row = 0
        return values if len(values) > 1 else values[0]

    def check(self, study: optuna.Study) -> None:
        """Checks that this objective and the study belong together, before any work.

        The study remembers the decisions of the network that it was begun with.

        Args:
            study:
                A new or a loaded study.

        Raises:
            ValueError:
                If the study has another number of objectives, or an evaluator wants the other
                direction, or the network's decisions came, went or changed since the study began.
        """
        check_directions(study, self.evaluators)
        if self.screen is not None:
            self.screen.check_study(study)
        if self._decisions is None:
            self._decisions, self._device = decisions(self.network)
        check_survey(study, self._decisions)
        remember_network(study, self.network, self.example)
        name_objectives(study, self.evaluators)

    def _candidate(self, trial: SampledTrial, costs: Costs) -> nn.Module:
        """Builds the trial's network, once nothing speaks against it."""
        with _rejected_if_unbuildable(trial):
            sketched, self._device = sketch(self.network, trial, self._device)
        trial.set_user_attr(ARCHITECTURE, list(trial.asked))
        self._check_size(sketched)
        costs.check((c for c in self.constraints if c.metric.static), sketched)
        with _rejected_if_unbuildable(trial):
            module = construct(self.network, trial)
        self._dry_run(module)
        return module

    def _known(self, module: nn.Module, trial: SampledTrial, costs: Costs) -> dict[int, float]:
        """What can be said before training, by the objective's index."""
        if self.duplicates is not None:
            earlier = self.duplicates.earlier(trial, module, costs)
            if earlier is not None:
                return {**dict(enumerate(earlier.values)), **self._measured(module, costs)}
        if self.screen is not None:
            self.screen.check(trial, module, self.example)
        costs.check((c for c in self.constraints if not c.metric.static), module)
        return self._measured(module, costs)

    def _measured(self, module: nn.Module, costs: Costs) -> dict[int, float]:
        """The objectives that are metrics."""
        asked = enumerate(self.evaluators)
        return {i: costs.of(metric, module) for i, metric in asked if isinstance(metric, Metric)}

    def _values(self, module: nn.Module, trial: SampledTrial) -> tuple[float, ...]:
        for i, evaluate in enumerate(self.evaluators):
            if i not in trial.known:
                trial.evaluating = i
                trial.known[i] = _value(evaluate, module, trial)
        return tuple(trial.known[i] for i in range(len(self.evaluators)))

    def _check_size(self, sketched: nn.Module) -> None:
        parameters = Parameters().measure(sketched)
        if self.max_parameters is not None and parameters > self.max_parameters:
            raise Rejected(
                f"too large: {parameters:,.0f} parameters, max_parameters={self.max_parameters:,}"
            )

    def _dry_run(self, module: nn.Module) -> None:
        if self.example is None:
            return
        dtypes = (p.dtype for p in module.parameters() if p.is_floating_point())
        dtype = next(dtypes, torch.get_default_dtype())
        inputs = [x.to(dtype) if x.is_floating_point() else x for x in self.example]
        modes = {part: part.training for part in module.modules()}
        module.eval()
        try:
            with torch.no_grad():
                module(*inputs)
        except (*CANNOT_BE_BUILT, IndexError) as error:
            raise Rejected(f"cannot run on two rows of the example: {error}") from error
        finally:
            for part, training in modes.items():
                part.training = training

    def _reject(self, trial: SampledTrial, rejection: Rejected) -> None:
        trial.set_user_attr("rejected", rejection.reason)
        if isinstance(rejection, Screened | Duplicate):
            return
        self._rejected_in_a_row += 1
        if self._rejected_in_a_row == WARN_AFTER:
            warnings.warn(
                f"{WARN_AFTER} candidates in a row were rejected, the last with: "
                f"{rejection.reason}. If this holds for all of them, stop and correct network, "
                "example or constraints. "
                "Silence this with warnings.filterwarnings('ignore', message='.* in a row were').",
                stacklevel=2,
            )


@contextmanager
def _rejected_if_unbuildable(trial: SampledTrial) -> Iterator[None]:
    """Takes errors for the candidate's, but for those of the space and of asking itself."""
    try:
        yield
    except CANNOT_BE_BUILT as error:
        if isinstance(error, SearchSpaceError) or error is trial.failure:
            raise
        raise Rejected(f"cannot be built: {error}") from error


@contextmanager
def _noted(costs: Costs) -> Iterator[None]:
    try:
        yield
    finally:
        costs.note()


def _value(evaluate: Evaluator, module: nn.Module, trial: SampledTrial) -> float:
    try:
        value = evaluate(module, trial)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise Rejected(f"out of memory: {error}") from error
    return as_number(f"evaluator {evaluator_name(evaluate)}", value)
