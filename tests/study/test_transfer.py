"""What comes over from earlier studies: the best, matched by name, more from similar data."""

from __future__ import annotations

from typing import Any

import optuna
from optuna.trial import TrialState
import pytest
from torch import nn

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import SampledTrial
from optuna_nas import spaces
from optuna_nas import warm_start
from optuna_nas.study import describe_data
from tests.study.test_meta_features import table


def scores(trial: Any, ops: Any = ("conv", "pool"), high: int = 64, **names: str) -> float:
    """A wider network is better, and so is a conv."""
    trial = SampledTrial(trial)
    op = trial.suggest_categorical("op", list(ops))
    width = trial.suggest_int("width", 16, high, step=16)
    if "more" in names:
        trial.suggest_categorical(names["more"], [1, 2])
    return width + 100.0 * (op == "conv")


def searched(name: str, **arguments: Any) -> optuna.Study:
    """All eight architectures, the best last."""
    study = create_study(
        sampler="random", pruner=None, direction="maximize", study_name=name, seed=0
    )
    warm_start(study, [{"op": op, "width": w} for op in ("pool", "conv") for w in WIDTHS])
    study.optimize(lambda trial: scores(trial, **arguments), n_trials=8)
    return study


WIDTHS = (16, 32, 48, 64)


@pytest.fixture
def digits() -> optuna.Study:
    return searched("digits")


def begun(**arguments: Any) -> optuna.Study:
    """A study that knows what it decides, and has no trial yet."""

    def network(trial: Any) -> nn.Module:
        scores(trial, **arguments)
        return nn.Linear(2, 2)

    study = create_study(sampler="random", pruner=None, direction="maximize", seed=0)
    Objective(network, lambda module, trial: 0.0).check(study)
    return study


def waiting(study: optuna.Study) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    trials = study.get_trials(states=[TrialState.WAITING])
    return [(trial.system_attrs["fixed_params"], trial.user_attrs) for trial in trials]


def test_the_best_come_first_and_say_where_from(digits: optuna.Study) -> None:
    study = begun(high=96)
    assert warm_start(study, from_studies=[digits], k=3) == 3
    assert waiting(study) == [
        ({"op": "conv", "width": width}, {"origin": "study digits", "origin_trial": number})
        for width, number in ((64, 7), (48, 6), (32, 5))
    ]


def test_the_names_of_the_network_are_matched_and_what_training_asks_is_not() -> None:
    earlier = searched("earlier", more="rate")
    assert "rate" in earlier.trials[0].params
    study = begun()
    warm_start(study, from_studies=[earlier], k=1)
    assert waiting(study)[0][0] == {"op": "conv", "width": 64}


def test_a_number_becomes_the_nearest_and_a_word_is_left_to_the_sampler(
    digits: optuna.Study,
) -> None:
    study = begun(ops=("conv_3x3", "Pool"), high=48)
    assert warm_start(study, from_studies=[digits]) == 5
    changed = [(params, attrs["changed"]) for params, attrs in waiting(study)]
    assert changed == [
        ({"width": 48}, {"op": ["conv", None], "width": [64, 48]}),
        ({"width": 32}, {"op": ["conv", None]}),
        ({"width": 16}, {"op": ["conv", None]}),
        ({"op": "Pool", "width": 48}, {"op": ["pool", "Pool"], "width": [64, 48]}),
        ({"op": "Pool", "width": 32}, {"op": ["pool", "Pool"]}),
    ]
    study.optimize(lambda t: scores(t, ("conv_3x3", "Pool"), 48), n_trials=5)
    assert [trial.params["width"] for trial in study.trials] == [48, 32, 16, 48, 32]


def test_what_the_study_has_is_skipped_and_called_again_it_adds_nothing(
    digits: optuna.Study,
) -> None:
    study = begun()
    study.enqueue_trial({"op": "conv", "width": 48})
    assert warm_start(study, from_studies=[digits], k=3) == 2
    study.optimize(scores, n_trials=2)
    assert warm_start(study, from_studies=[digits], k=3) == 0


