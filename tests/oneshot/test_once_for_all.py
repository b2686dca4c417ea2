"""Every architecture is a slice of the largest: laws, costs, sorting, and what is refused."""

from collections import Counter
import copy
import io
import pickle
import re

from optuna.trial import FixedTrial
import pytest
import torch
from torch import nn

from optuna_nas import build
from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas.oneshot import darts
from optuna_nas.oneshot import OnceForAll
from optuna_nas.oneshot import OneShot
from optuna_nas.oneshot import train_supernet
from optuna_nas.training import score
from tests.oneshot.test_mixtures import count_calls


MOBILE = spaces.MobileNet(
    num_classes=3,
    in_channels=1,
    stages=((16, 1), (24, 2)),
    max_depth=2,
    widths=(0.5, 1.0),
    kernels=(3, 5, 7),
    expansions=(1, 2),
    stem_channels=16,
    head_channels=16,
)
CNN = spaces.CNN(
    input_shape=(1, 8, 8),
    num_classes=3,
    min_stages=2,
    max_stages=2,
    widths=(4, 8),
    operations=("inverted",),
    expansions=(1, 2),
    skips=(True,),
)
X = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
Y = torch.arange(6) % 3


class Elastic(nn.Module):
    """Every kind of number, a buffer of each kind, one weight for two names, and attention."""

    def __init__(self, trial):
        super().__init__()
        width = trial.suggest_int("width", 2, 64, step=2)
        self.stem = nn.Linear(8, width)
        self.stem.bias.requires_grad_(False)
        norm = trial.suggest_categorical("norm", [False, True])
        self.norm = nn.LayerNorm(width) if norm else nn.Identity()
        self.register_buffer("saved", torch.ones(width))
        self.register_buffer("not_saved", torch.arange(width) / width, persistent=False)
        rate = trial.suggest_float("dropout", 0.0, 0.5)

        def block(i):
            inner = trial.scope(f"block{i}").suggest_int("inner", 1, 3)
            return nn.Sequential(nn.Linear(width, inner), nn.Tanh(), nn.Linear(inner, width))

        self.body = trial.suggest_repeat("depth", 0, 2, block)
        self.dropout = nn.Dropout(rate)
        self.head = nn.Linear(width, 8, bias=False)
        self.again = self.head

    def forward(self, x):
        x = self.body(self.stem(x)) + self.saved * self.not_saved
        x = self.dropout(self.norm(x))
        return self.head(x) + self.again(x.cos())


V = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))


def made(network=MOBILE, values=None):
    torch.manual_seed(0)
    supernet = OnceForAll(network, values)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in supernet.parameters():
            tensor.add_(0.1 * torch.randn(tensor.shape, generator=generator))
    return supernet


def drawn(supernet, n):
    generator = torch.Generator().manual_seed(0)
    return [supernet.sample(generator) for _ in range(n)]


@pytest.fixture(scope="module")
def trained():
    return made()


@pytest.fixture
def supernet(trained):
    return copy.deepcopy(trained)


SPACES = [(MOBILE, X), (CNN, X), (Elastic, V), (spaces.MLP(8, 2, residual=[True]), V)]


@pytest.mark.parametrize(("network", "x"), SPACES, ids=["mobile", "cnn", "elastic", "mlp"])
def test_a_path_computes_what_is_derived_and_that_has_the_keys_of_what_is_built(network, x):
    supernet = made(network)
    seen = set()
    for params in drawn(supernet, 15):
        seen.add(frozenset(params.items()))
        supernet.activate(params)
        alone = supernet.derive(params)
        built = build(network, params)
        assert list(alone.state_dict()) == list(built.state_dict())
        assert repr(alone) == repr(built)
        for module in (supernet.train(), alone.train()):  # statistics are updated in both
            torch.manual_seed(1)
            module(x)
        assert torch.equal(supernet.eval()(x), alone.eval()(x))
        assert alone(x).std() > 0
        built.load_state_dict(alone.state_dict())
        assert torch.equal(built.eval()(x), alone(x))
    assert len(seen) > 10


