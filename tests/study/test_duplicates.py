from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import pickle
from typing import Any

import optuna
from optuna.samplers import PartialFixedSampler
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest
import torch
from torch import nn

from optuna_nas import build
from optuna_nas import create_study
from optuna_nas import fingerprint
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import Rejected
from optuna_nas import warm_start
from optuna_nas.samplers import ProposalSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.space import Trial
from optuna_nas.spaces import NASBench201


X = torch.zeros(4, 6)
ONE, SAME, OTHER = (
    {"width": 4, "act": "relu", "twice": False},
    {"width": 4, "act": "relu", "twice": True},
    {"width": 4, "act": "gelu", "twice": False},
)


class Net(nn.Module):
    """A network in which one decision makes no difference with ``relu``."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        width = trial.suggest_int("width", 4, 8)
        act = trial.suggest_module("act", {"relu": nn.ReLU, "gelu": nn.GELU})
        twice = trial.suggest_categorical("twice", [False, True])
        again = nn.GELU() if twice and isinstance(act, nn.GELU) else nn.Identity()
        self.layers = nn.Sequential(nn.Linear(6, width), act, again, nn.Linear(width, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Trained:
    """An evaluator that knows whom it trained, and gives each trial another value."""

    example = X

    def __init__(self, evaluate: Callable[[Any], None] | None = None) -> None:
        self.numbers: list[int] = []
        self._evaluate = evaluate

    def __call__(self, module: nn.Module, trial: Any) -> float:
        self.numbers.append(trial.number)
        if self._evaluate is not None:
            self._evaluate(trial)
        return 10.0 + trial.number


def search(
    evaluator: Any, *proposals: dict[str, Any], study: Any = None, **kwargs: Any
) -> list[FrozenTrial]:
    study = study or create_study(direction="maximize", sampler="random", pruner=None, seed=0)
    for proposal in proposals:
        study.enqueue_trial(proposal)
    study.optimize(Objective(Net, evaluator, **kwargs), n_trials=len(proposals))
    return study.get_trials()


def test_a_duplicate_takes_the_earlier_value_without_training_and_says_whose() -> None:
    evaluator = Trained()
    trials = search(evaluator, ONE, OTHER, SAME, duplicates="reuse")
    assert evaluator.numbers == [0, 1]
    assert [trial.value for trial in trials] == [10.0, 11.0, 10.0]
    assert [t.user_attrs.get("duplicate_of") for t in trials] == [None, None, 0]
    assert trials[2].params == SAME
    prints = [t.user_attrs["fingerprint"] for t in trials]
    assert prints == [fingerprint(build(Net, t.params), X) for t in trials]
    assert prints[0] == prints[2] != prints[1]


def test_a_duplicate_of_a_duplicate_comes_from_the_first() -> None:
    trials = search(Trained(), ONE, SAME, ONE, duplicates="reuse")
    assert [t.user_attrs.get("duplicate_of") for t in trials] == [None, 0, 0]


def test_retrain_notes_the_earlier_trial_and_trains() -> None:
    evaluator = Trained()
    trials = search(evaluator, ONE, SAME, duplicates="retrain")
    assert evaluator.numbers == [0, 1]
    assert [trial.value for trial in trials] == [10.0, 11.0]
    assert trials[1].user_attrs["duplicate_of"] == 0


def test_reject_ends_a_duplicate_pruned_with_the_reason() -> None:
    evaluator = Trained()
    trials = search(evaluator, ONE, SAME, duplicates="reject")
    assert evaluator.numbers == [0]
    assert trials[1].state == TrialState.PRUNED
    reason = "the network computes what trial 0's does, which ended COMPLETE"
    assert trials[1].user_attrs["rejected"] == reason
    assert trials[1].user_attrs["duplicate_of"] == 0


def test_many_rejected_duplicates_are_no_reason_to_warn() -> None:
    trials = search(Trained(), *[ONE] * 12, duplicates="reject")
    assert sum("rejected" in trial.user_attrs for trial in trials) == 11


def test_by_default_nobody_looks() -> None:
    evaluator = Trained()
    trials = search(evaluator, ONE, SAME)
    assert evaluator.numbers == [0, 1]
    assert not any({"fingerprint", "duplicate_of"} & t.user_attrs.keys() for t in trials)


def with_lr(trial: Any) -> None:
    trial.suggest_categorical("lr", [0.1, 0.01])


def test_another_answer_to_the_evaluator_makes_no_duplicate() -> None:
    evaluator = Trained(with_lr)
    proposals = [ONE | {"lr": 0.1}, SAME | {"lr": 0.01}, SAME | {"lr": 0.1}, ONE | {"lr": 0.01}]
    trials = search(evaluator, *proposals, duplicates="reuse")
    assert evaluator.numbers == [0, 1]
    assert [t.user_attrs.get("duplicate_of") for t in trials] == [None, None, 0, 1]
    assert [t.params for t in trials] == proposals


def with_momentum(trial: Any) -> None:
    if trial.suggest_categorical("optimizer", ["sgd", "adam"]) == "sgd":
        trial.suggest_categorical("momentum", [0.0, 0.9])


def test_only_what_the_evaluator_would_ask_is_asked() -> None:
    evaluator = Trained(with_momentum)
    proposals = [
        ONE | {"optimizer": "sgd", "momentum": 0.9},
        SAME | {"optimizer": "adam"},
        SAME | {"optimizer": "sgd", "momentum": 0.9},
    ]
    trials = search(evaluator, *proposals, duplicates="reuse")
    assert evaluator.numbers == [0, 1]
    assert [t.params for t in trials] == proposals


def test_a_trial_under_way_is_not_waited_for() -> None:
    study = create_study(direction="maximize", sampler="random", pruner=None, seed=0)
    objective = Objective(Net, evaluator := Trained(), duplicates="reuse")
    warm_start(study, [ONE, SAME])
    first, second = study.ask(), study.ask()
    study.tell(second, objective(second))
    assert evaluator.numbers == [1]
    study.tell(first, objective(first))
    assert study.trials[0].user_attrs["duplicate_of"] == 1


def stop_early(trial: Any) -> None:
    for step in range(3):
        trial.report(0.1 * step, step)
    if trial.number == 0:
        raise optuna.TrialPruned


def test_the_equal_of_a_pruned_trial_is_pruned_with_its_last_report() -> None:
    evaluator = Trained(stop_early)
    trials = search(evaluator, ONE, SAME, duplicates="reuse")
    assert evaluator.numbers == [0]
    assert trials[1].state == TrialState.PRUNED
    assert trials[1].intermediate_values == {2: 0.2}
    assert trials[1].user_attrs["duplicate_of"] == 0
    assert "rejected" not in trials[1].user_attrs


def test_the_equal_of_a_pruned_trial_can_be_rejected() -> None:
    trials = search(Trained(stop_early), ONE, SAME, duplicates="reject")
    assert trials[1].user_attrs["rejected"].endswith("trial 0's does, which ended PRUNED")


def test_a_complete_trial_counts_before_a_pruned_one() -> None:
    evaluator = Trained(stop_early)
    study = create_study(direction="maximize", sampler="random", pruner=None, seed=0)
    search(evaluator, ONE, SAME, study=study, duplicates="retrain")
    trials = search(evaluator, SAME, study=study, duplicates="reuse")
    assert [t.state.name for t in trials] == ["PRUNED", "COMPLETE", "COMPLETE"]
    assert trials[2].value == 11.0
    assert trials[2].user_attrs["duplicate_of"] == 1


def reject_first(trial: Any) -> None:
    trial.report(0.5, 0)
    if trial.number == 0:
        raise Rejected("loss is NaN")


def test_the_equal_of_a_rejected_trial_is_tried() -> None:
    evaluator = Trained(reject_first)
    trials = search(evaluator, ONE, SAME, duplicates="reuse")
    assert evaluator.numbers == [0, 1]
    assert trials[1].value == 11.0


def test_constraints_are_those_of_the_trial_itself() -> None:
    trials = search(Trained(), ONE, SAME, duplicates="reuse", constraints=[Slower() <= 5.0])
    assert [t.user_attrs["duplicate_of"] for t in trials[1:]] == [0]
    assert [t.user_attrs["metrics"] for t in trials] == [{"slower": 1.0}, {"slower": 2.0}]
    assert [t.user_attrs["constraints"] for t in trials] == [{"slower <= 5": v} for v in (-4, -3)]
    assert [list(t.constraints.values()) for t in trials] == [[-4.0], [-3.0]]


def test_objectives_that_are_metrics_are_measured_on_the_trial_itself() -> None:
    study = create_study(directions=["maximize", "minimize", "minimize"], sampler="random", seed=0)
    warm_start(study, [CELLS.from_arch_string(name) for name in (STRAIGHT, NOWHERE)])
    trained, slower = Trained(), Slower()
    objective = Objective(
        CELLS, trained, metrics.Parameters(), slower, example=IMAGE, duplicates="reuse"
    )
    study.optimize(objective, n_trials=2)
    assert trained.numbers == [0]
    first, second = study.trials
    assert second.values[0] == first.values[0]
    assert [t.values[1] for t in study.trials] == [
        metrics.Parameters().measure(build(CELLS, t)) for t in study.trials
    ]
    assert first.values[1] < second.values[1]
    for trial in study.trials:
        assert trial.user_attrs["metrics"] == {
            "parameters": trial.values[1],
            "slower": trial.values[2],
        }


class Weights(metrics.Parameters):
    """Not measured on the meta device."""

    name, static = "weights", False


NOWHERE, STRAIGHT = (
    f"|{first}~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
    for first in ("nor_conv_3x3", "none")
)


@pytest.mark.parametrize("metric", [metrics.Parameters(), Weights()])
@pytest.mark.parametrize("evaluate", [None, stop_early])
@pytest.mark.parametrize(("limit", "is_broken"), [(3000, False), (1500, True)])
def test_weights_that_lead_nowhere_count_in_a_duplicates_constraints(
    metric: metrics.Metric, evaluate: Any, limit: int, is_broken: bool
) -> None:
    study = create_study(direction="maximize", sampler="random", pruner=None, seed=0)
    warm_start(study, [CELLS.from_arch_string(name) for name in (STRAIGHT, NOWHERE)])
    constraint, evaluator = metric <= limit, Trained(evaluate)
    study.optimize(
        Objective(CELLS, evaluator, example=IMAGE, duplicates="reuse", constraints=[constraint]), 2
    )
    assert evaluator.numbers == [0]
    for trial in study.trials:
        own = metric.measure(build(CELLS, trial))
        assert trial.user_attrs["constraints"] == {constraint.name: own - limit}
        assert list(trial.constraints.values()) == [own - limit]
    assert ("rejected" in study.trials[1].user_attrs) == is_broken


class Slower(metrics.Metric):
    """Another value at each measurement."""

    name, unit, static = "slower", "ms", False

    def __init__(self) -> None:
        self.measured = 0

    def measure(self, module: nn.Module) -> float:
        self.measured += 1
        return float(self.measured)


def test_a_constraint_that_the_earlier_trial_did_not_know_is_measured() -> None:
    study = create_study(direction="maximize", sampler="random", pruner=None, seed=0)
    search(Trained(), ONE, study=study)
    search(Trained(), SAME, study=study, duplicates="retrain")
    loose = search(Trained(), SAME, study=study, duplicates="reuse", constraints=[Slower() <= 9])
    assert loose[2].user_attrs["duplicate_of"] == 1
    assert loose[2].user_attrs["constraints"] == {"slower <= 9": -8.0}
    tight = search(Trained(), SAME, study=study, duplicates="reuse", constraints=[Slower() <= 0])
    assert tight[3].state == TrialState.PRUNED
    assert tight[3].user_attrs["rejected"] == "breaks slower <= 0 (by 1)"


def test_with_several_objectives_all_values_are_reused() -> None:
    evaluator = Trained()
    study = create_study(directions=["maximize", "minimize"], sampler="random", seed=0)
    warm_start(study, [ONE, SAME])
    objective = Objective(Net, evaluator, metrics.Parameters(), duplicates="reuse")
    study.optimize(objective, n_trials=2)
    assert evaluator.numbers == [0]
    assert study.trials[0].values == study.trials[1].values


def test_with_several_objectives_the_last_report_is_repeated() -> None:
    evaluator = Trained(stop_early)
    study = create_study(directions=["maximize", "minimize"], sampler="random", seed=0)
    warm_start(study, [ONE, SAME])
    objective = Objective(Net, evaluator, metrics.Parameters(), duplicates="reuse")
    study.optimize(objective, n_trials=2)
    first, second = (trial.user_attrs["reports"] for trial in study.trials)
    assert second == {"2": first["2"]}
    assert study.trials[1].state == TrialState.PRUNED


def test_a_resumed_study_knows_what_was_computed(tmp_path: Path) -> None:
    for proposal in (ONE, SAME):
        study = create_study(
            storage=str(tmp_path / "s.journal"), study_name="s", load_if_exists=True, seed=0,
            direction="maximize", sampler="random",
        )  # fmt: skip
        trials = search(Trained(), proposal, study=study, duplicates="reuse")
    assert trials[1].value == 10.0


def test_a_trial_of_no_study_is_only_evaluated() -> None:
    objective = Objective(Net, Trained(), duplicates="reuse")
    assert objective(optuna.trial.FixedTrial(ONE)) == 10.0


def test_a_wrong_policy_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        ValueError,
        match=r"duplicates must be one of 'reuse', 'retrain', 'reject', or None .* 'ignore'\.",
    ):
        Objective(Net, Trained(), duplicates="ignore")  # type: ignore[arg-type]


def test_without_an_example_the_remedy_is_said() -> None:
    with pytest.raises(ValueError, match=r"duplicates='reuse' needs an example .*example=inputs"):
        Objective(Net, lambda module, trial: 1.0, duplicates="reuse")


class Reads(Net):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x) if x.sum() >= 0 else x


def test_a_network_that_reads_values_ends_the_search_with_the_remedy() -> None:
    study = create_study(direction="maximize", sampler="regularized_evolution", seed=0)
    with pytest.raises(ValueError, match=r"reads values of a tensor.*duplicates=None"):
        study.optimize(Objective(Reads, Trained(), duplicates="reuse"), n_trials=2)


CELLS = NASBench201(num_classes=2, channels=2, cells=1, in_channels=1)
IMAGE = torch.zeros(2, 1, 4, 4)


class Size:
    """A value that follows from what the network computes, at once."""

    example = IMAGE

    def __call__(self, module: nn.Module, trial: Any) -> float:
        return float(sum(p.numel() for p in module.parameters()))


def evolved(
    n_trials: int, duplicates: Any, *, study: Any = None, evaluator: Any = None, **kwargs: Any
) -> list[FrozenTrial]:
    sampler = RegularizedEvolutionSampler(seed=3, population_size=4, tournament_size=4)
    study = study or create_study(
        **{"direction": "minimize", "sampler": sampler, "pruner": None, "seed": 0, **kwargs}
    )
    objective = Objective(CELLS, evaluator or Size(), duplicates=duplicates)
    study.optimize(objective, n_trials=n_trials)
    return study.get_trials()


def copies(trials: list[FrozenTrial]) -> int:
    return sum("duplicate_of" in trial.user_attrs for trial in trials)


def test_our_samplers_do_not_propose_what_was_computed() -> None:
    without = evolved(30, "retrain")
    with_hook = evolved(30, "reuse")
    assert copies(without) >= 3
    assert copies(with_hook) == 0
    assert len({t.user_attrs["fingerprint"] for t in with_hook}) == 30


def test_25_trials_after_a_resume_are_those_of_one_go(tmp_path: Path) -> None:
    whole = evolved(16, "reuse")
    for number in (7, 9):
        path = str(tmp_path / "s.journal")
        sampler = RegularizedEvolutionSampler(seed=3, population_size=4, tournament_size=4)
        study = create_study(
            storage=path, study_name="s", load_if_exists=True, sampler=sampler, seed=0,
            direction="minimize", pruner=None,
        )  # fmt: skip
        parts = evolved(number, "reuse", study=study)
    assert [t.params for t in parts] == [t.params for t in whole]


def test_a_sampler_forgets_an_objective_that_looks_for_duplicates_when_another_comes() -> None:
    sampler = RegularizedEvolutionSampler(seed=3)
    study = create_study(direction="minimize", sampler=sampler, seed=0)
    evolved(1, "reuse", study=study)
    assert sampler.is_known is not None
    evolved(1, None, study=study)
    assert sampler.is_known is None


@pytest.mark.parametrize("objective", [lambda trial: trial.suggest_float("x", 0, 1), None])
def test_a_sampler_that_goes_on_to_another_study_forgets_the_first_ones(objective: Any) -> None:
    sampler = RegularizedEvolutionSampler(seed=3)
    evolved(1, "reuse", study=create_study(direction="minimize", sampler=sampler, seed=0))
    first = sampler.known_in
    other = create_study(direction="minimize", sampler=sampler, seed=0)
    if objective is None:
        evolved(2, "reuse", study=other)
        assert sampler.known_in == (other._storage, other._study_id) != first
    else:
        other.optimize(objective, n_trials=1)
        assert sampler.is_known is sampler.known_in is None


def test_the_fallback_of_a_sampler_of_proposals_is_found() -> None:
    fallback = RegularizedEvolutionSampler(seed=3, population_size=4, tournament_size=4)

    def propose(history: dict[str, Any]) -> dict[str, Any] | None:
        return {"0>1": "none"} if history["trial"] == 2 else None

    sampler = ProposalSampler(propose, fallback=fallback, seed=0)
    study = create_study(direction="minimize", sampler=sampler, pruner=None, seed=0)
    trials = evolved(30, "reuse", study=study)
    assert fallback.is_known is not None
    assert copies(trials[3:]) == 0
    assert "optuna_nas:plan" not in trials[2].system_attrs


@pytest.mark.filterwarnings("ignore:PartialFixedSampler is experimental")
def test_a_wrapped_sampler_is_found() -> None:
    inner = RegularizedEvolutionSampler(seed=3)
    study = create_study(
        direction="minimize", sampler=PartialFixedSampler({"0>1": "none"}, inner), seed=0
    )
    trials = evolved(8, "reject", study=study)
    assert inner.is_known is not None
    assert {t.params["0>1"] for t in trials} == {"none"}


def test_candidates_of_another_learning_rate_are_still_proposed() -> None:
    class WithRate(Size):
        def __call__(self, module: nn.Module, trial: Any) -> float:
            trial.suggest_categorical("lr", [0.1, 0.2, 0.3, 0.4, 0.5])
            return super().__call__(module, trial)

    trials = evolved(30, "reuse", evaluator=WithRate())
    assert copies(trials) == 0
    assert len({t.user_attrs["fingerprint"] for t in trials}) < 30


def test_an_objective_that_has_looked_can_be_pickled() -> None:
    objective = Objective(Net, Trained(), duplicates="reuse")
    study = create_study(direction="maximize", sampler="random", pruner=None, seed=0)
    study.optimize(objective, n_trials=1)
    study.enqueue_trial(study.trials[0].params)
    study.optimize(pickle.loads(pickle.dumps(objective)), n_trials=1)
    assert study.trials[1].user_attrs["duplicate_of"] == 0


def test_a_sampler_that_has_met_an_objective_can_be_pickled() -> None:
    sampler = RegularizedEvolutionSampler(seed=3)
    study = create_study(direction="minimize", sampler=sampler, seed=0)
    objective = Objective(
        lambda trial: CELLS(trial),
        Size(),
        duplicates="reuse",  # which is not picklable
    )
    study.optimize(objective, n_trials=1)
    assert pickle.loads(pickle.dumps(sampler)).is_known is None
