from __future__ import annotations

from collections.abc import Callable
import copy
from datetime import datetime
from datetime import timedelta
from itertools import pairwise
import math
from pathlib import Path
import pickle
import random
import subprocess
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
from optuna.pruners import HyperbandPruner
from optuna.pruners import SuccessiveHalvingPruner
from optuna.samplers import BaseSampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.testing.pytest_samplers import BasicSamplerTestCase
from optuna.testing.pytest_samplers import MultiObjectiveSamplerTestCase
from optuna.trial import create_trial
from optuna.trial import TrialState
import pytest
import torch

from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers._actions import Actions
from optuna_nas.samplers._controller import Controller
from optuna_nas.samplers._controller import Decision
from optuna_nas.samplers._reinforce import ReinforceSampler
from optuna_nas.samplers._reward import mnasnet_reward


class TestReinforceSampler(BasicSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: ReinforceSampler(hidden_size=4)


LETTERS = ["a", "b", "c", "d"]
FIRST, SECOND = Decision("first", 3), Decision("second", 4)
DISTRIBUTIONS: dict[str, BaseDistribution] = {
    name: CategoricalDistribution(LETTERS) for name in ("first", "second")
}


def small(seed: int = 0, **options: Any) -> ReinforceSampler:
    return ReinforceSampler(seed=seed, **{"hidden_size": 8, **options})


def controller(**options: Any) -> Controller:
    defaults = {"learning_rate": 0.01, "entropy_weight": 0.0, "temperature": 1.0, "epsilon": 0.0}
    return Controller(0, **{"hidden_size": 8, **defaults, **options})


def flat(trial: optuna.Trial) -> float:
    answers = [trial.suggest_categorical(f"edge{i}", LETTERS) for i in range(4)]
    return float(sum(answer == "c" for answer in answers))


def conditional(trial: optuna.Trial) -> float:
    depth = trial.suggest_int("depth", 1, 4)
    total = trial.suggest_float("dropout", 0, 1)
    for i in range(depth):
        if trial.suggest_categorical(f"op{i}", ["conv", "skip"]) == "conv":
            total += trial.suggest_int(f"width{i}", 8, 512, log=True) / 512
    return total


def chained(trial: optuna.Trial) -> float:
    """Each answer that follows on the one before counts: on average, all letters are equal."""
    answers = [LETTERS.index(trial.suggest_categorical(f"edge{i}", LETTERS)) for i in range(6)]
    return float(sum((b - a) % 4 == 1 for a, b in pairwise(answers)))


def run(sampler: BaseSampler, objective: Any, n_trials: int, **options: Any) -> optuna.Study:
    study = optuna.create_study(sampler=sampler, **{"direction": "maximize", **options})
    study.optimize(objective, n_trials=n_trials)
    return study


def asked(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.trials]


def agrees_with_a_new_sampler(study: optuna.Study, objective: Any) -> bool:
    """Whether the next proposal is what another process would make of the finished trials."""
    trial = study.ask()
    objective(trial)
    sampler = copy.deepcopy(study.sampler)
    other = optuna.create_study(sampler=sampler, direction=study.direction)
    other.add_trials(study.trials[:-1])
    same = other.ask()
    objective(same)
    return trial.params == same.params


def policies(told: Controller) -> list[np.ndarray]:
    """Of the first decision, and of the second after each answer to the first."""
    start = told.start()
    after = [told.advance(start, FIRST, action) for action in range(FIRST.actions)]
    return [
        told.probabilities(start, FIRST),
        *(told.probabilities(state, SECOND) for state in after),
    ]


def log_probability(told: Controller, first: int, second: int) -> float:
    every = policies(told)
    return float(np.log(every[0][first]) + np.log(every[1 + first][second]))


def entropy(told: Controller) -> float:
    return float(-sum((p * np.log(p)).sum() for p in policies(told)))


def test_a_step_on_an_advantage_makes_the_answers_more_probable_or_less() -> None:
    for advantage in (1.0, -1.0):
        told = controller()
        before = log_probability(told, 2, 1)
        told.learn([(FIRST, 2), (SECOND, 1)], advantage)
        assert (log_probability(told, 2, 1) - before) * advantage > 0


def test_the_gradient_is_the_advantage_times_that_of_the_log_probability() -> None:
    told = controller()
    told.learn([(FIRST, 2), (SECOND, 1)], 0.0)
    bias = told._weights[FIRST].bias
    for advantage in (0.5, -2.0):
        policy = policies(told)[0]
        told.learn([(FIRST, 2), (SECOND, 1)], advantage)
        assert bias.grad is not None
        expected = -advantage * (np.eye(3)[2] - policy)  # of softmax; Adam descends
        np.testing.assert_allclose(bias.grad.numpy(), expected, rtol=1e-12)


def test_without_advantage_and_entropy_nothing_is_learned() -> None:
    told = controller()
    before = policies(told)
    for _ in range(3):
        told.learn([(FIRST, 0), (SECOND, 3)], 0.0)
    for was, policy in zip(before, policies(told), strict=True):
        np.testing.assert_array_equal(policy, was)


def test_the_best_are_learned_as_one_of_advantage_one() -> None:
    told, other = controller(entropy_weight=0.3), controller(entropy_weight=0.3)
    best = [[(FIRST, 0)], [(FIRST, 2), (SECOND, 3)]]
    told.learn([(FIRST, 1), (SECOND, 0)], 0.5, best)
    other.learn([(FIRST, 1), (SECOND, 0)], 0.5)
    gradients = [one._weights[SECOND].bias.grad for one in (told, other)]
    assert gradients[0] is not None
    assert gradients[1] is not None
    new = controller()
    policy = policies(new)[3]
    expected = -0.5 * (np.eye(4)[3] - policy)
    np.testing.assert_allclose((gradients[0] - gradients[1]).numpy(), expected, atol=1e-12)


def test_the_queue_holds_the_best_trials_all_different_and_of_equals_the_latest() -> None:
    study = optuna.create_study(sampler=small(queue_size=3), direction="maximize")
    for first, second, value in ["aa3", "ab1", "ba2", "aa3", "cc2", "dd0"]:
        params = {"first": first, "second": second}
        study.add_trial(
            create_trial(params=params, distributions=DISTRIBUTIONS, value=float(value))
        )
    params = {"first": "d", "second": "d"}
    study.add_trial(create_trial(params=params, distributions=DISTRIBUTIONS, value=math.inf))
    study.ask()
    best = study.sampler._learner._learned.best  # type: ignore[attr-defined]
    letters = ["".join(LETTERS[action] for _, action in answers) for _, answers in best]
    assert letters == ["aa", "cc", "ba"]


def test_an_answer_conditions_those_after_it() -> None:
    told = controller()
    for _ in range(300):
        for first in range(3):
            told.learn([(FIRST, first), (SECOND, first)], 1.0)
    for first, policy in enumerate(policies(told)[1:]):
        assert policy[first] > 0.9


def test_the_entropy_bonus_keeps_decisions_open() -> None:
    closed, kept_open = controller(), controller(entropy_weight=1.0)
    for _ in range(100):
        for told in (closed, kept_open):
            told.learn([(FIRST, 2), (SECOND, 1)], 1.0)
    assert entropy(closed) + 0.5 < entropy(kept_open)
    peaked = controller(entropy_weight=1.0)
    for _ in range(100):
        peaked.learn([(FIRST, 2), (SECOND, 1)], 5.0)
    before = entropy(peaked)
    for _ in range(100):
        peaked.learn([(FIRST, 2), (SECOND, 1)], 0.0)
    assert entropy(peaked) > before


def test_temperature_flattens_the_policy() -> None:
    cold, warm = controller(), controller(temperature=5.0)
    np.testing.assert_allclose(
        policies(cold)[0] ** 0.2 / (policies(cold)[0] ** 0.2).sum(), policies(warm)[0]
    )
    assert entropy(cold) < entropy(warm)


def test_epsilon_is_the_uniform_share_of_the_policy() -> None:
    pure, mixed = controller(), controller(epsilon=0.3)
    np.testing.assert_allclose(0.7 * policies(pure)[1] + 0.3 / 4, policies(mixed)[1])
    uniform = controller(epsilon=1.0)
    for _ in range(20):
        uniform.learn([(FIRST, 2), (SECOND, 1)], 1.0)
    np.testing.assert_allclose(policies(uniform)[0], 1 / 3)


def test_in_which_order_decisions_are_first_met_does_not_matter() -> None:
    one, other = controller(), controller()
    other.probabilities(other.start(), SECOND)
    for was, policy in zip(policies(one), policies(other), strict=True):
        np.testing.assert_array_equal(policy, was)


def test_the_global_generator_and_settings_of_torch_are_not_touched() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    study = run(small(), conditional, 5)
    assert torch.equal(torch.get_rng_state(), before)
    with torch.inference_mode():
        inside = run(small(), conditional, 5)
    with torch.no_grad():
        assert asked(run(small(), conditional, 5)) == asked(inside) == asked(study)


@pytest.mark.parametrize("objective", [flat, conditional])
def test_25_and_25_trials_after_a_resume_equal_50_in_one_go(
    objective: Any, tmp_path: Path
) -> None:
    whole = run(small(), objective, 50)
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "study.journal")))
    run(small(), objective, 25, storage=storage, study_name="halves")
    again = JournalStorage(JournalFileBackend(str(tmp_path / "study.journal")))
    resumed = optuna.load_study(study_name="halves", storage=again, sampler=small())
    resumed.optimize(objective, n_trials=25)
    assert asked(resumed) == asked(whole)