@pytest.mark.parametrize("network", [MOBILE, CNN, Elastic], ids=["mobile", "cnn", "elastic"])
def test_what_is_derived_holds_the_leading_entries_of_the_largest(network):
    supernet = made(network)
    whole = supernet.module.state_dict()
    for params in drawn(supernet, 10):
        for key, tensor in supernet.derive(params).state_dict().items():
            if tensor.shape[2:] == whole[key].shape[2:]:
                assert torch.equal(tensor, whole[key][tuple(map(slice, tensor.shape))]), key


def test_the_largest_has_most_parameters_and_computes_without_a_path(supernet):
    assert supernet.largest == {
        "width": 1.0,
        **{f"stage{i}/{name}": v for i in (0, 1) for name, v in (("depth", 2), ("se", "se0.25"))},
        **{f"stage{i}/block{j}/expansion": "e2" for i in (0, 1) for j in (0, 1)},
        **{f"stage{i}/block{j}/kernel": "k7" for i in (0, 1) for j in (0, 1)},
    }
    largest = sum(p.numel() for p in supernet.module.parameters())
    for params in drawn(supernet, 20):
        assert sum(p.numel() for p in supernet.derive(params).parameters()) <= largest
    supernet.eval()
    supernet.activate(drawn(supernet, 1)[0])
    assert not torch.equal(supernet(X), supernet.module(X))
    for params in (supernet.largest, None):
        supernet.activate(params)
        assert supernet.path == params
        assert torch.equal(supernet(X), supernet.module(X))
    assert torch.equal(supernet.derive(supernet.largest)(X), supernet(X))


def test_the_largest_is_found_behind_options_that_ask_further():
    def network(trial):
        def wide():
            return nn.Linear(4, trial.suggest_int("wide", 1, 8))

        return trial.suggest_module(
            "op", {"none": nn.Identity, "narrow": lambda: nn.Linear(4, 2), "wide": wide}
        )

    assert OnceForAll(network).largest == {"op": "wide", "wide": 8}


def test_samples_are_active_names_uniform_in_each_decision_and_follow_a_generator(supernet):
    params = drawn(supernet, 40)
    assert params[:5] == drawn(supernet, 5)
    for one in params:
        build(MOBILE, one)
    counts = Counter(one["stage0/block0/kernel"] for one in params)
    assert set(counts) == {"k3", "k5", "k7"}
    assert min(counts.values()) > 5
    torch.manual_seed(3)
    first = [supernet.sample() for _ in range(5)]
    torch.manual_seed(3)
    assert [supernet.sample() for _ in range(5)] == first
    assert len(set(map(str, first))) == 5


def test_what_is_not_drawn_stays_at_the_largest(supernet):
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        params = supernet.sample(generator, drawn=["*/kernel", "stage1/depth"])
        for name, value in params.items():
            if not name.endswith("/kernel") and name != "stage1/depth":
                assert value == supernet.largest[name]
    assert supernet.sample(generator, drawn=[]) == supernet.largest


def test_a_continuum_is_drawn_between_its_ends():
    def network(trial):
        rate = trial.suggest_float("dropout", 0.1, 0.5)
        slope = trial.suggest_float("slope", 1e-4, 1.0, log=True)
        return nn.Sequential(nn.Dropout(rate), nn.LeakyReLU(slope), nn.Linear(4, 2))

    params = drawn(OnceForAll(network), 200)
    rates, slopes = (sorted(p[name] for p in params) for name in ("dropout", "slope"))
    assert 0.1 <= rates[0] < 0.12
    assert 0.48 < rates[-1] <= 0.5
    assert 0.25 < rates[100] < 0.35
    assert 1e-4 <= slopes[0] < 2e-4
    assert 3e-3 < slopes[100] < 3e-2


