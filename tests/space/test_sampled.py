from __future__ import annotations

import copy
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.distributions import IntDistribution
from optuna.pruners import BasePruner
from optuna.samplers import RandomSampler
from optuna.trial import FixedTrial
from optuna.trial import FrozenTrial
import pytest
import torch
from torch import nn

from optuna_nas.space import SampledTrial
from optuna_nas.space import SearchSpaceError
from optuna_nas.space import Trial
from tests.space.networks import Net


def fixed(**params: Any) -> SampledTrial:
    return SampledTrial(FixedTrial(params))


def test_a_module_is_a_categorical_and_only_its_factory_is_called() -> None:
    trial = fixed(act="gelu")
    called = []
    options = {
        name: lambda name=name: called.append(name) or nn.GELU() for name in ("relu", "gelu")
    }
    assert isinstance(trial.suggest_module("act", options), nn.GELU)
    assert called == ["gelu"]
    assert trial.distributions == {"act": CategoricalDistribution(["relu", "gelu"])}


def test_a_repeat_is_an_int_and_a_sequence_of_its_blocks() -> None:
    trial = fixed(depth=2)
    body = trial.suggest_repeat("depth", 0, 3, lambda i: nn.Linear(3, 3))
    assert isinstance(body, nn.Sequential)
    assert len(body) == 2
    assert trial.distributions == {"depth": IntDistribution(0, 3)}


def test_a_repeat_of_nothing_is_the_identity() -> None:
    body = fixed(depth=0).suggest_repeat("depth", 0, 3, lambda i: nn.Linear(3, 3))
    x = torch.rand(2, 3)
    assert torch.equal(body(x), x)


def test_a_node_sums_the_inputs_taken_through_their_edges() -> None:
    trial = fixed(node="0+2")
    made = []

    def edge(i: int) -> nn.Module:
        made.append(i)
        return nn.Linear(4, 4)

    node = trial.suggest_inputs("node", 3, 2, edge)
    states = [torch.rand(2, 4) for _ in range(3)]
    first, second = node.edges
    assert made == [0, 2]
    assert torch.equal(node(states), first(states[0]) + second(states[2]))
    assert trial.distributions["node"].choices == ("0+1", "0+2", "1+2")


def test_a_scope_prefixes_every_name_and_scopes_nest() -> None:
    trial = fixed(**{"a/b/x": 3, "a/y": "one"})
    at = trial.scope("a")
    assert at.scope("b").suggest_int("x", 1, 5) == 3
    assert at.suggest_categorical(name="y", choices=["one", "two"]) == "one"
    assert at.params == trial.params == {"a/b/x": 3, "a/y": "one"}


def test_the_same_name_asked_twice_is_one_decision() -> None:
    trial = fixed(op="conv")
    operations = {"conv": lambda: nn.Linear(2, 2), "skip": nn.Identity}
    first, second = (trial.suggest_module("op", operations) for _ in range(2))
    assert first is not second
    assert trial.params == {"op": "conv"}


def test_whatever_else_a_trial_has_passes_through() -> None:
    study = optuna.create_study()
    trial = SampledTrial(study.ask())
    trial.set_user_attr("key", 1)
    trial.set_constraint("small", -1.0)
    trial.report(0.5, 1)
    assert trial.number == 0
    assert trial.study is study
    assert trial.user_attrs == {"key": 1}
    assert trial.constraints == {"small": -1.0}
    assert study.trials[0].intermediate_values == {1: 0.5}
    assert trial.should_prune() is False
    assert trial.datetime_start is not None


def test_deprecated_questions_that_would_go_unrecorded_are_not_passed_through() -> None:
    with pytest.raises(AttributeError, match="suggest_uniform"):
        fixed(x=0.5).suggest_uniform("x", 0, 1)


def test_a_sampled_trial_can_be_copied() -> None:
    trial = fixed(x=1)
    assert copy.deepcopy(trial).suggest_int("x", 0, 1) == 1
    assert copy.copy(trial.scope("s")).params == {}


