"""A split supernet has the weights of the whole, obeys its laws, and is trained part by part."""

import re

from optuna.trial import FixedTrial
import pytest
import torch
from torch import nn

from optuna_nas import build
from optuna_nas import spaces
from optuna_nas import Supernet
from optuna_nas.oneshot import FewShot
from optuna_nas.oneshot import OneShot
from optuna_nas.oneshot import sigmoid
from optuna_nas.oneshot import train_supernet
from optuna_nas.training import score
from tests.oneshot.networks import chain
from tests.oneshot.networks import Sketch
from tests.oneshot.networks import SKETCH_VALUES


IMAGE = torch.randn(2, 1, 8, 8)
SMALL = {"num_classes": 2, "channels": 2, "in_channels": 1}
SPACES = [
    (spaces.NASBench201(cells=1, **SMALL), None, "0>3", IMAGE),
    (spaces.DARTS(layers=3, nodes=2, **SMALL), None, "normal/node3", IMAGE),
    (spaces.DARTS(layers=3, nodes=2, **SMALL), None, "reduce/0>2", IMAGE),
    (spaces.Hierarchical(levels=((2, 3), (1, 3)), **SMALL), None, "level3/motif0/0>2", IMAGE),
    (Sketch, SKETCH_VALUES, "depth", torch.randn(3, 4)),
    (Sketch, SKETCH_VALUES, "node", torch.randn(3, 4)),
    (Sketch, SKETCH_VALUES, "twice", torch.randn(3, 4)),
]

X = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] * X[:, 1] > 0).long()


@pytest.fixture(params=SPACES, ids=lambda case: f"{getattr(case[0], '__name__', '')}{case[2]}")
def case(request):
    network, values, decision, example = request.param
    torch.manual_seed(0)
    supernet = Supernet(network, values)
    return supernet, FewShot(supernet, decision), example


@pytest.fixture
def sketch():
    torch.manual_seed(0)
    return Supernet(Sketch, SKETCH_VALUES)


def drawn(supernet, n):
    generator = torch.Generator().manual_seed(0)
    return [supernet.sample(generator) for _ in range(n)]


def test_each_part_proposes_architectures_that_the_network_builds(case):
    supernet, few_shot, _ = case
    for params in drawn(few_shot, 10):
        build(supernet.network, params)  # strictly: no name too many, none too few
    for option, part in few_shot.supernets.items():
        assert part.params()[few_shot.decision] == option
        build(supernet.network, part.params())


def test_a_path_is_what_is_derived_with_the_keys_of_what_is_built(case):
    supernet, few_shot, x = case
    few_shot.eval()
    for params in drawn(few_shot, 10):
        few_shot.activate(params)
        derived = few_shot.derive(params)
        assert torch.equal(few_shot(x), derived(x))
        assert list(derived.state_dict()) == list(build(supernet.network, params).state_dict())


def test_before_further_training_it_computes_what_the_whole_does(case):
    supernet, few_shot, x = case
    supernet.eval(), few_shot.eval()
    for params in drawn(few_shot, 10):
        supernet.activate(params)
        few_shot.activate(params)
        assert torch.equal(few_shot(x), supernet(x))


def test_what_is_proposed_comes_from_the_gates_of_the_whole(sketch):
    sketch.decisions["twice"].logits.data = torch.tensor([0.0, 9.0])
    sketch.drop("op0", "linear")
    sketch.relaxation = sigmoid
    for part in FewShot(sketch.eval(), "depth").supernets.values():
        assert part.params()["twice"] == "scaled"
        assert "linear" not in part.probabilities()["op0"]
        assert part.relaxation is sigmoid
        assert not part.training


def test_parts_share_nothing_with_one_another_or_the_whole(sketch):
    few_shot = FewShot(sketch, "twice")
    whole = {name: tensor.clone() for name, tensor in sketch.module.state_dict().items()}
    trained, other = few_shot.supernets.values()
    before = [weight.clone() for weight in other.weights()]
    list(train_supernet(trained, (X, Y), epochs=1, seed=0, device="cpu"))
    after = other.weights()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    state = sketch.module.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in whole.items())


def test_parts_are_trained_in_turn_and_scored_as_one(sketch):
    few_shot = FewShot(sketch, "twice")
    for part in few_shot.supernets.values():
        list(train_supernet(part, (X, Y), epochs=1, seed=0, device="cpu"))
    evaluate = OneShot(few_shot, (X, Y), metric="loss", recalibrate=[X])
    for params in drawn(few_shot, 6):
        torch.manual_seed(1)  # for dropout
        found = evaluate(nn.Identity(), FixedTrial(params))
        torch.manual_seed(1)
        expected = score(few_shot.derive(params, recalibrate=[X]), (X, Y), "loss")
        assert found == expected
    assert few_shot.path is None