def test_a_smaller_kernel_is_the_centre_of_the_next_times_its_matrix(supernet):
    key = "3.0.3.0.weight"
    kernel = next(k for k in supernet.kernels if k.name == key)
    whole = supernet.module.get_parameter(key)
    assert [tuple(m.shape) for m in kernel.matrices] == [(25, 25), (9, 9)]
    to_5, to_3 = kernel.matrices
    five = (whole[:, :, 1:6, 1:6].reshape(-1, 25) @ to_5.T).view(-1, 1, 5, 5)
    three = (five[:, :, 1:4, 1:4].reshape(-1, 9) @ to_3.T).view(-1, 1, 3, 3)
    for choice, expected in (("k5", five), ("k3", three), ("k7", whole)):
        alone = supernet.derive({**supernet.largest, "stage0/block0/kernel": choice})
        assert torch.allclose(alone.get_parameter(key), expected, atol=1e-6)


def test_the_matrices_of_kernels_begin_as_the_identity_and_get_gradients():
    supernet = OnceForAll(MOBILE)
    key, small = "3.0.3.0.weight", {**supernet.largest, "stage0/block0/kernel": "k3"}
    whole = supernet.module.get_parameter(key)
    assert torch.equal(supernet.derive(small).get_parameter(key), whole[:, :, 2:5, 2:5])
    supernet.activate(small)
    supernet(X).square().sum().backward()
    touched = {k.name for k in supernet.kernels if k.matrices[0].grad is not None}
    assert touched == {key}
    kernel = next(k for k in supernet.kernels if k.name == key)
    assert all(m.grad.abs().sum() > 0 for m in kernel.matrices)
    assert set(kernel.parameters()) < set(supernet.weights())
    assert set(supernet.module.parameters()) < set(supernet.weights())


SMALL = {
    "width": 0.5,
    "stage0/depth": 1,
    "stage0/block0/expansion": "e1",
    "stage0/block0/kernel": "k3",
    "stage0/se": "se0",
    "stage1/depth": 1,
    "stage1/block0/expansion": "e2",
    "stage1/block0/kernel": "k5",
    "stage1/se": "se0.25",
}


def test_a_path_costs_what_the_architecture_costs_alone(supernet):
    alone = supernet.derive(SMALL)
    supernet.activate(SMALL)
    skeleton = supernet._skeletons[SMALL]
    ran, ran_alone = count_calls(skeleton), count_calls(alone)
    supernet(X)
    alone(X)
    assert Counter(map(type, ran.elements())) == Counter(map(type, ran_alone.elements()))
    assert not any(tensor.device.type == "cpu" for tensor in skeleton.parameters())


def test_the_graph_of_a_path_saves_what_that_of_the_architecture_alone_saves(supernet):
    alone = supernet.derive(SMALL)
    supernet.activate(SMALL)

    def saved_by(module):
        saved = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda x: saved.append(x.numel()) or x, lambda x: x
        ):
            module(X)
        return sum(saved)

    matrices = 2 * (9 * 9 + 25 * 25) + 4 * 16 * 49  # what smaller kernels are made from
    assert saved_by(alone) <= saved_by(supernet) <= saved_by(alone) + matrices


def test_training_a_path_gives_gradients_to_its_slices_only(supernet):
    supernet.activate(SMALL)
    alone = supernet.derive(SMALL)
    supernet(X).square().sum().backward()
    alone(X).square().sum().backward()
    expected = {name: p.grad for name, p in alone.named_parameters()}
    for name, parameter in supernet.module.named_parameters():
        if name not in expected:
            assert parameter.grad is None
            continue
        if parameter.shape[2:] == expected[name].shape[2:]:
            own = parameter.grad[tuple(map(slice, expected[name].shape))]
            torch.testing.assert_close(own, expected[name])
            assert parameter.grad.count_nonzero() == own.count_nonzero()