def test_a_frozen_trial_gives_its_architecture_again() -> None:
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    study.optimize(lambda trial: Net(SampledTrial(trial)) and 0.0, n_trials=1)
    frozen = study.trials[0]
    assert len(Net(SampledTrial(frozen)).body) == frozen.params["depth"]


def test_a_function_of_optunas_questions_runs_on_a_bare_trial_too() -> None:
    def network(trial: Trial) -> nn.Module:
        return nn.Linear(trial.suggest_int("width", 1, 4), 2)

    assert network(FixedTrial({"width": 3})).in_features == 3


def two_objectives(pruner: BasePruner | None = None) -> tuple[optuna.Study, SampledTrial]:
    study = optuna.create_study(directions=["maximize", "minimize"], pruner=pruner)
    return study, SampledTrial(study.ask())


def test_with_several_objectives_reports_go_to_a_user_attr() -> None:
    study, trial = two_objectives()
    trial.report([0.5, None], 1)
    trial.report([torch.tensor(0.75), np.float32(2)], 2)
    assert study.trials[0].user_attrs == {"reports": {"1": [0.5, None], "2": [0.75, 2.0]}}
    assert study.trials[0].intermediate_values == {}


def test_a_fixed_or_frozen_trial_takes_reports_and_keeps_none() -> None:
    trial = fixed()
    trial.report([0.5, 2.0], 1)
    trial.report(0.5, 2)
    assert trial.should_prune() is False
    study, _ = two_objectives()
    SampledTrial(study.trials[0]).report([0.5, 2.0], 1)
    assert study.trials[0].user_attrs == {}


def test_where_several_evaluators_report_a_pruner_is_asked_once_a_step() -> None:
    study, trial = two_objectives(AfterTwoOfSeveral())
    asked = []
    for evaluating in (0, 1):
        trial.evaluating = evaluating
        for step in (1, 2, 3):
            trial.report(0.1 * step + evaluating, step)
            asked.append(trial.should_prune())
        trial.known[evaluating] = 9.0
    assert asked == [False, True, True, False, False, False]
    reports = study.trials[0].user_attrs["reports"]
    assert reports == {"1": [0.1, 1.1], "2": [0.2, 1.2], "3": [0.1 * 3, 0.1 * 3 + 1]}


def test_of_two_reports_for_one_step_the_first_counts() -> None:
    study, trial = two_objectives()
    trial.report([1.0, 2.0], 3)
    trial.report([5.0, 6.0], 3)
    assert study.trials[0].user_attrs["reports"] == {"3": [1.0, 2.0]}


def test_a_report_of_the_objective_being_evaluated_holds_what_is_known_of_the_others() -> None:
    study, trial = two_objectives()
    trial.evaluating = 0
    trial.report(0.5, 1)
    trial.known[1] = 7.0
    trial.report(0.75, 2)
    assert study.trials[0].user_attrs["reports"] == {"1": [0.5, None], "2": [0.75, 7.0]}


def test_with_one_objective_a_report_of_one_value_is_optunas() -> None:
    study = optuna.create_study()
    trial = SampledTrial(study.ask())
    trial.report([0.5], 1)
    trial.report(0.25, 2)
    assert study.trials[0].intermediate_values == {1: 0.5, 2: 0.25}
    with pytest.raises(ValueError, match=r"has one objective, but report got \[1\.0, 2\.0\]"):
        trial.report([1.0, 2.0], 3)


@pytest.mark.parametrize(
    ("value", "step", "error", "message"),
    [
        ([1.0], 1, ValueError, r"one value for each of the 2 objectives.*but got 1: \[1\.0\]"),
        (0.5, 1, ValueError, r"trial\.report\(\[score, cost\], step\), but got 0\.5"),
        ([1.0, "a"], 1, TypeError, r"report needs numbers, but got 'a'"),
        ([1.0, 2.0], 1.5, TypeError, r"step must be an int, but got 1\.5"),
        ([1.0, 2.0], -1, ValueError, r"step must be at least 0, but got -1"),
    ],
)
def test_reports_that_are_none_are_refused(
    value: Any, step: Any, error: type[Exception], message: str
) -> None:
    study, trial = two_objectives()
    with pytest.raises(error, match=message):
        trial.report(value, step)
    assert study.trials[0].user_attrs == {}