def test_scoring_puts_the_active_path_back(sketch):
    few_shot = FewShot(sketch, "twice")
    active, *others = drawn(few_shot, 5)
    few_shot.activate(active)
    for params in others:
        OneShot(few_shot, (X, Y))(nn.Identity(), FixedTrial(params))
    assert few_shot.path == active


def test_numbers_of_options_that_a_part_lacks_are_left_out_of_its_values():
    def network(trial):
        def wide():
            width = trial.suggest_int("width", 1, 8)
            return nn.Sequential(nn.Linear(4, width), nn.Linear(width, 4))

        first = trial.suggest_module("first", {"wide": wide, "none": nn.Identity})
        return nn.Sequential(first, trial.suggest_module("second", {"a": nn.ReLU, "b": nn.Tanh}))

    few_shot = FewShot(Supernet(network, {"width": 3}), "first")
    assert few_shot.supernets["none"].values == {"first": "none"}
    assert few_shot.supernets["wide"].values == {"first": "wide", "width": 3}
    assert few_shot.values == {"width": 3}


def test_dropped_options_get_no_part(sketch):
    sketch.drop("depth", 0, 2)
    few_shot = FewShot(sketch, "depth")
    assert list(few_shot.supernets) == [1, 3]
    params = {**few_shot.sample(), "depth": 2}
    message = "params must have 'depth', on which this supernet was split, one of 1, 3, but got 2."
    for method in (few_shot.activate, few_shot.derive):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            method(params)


def test_parts_are_drawn_alike_whatever_the_gate_says(sketch):
    sketch.decisions["twice"].logits.data = torch.tensor([9.0, 0.0])
    options = [params["twice"] for params in drawn(FewShot(sketch, "twice"), 200)]
    assert 70 < options.count("linear") < 130


def test_splitting_leaves_torchs_random_numbers_alone(sketch):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    FewShot(sketch, "twice")
    assert torch.equal(torch.rand(3), expected)


def test_its_state_can_be_kept_and_loaded(sketch):
    saved = FewShot(sketch, "twice")
    with torch.no_grad():
        for weight in saved.parameters():
            weight.add_(1.0)
    loaded = FewShot(sketch, "twice")
    loaded.load_state_dict(saved.state_dict())
    for params in drawn(saved, 4):
        saved.eval().activate(params)
        loaded.eval().activate(params)
        assert torch.equal(saved(X), loaded(X))


def test_params_without_the_decision_are_refused(sketch):
    few_shot = FewShot(sketch, "twice")
    with pytest.raises(
        ValueError, match=r"^params must have 'twice', .* 'scaled', but got none\.$"
    ):
        few_shot.activate({"depth": 0})
    with pytest.raises(TypeError, match=r"^params must be a dict .* but got 3 \(int\)\.$"):
        few_shot.activate(3)


def test_params_that_do_not_fit_are_refused_and_the_path_stays(sketch):
    few_shot = FewShot(sketch, "twice")
    active = few_shot.sample()
    few_shot.activate(active)
    with pytest.raises(ValueError, match=r"params do not fit the supernet: .*missing 'node'"):
        few_shot.activate({"twice": "scaled"})
    assert few_shot.path == active


def test_there_is_no_mixture_across_the_parts(sketch):
    few_shot = FewShot(sketch, "twice")
    with pytest.raises(RuntimeError, match=r"^A FewShot computes one path: set it with activate"):
        few_shot(X)


@pytest.mark.parametrize("decision", ["unknown", "wide/width", "depths"])
def test_a_decision_that_is_not_open_is_refused(sketch, decision):
    with pytest.raises(
        ValueError,
        match=r"^decision must be one that is open in the supernet, 'node', .*, but got "
        + re.escape(repr(decision)),
    ):
        FewShot(sketch, decision)


def test_a_decision_that_is_fixed_is_refused():
    with pytest.raises(ValueError, match=r"^decision must be one that is open .*got 'twice'\.$"):
        FewShot(Supernet(Sketch, {**SKETCH_VALUES, "twice": "scaled"}), "twice")


def test_a_decision_that_some_architectures_lack_is_refused(sketch):
    with pytest.raises(
        ValueError,
        match=r"^decision 'block2/norm' is asked only on the way to some options of others, so it "
        r"cannot split all architectures; these can: 'node', 'twice', 'depth'\.$",
    ):
        FewShot(sketch, "block2/norm")


def test_the_only_decision_is_refused():
    with pytest.raises(
        ValueError,
        match=r"^decision 'depth' leaves nothing to mix when it is 1: split on another one\.$",
    ):
        FewShot(Supernet(chain), "depth")


def test_what_is_no_supernet_is_refused():
    message = r"^supernet must be a Supernet, .* but got 3 \(int\)\. Of a FewShot"
    with pytest.raises(TypeError, match=message):
        FewShot(3, "op")
