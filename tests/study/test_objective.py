from __future__ import annotations

import math
from pathlib import Path
from typing import Any
import warnings

import numpy as np
import optuna
from optuna.trial import FixedTrial
from optuna.trial import TrialState
import pytest
import torch
from torch import nn

import optuna_nas
from optuna_nas import build
from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import Rejected
from optuna_nas import Train
from optuna_nas.space import Trial
from optuna_nas.study import metric_names


class Net(nn.Module):
    def __init__(self, trial: Trial) -> None:
        super().__init__()
        width = trial.suggest_int("width", 4, 32, step=4)
        act = trial.suggest_module("act", {"relu": nn.ReLU, "tanh": nn.Tanh})
        self.layers = nn.Sequential(nn.Linear(5, width), act, nn.Linear(width, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def data(rows: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(rows).normal(size=(rows, 5)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)


def size(module: nn.Module, trial: Any) -> float:
    return float(sum(parameter.numel() for parameter in module.parameters()))


def cpu_out_of_memory() -> RuntimeError:
    """What torch raises on the CPU."""
    with pytest.raises(RuntimeError) as error:
        torch.empty(10**15)
    return error.value


def run(objective: Objective, n_trials: int = 3, **kwargs: Any) -> optuna.Study:
    study = create_study(**{"sampler": "random", "seed": 0, **kwargs})
    study.optimize(objective, n_trials=n_trials)
    return study


def test_a_search_finds_trains_and_builds_again() -> None:
    study = run(Objective(Net, Train(data(64), data(32), epochs=2)), direction="maximize")
    best = study.best_trial
    assert best.user_attrs["architecture"] == ["width", "act"]
    assert len(best.user_attrs["curve"]) == best.user_attrs["epochs"] == 2
    assert build(Net, best).layers[0].out_features == best.params["width"]


def test_evaluators_answer_in_the_order_of_the_directions() -> None:
    objective = Objective(Net, Train(data(64), data(32), epochs=1), metrics.Parameters())
    study = run(objective, directions=["maximize", "minimize"])
    for trial in study.trials:
        assert trial.values[1] == size(build(Net, trial), None)


def test_what_evaluators_ask_is_not_part_of_the_architecture() -> None:
    def evaluate(module: nn.Module, trial: Any) -> float:
        return trial.suggest_float("lr", 0.1, 0.2)

    trial = run(Objective(Net, evaluate)).trials[0]
    assert set(trial.params) == {"width", "act", "lr"}
    assert trial.user_attrs["architecture"] == ["width", "act"]
    build(Net, trial)


def test_a_broken_constraint_rejects_with_the_reason_before_any_training() -> None:
    trained = []
    objective = Objective(
        Net,
        lambda module, trial: trained.append(module) or 0.0,
        constraints=[metrics.Parameters() <= 100, metrics.Parameters() >= 10],
    )
    study = run(objective, n_trials=9)
    rejected = [t for t in study.trials if t.state == TrialState.PRUNED]
    assert 0 < len(rejected) < 9
    assert len(trained) == 9 - len(rejected)
    for trial in study.trials:
        over = size(build(Net, trial), None) - 100
        assert set(trial.constraints) == {"parameters <= 100", "parameters >= 10"}
        assert trial.constraints["parameters <= 100"] == over
        assert trial.user_attrs["constraints"] == trial.constraints
        assert (over > 0) == (trial in rejected) == ("rejected" in trial.user_attrs)
    assert "breaks parameters <= 100 (by" in rejected[0].user_attrs["rejected"]


def test_what_cannot_be_built_is_rejected_and_its_constraints_are_unknown() -> None:
    def network(trial: Trial) -> nn.Module:
        if trial.suggest_categorical("groups", [1, 3]) == 3:
            return nn.Conv2d(4, 4, 3, groups=3)
        return nn.Linear(5, 2)

    study = run(Objective(network, size, constraints=[metrics.Parameters() <= 100]), n_trials=8)
    for trial in study.trials:
        if trial.params["groups"] == 3:
            assert trial.state == TrialState.PRUNED
            assert "cannot be built: in_channels must be div" in trial.user_attrs["rejected"]
            assert trial.constraints == {"parameters <= 100": math.inf}
        else:
            assert trial.state == TrialState.COMPLETE


@pytest.mark.parametrize("given", [True, False])
def test_a_shape_error_is_rejected_by_a_run_on_two_rows(given: bool) -> None:
    rows = []

    def network(trial: Trial) -> nn.Module:
        module = nn.Linear(trial.suggest_categorical("inputs", [5, 6]), 2)
        module.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
        return module

    def evaluate(module: nn.Module, trial: Any) -> float:
        assert module.training
        return 0.0

    if given:
        objective = Objective(network, evaluate, example=torch.rand(7, 5))
    else:
        evaluate.example = torch.rand(2, 5)  # type: ignore[attr-defined]
        objective = Objective(network, evaluate)
    study = run(objective, n_trials=8)
    states = {trial.params["inputs"]: trial.state for trial in study.trials}
    assert states == {5: TrialState.COMPLETE, 6: TrialState.PRUNED}
    assert set(rows) == {2}
    reasons = [t.user_attrs["rejected"] for t in study.trials if t.params["inputs"] == 6]
    assert reasons[0].startswith("cannot run on two rows of the example: ")


def test_a_network_of_several_inputs_takes_a_tuple_as_example() -> None:
    def network(trial: Trial) -> nn.Module:
        trial.suggest_int("x", 1, 2)
        return nn.Bilinear(3, 4, 2)

    study = run(Objective(network, size, example=(torch.rand(9, 3), torch.rand(9, 4))))
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)


@pytest.mark.parametrize("metric", [metrics.Flops, metrics.Latency])
def test_a_metrics_example_of_another_shape_than_the_data_is_an_error(metric: Any) -> None:
    objective = Objective(
        Net, size, constraints=[metric(torch.rand(1, 6)) <= 1e9], example=torch.rand(2, 5)
    )
    said = r"the example of \w+ has rows of shape \[6\], but the networks take rows of \[5\]: "
    with pytest.raises(ValueError, match=said):
        run(objective, n_trials=1)


def test_a_constraint_that_cannot_be_measured_rejects() -> None:
    constraint = metrics.Flops(torch.rand(1, 6)) <= 1e9
    study = run(Objective(Net, size, constraints=[constraint]), n_trials=1)
    assert study.trials[0].user_attrs["rejected"].startswith("flops cannot be measured: ")
    assert study.trials[0].constraints == {"flops <= 1000000000": math.inf}


def test_too_large_a_network_is_rejected_without_its_memory() -> None:
    def network(trial: Trial) -> nn.Module:
        return nn.Linear(trial.suggest_categorical("width", [10, 10_000_000]), 1_000_000)

    study = run(Objective(network, lambda module, trial: 0.0), n_trials=6)
    huge = [trial for trial in study.trials if trial.params["width"] > 10]
    assert huge
    assert "too large: 10,000,001,000,000 parameters" in huge[0].user_attrs["rejected"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "out of memory: CUDA out of memory"),
        (MemoryError("no more"), "out of memory: no more"),
        (cpu_out_of_memory(), f"out of memory: {cpu_out_of_memory()}"),
        (Rejected("diverged"), "diverged"),
        (float("nan"), "evaluator evaluate returned NaN"),
        (torch.tensor(float("nan")), "evaluator evaluate returned NaN"),
    ],
)
def test_running_out_of_memory_and_nan_reject_and_the_search_goes_on(
    error: Any, reason: str
) -> None:
    def evaluate(module: nn.Module, trial: Any) -> float:
        if trial.number == 1:
            if isinstance(error, Exception):
                raise error
            return error
        return 0.0

    study = run(Objective(Net, evaluate))
    assert [t.state.name for t in study.trials] == ["COMPLETE", "PRUNED", "COMPLETE"]
    assert study.trials[1].user_attrs["rejected"] == reason