class AfterTwo(BasePruner):
    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        return len(trial.user_attrs.get("reports", trial.intermediate_values)) >= 2


class AfterTwoOfSeveral(AfterTwo):
    several_objectives = True


def test_with_several_objectives_a_pruner_that_knows_of_them_is_asked() -> None:
    _, trial = two_objectives(AfterTwoOfSeveral())
    trial.report([0.5, 1.0], 1)
    assert trial.should_prune() is False
    trial.report([0.5, 1.0], 2)
    assert trial.should_prune() is True


@pytest.mark.parametrize("pruner", [AfterTwo(), None])  # None is Optuna's median
def test_with_several_objectives_a_pruner_that_knows_one_is_not_asked(
    pruner: BasePruner | None,
) -> None:
    _, trial = two_objectives(pruner)
    trial.report([0.5, 1.0], 1)
    trial.report([0.5, 1.0], 2)
    assert trial.should_prune() is False


def test_one_name_with_two_distributions_in_a_trial_is_an_error_that_shows_both() -> None:
    trial = fixed(width=3)
    trial.suggest_int("width", 1, 5)
    with pytest.raises(
        SearchSpaceError, match=r"'width'.*int 1\.\.5, and now int 1\.\.6\. One name"
    ):
        trial.suggest_int("width", 1, 6)


def test_one_name_with_two_distributions_in_a_study_is_an_error_that_shows_both() -> None:
    study = optuna.create_study()
    SampledTrial(study.ask()).suggest_float("lr", 0.1, 0.2)
    with pytest.raises(
        SearchSpaceError, match=r"'lr'.*float 0\.1\.\.0\.2, and now float 0\.1\.\.0\.3"
    ):
        SampledTrial(study.ask()).suggest_float("lr", 0.1, 0.3)


