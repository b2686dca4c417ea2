import pytest
import torch
from torch import nn

from optuna_nas import ops
from optuna_nas.space import build
from optuna_nas.space import survey
from optuna_nas.space import SurveyTrial
from optuna_nas.spaces import Transformer
from optuna_nas.testing import SpaceTestCase
from tests.spaces.searching import digits
from tests.spaces.searching import random_search


PARAMS = {"width": 32, "position": "none", "depth": 1, "layer0/heads": 2, "layer0/ratio": 2}


class TestDigits(SpaceTestCase):
    max_examples = 10

    @pytest.fixture
    def network(self):
        return Transformer((1, 8, 8), 10)

    @pytest.fixture
    def example(self):
        return torch.randn(2, 1, 8, 8)


class TestTokens(SpaceTestCase):
    max_examples = 10

    @pytest.fixture
    def network(self):
        return Transformer((7,), 3, vocabulary=11, max_depth=2)

    @pytest.fixture
    def example(self):
        return torch.randint(11, (2, 7))


class TestSequencesOfNumbers(SpaceTestCase):
    max_examples = 10

    @pytest.fixture
    def network(self):
        return Transformer((5, 3), 1, max_depth=2, widths=[7, 10], ratios=[0.5, 1])

    @pytest.fixture
    def example(self):
        return torch.randn(2, 5, 3)


class TestImagesThatAreNotSquare(SpaceTestCase):
    max_examples = 5

    @pytest.fixture
    def network(self):
        return Transformer((2, 6, 9), 4, patches=[1, 3], max_depth=1)

    @pytest.fixture
    def example(self):
        return torch.randn(2, 2, 6, 9)


SMALL = {"max_depth": 2, "widths": [8, 16], "head_width": 4}


def test_a_random_search_runs_on_images():
    random_search(Transformer((1, 8, 8), 10, **SMALL), *digits())


def test_a_random_search_runs_on_sequences_of_numbers():
    X, y = digits()
    random_search(Transformer((8, 8), 10, **SMALL), X.squeeze(1), y)


def test_a_random_search_runs_on_tokens():
    X = torch.randint(9, (60, 12), generator=torch.Generator().manual_seed(0))
    y = (X == 0).any(1).long()
    random_search(Transformer((12,), 2, vocabulary=9, **SMALL), X, y)


@pytest.mark.parametrize(
    ("network", "patches"),
    [
        (Transformer((1, 8, 8), 10, max_depth=2), 2),
        (Transformer((8, 8), 10, max_depth=2), 1),
        (Transformer((8,), 10, vocabulary=3, max_depth=2), 1),
    ],
)
def test_size_is_the_product_of_its_choices(network, patches):
    layer = 3 * 3
    assert survey(network).size == patches * 3 * 3 * (layer + layer**2)


def test_each_layer_chooses_heads_and_ratio():
    assert list(survey(Transformer((1, 8, 8), 10, max_depth=2)).search_space) == [
        *("width", "patch", "position", "depth"),
        *("layer0/heads", "layer0/ratio", "layer1/heads", "layer1/ratio"),
    ]


@pytest.mark.parametrize(
    ("height", "width", "patches"),
    [
        (8, 8, (1, 2)),
        (28, 28, (4, 7)),
        (32, 32, (4, 8)),
        (224, 224, (28, 32, 56)),
        (5, 7, (1,)),
        (16, 64, (4, 8)),
    ],
)
def test_by_default_patches_are_16_to_64(height, width, patches):
    trial = SurveyTrial()
    with torch.device("meta"):
        Transformer((1, height, width), 2, max_depth=1)(trial)
    assert trial.distributions["patch"].choices == patches


def layer(width: int, heads: int, ratio: int, head_width: int = 16) -> int:
    """Parameters of one layer, counted by hand."""
    inside = heads * head_width
    attention = 3 * (width * inside + inside) + (inside * width + width)
    mlp = (width * ratio * width + ratio * width) + (ratio * width * width + width)
    return attention + mlp + 2 * 2 * width


def test_parameters_are_those_of_its_parts():
    layers = {"depth": 2, "layer0/heads": 2, "layer0/ratio": 4, "layer1/heads": 3}
    params = {**layers, "layer1/ratio": 1, "width": 48, "patch": 2, "position": "learned"}
    with torch.device("meta"):
        module = build(Transformer((3, 8, 8), 10), params)
    ends = (3 * 4 * 48 + 48) + 16 * 48 + 2 * 48 + (48 * 10 + 10)
    expected = ends + layer(48, 2, 4) + layer(48, 3, 1)
    assert sum(p.numel() for p in module.parameters()) == expected


