"""What a supernet proposes, derives, keeps and refuses. Its laws are in test_laws.py."""

from collections import Counter
import copy
import io
from itertools import product
import math
import pickle
import re

import optuna
from optuna.trial import FixedTrial
import pytest
import torch
from torch import nn

import optuna_nas
from optuna_nas import build
from optuna_nas import metrics
from optuna_nas import SampledTrial
from optuna_nas import Supernet
from optuna_nas import SupernetTrial
from tests.oneshot.networks import chain
from tests.oneshot.networks import Choice
from tests.oneshot.networks import choice
from tests.oneshot.networks import scaled
from tests.oneshot.networks import Sketch
from tests.oneshot.networks import SKETCH_VALUES
from tests.oneshot.networks import Sum
from tests.oneshot.test_mixtures import count_calls
from tests.oneshot.test_mixtures import spread
from tests.oneshot.test_mixtures import X
from tests.space.networks import article
from tests.space.networks import Net


WIDE = {
    "node": "0+1",
    "op0": "wide",
    "wide/a.type": "tr.ain",
    "wide/width": 3,
    "op1": "none",
    "twice": "linear",
    "depth": 1,
    "block0/norm": "batch",
}
NARROW = {"node": "0+2", "op0": "none", "op2": "linear", "twice": "scaled", "depth": 0}


@pytest.fixture
def sketch():
    torch.manual_seed(0)
    return spread(Supernet(Sketch, SKETCH_VALUES))


def test_there_is_one_gate_for_each_name_and_the_rest_are_weights(sketch):
    assert list(sketch.decisions) == [
        *("node", "op0", "wide/a.type", "op1", "op2", "twice"),
        *("depth", "block0/norm", "block1/norm", "block2/norm"),
    ]
    gates, weights = map(set, (sketch.architecture_parameters(), sketch.weights()))
    assert len(gates) == 10
    assert gates.isdisjoint(weights)
    assert gates | weights == set(sketch.parameters())


def test_cells_share_gates_but_not_weights(sketch):
    first, second = sketch.module.cells
    assert first.node.gate is second.node.gate
    assert set(first.parameters()).isdisjoint(second.parameters())


def test_params_are_the_strongest_of_each_decision_that_is_active(sketch):
    assert sketch.params() == {
        "node": "1+2",
        "op1": "wide",
        "wide/a.type": "tr.ain",
        "wide/width": 3,
        "op2": "wide",
        "twice": "scaled",
        "depth": 3,
        "block0/norm": "layer",
        "block1/norm": "layer",
        "block2/norm": "layer",
    }


def test_names_that_are_not_active_are_not_proposed(sketch):
    sketch.drop("op0", "wide")
    sketch.drop("op1", "wide", "linear")
    sketch.drop("op2", "wide")
    sketch.drop("depth", 1, 2, 3)
    params = sketch.params()
    assert params == {
        "node": "1+2",
        "op1": "none",
        "op2": "none",
        "twice": "scaled",
        "depth": 0,
    }
    build(Sketch, params)


def test_samples_come_as_often_as_their_probability_says():
    supernet = spread(Supernet(Sum))
    generator = torch.Generator().manual_seed(0)
    before = torch.get_rng_state()
    drawn = Counter(supernet.sample(generator)["node"] for _ in range(2000))
    assert torch.equal(torch.get_rng_state(), before)
    expected = supernet.probabilities()["node"]
    assert len(expected) == 6
    for choice_, p in expected.items():
        assert drawn[choice_] / 2000 == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 2000))


def test_samples_follow_torchs_seed(sketch):
    torch.manual_seed(3)
    drawn = [sketch.sample() for _ in range(5)]
    torch.manual_seed(3)
    assert [sketch.sample() for _ in range(5)] == drawn
    assert len(set(map(str, drawn))) > 1


def test_probabilities_are_the_softmax_by_choice():
    supernet = spread(Supernet(chain))
    expected = supernet.gates[0].logits.double().softmax(0).tolist()
    assert supernet.probabilities() == {"depth": pytest.approx(dict(enumerate(expected, 1)))}


