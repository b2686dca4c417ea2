"""The mixed forward pass, against sums that are written out, and what it refuses."""

from collections import Counter
from functools import partial

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.functional import gumbel_softmax

from optuna_nas import Supernet
from tests.oneshot.networks import chain
from tests.oneshot.networks import Choice
from tests.oneshot.networks import choice
from tests.oneshot.networks import Fewer
from tests.oneshot.networks import Sketch
from tests.oneshot.networks import SKETCH_VALUES
from tests.oneshot.networks import Sum
from tests.oneshot.networks import WIDTH


X = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))


class Pair(nn.Module):
    def forward(self, x):
        return x, x


class TimesTwoInPlace(nn.Module):
    def forward(self, x):
        return x.mul_(2.0)


class Plus(nn.Module):
    def forward(self, x, y, *, scale):
        return (x + y) * scale


class PlusInPlace(nn.Module):
    def forward(self, x, y, *, scale):
        y += x
        return y * scale


def hard(logits, k):
    """Straight-through weights of the k strongest, as GDAS has (without its noise)."""
    soft = logits.softmax(0)
    return torch.zeros_like(soft).scatter(0, logits.topk(k).indices, 1.0) - soft.detach() + soft


def spread(supernet):
    """Gives the gates logits that differ."""
    with torch.no_grad():
        for logits in supernet.architecture_parameters():
            logits.copy_(torch.linspace(-1.0, 1.0, len(logits)))
    return supernet


def test_a_module_is_the_weighted_sum_of_its_options():
    supernet = spread(Supernet(choice))
    weights = supernet.gates[0].logits.softmax(0)
    linear, scaled = supernet.module.options
    torch.testing.assert_close(supernet(X), weights[0] * linear(X) + weights[1] * scaled(X))


def test_a_repeat_is_the_weighted_sum_of_where_it_may_be_left():
    supernet = spread(Supernet(chain))
    weights = supernet.gates[0].logits.softmax(0)
    a, b, c = supernet.module.blocks
    expected = weights[0] * a(X) + weights[1] * b(a(X)) + weights[2] * c(b(a(X)))
    torch.testing.assert_close(supernet(X), expected)


def test_a_repeat_of_no_block_gives_its_input():
    supernet = Supernet(lambda trial: trial.suggest_repeat("n", 0, 1, lambda i: nn.Linear(4, 4)))
    weights = supernet.gates[0].logits.softmax(0)
    expected = weights[0] * X + weights[1] * supernet.module.blocks[0](X)
    torch.testing.assert_close(supernet(X), expected)


def test_a_node_is_the_weighted_sum_of_all_its_inputs():
    supernet = spread(Supernet(Sum))
    weights = supernet.gates[0].logits.softmax(0)
    states, edges = [X, X.sin(), X.cos(), X.exp()], supernet.module.node.edges
    expected = sum(w * e(s) for w, e, s in zip(weights, edges, states, strict=True))
    torch.testing.assert_close(supernet(X), expected)


@pytest.mark.parametrize(("network", "values"), [(Sketch, SKETCH_VALUES), (Sum, None)])
def test_gradients_of_every_gate_agree_with_finite_differences(network, values):
    torch.manual_seed(0)
    supernet = spread(Supernet(network, values)).double().eval()
    names = [f"gates.{i}.logits" for i in range(len(supernet.gates))]

    def function(*logits):
        return functional_call(supernet, dict(zip(names, logits, strict=True)), (X.double(),))

    logits = [p.detach().clone().requires_grad_() for p in supernet.architecture_parameters()]
    assert torch.autograd.gradcheck(function, logits)


def test_options_take_several_inputs_and_named_ones():
    class Net(nn.Module):
        def __init__(self, trial):
            super().__init__()
            self.op = trial.suggest_module("op", {"plus": Plus, "again": Plus})

        def forward(self, x):
            return self.op(x, x, scale=3.0)

    supernet = Supernet(Net)
    torch.testing.assert_close(supernet(X), 6 * X)
    supernet.activate({"op": "again"})
    assert torch.equal(supernet(X), 6 * X)