def test_a_layer_computes_what_torchs_does():
    """Where the heads have the width to share, the layer is nn.TransformerEncoderLayer."""
    torch.manual_seed(0)
    module = build(Transformer((5, 3), 4), PARAMS)
    torchs = nn.TransformerEncoderLayer(
        32, 2, 64, dropout=0, activation="gelu", batch_first=True, norm_first=True
    )
    (attention,) = (m for m in module.modules() if isinstance(m, ops.SelfAttention))
    norms = [m for m in module.modules() if isinstance(m, nn.LayerNorm)]
    linear1, linear2 = [m for m in module[2].modules() if isinstance(m, nn.Linear)][-2:]
    projections = (attention.query, attention.key, attention.value)
    with torch.no_grad():
        torchs.self_attn.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
        torchs.self_attn.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
    torchs.self_attn.out_proj.load_state_dict(attention.out.state_dict())
    torchs.linear1.load_state_dict(linear1.state_dict())
    torchs.linear2.load_state_dict(linear2.state_dict())
    x = torch.randn(2, 5, 3)
    h = torchs(module[0](x))
    torch.testing.assert_close(module(x), module[-1](norms[-1](h).mean(1)))


@pytest.mark.parametrize("position", ["none", "learned", "sinusoidal"])
def test_without_positions_the_order_of_tokens_does_not_matter(position):
    torch.manual_seed(0)
    module = build(Transformer((5,), 4, vocabulary=9), {**PARAMS, "position": position})
    x = torch.tensor([[1, 2, 3, 4, 5]])
    same = torch.allclose(module(x), module(x.flip(1)), atol=1e-6)
    assert same is (position == "none")


def test_a_sequence_may_be_shorter():
    for position in ("none", "learned", "sinusoidal"):
        module = build(Transformer((5, 3), 4), {**PARAMS, "position": position})
        assert module(torch.randn(2, 2, 3)).shape == (2, 4)


def test_it_learns_whether_a_token_occurs():
    torch.manual_seed(0)
    module = build(Transformer((6,), 2, vocabulary=8), PARAMS)
    x = torch.randint(8, (128, 6))
    y = (x == 0).any(1).long()
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.01)
    for _ in range(30):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x), y).backward()
        optimizer.step()
    assert (module(x).argmax(1) == y).float().mean() > 0.95


SHAPE = "(channels, height, width) or (time, features), ints of at least 1"
HINT = "; for tokens, (time,), give their number as vocabulary"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("input_shape", 8, f"{SHAPE}, but got 8{HINT}."),
        ("input_shape", "8", f"{SHAPE}, but got '8'{HINT}."),
        ("input_shape", (8,), f"{SHAPE}, but got (8,){HINT}."),
        ("input_shape", (1, 8, 0), f"{SHAPE}, but got (1, 8, 0){HINT}."),
        ("out_features", 0, "an int of at least 1, but got 0."),
        ("vocabulary", 0, "None or an int of at least 1, but got 0."),
        ("min_depth", 1.5, "an int of at least 1, but got 1.5."),
        ("max_depth", True, "an int of at least 1, but got True."),
        ("head_width", "8", "an int of at least 1, but got '8'."),
        ("widths", [], "a list of ints of at least 1, but got []; give at least one."),
        ("heads", [2, 2], "a list of ints of at least 1, but got [2, 2]; they must differ."),
        ("ratios", [0], "a list of numbers that leave an MLP a neuron or more, but got [0]."),
        (
            "ratios",
            [True],
            "a list of numbers that leave an MLP a neuron or more, but got [True].",
        ),
        (
            "positions",
            ["rotary"],
            "a list of names among none, learned, sinusoidal, but got ['rotary'].",
        ),
        (
            "patches",
            [3],
            "a list of ints that divide the image's height and width (8x8), but got [3].",
        ),
    ],
)
def test_illegal_arguments_are_named_with_what_is_legal(name, value, message):
    with pytest.raises(ValueError, match=name) as raised:
        Transformer(**{"input_shape": (1, 8, 8), "out_features": 10, name: value})
    assert str(raised.value) == f"Transformer: {name} must be {message}"


def test_a_sequence_has_no_patches():
    message = r"^Transformer: patches must be None unless input_shape is an image's, but got \[2\]"
    with pytest.raises(ValueError, match=message):
        Transformer((8, 8), 10, patches=[2])


def test_tokens_have_one_dimension():
    with pytest.raises(
        ValueError,
        match=r"^Transformer: input_shape must be \(time,\), an int of at least 1, with a "
        r"vocabulary, but got \(8, 8\)\.$",
    ):
        Transformer((8, 8), 10, vocabulary=5)


def test_patches_must_be_given_where_none_are_few_enough():
    with pytest.raises(
        ValueError,
        match=r"^Transformer: patches must be a list of ints, since no side gives 16 to 64 "
        r"patches of 97x89 images, but got None\.$",
    ):
        Transformer((1, 97, 89), 10)


def test_depth_does_not_end_before_it_begins():
    with pytest.raises(
        ValueError, match=r"^Transformer: max_depth must be at least min_depth \(3\), but got 2\.$"
    ):
        Transformer((8, 8), 10, min_depth=3, max_depth=2)