def test_proposals_come_before_what_is_transferred(digits: optuna.Study) -> None:
    study = begun(high=96)
    mine = {"op": "pool", "width": 96}
    assert warm_start(study, [mine], from_studies=[digits], k=1, user_attrs={"try": 1}) == 2
    assert waiting(study) == [
        (mine, {"origin": "warm_start", "try": 1}),
        (
            {"op": "conv", "width": 64},
            {"origin": "study digits", "origin_trial": 7, "try": 1},
        ),
    ]


def test_of_several_objectives_the_front_comes_first() -> None:
    earlier = create_study(directions=["maximize", "minimize"], pruner=None, seed=0)
    warm_start(earlier, [{"op": op, "width": w} for op in ("pool", "conv") for w in WIDTHS])
    earlier.optimize(lambda trial: (scores(trial), float(trial.params["width"])), n_trials=8)
    study = begun(high=96)
    assert warm_start(study, from_studies=[earlier], k=4) == 4
    assert {params["op"] for params, _ in waiting(study)} == {"conv"}


def test_only_complete_trials_that_keep_their_constraints_come_over() -> None:
    earlier = create_study(sampler="random", pruner=None, direction="maximize", seed=0)
    warm_start(earlier, [{"op": "conv", "width": width} for width in WIDTHS])

    def constrained(trial: Any) -> float:
        value = scores(trial)
        trial.set_constraint("width", value - 150)
        if trial.params["width"] == 32:
            raise optuna.TrialPruned
        return value

    earlier.optimize(constrained, n_trials=4)
    study = begun(high=96)
    warm_start(study, from_studies=[earlier])
    assert [params["width"] for params, _ in waiting(study)] == [48, 16]


def described(study: optuna.Study, **arguments: Any) -> optuna.Study:
    describe_data(study, *table(**arguments))
    return study


def wide(name: str) -> optuna.Study:
    """Two architectures that :func:`searched` has not, and one that it has."""
    study = create_study(sampler="random", direction="maximize", study_name=name, seed=0)
    asked = ("pool", 80), ("pool", 96), ("conv", 64)
    warm_start(study, [{"op": op, "width": width} for op, width in asked])
    study.optimize(lambda trial: scores(trial, high=96), n_trials=3)
    return study


def test_more_come_from_studies_on_similar_data() -> None:
    near, far = described(searched("near"), rows=900), described(wide("far"), columns=30)
    study = described(begun(high=96), rows=1000)
    assert warm_start(study, from_studies=[far, near], k=6) == 6
    origins = [attrs["origin"] for _, attrs in waiting(study)]
    assert origins[0] == "study near"
    assert origins.count("study near") > origins.count("study far") >= 1
    similar = {attrs["origin"]: attrs["similarity"] for _, attrs in waiting(study)}
    assert 1 > similar["study near"] > 2 * similar["study far"] > 0


def test_without_descriptions_studies_take_turns_and_one_that_is_through_ends_none(
    digits: optuna.Study,
) -> None:
    study = begun(high=96)
    assert warm_start(study, from_studies=[digits, wide("wide")], k=6) == 6
    assert [(attrs["origin"], attrs["origin_trial"]) for _, attrs in waiting(study)] == [
        ("study digits", 7),
        ("study wide", 1),  # its best, a conv of width 64, is there already
        ("study digits", 6),
        ("study wide", 0),
        ("study digits", 5),
        ("study digits", 4),
    ]


def test_plain_studies_of_optuna_do_too() -> None:
    def plain(trial: optuna.Trial) -> float:
        return trial.suggest_float("x", 0, 1)

    earlier, study = optuna.create_study(study_name="earlier"), optuna.create_study()
    earlier.optimize(plain, n_trials=4)
    study.optimize(plain, n_trials=1)
    assert warm_start(study, from_studies=[earlier], k=2) == 2
    assert waiting(study)[0][0] == earlier.best_params