def test_statistics_are_updated_in_their_slice_only(supernet):
    before = copy.deepcopy(supernet.module[1])
    supernet.activate(SMALL)
    supernet(X)
    mean, old = supernet.module[1].running_mean, before.running_mean
    assert not torch.equal(mean[:8], old[:8])
    assert torch.equal(mean[8:], old[8:])
    assert supernet.module[1].num_batches_tracked == before.num_batches_tracked + 1


def test_parts_that_are_in_eval_mode_stay_so_in_a_path(supernet):
    supernet.train().module[1].eval()
    supernet.activate(SMALL)
    before = copy.deepcopy(supernet.module.state_dict())
    supernet(X)
    after = supernet.module.state_dict()
    assert torch.equal(after["1.running_mean"], before["1.running_mean"])
    assert not torch.equal(after["3.0.1.running_mean"], before["3.0.1.running_mean"])


def test_recalibrated_statistics_are_those_of_the_batches(supernet):
    batches = [X * 3, (X + 1, Y)]
    alone = supernet.derive(SMALL, recalibrate=batches)
    expected = supernet.derive(SMALL)
    torch.optim.swa_utils.update_bn(batches, expected)
    assert torch.equal(alone.eval()(X), expected.eval()(X))
    with pytest.raises(ValueError, match="recalibrate must give at least one batch of inputs"):
        supernet.derive(SMALL, recalibrate=[])


def test_what_is_derived_shares_no_memory_and_leaves_the_rng_alone(supernet):
    before = torch.get_rng_state()
    alone = supernet.double().eval().derive(SMALL)
    assert torch.equal(torch.get_rng_state(), before)
    assert not alone.training
    assert {t.dtype for t in alone.parameters()} == {torch.float64}
    own = {t.untyped_storage().data_ptr() for t in [*alone.parameters(), *alone.buffers()]}
    shared = {
        t.untyped_storage().data_ptr() for t in [*supernet.parameters(), *supernet.buffers()]
    }
    assert own.isdisjoint(shared)


def test_only_so_many_skeletons_are_kept(supernet, monkeypatch):
    monkeypatch.setattr("optuna_nas.oneshot._skeletons.KEPT", 3)
    params = drawn(supernet, 6)
    for one in params:
        supernet.activate(one)
    assert len(supernet._skeletons) == 3
    supernet.eval().activate(params[0])
    assert torch.equal(supernet(X), supernet.derive(params[0])(X))


