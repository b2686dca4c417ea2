"""What is enqueued, what is skipped, and what is refused."""

import optuna
from optuna.trial import TrialState
import pytest
from torch import nn

import optuna_nas
from optuna_nas import build
from optuna_nas import create_study
from optuna_nas import SampledTrial
from optuna_nas import Supernet
from optuna_nas import warm_start


OPS = {"relu": nn.ReLU, "tanh": nn.Tanh, "none": nn.Identity}


def network(trial):
    return nn.Sequential(trial.suggest_module("first", OPS), trial.suggest_module("second", OPS))


def objective(trial):
    trial = SampledTrial(trial)
    network(trial)
    return trial.suggest_float("lr", 0.0, 1.0)


@pytest.fixture
def study():
    return create_study(sampler="random", pruner=None, seed=0)


def waiting(study):
    trials = study.get_trials(states=[TrialState.WAITING])
    return [trial.system_attrs["fixed_params"] for trial in trials]


ONE, TWO = {"first": "relu", "second": "tanh"}, {"first": "tanh", "second": "none"}


def test_proposals_are_the_next_trials_and_the_sampler_fills_in_the_rest(study):
    assert warm_start(study, [TWO, ONE]) == 2
    study.optimize(objective, n_trials=3)
    asked = [{name: t.params[name] for name in ONE} for t in study.trials]
    assert asked[:2] == [TWO, ONE]
    assert all(0 <= t.params["lr"] <= 1 for t in study.trials)


def test_partial_proposals_are_welcome(study):
    assert warm_start(study, [{"second": "none"}]) == 1
    study.optimize(objective, n_trials=1)
    assert study.trials[0].params["second"] == "none"
    assert study.trials[0].params["first"] in OPS


def test_their_origin_is_told(study):
    warm_start(study, [ONE])
    warm_start(study, [TWO], user_attrs={"origin": "darts", "seed": 3})
    assert [trial.user_attrs for trial in study.trials] == [
        {"origin": "warm_start"},
        {"origin": "darts", "seed": 3},
    ]


def test_what_is_enqueued_already_is_skipped(study):
    assert warm_start(study, [ONE, TWO, dict(ONE)]) == 2
    assert warm_start(study, [TWO, ONE]) == 0
    assert waiting(study) == [ONE, TWO]


def test_called_again_after_a_resume_it_adds_nothing(study):
    warm_start(study, [ONE, {"second": "none"}])
    study.optimize(objective, n_trials=2)
    assert warm_start(study, [ONE, {"second": "none"}]) == 0


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED])
def test_what_the_study_tried_by_itself_is_skipped(study, state):
    trial = study.ask()
    objective(trial)
    study.tell(trial, 0.0 if state == TrialState.COMPLETE else None, state)
    tried = {name: trial.params[name] for name in ONE}
    assert warm_start(study, [tried]) == 0
    assert warm_start(study, [{**tried, "lr": 0.125}]) == 1


def test_what_runs_is_skipped(study):
    warm_start(study, [ONE])
    study.ask()  # begins with it, and has asked nothing yet
    assert waiting(study) == []
    assert warm_start(study, [ONE]) == 0


def test_what_failed_is_enqueued_again(study):
    warm_start(study, [ONE])
    trial = study.ask()
    objective(trial)
    study.tell(trial, state=TrialState.FAIL)
    assert warm_start(study, [ONE]) == 1


def test_proposals_of_a_supernet_are_built_in_their_order(study):
    supernet = Supernet(network)
    proposals = supernet.proposals(5)
    assert warm_start(study, proposals) == 5
    study.optimize(
        optuna_nas.Objective(network, lambda module, trial: len(str(module))), n_trials=5
    )
    assert [trial.params for trial in study.trials] == proposals
    assert repr(build(network, study.trials[0])) == repr(supernet.derive(supernet.params()))


def test_it_takes_any_study_and_any_iterable():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    assert warm_start(study, iter([ONE])) == 1
    assert warm_start(study, []) == 0


def test_the_proposal_may_change_afterwards(study):
    proposal = dict(ONE)
    warm_start(study, [proposal])
    proposal["first"] = "none"
    assert waiting(study) == [ONE]


def test_a_single_dict_is_refused_with_the_remedy(study):
    with pytest.raises(
        TypeError,
        match=r"^proposals must be a list of dicts; for one proposal write \[proposal\]\.$",
    ):
        warm_start(study, ONE)


@pytest.mark.parametrize(
    ("proposal", "got"), [("relu", r"'relu' \(str\)"), ({0: "relu"}, r"\{0: 'relu'\} \(dict\)")]
)
def test_what_is_no_dict_of_names_is_refused(study, proposal, got):
    with pytest.raises(
        TypeError,
        match=rf"^proposals\[1\] must be a dict from decision to value, but got {got}\.$",
    ):
        warm_start(study, [ONE, proposal])
    assert study.trials == []


def test_an_empty_proposal_is_refused(study):
    with pytest.raises(
        ValueError, match=r"^proposals\[0\] is empty: there is nothing to begin with\.$"
    ):
        warm_start(study, [{}])


def test_values_that_the_study_knows_to_be_illegal_are_refused_before_anything_is_enqueued(study):
    study.optimize(objective, n_trials=1)
    with pytest.raises(
        ValueError,
        match=rf"^proposals\[1\] does not fit study '{study.study_name}': illegal "
        r"'first' = 'selu' \(one of 'relu', 'tanh', 'none'\), 'lr' = 2\.0 \(float "
        r"0\.0\.\.1\.0\)\.$",
    ):
        warm_start(study, [ONE, {"first": "selu", "second": "relu", "lr": 2.0}])
    assert waiting(study) == []