def test_an_int_is_not_a_float_of_the_same_range() -> None:
    trial = fixed(x=1)
    trial.suggest_int("x", 1, 5)
    with pytest.raises(SearchSpaceError, match=r"int 1\.\.5, and now float 1\.0\.\.5\.0 in steps"):
        trial.suggest_float("x", 1.0, 5.0, step=1.0)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda t: t.suggest_int("x", 5, 2), r"'x': `low <= high` must hold.*low=5, high=2"),
        (lambda t: t.suggest_float("x", 5, 2), r"'x': `low <= high` must hold"),
        (lambda t: t.suggest_float("x", 0, 1, log=True), r"'x': `low > 0` must hold"),
        (lambda t: t.suggest_repeat("x", 3, 1, nn.Identity), r"'x': `low <= high` must hold"),
        (lambda t: t.suggest_repeat("x", -1, 1, nn.Identity), r"'x': low must be at least 0.*-1"),
        (lambda t: t.suggest_categorical("x", []), r"'x': choices are empty"),
        (lambda t: t.suggest_module("x", {}), r"'x': options are empty"),
        (lambda t: t.suggest_categorical("x", "abc"), r"'x': choices must be a list.*'abc'"),
        (lambda t: t.suggest_categorical("x", [nn.ReLU]), r"'x': choices must be str.*ReLU.*type"),
        (
            lambda t: t.suggest_categorical("x", [(1, 2)]),
            r"'x': choices must be.*\(1, 2\) \(tuple",
        ),
        (
            lambda t: t.suggest_categorical("x", [1, True]),
            r"'x': choices must differ.*1, True",
        ),
        (lambda t: t.suggest_categorical("x", [float("nan")]), r"'x': choices must differ.*nan"),
        (lambda t: t.suggest_module("x", [nn.ReLU]), r"'x': options must be a dict.*got list"),
        (lambda t: t.suggest_module("x", {1: nn.ReLU}), r"'x': options must be a dict from str"),
        (lambda t: t.suggest_module("x", {"a": nn.ReLU()}), r"'a' is a module.*lambda: ReLU\("),
        (lambda t: t.suggest_inputs("x", 2, 3, nn.Identity), r"'x'.*1 <= k <= n.*k=3, n=2"),
        (lambda t: t.suggest_inputs("x", 2, 0, nn.Identity), r"'x'.*1 <= k <= n.*k=0, n=2"),
        (lambda t: t.suggest_int("", 1, 2), r"name must be a str that is not empty"),
        (lambda t: t.scope("a").suggest_int("", 1, 2), r"name must be a str that is not empty"),
        (lambda t: t.scope("a").suggest_int(3, 1, 2), r"name must be a str.* got 3"),
        (lambda t: t.scope(""), r"name must be a str that is not empty, got ''"),
        (lambda t: t.suggest_int("x", 1, 10, step=4), r"'x': high is not reached.*write high=9"),
        (lambda t: t.suggest_float("x", 0, 1, step=0.3), r"'x': high is not.*write high=0\.9"),
    ],
)
def test_a_wrong_question_is_an_error_that_names_the_decision(ask: Any, message: str) -> None:
    with pytest.raises(SearchSpaceError, match=message):
        ask(fixed())


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda t: t.suggest_module("x", {"a": lambda: 3}),
            r"'x': option 'a' must give.*3 \(int\)",
        ),
        (lambda t: t.suggest_repeat("n", 1, 2, lambda i: None), r"'n': block 0 must give.*None"),
        (lambda t: t.suggest_inputs("in", 1, 1, lambda i: "e"), r"'in': edge 0 must give.*'e'"),
    ],
)
def test_a_factory_that_gives_no_module_is_an_error(ask: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        ask(fixed(**{"x": "a", "n": 1, "in": "0"}))


def test_two_open_trials_that_ask_one_name_differently_are_an_error_and_lose_nothing() -> None:
    study = optuna.create_study()
    first, second = SampledTrial(study.ask()), SampledTrial(study.ask())
    first.suggest_int("a", 1, 2)
    second.suggest_int("b", 1, 2)
    first.suggest_float("lr", 0.0, 1.0)
    with pytest.raises(SearchSpaceError, match=r"'lr'.*float 0\.0\.\.1\.0, and now"):
        second.suggest_float("lr", 0.0, 2.0)
    assert set(study.user_attrs["optuna_nas:asked"]) == {"a", "b", "lr"}


@pytest.mark.filterwarnings("ignore:.*is out of range|.*out of the range")
def test_a_value_outside_the_distribution_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"'a' was answered by 99, but legal is int 1\.\.9"):
        fixed(a=99).suggest_int("a", 1, 9)
    with pytest.raises(ValueError, match=r"'x' was answered by 1\.5, but legal is float 0"):
        fixed(x=1.5).suggest_float("x", 0.0, 1.0)


def test_what_was_asked_and_what_failed_are_known() -> None:
    trial = fixed(a=1)
    trial.suggest_int("a", 1, 9)
    with pytest.raises(ValueError, match="not found") as error:
        trial.suggest_int("b", 1, 9)
    assert list(trial.asked) == ["a"]
    assert trial.failure is error.value


def test_private_attributes_of_optuna_pass_through() -> None:
    trial = optuna.create_study().ask()
    assert SampledTrial(trial)._trial_id == trial._trial_id
    assert SampledTrial(trial).scope("s")._trial_id == trial._trial_id


def test_a_node_of_many_inputs_is_asked_quickly() -> None:
    trial = fixed(node="0+1+2+3+4+5+6+7")
    node = trial.suggest_inputs("node", 16, 8, lambda i: nn.Identity())
    assert len(node.edges) == 8