@pytest.mark.parametrize("params", [None, SMALL])
@pytest.mark.parametrize("again", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_a_copy_computes_the_same_and_shares_nothing(supernet, again, params):
    supernet.activate(params)
    copied = again(supernet).eval()
    assert copied.path == params
    assert torch.equal(copied(X), supernet.eval()(X))
    with torch.no_grad():
        copied.module[0].weight.neg_()
    assert not torch.equal(copied(X), supernet(X))


def test_a_state_dict_is_loaded_by_the_same_space_and_refused_by_another(supernet):
    file = io.BytesIO()
    torch.save(supernet.state_dict(), file)
    file.seek(0)
    other = OnceForAll(MOBILE)
    other.load_state_dict(torch.load(file, weights_only=True))
    for one in (supernet.eval(), other.eval()):
        one.activate(SMALL)
    assert torch.equal(other(X), supernet(X))
    fixed = OnceForAll(MOBILE, {"width": 1.0})
    with pytest.raises(
        ValueError,
        match=re.escape(
            "the state is of another supernet: it has 'width', which is not here; it lacks "
            "'width'."
        ),
    ):
        fixed.load_state_dict(supernet.state_dict())


def test_sorting_channels_changes_nothing_but_their_order(supernet):
    supernet.double().eval()
    x, shrunk = X.double(), {**supernet.largest, "width": 0.5}
    paths = [
        supernet.largest,
        {**supernet.largest, "stage0/block0/kernel": "k3", "stage1/block1/kernel": "k5"},
        supernet.sample(torch.Generator().manual_seed(0), drawn=["*/kernel", "*/depth"]),
    ]
    before = [supernet.derive(path)(x) for path in (*paths, shrunk)]
    assert supernet.sort_channels(x[:2]) == []
    *after, narrower = [supernet.derive(path)(x) for path in (*paths, shrunk)]
    for got, expected in zip(after, before[:-1], strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)
    assert not torch.allclose(narrower, before[-1])


def test_sorted_channels_come_by_their_absolute_weights(supernet):
    assert supernet.sort_channels(X[:2]) == []
    for block in (supernet.module[3][0], supernet.module[4][0]):
        expand, depthwise, squeeze, project = block[0], block[3][0], block[5].scale, block[6]
        weights = [expand.weight, depthwise.weight, squeeze[3].weight]
        columns = [squeeze[1].weight, project.weight]
        importance = sum(w.detach().abs().flatten(1).sum(1) for w in weights)
        importance += sum(w.detach().abs().transpose(0, 1).flatten(1).sum(1) for w in columns)
        assert torch.equal(importance, importance.sort(descending=True).values)


def test_channels_of_decisions_that_are_fixed_keep_their_places(supernet):
    before = copy.deepcopy(supernet.module.state_dict())
    supernet.sort_channels(X[:2], fixed=["stage0/block0/expansion"])
    block = supernet.module[3][0]
    assert torch.equal(block[3][0].weight, before["3.0.3.0.weight"])
    assert not torch.equal(supernet.module[3][1].body[3][0].weight, before["3.1.body.3.0.weight"])
    sorted_once = copy.deepcopy(supernet.module.state_dict())
    with torch.no_grad():
        for weight in supernet.module.parameters():
            weight.copy_(weight.flip(0))
    flipped = copy.deepcopy(supernet.module.state_dict())
    supernet.sort_channels(X[:2], fixed=["width"])  # with which all shrink
    after = supernet.module.state_dict()
    assert all(torch.equal(after[key], flipped[key]) for key in after)
    assert not torch.equal(after["3.0.0.weight"], sorted_once["3.0.0.weight"])


class Grouped(nn.Module):
    """Its inner channels fall into groups, and its outer ones are flattened pixel by pixel."""

    def __init__(self, trial):
        super().__init__()
        width = trial.suggest_int("width", 4, 8, step=4)
        inner = trial.suggest_int("inner", 8, 16, step=8)
        self.first = nn.Conv2d(1, inner, 3, padding=1)
        self.grouped = nn.Conv2d(inner, inner, 3, padding=1, groups=4)
        self.last = nn.Conv2d(inner, width, 3, stride=4, padding=1)
        self.head = nn.Linear(width * 4, 3)

    def forward(self, x):
        return self.head(self.last(self.grouped(self.first(x))).flatten(1))


def test_channels_whose_order_matters_keep_their_places_and_are_named():
    supernet = made(Grouped)
    with torch.no_grad():
        supernet.module.head.weight.zero_()  # so that no order of channels shows in its outputs
    before = copy.deepcopy(supernet.module.state_dict())
    left = supernet.sort_channels(X[:2])
    assert left == [
        "first.bias",
        "first.weight",
        "grouped.bias",
        "grouped.weight",
        "head.weight",
        "last.bias",
        "last.weight",
    ]
    after = supernet.module.state_dict()
    assert all(torch.equal(after[key], before[key]) for key in before)


def test_channels_cannot_be_sorted_without_an_example(supernet):
    with pytest.raises(
        TypeError,
        match=re.escape(
            "sort_channels needs an example, the inputs of a forward pass of two rows: "
            "sort_channels(x[:2])."
        ),
    ):
        supernet.sort_channels()


def test_a_path_has_the_flops_of_the_architecture_alone_and_of_making_smaller_kernels(supernet):
    flops = metrics.Flops(X[:1])
    assert flops.measure(supernet) == flops.measure(supernet.module)
    large = {name: "k7" if name.endswith("kernel") else value for name, value in SMALL.items()}
    supernet.activate(large)
    assert flops.measure(supernet) == flops.measure(supernet.derive(large))
    supernet.activate(SMALL)
    assert flops.measure(supernet) > flops.measure(supernet.derive(SMALL))
    assert supernet.path == SMALL


def test_a_study_searches_it_and_scores_are_those_of_the_derived_networks(supernet):
    evaluate = OneShot(supernet, (X, Y), recalibrate=[X])
    supernet.train().activate(SMALL)
    before = copy.deepcopy(supernet.state_dict())
    study = create_study(direction="maximize", seed=0)
    study.optimize(Objective(MOBILE, evaluate), n_trials=4)
    for trial in study.trials:
        assert trial.value == score(supernet.derive(trial.params, recalibrate=[X]), (X, Y))
    assert len({str(trial.params) for trial in study.trials}) == 4
    assert supernet.path == SMALL
    assert supernet.training
    after = supernet.state_dict()
    assert all(torch.equal(after[k], v) for k, v in before.items() if isinstance(v, torch.Tensor))


def test_values_fix_decisions():
    supernet = made(MOBILE, {"width": 0.5, "stage0/se": "se0"})
    assert supernet.values == {"width": 0.5, "stage0/se": "se0"}
    assert supernet.largest["width"] == 0.5
    assert "width" not in supernet.decisions
    assert all(p["width"] == 0.5 and p["stage0/se"] == "se0" for p in drawn(supernet, 5))
    with pytest.raises(
        ValueError,
        match=re.escape("params have 'width' = 1.0, but this supernet was made with 0.5."),
    ):
        supernet.activate({**supernet.largest, "width": 1.0})
    with pytest.raises(ValueError, match=re.escape("the trial has 'width' = 1.0, but the")):
        OneShot(supernet, (X, Y))(None, FixedTrial({**supernet.largest, "width": 1.0}))


def test_a_value_may_be_of_a_decision_that_hides_behind_two_others():
    def network(trial):
        a, b = (trial.suggest_categorical(name, [1, 0]) for name in "ab")
        rate = trial.suggest_float("rate", 0.0, 0.5) if a == b == 0 else 0.0
        return nn.Sequential(nn.Linear(4, 2), nn.Dropout(rate))

    assert OnceForAll(network, {"rate": 0.25}).values == {"rate": 0.25}


CNN_REMEDY = "values={'stages': 2, 'stage0/op': 'conv', 'stage0/skip': False, "


def test_choices_that_are_no_slices_are_all_named_with_the_remedy_and_that_works():
    network = spaces.CNN((1, 8, 8), 3, max_stages=2, min_stages=1)
    with pytest.raises(
        ValueError,
        match=re.escape(
            "The largest network does not hold all others as slices: decision 'stages': with 1, "
            "tensor '4.weight' (3, 32) is not in the largest network; decision 'stage0/op': with "
            "'separable', tensor '1.0.0.3.weight' (32, 32, 1, 1) is not in the largest network; "
        ),
    ) as raised:
        OnceForAll(network)
    assert CNN_REMEDY in str(raised.value)
    assert str(raised.value).endswith("or take the other choices out of the search space.")
    values = {
        "stages": 2,
        **{f"stage{i}/op": "conv" for i in (0, 1)},
        "stage0/skip": False,
        "stage1/skip": True,
    }
    supernet = made(network, values)
    for params in drawn(supernet, 10):
        supernet.activate(params)
        assert supernet(X).shape == (6, 3)


def test_kernels_without_a_common_centre_are_no_slices():
    def network(trial):
        size = trial.suggest_int("size", 2, 5)
        return nn.Conv2d(1, 2, size)

    with pytest.raises(
        ValueError,
        match=re.escape(
            "decision 'size': with 2, tensor 'weight' (2, 1, 2, 2) does not fit in (2, 1, 5, 5). "
            "Fix what stays as it is, values={'size': 5}, or"
        ),
    ):
        OnceForAll(network)


def test_two_choices_that_are_no_slice_together_are_refused_when_they_are_activated():
    def network(trial):
        a, b = (trial.suggest_categorical(name, ["large", "small"]) for name in "ab")
        size = 8 if a == b == "small" else 4
        return nn.Sequential(nn.Linear(4, size))

    supernet = OnceForAll(network)
    with pytest.raises(
        ValueError,
        match=re.escape(
            "The architecture {'a': 'small', 'b': 'small'} is no slice of the largest network: "
            "tensor '0.weight' (8, 4) does not fit in (4, 4). Fix some of these decisions, "
            "OnceForAll(network, values={...})."
        ),
    ):
        supernet.activate({"a": "small", "b": "small"})
    assert supernet.path is None


def test_what_cannot_be_built_is_not_drawn_and_nothing_else_is_refused():
    def network(trial):
        heads, width = trial.suggest_int("heads", 1, 3), trial.suggest_int("width", 4, 6)
        if width % heads:
            raise ValueError("width must be divisible by heads")
        return nn.Linear(4, width)

    supernet = OnceForAll(network)
    assert supernet.largest == {"heads": 3, "width": 6}
    assert {(p["heads"], p["width"]) for p in drawn(supernet, 60)} == {
        *((1, width) for width in (4, 5, 6)),
        *((2, 4), (2, 6), (3, 6)),
    }


def test_what_can_never_be_built_is_refused():
    allowed = [True]

    def network(trial):
        if not allowed:
            raise ValueError("not today")
        return nn.Linear(4, trial.suggest_int("width", 1, 2))

    supernet = OnceForAll(network)
    allowed.clear()
    with pytest.raises(
        ValueError,
        match=re.escape("none of 100 random architectures could be built; the last: not today"),
    ):
        supernet.sample()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": 2.0}, "values do not fit the network: 'width' is 2.0, but legal is one of 0.5"),
        ({"widht": 1.0}, "values do not fit the network: 'widht' is not asked by the network."),
    ],
)
def test_values_that_do_not_fit_are_refused(values, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        OnceForAll(MOBILE, values)


def test_values_that_are_no_dict_are_refused():
    with pytest.raises(
        TypeError,
        match=re.escape("values must be a dict from decision to value, but got 3 (int)."),
    ):
        OnceForAll(MOBILE, 3)


def test_params_that_do_not_fit_are_refused(supernet):
    with pytest.raises(
        ValueError, match=re.escape("params do not fit the network: missing 'stage0/depth'")
    ):
        supernet.activate({"width": 1.0})
    with pytest.raises(
        TypeError,
        match=re.escape("params must be a dict from decision to value, but got 3 (int)."),
    ):
        supernet.derive(3)


class Keeps(nn.Module):
    def __init__(self, trial):
        super().__init__()
        self.linear = nn.Linear(4, trial.suggest_int("width", 1, 4))
        self.mask = torch.ones(4)

    def forward(self, x):
        return self.linear(x * self.mask)


def test_a_tensor_that_is_no_buffer_is_refused_with_the_remedy():
    with pytest.raises(
        ValueError,
        match=re.escape(
            "Keeps (the network) keeps a tensor in 'mask' that is neither a parameter nor a "
            "buffer, so it cannot be shared. Write self.register_buffer('mask', ..., "
            "persistent=False)."
        ),
    ):
        OnceForAll(Keeps)


@pytest.mark.filterwarnings("ignore:network cannot be built on the meta device")
def test_a_network_that_reads_tensors_while_it_is_made_will_do():
    def network(trial):
        width = int(torch.full((), trial.suggest_int("width", 1, 4)).item())
        return nn.Linear(4, width)

    supernet = made(network)
    torch.manual_seed(2)
    first = [supernet.sample() for _ in range(5)]
    assert len(set(map(str, first))) > 1
    for params in first:
        supernet.activate(params)
        assert torch.equal(supernet(X[0, 0, :, :4]), supernet.derive(params)(X[0, 0, :, :4]))


class Reads(nn.Module):
    """Cannot be built on the meta device; has layers that share a weight, and a table."""

    def __init__(self, trial):
        super().__init__()
        width = int(torch.full((), trial.suggest_int("width", 2, 8)).item())
        self.first, self.second = nn.Linear(4, width), nn.Linear(4, width)
        self.second.weight = self.first.weight
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.register_buffer("scale", torch.ones(width))
        self.register_buffer("table", torch.arange(width) / width, persistent=False)

    def forward(self, x):
        x = self.first(x) * self.table + self.second(x) * self.scale
        return self.lstm(x)[0].sum(-1)


@pytest.mark.filterwarnings("ignore:network cannot be built on the meta device")
def test_architectures_that_must_be_built_on_the_cpu_take_no_memory_either():
    supernet, x = made(Reads), torch.randn(3, 5, 4)
    assert supernet._skeletons._device == "cpu"
    for params in drawn(supernet, 5):
        supernet.activate(params)
        skeleton = supernet._skeletons[params]
        assert all(p.is_meta for p in skeleton.parameters())
        assert [n for n, b in skeleton.named_buffers() if not b.is_meta] == ["table"]
        assert all(weight.is_meta for weight in skeleton.lstm._flat_weights)
        assert torch.equal(supernet(x), supernet.derive(params)(x))
    supernet(x).sum().backward()
    assert supernet.module.first.weight.grad is not None


def test_an_lstm_is_elastic_too():
    space = spaces.RNN(3, 2, cells=["lstm"], bidirectional=[False], skips=[False], hidden=[4, 8])
    supernet, x = made(space), torch.randn(4, 5, 3)
    for params in drawn(supernet, 5):
        supernet.eval().activate(params)
        assert torch.equal(supernet(x), supernet.derive(params)(x))


class Casting(nn.Module):
    """Has its own dtype, and casts what it is given to it."""

    def __init__(self, trial):
        super().__init__()
        width = trial.suggest_int("width", 2, 8)
        side = 2 * trial.suggest_int("kernel", 0, 1) + 1
        self.first = nn.Conv2d(1, width, side, padding=side // 2)
        self.last = nn.Conv2d(width, 2, 1)
        self.double()

    def forward(self, x):
        return self.last(self.first(x.double()).relu())


def test_a_network_has_its_own_dtype():
    supernet = OnceForAll(Casting)
    expected = supernet(X[:2])
    assert supernet.sort_channels(X[:2]) == []
    torch.testing.assert_close(supernet(X[:2]), expected)
    supernet.activate({"width": 3, "kernel": 0})
    assert supernet(X[:2]).dtype == torch.float64


def test_one_pattern_is_no_list_of_letters(supernet):
    drawn = supernet.sample(torch.Generator().manual_seed(0), drawn="*/kernel")
    assert {n for n in drawn if drawn[n] != supernet.largest[n]} <= {
        name for name in drawn if name.endswith("/kernel")
    }


@pytest.mark.parametrize("train", [train_supernet, darts])
def test_mixtures_and_slices_have_trainings_of_their_own(supernet, train):
    rows = (X, torch.zeros(len(X), dtype=torch.long))
    message = r"supernet must be a Supernet, .*, but got .* \(OnceForAll\)\..*train_once_for_all"
    with pytest.raises(TypeError, match=f"(?s){message}"):
        train(supernet, rows, rows, epochs=1)


def test_a_choice_that_cannot_be_one_is_named(supernet):
    with pytest.raises(
        ValueError, match=r"^params have 'width' = \[4\], which is no choice of it\.$"
    ):
        supernet.activate({**supernet.largest, "width": [4]})


def too_large(trial):
    if trial.suggest_int("width", 1, 2) == 2:
        raise ValueError("Too large.")
    return nn.Linear(1, 1)


def test_a_largest_that_cannot_be_built_is_said_to_be_it():
    message = r"^the largest architecture cannot be built, .*: Too large\. Fix some decisions"
    with pytest.raises(ValueError, match=message):
        OnceForAll(too_large)
