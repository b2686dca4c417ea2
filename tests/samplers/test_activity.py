from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import optuna
from optuna.distributions import BaseDistribution
import pytest

from optuna_nas import spaces
from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers._activity import Activity
from optuna_nas.samplers._draw import draw
from optuna_nas.samplers._draw import generator
from optuna_nas.samplers._mutation import neighbours
from optuna_nas.space import SampledTrial
from tests.samplers.strategies import Conditional
from tests.samplers.strategies import conditionals


Ask = Callable[[Any], Any]


def layers(trial: optuna.Trial) -> None:
    for i in range(trial.suggest_int("depth", 1, 4)):
        if trial.suggest_categorical(f"op{i}", ["conv", "pool", "skip"]) != "skip":
            trial.suggest_int(f"width{i}", 8, 64, step=8)


def branches(trial: optuna.Trial) -> None:
    kind = trial.suggest_categorical("kind", ["a", "b", None])
    trial.suggest_int("always", 0, 9)
    for i in range({"a": 1, "b": 3, None: 0}[kind]):
        if trial.suggest_categorical(f"{kind}{i}", [False, True]):
            trial.suggest_categorical(f"{kind}{i}/more", [None, "x", "y"])


def flat(trial: optuna.Trial) -> None:
    for i in range(6):
        trial.suggest_categorical(f"edge{i}", [None, "conv", "skip"])
    trial.suggest_float("lr", 1e-4, 1.0, log=True)


def cnn(trial: optuna.trial.BaseTrial) -> None:
    spaces.CNN(input_shape=(1, 8, 8), num_classes=3, widths=(2, 3))(SampledTrial(trial))


def mlp(trial: optuna.trial.BaseTrial) -> None:
    spaces.MLP(in_features=2, out_features=2, widths=(2, 3), shared_width=False)(
        SampledTrial(trial)
    )


def nasbench201(trial: optuna.trial.BaseTrial) -> None:
    spaces.NASBench201(channels=2, cells=1)(SampledTrial(trial))


def share_of_exact_guesses(ask: Ask) -> float:
    """Of one mutated child for each of 60 random trials."""
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    study.optimize(lambda trial: ask(trial) or 0.0, n_trials=60)
    activity, distributions = Activity(), {}
    for trial in study.trials:
        activity.add(trial.params)
        distributions |= trial.distributions
    exact = [_is_exact(ask, activity, distributions, trial) for trial in study.trials]
    return sum(exact) / len(exact)


def _is_exact(
    ask: Ask,
    activity: Activity,
    distributions: dict[str, BaseDistribution],
    parent: optuna.trial.FrozenTrial,
) -> bool:
    rng = generator(1, parent.number)
    others = {name: draw(d, rng) for name, d in distributions.items()}
    name = list(parent.params)[rng.integers(len(parent.params))]
    near = neighbours(distributions[name], parent.params[name])
    child = {**others, **parent.params, name: near[rng.integers(len(near))]}
    asked = optuna.trial.FixedTrial(child)
    ask(asked)
    return activity.expected(parent.params, child.__getitem__) == asked.params


@pytest.mark.parametrize(
    ("ask", "least"),
    [
        (cnn, 0.9),
        (mlp, 0.9),
        (branches, 0.9),
        (layers, 0.75),  # of eight widths, each has but few precedents
    ],
)
def test_after_60_random_trials_most_children_are_foreseen(ask: Ask, least: float) -> None:
    assert share_of_exact_guesses(ask) >= least


@pytest.mark.parametrize("ask", [flat, nasbench201])
def test_in_a_flat_space_all_children_are_foreseen(ask: Ask) -> None:
    assert share_of_exact_guesses(ask) == 1


