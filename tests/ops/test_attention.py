import pytest
import torch
from torch import nn

from optuna_nas import ops


def test_attention_computes_what_torchs_does():
    torch.manual_seed(0)
    ours, torchs = ops.SelfAttention(8, 2, 4), nn.MultiheadAttention(8, 2, batch_first=True)
    projections = (ours.query, ours.key, ours.value)
    with torch.no_grad():
        torchs.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
        torchs.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
    torchs.out_proj.load_state_dict(ours.out.state_dict())
    x = torch.randn(3, 5, 8)
    torch.testing.assert_close(ours(x), torchs(x, x, x)[0])


def test_the_heads_need_not_divide_the_width():
    attention = ops.SelfAttention(10, 3, 4)
    assert attention(torch.randn(2, 7, 10)).shape == (2, 7, 10)
    expected = 3 * (10 * 12 + 12) + (12 * 10 + 10)
    assert sum(p.numel() for p in attention.parameters()) == expected
    assert "heads=3" in repr(attention)


def test_few_heads_are_the_first_of_many():
    torch.manual_seed(0)
    many, few = ops.SelfAttention(8, 4, 4), ops.SelfAttention(8, 2, 4)
    many.load_state_dict(
        {
            name: nn.functional.pad(p, (0, many.out.in_features - p.shape[1]))
            if name == "out.weight"
            else p
            if name == "out.bias"
            else torch.cat([p, torch.randn_like(p)])
            for name, p in few.state_dict().items()
        }
    )
    x = torch.randn(2, 3, 8)
    torch.testing.assert_close(many(x), few(x))


@pytest.mark.parametrize("width", [1, 4, 7])
@pytest.mark.parametrize("name", ["none", "learned", "sinusoidal"])
def test_positions_keep_the_shape_of_sequences_up_to_their_length(name, width):
    positions = ops.positional_encodings(5, width)[name]()
    for time in (1, 5):
        x = torch.randn(2, time, width)
        kept = x.clone()
        assert positions(x).shape == x.shape
        assert torch.equal(x, kept)


def test_sinusoidal_positions_are_those_of_the_paper():
    encoded = ops.positional_encodings(10, 6)["sinusoidal"]()(torch.zeros(1, 10, 6))[0]
    time = torch.arange(10.0)
    for i in range(3):
        angle = time / 10_000 ** (2 * i / 6)
        torch.testing.assert_close(encoded[:, i], angle.sin())
        torch.testing.assert_close(encoded[:, 3 + i], angle.cos())


def test_sinusoidal_positions_are_no_part_of_the_state():
    assert not ops.positional_encodings(5, 4)["sinusoidal"]().state_dict()


def test_learned_positions_are_one_parameter_a_place_and_begin_small():
    positions = ops.positional_encodings(50, 40)["learned"]()
    (parameter,) = positions.parameters()
    assert parameter.shape == (50, 40)
    assert parameter.std().item() == pytest.approx(0.02, rel=0.1)
    x = torch.randn(2, 50, 40)
    assert torch.equal(positions(x), x + parameter)


def test_a_patch_becomes_a_token_row_by_row():
    patches = ops.Patches(2, 5, 3)
    x = torch.randn(4, 2, 6, 9)
    tokens = patches(x)
    assert tokens.shape == (4, 6, 5)
    fourth = patches.project(x[:, :, 3:6, 0:3]).flatten(1)
    torch.testing.assert_close(tokens[:, 3], fourth)
