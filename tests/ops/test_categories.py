import pytest
import torch
from torch import nn
from torch.nn import functional as F

from optuna_nas import ops


CARDINALITIES = (3, 1, 5)


@pytest.fixture
def codes():
    columns = [torch.arange(12) % (size + 1) for size in CARDINALITIES]
    return torch.stack(columns, 1).float()


def test_a_category_is_a_one_and_what_is_unknown_is_zeros(codes):
    whole = [F.one_hot(codes[:, i].long(), n + 1)[:, 1:] for i, n in enumerate(CARDINALITIES)]
    assert torch.equal(ops.OneHot(CARDINALITIES)(codes), torch.cat(whole, 1).float())


def test_each_column_has_vectors_of_its_own(codes):
    embedding = ops.CategoryEmbedding(CARDINALITIES, 2)
    tables = embedding.table.weight.split([size + 1 for size in CARDINALITIES])
    expected = [table[codes[:, i].long()] for i, table in enumerate(tables)]
    assert torch.equal(embedding(codes), torch.cat(expected, 1))


def test_what_is_unknown_begins_as_zeros():
    embedding = ops.CategoryEmbedding(CARDINALITIES, 2)
    assert not embedding(torch.zeros(1, 3)).any()
    assert embedding(torch.ones(1, 3)).all()


def test_columns_go_to_their_module_and_side_by_side():
    linear = nn.Linear(2, 3)
    columns = ops.Columns([(range(2), nn.Identity()), ([4, 2], linear)])
    x = torch.randn(7, 5)
    assert torch.equal(columns(x), torch.cat([x[:, :2], linear(x[:, [4, 2]])], 1))


@pytest.mark.parametrize("block", [ops.OneHot, lambda sizes: ops.CategoryEmbedding(sizes, 2)])
def test_weights_alone_are_its_state(block):
    assert set(block(CARDINALITIES).state_dict()) <= {"table.weight"}


def test_codes_may_be_ints_or_doubles(codes):
    one_hot = ops.OneHot(CARDINALITIES)
    assert torch.equal(one_hot(codes.long()), one_hot(codes))
    assert torch.equal(one_hot(codes.double()), one_hot(codes).double())