@given(conditionals(conditions=1), st.data())
def test_it_is_exact_where_all_is_known_and_each_question_hangs_on_one_answer(
    space: Conditional, data: st.DataObject
) -> None:
    activity, assignments = Activity(), list(space.assignments())
    for assignment in assignments:
        activity.add(space.asked(assignment.__getitem__))
    parent = data.draw(st.sampled_from(assignments))
    name = data.draw(st.sampled_from(list(parent)))
    child = {**parent, name: data.draw(st.integers(0, space.options[int(name[1:])] - 1))}
    known = space.asked(parent.__getitem__)
    expected = activity.expected(known, child.__getitem__)
    if all(child[other] == parent[other] for other in known):
        assert expected == known
    else:
        assert expected == space.asked(child.__getitem__)


@given(conditionals(), st.data())
def test_it_always_ends_with_known_names_and_the_candidates_answers(
    space: Conditional, data: st.DataObject
) -> None:
    assignments = st.sampled_from(list(space.assignments()))
    activity, names = Activity(), set()
    for assignment in data.draw(st.lists(assignments, max_size=8)):
        params = space.asked(assignment.__getitem__)
        names |= params.keys()
        activity.add(params)
    known = space.asked(data.draw(assignments).__getitem__)
    child = data.draw(assignments)
    expected = activity.expected(known, child.__getitem__)
    assert expected.keys() <= names | known.keys()
    assert all(child[name] == value for name, value in expected.items())


@given(st.lists(st.dictionaries(st.sampled_from("abcde"), st.sampled_from([None, 0, 1, "x"]))))
def test_it_ends_whatever_was_asked(trials: list[dict[str, Any]]) -> None:
    activity = Activity()
    for params in trials:
        activity.add(params)
    for known in trials:
        activity.expected(known, lambda name: 1)


def test_what_knows_nothing_expects_the_names_it_is_given() -> None:
    child = {"a": 1, "b": 2}
    assert Activity().expected({"a": 0, "b": 2}, child.__getitem__) == child


def test_names_come_and_go_with_a_new_answer() -> None:
    activity = Activity()
    activity.add({"op": "conv", "width": 8, "lr": 0.1})
    activity.add({"op": "pool", "kind": "max", "lr": 0.2})
    child = {"op": "pool", "width": 8, "kind": "avg", "lr": 0.1}
    expected = activity.expected({"op": "conv", "width": 8, "lr": 0.1}, child.__getitem__)
    assert expected == {"op": "pool", "kind": "avg", "lr": 0.1}


def test_a_decision_that_is_gone_does_not_answer_none() -> None:
    activity = Activity()
    activity.add({"op": "conv", "norm": "batch", "momentum": 3})
    activity.add({"op": "conv", "norm": None, "bias": 1})
    activity.add({"op": "skip"})
    child = {"op": "skip", "norm": None, "bias": 1}  # "norm" would differ, but is not asked
    known = {"op": "conv", "norm": "batch", "momentum": 3}
    assert activity.expected(known, {**child, "momentum": 3}.__getitem__) == {"op": "skip"}


def test_names_below_a_decision_that_comes_with_none_before_it_come_too() -> None:
    activity = Activity()
    activity.add({"op": "skip"})
    activity.add({"op": "conv", "norm": "batch", "momentum": 3})
    activity.add({"op": "conv", "norm": None})
    activity.add({"op": "other", "norm": None, "momentum": 3})
    child = {"op": "conv", "norm": "batch", "momentum": 5}
    assert activity.expected({"op": "skip"}, child.__getitem__) == child


def test_lists_and_choices_of_floats_bring_names_with_them_too() -> None:
    activity = Activity()
    activity.add({"rate": 0.0, "widths": [8], "lr": 0.3}, continuous={"lr"})
    activity.add({"rate": 0.5, "spatial": True, "widths": [8], "lr": 0.2}, continuous={"lr"})
    activity.add({"rate": 0.0, "widths": [8, 16], "second": 1, "lr": 0.1}, continuous={"lr"})
    known = {"rate": 0.0, "widths": [8], "lr": 0.3}
    child = {"rate": 0.5, "widths": [8], "lr": 0.3, "spatial": False}
    assert activity.expected(known, child.__getitem__) == child
    child = {"rate": 0.0, "widths": [8, 16], "lr": 0.3, "second": 2}
    assert activity.expected(known, child.__getitem__) == child