def test_a_space_for_larger_images_takes_over_what_it_shares() -> None:
    small = spaces.CNN(input_shape=(1, 8, 8), num_classes=10, widths=(4, 8))
    large = spaces.CNN(input_shape=(1, 16, 16), num_classes=10, widths=(8, 16))
    earlier = create_study(sampler="random", pruner=None, direction="maximize", seed=0)
    earlier.optimize(Objective(small, lambda module, trial: trial.number), n_trials=6)
    study = create_study(sampler="random", pruner=None, direction="maximize", seed=0)
    objective = Objective(large, lambda module, trial: trial.number)
    objective.check(study)
    assert warm_start(study, from_studies=[earlier], k=3) == 3
    study.optimize(objective, n_trials=3)
    for i, trial in enumerate(study.trials):
        before = earlier.trials[5 - i].params
        changed = trial.user_attrs.get("changed", {})
        assert {name for name in before if trial.params.get(name) != before[name]} == set(changed)


def test_nothing_to_begin_with_is_an_error() -> None:
    with pytest.raises(
        TypeError,
        match=r"^give proposals, from_studies, or both: there is nothing to begin with\.$",
    ):
        warm_start(begun())
    with pytest.raises(
        ValueError, match=r"^from_studies is empty: there is nothing to begin with\.$"
    ):
        warm_start(begun(), from_studies=[])


def test_a_single_study_is_refused_with_the_remedy(digits: optuna.Study) -> None:
    with pytest.raises(
        TypeError,
        match=r"^from_studies must be a list of studies; for one study write \[study\]\.$",
    ):
        warm_start(begun(), from_studies=digits)  # type: ignore[arg-type]


def test_what_is_no_study_is_refused(digits: optuna.Study) -> None:
    with pytest.raises(
        TypeError,
        match=r"^from_studies\[1\] must be a study, but is str; optuna\.load_study"
        r"\(study_name=\.\.\., storage=\.\.\.\) opens one\.$",
    ):
        warm_start(begun(), from_studies=[digits, "letters"])  # type: ignore[list-item]


def test_the_study_itself_is_refused() -> None:
    study = begun()
    with pytest.raises(ValueError, match=r"^from_studies\[0\] is the study itself\.$"):
        warm_start(study, from_studies=[study])


def test_a_study_without_a_complete_trial_is_refused() -> None:
    empty = optuna.create_study(study_name="empty")
    with pytest.raises(
        ValueError,
        match=r"^from_studies\[0\]: study 'empty' has no trial that is complete and keeps its "
        r"constraints, so there is nothing to take over\.$",
    ):
        warm_start(begun(), from_studies=[empty])


def test_a_study_that_decides_nothing_of_it_is_refused(digits: optuna.Study) -> None:
    study = optuna.create_study(study_name="here")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(
        ValueError,
        match=r"^from_studies: study 'digits' decides nothing that study 'here' does: 'x'\.$",
    ):
        warm_start(study, from_studies=[digits])


def test_a_study_that_does_not_know_its_decisions_is_refused_with_the_remedy(
    digits: optuna.Study,
) -> None:
    study = optuna.create_study(study_name="new")
    with pytest.raises(
        ValueError,
        match=r"^study 'new' does not know its decisions yet, so that nothing can be matched with "
        r"them: call objective\.check\(study\) first\.$",
    ):
        warm_start(study, [{"op": "conv"}], from_studies=[digits])
    assert study.trials == []


def test_data_that_only_some_describe_are_an_error(digits: optuna.Study) -> None:
    study, other = begun(), searched("letters")
    described(digits)
    with pytest.raises(
        ValueError,
        match=rf"^the data of 'digits' are described, those of '{study.study_name}', 'letters' "
        r"are not, so that nobody can tell how alike they are: call describe_data\(study, X, y\) "
        r"for each\.$",
    ):
        warm_start(study, from_studies=[digits, other])


def test_of_one_study_alone_it_does_not_matter_how_alike_the_data_are(
    digits: optuna.Study,
) -> None:
    described(digits)
    assert warm_start(begun(high=96), from_studies=[digits], k=1) == 1


def test_what_is_no_list_of_studies_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^from_studies must be a list of .* is 3 \(int\)\.$"):
        warm_start(begun(), from_studies=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [0, -1, 1.5, "a"])
def test_k_that_is_no_int_of_at_least_1_is_refused(digits: optuna.Study, k: Any) -> None:
    with pytest.raises(ValueError, match=rf"^k must be an int of at least 1, but got {k!r}\.$"):
        warm_start(begun(), from_studies=[digits], k=k)
