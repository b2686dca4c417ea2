import pytest
import torch
from torch.nn import functional as F

from optuna_nas import ops


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_members_are_rows_that_weigh_their_inputs():
    inputs = ops.EnsembleInputs(3, [1, 1])
    x = torch.randn(5, 2)
    expected = [x[row] * inputs.weight[member] for row in range(5) for member in range(3)]
    assert torch.equal(inputs(x), torch.stack(expected))


def test_members_begin_with_signs_without_embeddings():
    weight = ops.EnsembleInputs(8, [1] * 20).weight
    assert set(weight.flatten().tolist()) == {-1.0, 1.0}


def test_the_embedding_of_a_feature_begins_with_one_weight():
    weight = ops.EnsembleInputs(8, [3, 1, 2]).weight
    assert weight.shape == (8, 6)
    assert torch.equal(weight, weight[:, [0, 0, 0, 3, 4, 4]])
    assert len(weight.unique()) == 8 * 3


@pytest.mark.parametrize("scale_inputs", [True, False])
def test_a_linear_map_of_an_ensemble_is_one_of_each_member(scale_inputs):
    layer = ops.BatchEnsembleLinear(3, 4, 2, scale_inputs=scale_inputs)
    assert (layer.r is None) is not scale_inputs
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(5, 3, 4)
    for member in range(3):
        scaled = x[:, member] * layer.r[member] if scale_inputs else x[:, member]
        expected = (scaled @ layer.linear.weight.T) * layer.s[member] + layer.bias[member]
        found = layer(x.flatten(0, 1)).unflatten(0, (5, 3))[:, member]
        torch.testing.assert_close(found, expected)


def test_members_begin_alike_but_for_their_inputs():
    layer = ops.BatchEnsembleLinear(3, 4, 2)
    x = torch.randn(4).expand(3, 4)
    out = layer(x)
    torch.testing.assert_close(out, out[:1].expand(3, 2))


@pytest.mark.parametrize("classes", [True, False])
def test_in_training_each_member_predicts(classes):
    heads = ops.EnsembleHeads(3, 4, 2, classes=classes)
    x = torch.randn(5, 3, 4)
    expected = [F.linear(x[:, i], heads.weight[i].T, heads.bias[i, 0]) for i in range(3)]
    torch.testing.assert_close(heads(x.flatten(0, 1)), torch.stack(expected, 1))


def test_one_prediction_of_classes_is_the_mean_of_probabilities():
    heads = ops.EnsembleHeads(3, 4, 2, classes=True)
    x = torch.randn(15, 4)
    probabilities = heads(x).softmax(-1).mean(1)
    torch.testing.assert_close(heads.eval()(x), probabilities.log())


def test_one_prediction_of_numbers_is_their_mean():
    heads = ops.EnsembleHeads(3, 4, 2, classes=False)
    x = torch.randn(15, 4)
    torch.testing.assert_close(heads(x).mean(1), heads.eval()(x))


def test_blocks_say_how_many_members_they_have():
    assert "k=3" in repr(ops.EnsembleInputs(3, [1]))
    assert "k=3" in repr(ops.BatchEnsembleLinear(3, 1, 1))
    assert "k=3, classes=True" in repr(ops.EnsembleHeads(3, 1, 1, classes=True))