def test_a_bug_is_not_a_rejection() -> None:
    def network(trial: Trial) -> nn.Module:
        trial.suggest_int("x", 1, 2)
        return undefined  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(NameError, match="undefined"):
        run(Objective(network, size))


def test_ten_rejections_in_a_row_are_said_aloud() -> None:
    objective = Objective(Net, size, constraints=[metrics.Parameters() <= 1])
    with pytest.warns(UserWarning, match="10 candidates in a row were rejected.*parameters <= 1"):
        run(objective, n_trials=12)


def test_a_trials_training_is_a_function_of_the_studys_seed_and_its_number() -> None:
    def curves(n_trials: int, skip: int) -> list[Any]:
        study = create_study(sampler="random", pruner=None, seed=5, direction="maximize")
        for _ in range(skip):
            study.tell(study.ask(), state=TrialState.FAIL)
        torch.manual_seed(n_trials)
        study.optimize(Objective(Net, Train(data(64), data(32), epochs=3)), n_trials=n_trials)
        return [trial.user_attrs.get("curve") for trial in study.trials]

    assert curves(4, skip=0)[2:] == curves(2, skip=2)[2:]


def test_torchs_random_numbers_go_on_as_if_no_trial_had_been() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    run(Objective(Net, size), n_trials=2)
    assert torch.equal(torch.rand(3), expected)