def test_a_resume_changes_nothing_with_several_objectives_and_pruned_trials() -> None:
    def objective(trial: optuna.Trial) -> tuple[float, float]:
        value = conditional(trial)
        if trial.number % 5 == 3:
            raise optuna.TrialPruned
        trial.set_constraint("c", value - 3)
        return value, float(len(trial.params))

    directions = {"direction": None, "directions": ["maximize", "minimize"]}
    whole = run(small(), objective, 40, **directions)
    resumed = run(small(), objective, 20, **directions)
    resumed.sampler = small()
    resumed.optimize(objective, n_trials=20)
    assert asked(resumed) == asked(whole)


def test_two_samplers_with_one_seed_on_one_storage_agree(tmp_path: Path) -> None:
    whole = run(small(), conditional, 30)
    for make in (small, lambda: copy.deepcopy(whole.sampler)):
        storage = JournalStorage(JournalFileBackend(str(tmp_path / f"{make.__name__}.journal")))
        first = optuna.create_study(sampler=small(), direction="maximize", storage=storage)
        second = optuna.load_study(study_name=first.study_name, storage=storage, sampler=make())
        for i in range(30):
            (first, second)[i % 2].optimize(conditional, n_trials=1)
        assert asked(first) == asked(whole)


def test_several_threads_leave_the_state_that_their_trials_tell() -> None:
    study = optuna.create_study(sampler=small(), direction="maximize")
    study.optimize(conditional, n_trials=60, n_jobs=4)
    assert agrees_with_a_new_sampler(study, conditional)