def test_options_of_weight_zero_are_not_computed_and_their_gates_still_learn():
    torch.manual_seed(0)
    supernet = spread(Supernet(Sketch, SKETCH_VALUES))
    supernet.relaxation = hard
    ran = count_calls(supernet)
    out = supernet(torch.randn(8, 4))
    path = supernet.params()
    supernet.activate(path)
    once = Counter(ran)
    ran.clear()
    supernet(torch.randn(8, 4))
    assert once == ran
    out.square().sum().backward()
    for gate in supernet.gates:
        if gate.name in path:
            assert gate.logits.grad.abs().max() > 0, gate.name


def test_gumbel_softmax_of_torch_is_a_relaxation():
    supernet = Supernet(choice)
    supernet.relaxation = gumbel
    torch.manual_seed(0)
    ran = count_calls(supernet)
    for _ in range(20):
        supernet(X).sum().backward()
    options = supernet.module.options
    assert ran[options[0]] + ran[options[1]] == 20
    assert min(ran[options[0]], ran[options[1]]) > 2


def gumbel(logits, k):
    return gumbel_softmax(logits, tau=1.0, hard=True)


def test_a_relaxation_is_asked_once_a_forward_pass_for_all_cells_that_share_a_decision():
    supernet = Supernet(Sketch, SKETCH_VALUES)
    asked = []
    softmax = supernet.relaxation
    supernet.relaxation = lambda logits, k: asked.append(k) or softmax(logits, k)
    supernet(torch.randn(8, 4))
    assert len(asked) == len(supernet.gates)
    assert asked == [gate.k for gate in supernet.gates]


def test_what_was_dropped_is_not_computed():
    supernet = Supernet(chain)
    supernet.drop("depth", 3, 2)
    ran = count_calls(supernet)
    out = supernet(X)
    a, b, c = supernet.module.blocks
    assert torch.equal(out, a(X))
    assert (ran[b], ran[c]) == (0, 0)


def count_calls(supernet):
    """How often each module that computes something runs from now on."""
    ran = Counter()

    def count(module, inputs, output):
        ran[module] += 1

    for module in supernet.modules():
        if not list(module.children()) and not isinstance(module, nn.Sequential):
            module.register_forward_hook(count)
    return ran


def test_options_without_a_version_counter_are_mixed_in_inference_mode():
    supernet = Supernet(choice)
    with torch.inference_mode():
        x = X.clone()
        torch.testing.assert_close(supernet(x), supernet(X))


def test_a_mixture_keeps_the_dtype_of_its_options():
    supernet = Supernet(choice)
    supernet.module.to(torch.bfloat16)
    assert supernet(X.to(torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"narrow": partial(nn.Linear, 4, 2), "wide": partial(nn.Linear, 4, 3)},
            r"^Decision 'op': option 'wide' gives shape \[3, 3\], but option 'narrow' gives "
            r"\[3, 2\]\. What one decision chooses from must give one shape\.$",
        ),
        (
            {"relu": nn.ReLU, "in_place": partial(nn.ReLU, inplace=True)},
            r"^Decision 'op': option 'in_place' works in place: it changed its input, which the "
            r"others take too\. Write nn\.ReLU\(\) in place of nn\.ReLU\(inplace=True\), x \+ y "
            r"in place of x \+= y\.$",
        ),
        ({"in_place": TimesTwoInPlace}, r"^Decision 'op': option 'in_place' works in place"),
    ],
)
def test_options_that_cannot_be_mixed_are_named_with_their_decision(options, message):
    supernet = Supernet(Choice(**options))
    with pytest.raises(ValueError, match=message):
        supernet(X.clone())


def test_options_that_give_tuples_are_named_with_their_decision():
    supernet = Supernet(Choice(one=nn.Identity, two=Pair))
    with pytest.raises(
        TypeError,
        match=r"^Decision 'op': option 'two' gives tuple, but a supernet mixes tensors only\. "
        r"Wrap it in a module that returns one tensor\.$",
    ):
        supernet(X)