def test_with_several_objectives_reports_hold_what_metrics_say() -> None:
    objective = Objective(Net, Train(data(64), data(32), epochs=2), metrics.Parameters())
    study = run(objective, directions=["maximize", "minimize"], pruner=None, n_trials=3)
    for trial in study.trials:
        curve, (_, parameters) = trial.user_attrs["curve"], trial.values
        reports = {str(i): [score, parameters] for i, score in enumerate(curve, start=1)}
        assert trial.user_attrs["reports"] == reports


def test_successive_halving_prunes_with_several_objectives() -> None:
    objective = Objective(Net, Train(data(64), data(32), epochs=6), metrics.Parameters())
    study = run(objective, directions=["maximize", "minimize"], n_trials=20)
    states = {trial.state for trial in study.trials}
    assert states == {TrialState.PRUNED, TrialState.COMPLETE}
    best = max(study.best_trials, key=lambda trial: trial.values[0])
    assert len(best.user_attrs["curve"]) == 6


class Cost(metrics.Metric):
    """One that needs the network itself, and says how often it was asked."""

    name, unit, static = "cost", "", False

    def __init__(self, value: object = None) -> None:
        self.value, self.asked = value, 0

    def measure(self, module: nn.Module) -> float:
        self.asked += 1
        assert not next(module.parameters()).is_meta
        return size(module, None) if self.value is None else self.value


def test_a_metric_is_measured_before_training_and_once() -> None:
    cost, trained = Cost(), []

    def train(module: nn.Module, trial: Any) -> float:
        trained.append(cost.asked)
        return 0.0

    objective = Objective(Net, train, cost, constraints=[cost <= 1e9])
    study = run(objective, directions=["maximize", "minimize"], n_trials=3)
    assert trained == [1, 2, 3]
    for trial in study.trials:
        assert trial.user_attrs["metrics"] == {"cost": trial.values[1]}
        assert trial.user_attrs["constraints"] == trial.constraints
        assert trial.constraints == {"cost <= 1000000000": trial.values[1] - 1e9}


def test_a_network_that_costs_too_much_is_not_trained() -> None:
    def train(module: nn.Module, trial: Any) -> float:
        raise AssertionError("trained")

    cost = Cost()
    constraints = [metrics.Parameters() >= 1, cost <= 3]
    trial = run(Objective(Net, train, constraints=constraints), n_trials=1).trials[0]
    parameters = trial.user_attrs["metrics"]["parameters"]
    assert trial.state == TrialState.PRUNED
    assert trial.user_attrs["rejected"] == f"breaks cost <= 3 (by {parameters - 3:g})"
    assert trial.constraints == {"parameters >= 1": 1 - parameters, "cost <= 3": parameters - 3}


def test_a_constraint_that_was_not_measured_is_broken_by_infinity() -> None:
    constraints = [metrics.Parameters() <= 1, Cost() <= 3]
    trial = run(Objective(Net, size, constraints=constraints), n_trials=1).trials[0]
    assert trial.constraints["cost <= 3"] == math.inf
    assert trial.user_attrs["constraints"] == trial.constraints