def test_importing_it_does_not_import_torch() -> None:
    code = "import optuna_nas.samplers._reinforce, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_trial_that_was_begun_elsewhere_goes_on_the_same() -> None:
    whole = run(small(), conditional, 30)
    study = run(small(), conditional, 29)
    trial = study.ask()
    trial.suggest_int("depth", 1, 4)
    trial.suggest_float("dropout", 0, 1)
    study.sampler = pickle.loads(pickle.dumps(study.sampler))
    conditional(trial)
    assert trial.params == whole.trials[-1].params


def ended(study: optuna.Study, at: list[int]) -> list[optuna.trial.FrozenTrial]:
    """The trials of a study, as if they had ended so many seconds after noon."""
    trials = copy.deepcopy([study.trials[second] for second in at])
    for trial, second in zip(trials, at, strict=True):
        trial.datetime_complete = datetime(2026, 1, 1, 12) + timedelta(seconds=second)
    return trials


def test_trials_that_are_seen_late_are_learned_from_in_order_of_completion() -> None:
    source = run(RandomSampler(seed=0), conditional, 80)
    late = list(range(40))
    random.Random(0).shuffle(late)
    proposals = []
    for order in (list(range(80)), [*range(40, 80), *late]):
        study = optuna.create_study(sampler=small(), direction="maximize")
        for trial in ended(source, order):
            study.add_trial(trial)
            study.sampler.before_trial(study, trial)
        proposal = study.ask()
        conditional(proposal)
        proposals.append(proposal.params)
    assert proposals[0] == proposals[1]