def test_proposals_are_the_most_probable_architectures_best_first():
    torch.manual_seed(0)
    supernet = Supernet(optuna_nas.spaces.NASBench201(channels=2, cells=1))
    for logits in supernet.architecture_parameters():
        logits.data.normal_()
    p = supernet.probabilities()
    every = [dict(zip(p, ops, strict=True)) for ops in product(*p.values())]
    every.sort(key=lambda params: -math.prod(p[n][op] for n, op in params.items()))
    assert len(every) == 15_625
    assert supernet.proposals(100) == every[:100]
    assert supernet.proposals(1) == [supernet.params()]


def test_proposals_of_a_conditional_space_differ_and_end_with_it(sketch):
    for name in ("op0", "op1", "op2"):
        sketch.drop(name, "linear")
    proposals = sketch.proposals(10_000)
    one_edge = 2 + 2 + 2 * 2 - 1  # neither wide, one of both wide, ...
    size = 3 * (1 + (one_edge - 1) // 2 * 2) * 2 * (1 + 2 + 4 + 8)
    assert len(proposals) == size == 630
    assert len({str(p) for p in proposals}) == len(proposals)
    assert proposals[0] == sketch.params()
    logs = [log_probability(sketch, p) for p in proposals]
    assert logs[1:] == sorted(logs[1:], reverse=True)


def test_an_option_that_leads_to_further_decisions_is_as_probable_as_all_of_them():
    def network(trial):
        def leads_on():
            return trial.suggest_module("then", dict.fromkeys("wxyz", nn.Identity))

        options = {"a": nn.Identity, "leads_on": leads_on, "c": nn.Identity}
        return trial.suggest_module("op", options)

    supernet = Supernet(network)
    supernet.decisions["op"].logits.data = torch.tensor([0.5, 0.3, 0.2]).log()
    a, c = {"op": "a"}, {"op": "c"}
    assert supernet.proposals(2) == [a, c]
    assert {p.get("then") for p in supernet.proposals(6)[2:]} == set("wxyz")
    supernet.decisions["op"].logits.data = torch.tensor([0.2, 0.5, 0.3]).log()
    first, *others = supernet.proposals(4)
    assert first == supernet.params()
    assert first["op"] == "leads_on"
    assert others[:2] == [c, a]


def test_proposals_are_best_first_where_options_lead_further_and_further():
    def network(trial):
        def inner():
            return trial.suggest_module("inner", dict.fromkeys("wxyz", nn.Identity))

        def outer():
            return trial.suggest_module("outer", {"p": inner, "q": nn.Identity})

        return trial.suggest_module("op", {"a": nn.Identity, "b": outer})

    supernet = Supernet(network)
    supernet.decisions["op"].logits.data = torch.tensor([0.6, 0.4]).log()
    supernet.decisions["outer"].logits.data = torch.tensor([0.6, 0.4]).log()
    a, second, third = supernet.proposals(3)
    assert a == {"op": "a"}
    assert second == {"op": "b", "outer": "q"}
    assert third.keys() == {"op", "outer", "inner"}


def log_probability(supernet, params):
    p = supernet.probabilities()
    return round(sum(math.log(p[n][value]) for n, value in params.items() if n in p), 9)


@pytest.mark.parametrize("n", [0, -1, 1.0, True])
def test_at_least_one_proposal_is_asked_for(sketch, n):
    with pytest.raises(ValueError, match=rf"^n must be an int of at least 1, but got {n!r}\.$"):
        sketch.proposals(n)


@pytest.mark.parametrize("propose", ["params", "sample", "probabilities", "proposals"])
def test_a_gate_that_has_become_nan_is_named_by_all_that_proposes(sketch, propose):
    sketch.gates[4].logits.data[0] = torch.nan
    with pytest.raises(
        ValueError,
        match=r"^Decision 'op2': its gate has become \[nan, 0\.0, 1\.0\]\. The search diverged: "
        r"take a lower learning rate for architecture_parameters\(\), or clip gradients, and go "
        r"on from an epoch before\.$",
    ):
        getattr(sketch, propose)(*[2] if propose == "proposals" else [])


@pytest.mark.parametrize("params", [WIDE, NARROW])
def test_a_path_costs_what_the_architecture_costs_alone(sketch, params):
    alone = sketch.derive(params)
    ran = count_calls(sketch)
    sketch.activate(params)
    sketch(X)
    ran_alone = count_calls(alone)
    alone(X)
    assert sum(ran.values()) == sum(ran_alone.values())
    assert Counter(type(m) for m in ran.elements()) == Counter(
        type(m) for m in ran_alone.elements()
    )


@pytest.mark.parametrize("params", [WIDE, NARROW])
def test_the_flops_of_a_path_are_those_of_the_architecture_alone(sketch, params):
    sketch.activate(params)
    flops = metrics.Flops(torch.zeros(1, 4))
    assert flops.measure(sketch) == flops.measure(sketch.derive(params))


def test_the_flops_of_a_mixture_cannot_be_counted_but_its_parameters_can(sketch):
    with pytest.raises(
        ValueError,
        match=re.escape(
            "A mixture computes what its gates say, which have no values on the meta device, "
            "where FLOPs are counted. Ask of one architecture: of supernet.derive(params), or "
            "after supernet.activate(params)."
        ),
    ):
        metrics.Flops(torch.zeros(1, 4)).measure(sketch)
    everything = sum(parameter.numel() for parameter in sketch.parameters())
    assert metrics.Parameters().measure(sketch) == everything


@pytest.mark.parametrize("params", [WIDE, NARROW])
def test_training_a_path_gives_gradients_to_its_weights_only(sketch, params):
    sketch.activate(params)
    sketch(X).sum().backward()
    alone = sketch.derive(params)
    alone(X).sum().backward()
    touched = sum(p.numel() for p in sketch.parameters() if p.grad is not None)
    assert touched == sum(p.numel() for p in alone.parameters() if p.grad is not None)
    assert all(logits.grad is None for logits in sketch.architecture_parameters())


def test_the_graph_of_a_path_does_not_grow_with_the_number_of_options():
    def saved_by(n):
        supernet = Supernet(Choice(**{f"linear{i}": lambda: nn.Linear(4, 4) for i in range(n)}))
        supernet.activate({"op": "linear1"})
        saved = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda x: saved.append(x.numel()) or x, lambda x: x
        ):
            supernet(X)
        return sum(saved)

    assert saved_by(50) == saved_by(2) > 0


