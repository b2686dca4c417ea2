"""From small architectures to large ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import pickle
from typing import Any

import numpy as np
import optuna
from optuna.distributions import IntDistribution
from optuna.samplers import BaseSampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.testing.pytest_samplers import BasicSamplerTestCase
from optuna.testing.pytest_samplers import MultiObjectiveSamplerTestCase
from optuna.testing.pytest_samplers import RelativeSamplerTestCase
import pytest

from optuna_nas.samplers import PredictorSampler
from optuna_nas.samplers import ProgressiveSampler
from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers._progressive import _highest
from optuna_nas.samplers._progressive import _levels


WORTH = {"a": 0.0, "b": 1.0, "c": 0.7, "d": 0.2}


@pytest.mark.filterwarnings("ignore:growing names")
class TestProgressiveSampler(
    BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase
):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: ProgressiveSampler(["depth"], n_initial=3, n_per_level=3)


def deep(trial: optuna.Trial) -> float:
    """Each block that is "b" is worth 0.7; so depth helps, with the right blocks."""
    depth = trial.suggest_int("depth", 1, 6)
    blocks = [trial.suggest_categorical(f"op{i}", list(WORTH)) for i in range(depth)]
    return sum(WORTH[block] for block in blocks) - 0.3 * depth


def shallow(trial: optuna.Trial) -> float:
    """Two blocks are enough."""
    return deep(trial) - 2 * abs(trial.params["depth"] - 2)


def late(trial: optuna.Trial) -> float:
    """Depth tells nothing before there are four blocks."""
    depth = trial.suggest_int("depth", 1, 6)
    return WORTH[trial.suggest_categorical("op", list(WORTH))] + float(depth >= 4)


def two(trial: optuna.Trial) -> tuple[float, float]:
    return deep(trial), float(trial.params["depth"])


def stages(trial: optuna.Trial) -> float:
    return sum(
        trial.suggest_int(f"stage{i}/blocks", 1, 4) + trial.suggest_float(f"stage{i}/rate", 0, 1)
        for i in range(trial.suggest_int("stages", 1, 3))
    )


def run(sampler: BaseSampler, objective: Any, n_trials: int, **options: Any) -> optuna.Study:
    study = optuna.create_study(sampler=sampler, **{"direction": "maximize", **options})
    study.optimize(objective, n_trials=n_trials)
    return study


def depths(study: optuna.Study) -> list[int]:
    return [trial.params["depth"] for trial in study.trials]


def test_what_is_deep_is_not_proposed_before_its_time() -> None:
    def wide(trial: optuna.Trial) -> float:
        return deep(trial) + trial.suggest_float("x", 0, 1)

    for seed in range(2):
        study = run(ProgressiveSampler(["depth"], n_initial=8, n_per_level=5, seed=seed), wide, 40)
        found = depths(study)
        assert set(found[:8]) == {1}
        for number, depth in enumerate(found[8:], start=8):
            assert depth <= 2 + (number - 8) // 5
        assert all(new in found for new in range(1, 7))


@pytest.mark.parametrize(("objective", "best"), [(deep, 4.2), (shallow, 1.4), (late, 2.0)])
def test_it_finds_the_best_where_depth_helps_hurts_or_shows_late(
    objective: Any, best: float
) -> None:
    sampler = ProgressiveSampler(["depth"], n_initial=6, n_per_level=6, seed=0)
    assert run(sampler, objective, 60).best_value == pytest.approx(best)


def test_it_finds_what_random_search_does_not_and_trains_smaller_ones_than_the_predictor() -> None:
    ours = [run(ProgressiveSampler(["depth"], seed=seed), deep, 60) for seed in range(2)]
    control = [run(RandomSampler(seed=seed), deep, 60) for seed in range(2)]
    assert np.mean([s.best_value for s in ours]) > np.mean([s.best_value for s in control]) + 0.5
    predictor = run(PredictorSampler(seed=0), deep, 60)
    assert max(sum(depths(study)) for study in ours) < sum(depths(predictor))


def test_all_decisions_of_a_name_grow_and_begin_small_where_they_are_new() -> None:
    sampler = ProgressiveSampler(["stages", "blocks"], n_initial=5, n_per_level=5, seed=0)
    study = run(sampler, stages, 25)
    for trial in study.trials:
        level = 0 if trial.number < 5 else 1 + (trial.number - 5) // 5
        for name, value in trial.params.items():
            assert name.endswith("rate") or value <= 1 + level
    first = next(trial for trial in study.trials if trial.params["stages"] == 2)
    assert first.params["stage1/blocks"] == 1
    assert max(trial.params["stage0/blocks"] for trial in study.trials) == 4


def test_a_value_is_opened_early_where_nothing_new_is_left_below() -> None:
    def objective(trial: optuna.Trial) -> float:
        return trial.suggest_int("depth", 1, 3) + trial.suggest_int("width", 1, 2)

    study = run(ProgressiveSampler(["depth"], seed=0), objective, 6)
    assert len({str(trial.params) for trial in study.trials}) == 6
    assert sorted(depths(study)) == [1, 1, 2, 2, 3, 3]
    study.optimize(objective, n_trials=2)  # nothing is left, and it goes on


@pytest.mark.parametrize("objective", [deep, two])
def test_25_trials_and_25_after_a_resume_equal_50(objective: Any, tmp_path: Path) -> None:
    directions = ["maximize", "minimize"] if objective is two else ["maximize"]
    options: dict[str, Any] = {"direction": None, "directions": directions}
    whole = run(ProgressiveSampler(["depth"], seed=3), objective, 50, **options)
    for _ in range(2):
        resumed = optuna.create_study(
            study_name="s",
            storage=JournalStorage(JournalFileBackend(str(tmp_path / "s.journal"))),
            sampler=ProgressiveSampler(["depth"], seed=3),
            directions=directions,
            load_if_exists=True,
        )
        resumed.optimize(objective, n_trials=25)
    assert [t.params for t in resumed.trials] == [t.params for t in whole.trials]


def test_two_samplers_with_one_seed_agree_on_one_storage() -> None:
    whole = run(ProgressiveSampler(["depth"], seed=3), deep, 30)
    first = optuna.create_study(
        sampler=ProgressiveSampler(["depth"], seed=3), direction="maximize"
    )
    second = optuna.load_study(
        study_name=first.study_name,
        storage=first._storage,
        sampler=pickle.loads(pickle.dumps(first.sampler)),
    )
    for i in range(30):
        (first, second)[i % 2].optimize(deep, n_trials=1)
    assert [t.params for t in first.trials] == [t.params for t in whole.trials]


def test_what_is_enqueued_may_be_deep_and_what_comes_of_it_is_not() -> None:
    study = optuna.create_study(
        sampler=ProgressiveSampler(["depth"], n_initial=6, n_per_level=9, seed=0),
        direction="maximize",
    )
    study.enqueue_trial({"depth": 6, **{f"op{i}": "b" for i in range(6)}})
    study.optimize(deep, n_trials=15)
    assert study.trials[0].value == pytest.approx(4.2)
    assert max(depths(study)[1:]) == 2


@pytest.mark.parametrize(
    ("distribution", "opened", "levels"),
    [
        (IntDistribution(1, 4), [1, 2, 3, 4, 4], 3),
        (IntDistribution(0, 6, step=3), [0, 3, 6, 6], 2),
        (IntDistribution(8, 50, log=True), [8, 16, 32, 50, 50], 3),
        (IntDistribution(8, 64, log=True), [8, 16, 32, 64, 64], 3),
        (IntDistribution(2, 2), [2, 2], 0),
        (IntDistribution(1, 10**9), [1, 2], 10**9 - 1),
    ],
)
def test_each_level_opens_one_value_more_and_in_the_log_domain_twice_as_much(
    distribution: IntDistribution, opened: list[int], levels: int
) -> None:
    assert [_highest(distribution, level) for level in range(len(opened))] == opened
    assert _levels(distribution) == levels
    assert _highest(distribution, levels) == distribution.high


def test_a_name_that_nothing_has_is_warned_of() -> None:
    sampler = ProgressiveSampler(["dpeth"], n_initial=2, seed=0)
    with pytest.warns(UserWarning, match=r"growing names \['dpeth'\], but trials were asked dep"):
        run(sampler, deep, 3)


def test_a_study_that_decides_nothing_is_said_to() -> None:
    sampler = ProgressiveSampler(["depth"], n_initial=2, seed=0)
    with pytest.warns(UserWarning, match=r"but trials were asked nothing at all: nothing grows"):
        run(sampler, lambda trial: 0.0, 3)


def test_what_grows_must_be_an_int() -> None:
    message = r"growing names 'op0', which must be an int decision .* but is Categorical"
    with pytest.raises(ValueError, match=message):
        run(ProgressiveSampler(["op0"]), deep, 1)


@pytest.mark.parametrize("growing", ["depth", [], [1]])
def test_growing_must_be_a_list_of_names(growing: Any) -> None:
    message = r"growing must be a list of the names of int decisions, \['depth'\], but got"
    with pytest.raises(TypeError, match=message):
        ProgressiveSampler(growing)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_initial": 1}, r"n_initial must be an int of at least 2, but got 1"),
        ({"n_per_level": 0}, r"n_per_level must be an int of at least 1, but got 0"),
        ({"n_per_level": "a"}, r"n_per_level must be an int of at least 1, but got 'a'"),
        ({"seed": -1}, r"seed must be an int of at least 0, or None, but got -1"),
    ],
)
def test_bad_arguments_are_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ProgressiveSampler(["depth"], **options)
