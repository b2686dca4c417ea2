from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
from optuna.trial import TrialState
import pytest

from optuna_nas.samplers import ReinforceSampler
from optuna_nas.samplers._actions import Actions
from optuna_nas.samplers._controller import Controller
from optuna_nas.samplers._controller import Decision
from optuna_nas.samplers._unseen import Evaluated
from optuna_nas.samplers._unseen import Place


FIRST, SHORT, LONG = Decision("first", 3), Decision("short", 2), Decision("long", 4)
Answers = tuple[tuple[Decision, int], ...]


def asked(answers: Answers) -> Decision | None:
    """A conditional space: what comes next, or None at the end."""
    if not answers:
        return FIRST
    if len(answers) == 1:
        return (None, SHORT, LONG)[answers[0][1]]
    return None


EVERY: list[Answers] = [
    ((FIRST, 0),),
    *(((FIRST, 1), (SHORT, a)) for a in range(2)),
    *(((FIRST, 2), (LONG, a)) for a in range(4)),
]


def trained() -> Controller:
    told = Controller(
        0, hidden_size=8, learning_rate=0.05, entropy_weight=0.0, temperature=1.0, epsilon=0.0
    )
    for _ in range(3):
        told.learn([(FIRST, 2), (LONG, 3)], 1.0)
        told.learn([(FIRST, 1), (SHORT, 0)], 0.5)
    return told


def probability(told: Controller, answers: Answers) -> float:
    state, total = told.start(), 1.0
    for decision, action in answers:
        total *= told.probabilities(state, decision)[action]
        state = told.advance(state, decision, action)
    return total


def draws(told: Controller, evaluated: Evaluated, n: int) -> Counter[Answers]:
    start = Place(told, told.start(), evaluated)
    return Counter(draw(start, seed) for seed in range(n))


def draw(place: Place, seed: int) -> Answers:
    answers: Answers = ()
    while (decision := asked(answers)) is not None:
        rng = np.random.default_rng([seed, len(answers)])
        action = place.draw(decision, rng)
        place, answers = place.after(decision, action), (*answers, (decision, action))
    return answers


def tree(architectures: list[Answers]) -> Evaluated:
    evaluated = Evaluated()
    for answers in architectures:
        evaluated.add(answers)
    return evaluated


@pytest.mark.parametrize("seen", [[], [5], [0, 6], [1, 2, 6], [0, 3, 4, 5, 6]])
def test_draws_are_distributed_as_the_policy_on_what_was_not_evaluated(seen: list[int]) -> None:
    told, evaluated = trained(), tree([EVERY[i] for i in seen])
    expected = np.array([probability(told, answers) for answers in EVERY])
    assert expected.sum() == pytest.approx(1)
    expected[seen] = 0
    expected /= expected.sum()
    n = 2000
    counts = draws(told, evaluated, n)
    found = np.array([counts[answers] / n for answers in EVERY])
    assert not found[seen].any()
    np.testing.assert_allclose(found, expected, atol=4 * np.sqrt(0.25 / n))


def test_once_all_have_been_evaluated_draws_are_distributed_as_the_policy() -> None:
    told, n = trained(), 2000
    counts = draws(told, tree(EVERY), n)
    expected = [probability(told, answers) for answers in EVERY]
    found = [counts[answers] / n for answers in EVERY]
    np.testing.assert_allclose(found, expected, atol=4 * np.sqrt(0.25 / n))


def test_a_draw_does_not_depend_on_what_was_drawn_before() -> None:
    told, evaluated = trained(), tree(EVERY[3:6])
    used = Place(told, told.start(), evaluated)
    for seed in range(20):
        used.draw(FIRST, np.random.default_rng(seed))
    for seed in range(20):
        new = Place(told, told.start(), evaluated)
        drawn = [place.draw(FIRST, np.random.default_rng(seed)) for place in (used, new)]
        assert drawn[0] == drawn[1]


def test_a_trial_that_ended_where_others_were_asked_on_says_nothing_about_them() -> None:
    evaluated = tree([((FIRST, 1),), EVERY[1]])
    assert draws(trained(), evaluated, 1000).keys() == {*EVERY} - {EVERY[1]}


def objective(trial: optuna.Trial) -> float:
    """Eleven architectures, of which one is rejected."""
    depth = trial.suggest_int("depth", 1, 3)
    ops = [trial.suggest_categorical(f"op{i}", ["conv", "skip"]) for i in range(depth - 1)]
    if depth == 1:
        width = trial.suggest_float("width", 0, 2, step=0.5)
        if width == 1:
            raise optuna.TrialPruned
        return width
    return 3.0 * ops.count("conv")


@pytest.mark.parametrize("seed", range(3))
def test_no_architecture_is_proposed_twice_while_there_are_others(seed: int) -> None:
    study = optuna.create_study(
        sampler=ReinforceSampler(seed=seed, hidden_size=8, learning_rate=0.1, entropy_weight=0.0),
        direction="maximize",
    )
    study.optimize(objective, n_trials=11)
    assert len({tuple(trial.params.items()) for trial in study.trials}) == 11
    study.optimize(objective, n_trials=4)


def test_with_repeats_a_sure_controller_proposes_what_it_has_proposed() -> None:
    options: dict[str, Any] = {"hidden_size": 8, "learning_rate": 0.1, "entropy_weight": 0.0}
    different = []
    for avoid_repeats in (False, True):
        sampler = ReinforceSampler(seed=0, avoid_repeats=avoid_repeats, **options)
        study = optuna.create_study(sampler=sampler, direction="maximize")
        study.optimize(lambda t: sum(t.suggest_int(f"x{i}", 0, 3) for i in range(4)), n_trials=80)
        different.append(len({tuple(trial.params.values()) for trial in study.trials}))
    assert different[0] < 60
    assert different[1] == 80


def test_failed_trials_were_not_evaluated() -> None:
    study = optuna.create_study(sampler=ReinforceSampler(seed=0, hidden_size=8))
    distributions: dict[str, BaseDistribution] = {"x": CategoricalDistribution(["a", "b"])}
    for state, x in ((TrialState.FAIL, "a"), (TrialState.PRUNED, "b")):
        study.add_trial(
            optuna.trial.create_trial(state=state, params={"x": x}, distributions=distributions)
        )
    trial = study.ask()
    assert trial.suggest_categorical("x", ["a", "b"]) == "a"


def test_values_of_one_bin_are_different_architectures() -> None:
    study = optuna.create_study(sampler=ReinforceSampler(seed=0, hidden_size=8, bins=2))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=20)
    assert len({trial.params["x"] for trial in study.trials}) == 20
    assert {trial.params["x"] < 0.5 for trial in study.trials[2:]} == {True, False}


@pytest.mark.parametrize(
    ("distribution", "exact"),
    [
        (CategoricalDistribution(list(range(40))), True),
        (IntDistribution(1, 16), True),
        (IntDistribution(1, 17), False),
        (IntDistribution(1, 8, log=True), True),
        (FloatDistribution(0, 16), False),
        (FloatDistribution(0, 1, step=0.1), True),
        (FloatDistribution(0, 1, step=0.01), False),
        (FloatDistribution(0.5, 0.5), True),
    ],
)
def test_an_action_is_one_value_or_several(distribution: BaseDistribution, exact: bool) -> None:
    assert Actions(distribution, 16).exact is exact


def test_the_tree_is_that_of_the_answers() -> None:
    evaluated = tree(EVERY)
    for answers in product(range(3), range(4)):
        first = evaluated.after(FIRST, answers[0])
        assert first is not None
        found = first.after(LONG, answers[1])
        assert (found is not None) == (answers[0] == 2)