def test_without_a_path_it_is_a_mixture_again(sketch):
    sketch.eval()
    mixed = sketch(X)
    assert sketch.path is None
    sketch.activate(NARROW)
    assert sketch.path == NARROW
    assert not torch.equal(sketch(X), mixed)
    sketch.activate(None)
    assert torch.equal(sketch(X), mixed)


def test_the_active_path_does_not_follow_a_dict_that_changes(sketch):
    params = dict(NARROW)
    sketch.activate(params)
    params["depth"] = 1
    sketch.path["depth"] = 2
    assert sketch.path == NARROW


@pytest.mark.parametrize("params", [None, NARROW])
@pytest.mark.parametrize("again", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_a_copy_computes_the_same_and_shares_nothing(sketch, again, params):
    sketch.activate(params)
    copied = again(sketch).eval()
    assert torch.equal(copied(X), sketch.eval()(X))
    assert copied.path == params
    with torch.no_grad():
        for logits in copied.architecture_parameters():
            logits.neg_()
    copied.activate(None)
    sketch.activate(None)
    assert not torch.equal(copied(X), sketch(X))
    copied(X).sum().backward()
    assert all(logits.grad is not None for logits in copied.architecture_parameters())
    assert all(logits.grad is None for logits in sketch.architecture_parameters())


def test_a_state_dict_holds_each_gate_once_and_computes_the_same(sketch):
    sketch.drop("twice", "linear")
    sketch.eval()
    state = sketch.state_dict()
    assert len([key for key in state if key.endswith(".logits")]) == len(sketch.gates)
    torch.manual_seed(1)
    other = Supernet(Sketch, SKETCH_VALUES)
    other.load_state_dict(state)
    for buffer, loaded in zip(sketch.buffers(), other.buffers(), strict=True):
        loaded.copy_(buffer)  # one kind of them is not in the state
    assert torch.equal(other.eval()(X), sketch(X))
    assert other.params() == sketch.params()
    assert list(other.probabilities()["twice"]) == ["scaled"]


def test_saved_and_resumed_at_an_epochs_end_it_goes_on_exactly():
    def optimizers(supernet):
        return (
            torch.optim.SGD(supernet.weights(), lr=0.1, momentum=0.9),
            torch.optim.Adam(supernet.architecture_parameters(), lr=0.01),
        )

    def train(supernet, optimizers, epoch):
        torch.manual_seed(epoch)
        for _ in range(3):
            x = torch.randn(8, 4)
            supernet(x).square().mean().backward()
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
            supernet.activate(supernet.sample())
            supernet(x).square().mean().backward()
            optimizers[0].step()
            optimizers[0].zero_grad()
            supernet.activate(None)

    network = optuna_nas.spaces.MLP(4, 2, max_depth=2, widths=[8])
    values = {"width": 8, "dropout": 0.2, "residual": True}
    torch.manual_seed(0)
    in_one_go = Supernet(network, values)
    through = optimizers(in_one_go)
    train(in_one_go, through, 0)
    file = io.BytesIO()
    torch.save([part.state_dict() for part in (in_one_go, *through)], file)
    train(in_one_go, through, 1)

    file.seek(0)
    resumed = Supernet(network, values)
    again = optimizers(resumed)
    for part, state in zip((resumed, *again), torch.load(file, weights_only=True), strict=True):
        part.load_state_dict(state)
    train(resumed, again, 1)
    before, now = in_one_go.state_dict(), resumed.state_dict()
    assert before.pop("_extra_state") == now.pop("_extra_state")
    assert list(before) == list(now)
    assert all(torch.equal(before[key], now[key]) for key in now)


def test_the_state_of_another_space_is_refused_with_all_that_differs(sketch):
    def network(trial):
        trial.scope("wide").suggest_int("width", 2, 8)
        trial.suggest_module("twice", {"linear": nn.Identity})
        return trial.suggest_repeat("more", 1, 2, lambda i: nn.Identity())

    state = Supernet(network, {"wide/width": 4}).state_dict()
    before = copy.deepcopy(sketch.state_dict())
    with pytest.raises(ValueError, match=r"^the state is of another supernet: ") as raised:
        sketch.load_state_dict(state)
    assert "it has 'more', which is not here; it lacks 'node'; it lacks 'op0'" in str(raised.value)
    assert "'twice' was ['linear'], and is ['linear', 'scaled'] here" in str(raised.value)
    assert str(raised.value).endswith("; 'wide/width' was 4, and is 3 here.")
    assert all(
        torch.equal(now, before[key])
        for key, now in sketch.state_dict().items()
        if isinstance(now, torch.Tensor)
    )


def test_what_is_derived_shares_no_memory_and_leaves_the_rng_alone(sketch):
    before = torch.get_rng_state()
    alone = sketch.derive(WIDE)
    assert torch.equal(torch.get_rng_state(), before)
    own = {p.data_ptr() for p in [*alone.parameters(), *alone.buffers()]}
    shared = {p.data_ptr() for p in [*sketch.parameters(), *sketch.buffers()]}
    assert own.isdisjoint(shared)
    assert alone.head.bias is alone.stem[0].bias


def test_what_is_derived_has_the_supernets_mode_and_dtype(sketch):
    alone = sketch.double().eval().derive(NARROW)
    assert not alone.training
    assert {t.dtype for t in [*alone.parameters(), *alone.buffers()]} == {
        torch.float64,
        torch.int64,
    }
    sketch.activate(NARROW)
    assert torch.equal(alone(X.double()), sketch(X.double()))


def test_recalibration_computes_the_statistics_of_batch_normalizations_anew(sketch):
    batches = [torch.randn(16, 4), torch.randn(16, 4) + 1]
    sketch.activate(NARROW)
    sketch(X)
    before = sketch.module.stem[1].running_mean.clone()
    alone = sketch.derive(NARROW, recalibrate=[(x, "label") for x in batches])
    outs = [sketch.module.stem[0](x) for x in batches]
    mean = torch.stack([out.mean(0) for out in outs]).mean(0)
    variance = torch.stack([out.var(0) for out in outs]).mean(0)
    torch.testing.assert_close(alone.stem[1].running_mean, mean)
    torch.testing.assert_close(alone.stem[1].running_var, variance)
    assert alone.stem[1].momentum == 0.1
    assert torch.equal(sketch.module.stem[1].running_mean, before)


def test_recalibration_needs_a_batch(sketch):
    with pytest.raises(
        ValueError,
        match=r"^recalibrate must give at least one batch of inputs, but gave none\.$",
    ):
        sketch.derive(NARROW, recalibrate=[])


def test_without_batch_normalizations_there_is_nothing_to_recalibrate():
    Supernet(chain).derive({"depth": 1}, recalibrate=[])


@pytest.mark.parametrize("use", ["activate", "derive"])
@pytest.mark.parametrize(
    ("params", "problems"),
    [
        ({}, r"missing 'node'; missing 'twice'; missing 'depth'"),
        ({**NARROW, "optwo": 1}, r"unknown 'optwo'"),
        (
            {"twise" if n == "twice" else n: v for n, v in NARROW.items()},
            r"missing 'twice'; unknown 'twise' \(did you mean 'twice'\?\)",
        ),
        (
            {**NARROW, "op0": "conv"},
            r"illegal 'op0' = 'conv' \(one of 'linear', 'none', 'wide'\)",
        ),
        ({**NARROW, "op0": ["none"]}, r"illegal 'op0' = \['none'\] .*"),
        ({**NARROW, "depth": 4}, r"illegal 'depth' = 4 \(int 0\.\.3\)"),
        ({**NARROW, "op1": "none"}, r"'op1' is not asked in this architecture"),
        (
            {**WIDE, "wide/width": 8},
            r"'wide/width' = 8, but this supernet was made with 3",
        ),
        (
            {**NARROW, "op0": "wide"},
            r"missing 'wide/a\.type'; missing 'wide/width'",
        ),
    ],
)
def test_params_that_do_not_fit_are_refused_with_all_that_is_wrong(sketch, use, params, problems):
    with pytest.raises(ValueError, match=rf"^params do not fit the supernet: {problems}\.$"):
        getattr(sketch, use)(params)
    assert sketch.path is None


def test_what_was_dropped_cannot_be_active(sketch):
    sketch.drop("node", 2)
    with pytest.raises(
        ValueError,
        match=r"^params do not fit the supernet: 'node' = '0\+2', but 2 was dropped\.$",
    ):
        sketch.activate(NARROW)


def test_params_are_a_dict(sketch):
    with pytest.raises(
        TypeError, match=r"^params must be a dict from decision to value, but got 'op' \(str\)\.$"
    ):
        sketch.activate("op")


def test_what_is_no_open_decision_cannot_be_dropped(sketch):
    with pytest.raises(
        ValueError, match=r"^'wide/width' is no open decision of this supernet, which has 'node', "
    ):
        sketch.drop("wide/width", 3)


def test_numbers_that_nobody_supplies_are_all_listed_with_the_remedy():
    with pytest.raises(
        ValueError,
        match=r"^A supernet mixes modules, repeats and inputs, but numbers and plain categoricals "
        r"need a value: 'block0/dropout' \(float 0\.0\.\.0\.5\), 'block1/dropout' .*, "
        r"'block2/dropout' \(float 0\.0\.\.0\.5\)\. Write Supernet\(network, values="
        r"\{'block0/dropout': 0\.0, 'block1/dropout': 0\.0, 'block2/dropout': 0\.0\}\), or "
        r"values=trial to let Optuna choose\.$",
    ):
        Supernet(Net, {"width": 16})


def reads_a_tensor(trial):
    width = int(torch.tensor(4).item())
    trial.suggest_int("depth", 1, 2)
    return trial.suggest_module("op", {"linear": lambda: nn.Linear(width, width)})


def test_a_missing_number_of_a_network_that_reads_tensors_is_named_too():
    with pytest.raises(ValueError, match=r"need a value: 'depth' \(int 1\.\.2\)\. Write"):
        Supernet(reads_a_tensor)


def test_a_trial_raises_at_the_first_number_that_it_has_no_value_for():
    with pytest.raises(ValueError, match=r"need a value: 'width' \(int 1\.\.2\)\. Write"):
        SupernetTrial().suggest_int("width", 1, 2)


def test_values_that_name_unknown_decisions_are_refused():
    with pytest.raises(
        ValueError,
        match=r"^values name decisions that the network does not ask: 'twize' \(did you mean "
        r"'twice'\?\), 'lr'\.$",
    ):
        Supernet(Sketch, {"twize": "linear", "wide/width": 3, "lr": 0.1})


def test_a_value_under_a_wrong_name_is_shown_beside_what_is_missing():
    with pytest.raises(
        ValueError,
        match=r"need a value: 'wide/width' .* \(The network does not ask 'wide/widht', which "
        r"values name\.\)$",
    ):
        Supernet(Sketch, {"wide/widht": 3})


def test_illegal_values_are_refused():
    with pytest.raises(
        ValueError,
        match=r"^Decision 'wide/width': values has 3\.5, but legal is int 2\.\.8\.$",
    ):
        Supernet(Sketch, {"wide/width": 3.5})


def test_values_are_a_dict_or_a_trial():
    with pytest.raises(
        TypeError,
        match=r"^values must be a dict from decision to value, or a trial, but got \[3\] \(list\)",
    ):
        Supernet(Sketch, [3])


def test_a_trial_answers_for_numbers_and_gradients_for_the_rest():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trial = study.ask()
    supernet = Supernet(Sketch, SampledTrial(trial))
    assert trial.params == {"wide/width": supernet.values["wide/width"]}
    supernet.drop("op1", "linear", "none")
    assert supernet.proposals(20)[-1]["wide/width"] == trial.params["wide/width"]
    pickle.loads(pickle.dumps(supernet))(X)


def test_a_fixed_trial_answers_for_numbers():
    assert Supernet(Sketch, FixedTrial({"wide/width": 5})).values == {"wide/width": 5}


def test_a_value_for_a_module_a_repeat_or_inputs_fixes_it():
    values = {**SKETCH_VALUES, "node": "0+2", "depth": 2, "op0": "none"}
    supernet = Supernet(Sketch, values)
    assert list(supernet.decisions) == [
        *("op2", "wide/a.type", "twice", "block0/norm", "block1/norm"),
    ]
    params = supernet.params()
    assert {name: params[name] for name in ("node", "depth", "op0")} == {
        "node": "0+2",
        "depth": 2,
        "op0": "none",
    }
    supernet.activate(params)
    assert torch.equal(supernet.eval()(X), supernet.derive(params)(X))


def test_a_space_without_a_module_decision_is_refused():
    values = {
        "num_hidden_layers": 1,
        "hidden_layer_size": 32,
        "activation_function": "ReLU",
        "learning_rate": 0.1,
        "optimizer": "Adam",
        "dropout_rate": 0,
    }
    with pytest.raises(
        ValueError,
        match=r"^A supernet needs a decision to mix, but the network asks for no module, repeat "
        r"or inputs that is not fixed; it asks 'num_hidden_layers' \(int 1\.\.5\), .*\. Use "
        r"suggest_module, suggest_repeat or suggest_inputs, or search it trial by trial\.$",
    ):
        Supernet(article, values)


def test_a_network_that_asks_nothing_is_refused():
    with pytest.raises(ValueError, match=r"it asks nothing\. Use suggest_module"):
        Supernet(lambda trial: nn.Identity())


def test_k_larger_than_the_inputs_there_are_is_refused():
    def network(trial):
        return trial.suggest_inputs("node", 2, 3, lambda i: nn.Identity())

    with pytest.raises(
        ValueError,
        match=r"^Decision 'node': a node takes k of its n inputs, 1 <= k <= n, but got k=3, n=2",
    ):
        Supernet(network)


def test_a_factory_that_gives_no_module_is_named():
    with pytest.raises(
        TypeError,
        match=r"^Decision 'op': option 'no' must give an nn\.Module, but gave None \(NoneType\)",
    ):
        Supernet(Choice(yes=nn.Identity, no=lambda: None))


def test_one_name_with_two_sets_of_options_is_refused():
    def network(trial):
        trial.suggest_module("op", {"a": nn.Identity})
        return trial.suggest_module("op", {"b": nn.Identity})

    with pytest.raises(
        ValueError, match=r"^Decision 'op' was asked with two distributions: one of 'a', and now"
    ):
        Supernet(network)


def test_a_name_is_not_mixed_and_a_plain_categorical_as_well():
    def network(trial):
        op = trial.suggest_module("op", {"a": nn.Identity, "b": nn.Tanh})
        trial.suggest_categorical("op", ["a", "b"])
        return op

    with pytest.raises(
        ValueError,
        match=r"^Decision 'op' is mixed in this supernet, and now it is asked as a number or "
        r"plain categorical, which cannot be mixed\. Use another name, or fix it: "
        r"values=\{'op': 'a'\}\.$",
    ):
        Supernet(network)


class InAList(nn.Module):
    def __init__(self, trial):
        super().__init__()
        options = {"linear": lambda: nn.Linear(4, 4), "scaled": scaled}
        self.ops = [trial.suggest_module("op", options)]

    def forward(self, x):
        return self.ops[0](x)


@pytest.mark.parametrize("params", [None, {"op": "linear"}])
def test_weights_that_torch_does_not_see_are_refused(params):
    supernet = copy.deepcopy(Supernet(InAList))
    supernet.activate(params)
    with pytest.raises(
        ValueError,
        match=r"^Decision 'op': what the network was given is not among its submodules, so its "
        r"weights would be neither trained nor inherited\. Keep it in an attribute or an "
        r"nn\.ModuleList, not in a list\.$",
    ):
        supernet(X)


def clones(trial):
    """PyTorch's encoder takes copies of its layer, and not the layer."""
    layer = nn.TransformerEncoderLayer(4, 1, 8, dropout=0.0, batch_first=True)
    layer.linear1 = trial.suggest_module("op", {"a": feed_forward, "b": feed_forward})
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


def feed_forward():
    return nn.Linear(4, 8)


def test_copies_of_a_mixture_share_its_gate():
    torch.manual_seed(0)
    supernet = Supernet(clones)
    x = torch.randn(2, 3, 4)
    supernet(x).square().sum().backward()
    assert len(supernet.gates) == 1
    first, second = (layer.linear1 for layer in supernet.module.layers)
    assert first.gate is second.gate is supernet.gates[0]
    second.options[1].weight.data.zero_()
    supernet.activate({"op": "b"})
    derived = supernet.derive({"op": "b"})
    assert torch.equal(supernet(x), derived(x))
    assert not derived.layers[1].linear1.weight.any()
    assert derived.layers[0].linear1.weight.any()


class ActivationsInAList(nn.Module):
    def __init__(self, trial):
        super().__init__()
        self.acts = [
            trial.suggest_module("act", {"relu": nn.ReLU, "tanh": nn.Tanh}) for _ in range(2)
        ]

    def forward(self, x):
        for act in self.acts:
            x = act(x)
        return x


def test_modules_without_weights_may_be_kept_in_a_list():
    supernet = Supernet(ActivationsInAList)
    supernet.activate({"act": "tanh"})
    assert torch.equal(supernet(X), X.tanh().tanh())
    assert torch.equal(supernet.derive({"act": "tanh"})(X), X.tanh().tanh())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("params", [WIDE, NARROW])
def test_on_a_gpu_it_computes_and_derives_there(sketch, params):
    sketch.cuda()
    x = X.cuda()
    sketch(x).sum().backward()
    assert all(logits.grad.is_cuda for logits in sketch.architecture_parameters())
    assert sketch.sample(torch.Generator().manual_seed(0)).keys() >= {"node"}
    sketch.drop("op1", "linear")
    sketch.activate(params)
    assert torch.equal(sketch.eval()(x), sketch.derive(params, recalibrate=None)(x))
    sketch.derive(params, recalibrate=[X])


def test_the_example_of_a_module_choice_learns_to_take_what_fits():
    torch.manual_seed(0)
    supernet = Supernet(choice)
    optimizer = torch.optim.Adam(supernet.parameters(), lr=0.05)
    x = torch.randn(64, 4)
    target = x @ torch.randn(4, 4)
    for _ in range(50):
        optimizer.zero_grad()
        nn.functional.mse_loss(supernet(x), target).backward()
        optimizer.step()
    assert supernet.params() == {"op": "linear"}