@pytest.mark.parametrize("by", [1, 10, 100])
def test_to_learn_again_takes_steps_in_proportion_to_how_late_a_trial_is(
    by: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = run(RandomSampler(seed=0), flat, 300)
    study = optuna.create_study(sampler=small(), direction="maximize")
    study.add_trials(ended(source, [i for i in range(300) if i != 299 - by]))
    study.ask()
    study.add_trials(ended(source, [299 - by]))
    steps: list[float] = []
    monkeypatch.setattr(Controller, "learn", lambda self, answers, by, best: steps.append(by))
    study.ask()
    assert by < len(steps) <= min(300, 8 * by + 64)


def test_a_sampler_that_is_given_another_study_begins_again() -> None:
    sampler = small()
    first = run(sampler, conditional, 20)
    second = run(sampler, conditional, 20)
    assert asked(first) == asked(second)
    trials = [study.ask() for study in (first, second)]
    for trial in trials:
        conditional(trial)
    assert trials[0].params == trials[1].params


def test_it_can_be_pickled_and_copied_while_it_runs() -> None:
    whole = run(small(), conditional, 20)
    for clone in (copy.deepcopy, lambda sampler: pickle.loads(pickle.dumps(sampler))):
        study = run(small(), conditional, 10)
        study.sampler = clone(study.sampler)
        study.optimize(conditional, n_trials=10)
        assert asked(study) == asked(whole)


def test_it_learns_what_depends_on_the_answer_before() -> None:
    def last(make: Callable[[int], BaseSampler]) -> float:
        studies = [run(make(seed), chained, 300) for seed in range(3)]
        return float(np.mean([trial.value for study in studies for trial in study.trials[-50:]]))

    assert last(lambda seed: RandomSampler(seed=seed)) < 1.5
    assert last(lambda seed: ReinforceSampler(avoid_repeats=False, seed=seed)) > 3.5


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_it_learns_numbers_in_either_direction(direction: str) -> None:
    sign = 1 if direction == "maximize" else -1

    def objective(trial: optuna.Trial) -> float:
        lr = math.log10(trial.suggest_float("lr", 1e-5, 1e-1, log=True))
        width = trial.suggest_int("width", 1, 1000)
        return -sign * 1000 * (abs(lr + 2) + abs(width - 800) / 500)

    study = run(ReinforceSampler(seed=0), objective, 200, direction=direction)
    late = study.trials[-50:]
    assert abs(np.median([math.log10(trial.params["lr"]) for trial in late]) + 2) < 0.5
    assert abs(np.median([trial.params["width"] for trial in late]) - 800) < 100


def test_epsilon_one_is_random_search() -> None:
    study = run(small(epsilon=1.0), flat, 400)
    for i in range(4):
        counts = [sum(p[f"edge{i}"] == letter for p in asked(study)) for letter in LETTERS]
        assert all(70 < count < 130 for count in counts)


def test_enqueued_answers_are_kept_and_the_rest_is_conditioned_on_them() -> None:
    sampler = ReinforceSampler(seed=0, queue_size=0, avoid_repeats=False)
    study = optuna.create_study(sampler=sampler, direction="maximize")
    for params in [{"first": a, "second": a} for a in LETTERS] * 60:
        study.add_trial(create_trial(params=params, distributions=DISTRIBUTIONS, value=1.0))
        other = {"first": params["first"], "second": LETTERS[LETTERS.index(params["first"]) - 1]}
        study.add_trial(create_trial(params=other, distributions=DISTRIBUTIONS, value=0.0))
    right = 0
    for letter in LETTERS * 5:
        study.enqueue_trial({"first": letter})
        trial = study.ask()
        assert trial.suggest_categorical("first", LETTERS) == letter
        right += trial.suggest_categorical("second", LETTERS) == letter
    assert right >= 16


def test_with_several_objectives_it_finds_the_front() -> None:
    def objective(trial: optuna.Trial) -> tuple[float, float]:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        return x + y, y  # the front is y = 0 or x = 1

    study = run(
        ReinforceSampler(seed=0), objective, 200, direction=None,
        directions=["maximize", "minimize"],
    )  # fmt: skip
    assert np.mean([trial.params["x"] > 0.8 for trial in study.trials[-50:]]) > 0.5


def test_a_reward_of_ones_own_is_what_is_learned() -> None:
    def objective(trial: optuna.Trial) -> tuple[float, float]:
        x = trial.suggest_categorical("x", [1, 2, 4, 8])
        return x / 8, x

    study = run(
        ReinforceSampler(seed=0, queue_size=1, reward=mnasnet_reward(4.0, (0.0, -4.0))),
        objective, 150,
        direction=None, directions=["maximize", "minimize"],
    )  # fmt: skip
    assert np.mean([trial.params["x"] == 4 for trial in study.trials[-50:]]) > 0.7


def test_what_breaks_a_constraint_is_rejected_or_explodes_is_avoided() -> None:
    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_categorical("x", ["good", "infeasible", "rejected", "explodes", "bad"])
        trial.set_constraint("c", {"infeasible": 1.0, "rejected": math.inf}.get(x, 0.0))
        if x == "rejected":
            raise optuna.TrialPruned
        return {"good": 0.6, "infeasible": 1.0, "explodes": -math.inf, "bad": 0.5}[x]

    study = run(ReinforceSampler(seed=0, queue_size=1), objective, 150)
    assert np.mean([trial.params["x"] == "good" for trial in study.trials[-50:]]) > 0.7


@pytest.mark.parametrize("pruner", [SuccessiveHalvingPruner(), HyperbandPruner(max_resource=9)])
def test_it_learns_although_most_trials_are_pruned(pruner: Any) -> None:
    def objective(trial: optuna.Trial) -> float:
        value = flat(trial)
        for step in range(1, 10):
            trial.report(value * step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value * 9

    # Hyperband's brackets are drawn from the study's name.
    sampler = ReinforceSampler(avoid_repeats=False, seed=0)
    study = run(sampler, objective, 150, pruner=pruner, study_name="pruned")
    assert sum(t.state == TrialState.PRUNED for t in study.trials) > 15
    assert np.mean([list(p.values()).count("c") for p in asked(study)[-50:]]) > 2
    assert agrees_with_a_new_sampler(study, flat)


def test_failed_trials_teach_nothing() -> None:
    study, other = run(small(), flat, 20), run(small(), flat, 20)
    for params in asked(study)[:5]:
        study.add_trial(
            create_trial(
                state=TrialState.FAIL, params=params, distributions=study.trials[0].distributions
            )
        )
    policies_of_next = []
    for one in (study, other):
        one.ask()
        learner = one.sampler._learner  # type: ignore[attr-defined]
        place = learner.place(one.trials[-1])
        policies_of_next.append(place.policy(Decision("edge0", 4)))
    np.testing.assert_array_equal(*policies_of_next)


def test_a_reward_that_is_not_a_number_is_an_error_until_it_is_one() -> None:
    returned = [math.nan]
    study = optuna.create_study(sampler=small(reward=lambda values: returned[0]))
    study.add_trial(create_trial(value=2.0))
    for _ in range(2):
        with pytest.raises(
            ValueError, match=r"reward \(<lambda>\) must return a finite number, but returned nan "
            r"for trial 0 with the values \[2\.0\]",
        ):  # fmt: skip
            study.ask()
    returned[0] = 1.0
    study.ask()


def distributions() -> st.SearchStrategy[BaseDistribution]:
    low, size = st.integers(-1000, 1000), st.integers(0, 5000)
    return st.one_of(
        st.builds(lambda n: CategoricalDistribution(list(range(n))), st.integers(1, 40)),
        st.builds(lambda lo, n, by: IntDistribution(lo, lo + n * by, step=by),
                  low, size, st.integers(1, 9)),
        st.builds(lambda lo, n: IntDistribution(lo, lo + n, log=True), st.integers(1, 100), size),
        st.builds(lambda lo, n: FloatDistribution(lo, lo + n), st.floats(-10, 10), size),
        st.builds(lambda lo, n, by: FloatDistribution(lo, round(lo + n * by, 9), step=by),
                  st.integers(-10, 10), st.integers(0, 500), st.sampled_from([0.1, 0.25, 3.0])),
        st.builds(lambda lo, by: FloatDistribution(lo, lo * by, log=True),
                  st.floats(1e-8, 10), st.floats(1, 1e6)),
    )  # fmt: skip


@given(distribution=distributions(), bins=st.integers(2, 40), seed=st.integers(0, 9))
def test_an_action_draws_legal_values_that_belong_to_it(
    distribution: Any, bins: int, seed: int
) -> None:
    actions, rng = Actions(distribution, bins), np.random.default_rng(seed)
    assert isinstance(distribution, CategoricalDistribution) or 1 <= len(actions) <= bins
    for action in range(len(actions)):
        value = actions.draw(action, rng)
        assert distribution._contains(distribution.to_internal_repr(value))
        assert actions.index(value) == action


@given(low=st.integers(-50, 50), step=st.integers(1, 9), many=st.integers(2, 100))
def test_bins_of_steps_hold_each_value_once_and_as_many_up_to_one(
    low: int, step: int, many: int
) -> None:
    values = [low + step * i for i in range(many)]
    actions = Actions(IntDistribution(low, values[-1], step=step), 16)
    counts = np.bincount([actions.index(value) for value in values])
    assert len(counts) == len(actions) == min(many, 16)
    assert max(counts) - min(counts) <= 1


def test_bins_are_of_the_logarithm_where_the_distribution_says_so() -> None:
    floats = Actions(FloatDistribution(1e-4, 1e0, log=True), 4)
    assert [floats.index(x) for x in (5e-4, 5e-3, 5e-2, 5e-1)] == [0, 1, 2, 3]
    ints = Actions(IntDistribution(1, 1023, log=True), 10)
    assert [ints.index(2**i) for i in range(10)] == list(range(10))


def test_few_ints_are_an_action_each() -> None:
    for distribution in (IntDistribution(1, 16), IntDistribution(1, 16, log=True)):
        actions = Actions(distribution, 16)
        assert [actions.index(i) for i in range(1, 17)] == list(range(16))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reward": 1.0}, r"reward must be a function, or None, but got 1\.0"),
        ({"hidden_size": 0}, r"hidden_size must be an int of at least 1, but got 0"),
        ({"learning_rate": 0.0}, r"learning_rate must be a finite number above 0, but got 0\.0"),
        ({"learning_rate": math.nan}, r"learning_rate must be .* above 0, but got nan"),
        ({"learning_rate": "a"}, r"learning_rate must be a finite number above 0, but got 'a'"),
        ({"baseline_decay": "a"}, r"baseline_decay must be .* and below 1, but got 'a'"),
        ({"entropy_weight": "a"}, r"entropy_weight must be .* at least 0, but got 'a'"),
        ({"temperature": "a"}, r"temperature must be a finite number above 0, but got 'a'"),
        ({"epsilon": True}, r"epsilon must be .* at least 0 and at most 1, but got True"),
        ({"baseline_decay": 1.0}, r"baseline_decay must be .* at least 0 and below 1.*got 1\.0"),
        ({"baseline_decay": -0.1}, r"baseline_decay must be .* at least 0 and below 1.*got -0\.1"),
        ({"entropy_weight": -1.0}, r"entropy_weight must be .* at least 0, but got -1\.0"),
        ({"temperature": 0.0}, r"temperature must be a finite number above 0, but got 0\.0"),
        ({"temperature": math.inf}, r"temperature must be a finite number above 0, but got inf"),
        ({"epsilon": 1.5}, r"epsilon must be .* at least 0 and at most 1, but got 1\.5"),
        ({"epsilon": math.nan}, r"epsilon must be .* at least 0 and at most 1, but got nan"),
        ({"bins": 1}, r"bins must be an int of at least 2, but got 1"),
        ({"bins": 2.5}, r"bins must be an int of at least 2, but got 2\.5"),
        ({"queue_size": -1}, r"queue_size must be an int of at least 0, but got -1"),
        ({"seed": -1}, r"seed must be an int of at least 0, or None, but got -1"),
    ],
)
def test_bad_arguments_are_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**options)