def test_metrics_that_return_nan_reject_and_those_that_return_no_number_are_errors() -> None:
    study = run(Objective(Net, Cost(math.nan)), n_trials=1)
    assert study.trials[0].user_attrs["rejected"] == "metric cost returned NaN"
    assert run(Objective(Net, Cost(torch.tensor([2.5]))), n_trials=1).best_value == 2.5
    with pytest.raises(TypeError, match=r"metric cost must return a float, but returned tensor"):
        run(Objective(Net, Cost(torch.zeros(2))), n_trials=1)


def test_an_evaluator_of_several_values_is_an_error() -> None:
    objective = Objective(Net, lambda module, trial: (1.0, 2.0), size)
    with pytest.raises(TypeError, match=r"evaluator <lambda> must return a float.*\(1\.0, 2\.0\)"):
        run(objective, directions=["maximize", "minimize"], n_trials=1)


def test_the_objectives_are_named_after_the_evaluators() -> None:
    parameters = metrics.Parameters()
    objective = Objective(Net, size, parameters, parameters)
    study = run(objective, directions=["minimize"] * 3, n_trials=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert study.metric_names == ["size", "parameters", "parameters 3"]


def test_a_training_is_named_after_its_score() -> None:
    objective = Objective(Net, Train(data(64), data(32), epochs=1), metrics.Parameters())
    study = run(objective, directions=["maximize", "minimize"], n_trials=1)
    assert metric_names(study) == ["accuracy", "parameters"]


def test_names_that_a_study_has_are_kept() -> None:
    study = create_study(sampler="random", seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study.set_metric_names(["mine"])
        study.optimize(Objective(Net, size), n_trials=1)
        assert study.metric_names == ["mine"]


def test_successive_halving_prunes_with_one_objective() -> None:
    objective = Objective(Net, Train(data(64), data(32), epochs=6))
    study = run(objective, direction="maximize", n_trials=12)
    states = [trial.state for trial in study.trials]
    assert TrialState.PRUNED in states
    assert TrialState.COMPLETE in states
    assert all("curve" in trial.user_attrs for trial in study.trials)


def test_a_network_for_which_memory_does_not_suffice_is_rejected() -> None:
    def network(trial: Trial) -> nn.Module:
        return nn.Linear(trial.suggest_categorical("width", [10, 10**9]), 10**6)

    study = run(Objective(network, lambda m, t: 0.0, max_parameters=None), n_trials=6)
    huge = [trial for trial in study.trials if trial.params["width"] > 10]
    assert huge
    assert "DefaultCPUAllocator" in huge[0].user_attrs["rejected"]


def test_an_objective_answers_a_fixed_trial_too() -> None:
    assert Objective(Net, size)(FixedTrial({"width": 4, "act": "relu"})) == 5 * 4 + 4 + 4 * 2 + 2


def test_a_network_that_reads_its_tensors_is_searched_on_the_cpu() -> None:
    def network(trial: Trial) -> nn.Module:
        return nn.Linear(int(torch.tensor(trial.suggest_int("n", 1, 3)).item()), 2)

    with pytest.warns(UserWarning, match="cannot be built on the meta device"):
        study = run(Objective(network, size))
    assert len(study.trials) == 3


def test_another_search_space_on_resume_raises_at_once_and_names_what_differs(
    tmp_path: Path,
) -> None:
    def before(trial: Trial) -> nn.Module:
        trial.suggest_int("width", 1, 4)
        trial.suggest_int("depth", 1, 2)
        return nn.Identity()

    def after(trial: Trial) -> nn.Module:
        trial.suggest_int("width", 1, 5)
        trial.suggest_categorical("pool", ["max"])
        return nn.Identity()

    path = tmp_path / "s.journal"
    run(Objective(before, size), storage=path)
    run(Objective(before, size), storage=path, load_if_exists=True)
    message = (
        "study 's' was begun with another search space: 'pool' is new; 'depth' is gone; "
        r"'width' changed from int 1\.\.4 to int 1\.\.5"
    )
    with pytest.raises(ValueError, match=message):
        Objective(after, size).check(create_study(storage=path, load_if_exists=True))
    with pytest.raises(ValueError, match=message):
        run(Objective(after, size), storage=path, load_if_exists=True)


def test_a_study_of_other_directions_is_refused() -> None:
    train = Train(data(64), data(32), epochs=1)
    with pytest.raises(ValueError, match=r"want directions \['maximize'\].*create the study with"):
        run(Objective(Net, train), direction="minimize")
    with pytest.raises(ValueError, match=r"has 1 evaluators, but study .* has 2 directions"):
        run(Objective(Net, train), directions=["maximize", "minimize"])


@pytest.mark.parametrize(
    ("evaluators", "options", "error", "message"),
    [
        ([], {}, ValueError, "Objective needs an evaluator"),
        ([3], {}, TypeError, r"an evaluator must be a callable .* but got 3 \(int\)"),
        ([metrics.Parameters], {}, TypeError, "an evaluator must be a callable"),
        (
            [size],
            {"constraints": [3]},
            TypeError,
            r"a constraint is a metric compared with.*got 3",
        ),
        (
            [size],
            {"constraints": [metrics.Parameters() <= 1, metrics.Parameters() <= 1]},
            ValueError,
            "two constraints have one name: parameters <= 1, parameters <= 1",
        ),
    ],
)
def test_bad_arguments_are_errors(
    evaluators: list[Any], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Objective(Net, *evaluators, **options)


@pytest.mark.parametrize("value", [None, "3", torch.ones(2)])
def test_an_evaluator_that_returns_no_number_is_named(value: Any) -> None:
    with pytest.raises(TypeError, match="evaluator <lambda> must return a float, but returned"):
        run(Objective(Net, lambda module, trial: value))


def test_a_missing_network_is_an_error_before_any_work() -> None:
    with pytest.raises(TypeError, match="network must be a function of a trial"):
        run(Objective(nn.Linear(5, 2), size))


def test_the_public_names_are_there_and_load_when_first_used() -> None:
    for name in optuna_nas.__all__:
        assert getattr(optuna_nas, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Trainer'"):
        optuna_nas.Trainer  # noqa: B018
    assert set(optuna_nas.__all__) <= set(dir(optuna_nas))


def test_an_error_of_the_sampler_is_not_taken_for_a_bad_candidate() -> None:
    class Broken(optuna.samplers.RandomSampler):
        def sample_independent(self, *args: Any) -> Any:
            raise ValueError("sampler bug")

    with pytest.raises(ValueError, match="sampler bug"):
        run(Objective(Net, size), sampler=Broken())


def test_grid_search_of_a_continuous_decision_is_an_error() -> None:
    def network(trial: Trial) -> nn.Module:
        return nn.Dropout(trial.suggest_float("p", 0, 0.5))

    with pytest.raises(ValueError, match="BruteForceSampler"):
        run(Objective(network, size), sampler="grid")


def test_a_network_that_reads_its_tensors_behind_an_if_is_searched() -> None:
    def network(trial: Trial) -> nn.Module:
        rate = trial.suggest_categorical("rate", [0.0, 0.5])
        return nn.Dropout(torch.tensor(rate).item() if rate else 0.0)

    with pytest.warns(UserWarning, match="cannot be built on the meta device"):
        study = run(Objective(network, size), n_trials=8)
    assert {trial.params["rate"] for trial in study.trials} == {0.0, 0.5}
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_an_example_is_taken_in_the_networks_precision(dtype: Any) -> None:
    study = run(Objective(Net, size, example=np.ones((10, 5), dtype)))
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)


@pytest.mark.parametrize("example", [{"x": 1}, 3.0, "abc"])
def test_what_is_no_example_is_an_error(example: Any) -> None:
    with pytest.raises(TypeError, match="example must be a batch of inputs, a tensor or an array"):
        Objective(Net, size, example=example)


def test_a_dimension_out_of_range_is_rejected() -> None:
    def network(trial: Trial) -> nn.Module:
        return nn.Flatten(trial.suggest_int("start", 2, 3))

    study = run(Objective(network, size, example=torch.rand(4, 5, 5)), n_trials=8, seed=1)
    states = {trial.params["start"]: trial.state for trial in study.trials}
    assert states == {2: TrialState.COMPLETE, 3: TrialState.PRUNED}


def test_a_cost_that_cannot_be_measured_rejects() -> None:
    def network(trial: Trial) -> nn.Module:
        trial.suggest_int("x", 1, 2)
        return nn.Sequential(nn.Linear(5, 4), nn.Linear(3, 2))

    study = run(Objective(network, metrics.Flops(torch.rand(2, 5))), n_trials=2)
    assert all("rejected" in trial.user_attrs for trial in study.trials)


def test_what_was_asked_before_the_network_is_not_part_of_the_architecture() -> None:
    objective = Objective(Net, size)

    def with_lr(trial: optuna.Trial) -> Any:
        trial.suggest_float("lr", 0, 1)
        return objective(trial)

    study = create_study(seed=0)
    study.optimize(with_lr, n_trials=1)
    assert study.trials[0].user_attrs["architecture"] == ["width", "act"]
    build(Net, study.trials[0])


def test_a_decision_behind_two_answers_that_changed_is_found_on_resume(tmp_path: Path) -> None:
    def network(high: int) -> Any:
        def build_it(trial: Trial) -> nn.Module:
            if trial.suggest_int("a", 0, 1) and trial.suggest_int("b", 0, 1):
                trial.suggest_int("hidden", 1, high)
            return nn.Identity()

        return build_it

    path = tmp_path / "s.journal"
    Objective(network(3), size).check(create_study(storage=path))
    with pytest.raises(ValueError, match=r"'hidden' changed from int 1\.\.3 to int 1\.\.5"):
        Objective(network(5), size).check(create_study(storage=path, load_if_exists=True))


def test_one_objective_checks_every_study_it_is_used_in() -> None:
    objective = Objective(Net, Train(data(64), data(32), epochs=1))
    for _ in range(2):
        study = create_study(study_name="same", direction="maximize")
        study.optimize(objective, n_trials=1)
        assert "optuna_nas:survey" in study.user_attrs
    with pytest.raises(ValueError, match="want directions"):
        create_study(study_name="same", direction="minimize").optimize(objective, n_trials=1)


def test_pruned_trials_between_rejected_ones_are_no_row_of_rejections() -> None:
    def evaluate(module: nn.Module, trial: Any) -> float:
        raise Rejected("odd") if trial.number % 2 else optuna.TrialPruned

    study = run(Objective(Net, evaluate), n_trials=24)
    assert sum("rejected" in trial.user_attrs for trial in study.trials) == 12


def test_the_run_on_two_rows_leaves_every_modules_mode_as_it_was() -> None:
    def network(trial: Trial) -> nn.Module:
        trial.suggest_int("x", 1, 2)
        return nn.Sequential(nn.Linear(5, 2), nn.BatchNorm1d(2).eval())

    def evaluate(module: nn.Module, trial: Any) -> float:
        assert module.training
        assert not module[1].training
        return 0.0

    run(Objective(network, evaluate, example=torch.rand(2, 5)))


def test_the_illegal_value_of_an_enqueued_trial_is_an_error() -> None:
    study = create_study(seed=0)
    study.enqueue_trial({"width": 99})
    with (
        pytest.warns(UserWarning, match="out of range"),
        pytest.raises(ValueError, match="'width' was answered by 99, but legal is int 4"),
    ):
        study.optimize(Objective(Net, size), n_trials=1)


def test_two_metrics_of_one_name_that_differ_are_refused() -> None:
    message = r"two metrics that differ have one name, 'cost'.*class Other\(Cost\): name = "
    with pytest.raises(ValueError, match=message):
        Objective(Net, size, Cost(1.0), Cost(2.0))
    with pytest.raises(ValueError, match=message):
        Objective(Net, Cost(1.0), constraints=[Cost(2.0) <= 3])
    Objective(Net, metrics.Parameters(), constraints=[metrics.Parameters() <= 3])


def test_what_ctrl_c_ended_is_noted() -> None:
    def interrupted(module: nn.Module, trial: Any) -> float:
        raise KeyboardInterrupt

    study = create_study(seed=0)
    with pytest.raises(KeyboardInterrupt):
        study.optimize(Objective(Net, interrupted), n_trials=1)
    assert study.trials[0].state == TrialState.FAIL
    assert study.trials[0].user_attrs["interrupted"] is True