def test_an_option_that_changes_its_second_input_is_named():
    class Net(nn.Module):
        def __init__(self, trial):
            super().__init__()
            self.op = trial.suggest_module("op", {"plus": Plus, "in_place": PlusInPlace})

        def forward(self, x):
            return self.op(x, x.clone(), scale=3.0)

    with pytest.raises(ValueError, match=r"^Decision 'op': option 'in_place' works in place"):
        Supernet(Net)(X)


def test_blocks_of_different_shapes_are_named():
    def network(trial):
        return trial.suggest_repeat("depth", 1, 3, lambda i: nn.Linear(4 - i, 3 - i))

    with pytest.raises(
        ValueError,
        match=r"^Decision 'depth': block 1 gives shape \[3, 2\], but block 0 gives \[3, 3\]",
    ):
        Supernet(network)(X)


def test_a_block_that_changes_the_shape_of_the_input_it_could_leave_is_named():
    def network(trial):
        return trial.suggest_repeat("depth", 0, 1, lambda i: nn.Linear(4, 3))

    with pytest.raises(
        ValueError,
        match=r"^Decision 'depth': block 0 gives shape \[3, 3\], but the input, as 0 blocks leave "
        r"it, gives \[3, 4\]",
    ):
        Supernet(network)(X)


def test_a_block_that_works_in_place_is_named():
    def network(trial):
        return trial.suggest_repeat("depth", 1, 2, lambda i: [nn.Tanh, TimesTwoInPlace][i]())

    with pytest.raises(ValueError, match=r"^Decision 'depth': block 1 works in place"):
        Supernet(network)(X)


def test_edges_of_different_shapes_are_named():
    class Net(Sum):
        def __init__(self, trial):
            nn.Module.__init__(self)
            self.node = trial.suggest_inputs("node", 4, 2, lambda i: nn.Linear(4, 4 + i // 3))

    with pytest.raises(
        ValueError,
        match=r"^Decision 'node': edge 3 gives shape \[3, 5\], but edge 0 gives \[3, 4\]",
    ):
        Supernet(Net)(X)


def test_a_node_that_gets_fewer_inputs_than_it_asked_for_is_named():
    with pytest.raises(ValueError, match=r"^Decision 'node' takes 2 of 3 inputs, but 2 came\.$"):
        Supernet(Fewer)(X)


def test_a_relaxation_that_leaves_nothing_is_named():
    supernet = Supernet(choice)
    supernet.relaxation = lambda logits, k: logits * 0.0
    with pytest.raises(
        ValueError,
        match=r"^Decision 'op': the relaxation gave weight 0 to all of 'linear', 'scaled', so "
        r"there is nothing to compute\.$",
    ):
        supernet(X)


def test_a_gate_that_has_become_nan_is_named_by_the_forward_pass():
    supernet = Supernet(choice)
    supernet.gates[0].logits.data[1] = torch.nan
    with pytest.raises(ValueError, match=r"^Decision 'op': its gate has become \[nan, nan\]\. "):
        supernet(X)


def test_a_part_of_a_supernet_has_no_weights_of_its_own():
    supernet = Supernet(Sketch, SKETCH_VALUES)
    with pytest.raises(
        RuntimeError,
        match=r"^Decision 'depth' has no weights outside the supernet's forward pass: call the "
        r"supernet, not a part of it, or set a path with activate\(params\) before\.$",
    ):
        supernet.module.body(torch.randn(2, WIDTH))


@pytest.mark.parametrize("bad", [False, True])
def test_a_forward_pass_leaves_no_state_behind(bad):
    supernet = Supernet(Choice(linear=partial(nn.Linear, 4, 4), bad=Pair if bad else nn.Tanh))
    before = [dict(vars(module)) for module in supernet.modules()]
    try:
        supernet(X)
    except TypeError:
        assert bad
    assert [vars(module) for module in supernet.modules()] == before
