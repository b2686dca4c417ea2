"""From a table to what a network takes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from optuna_nas._estimator._table import TableInputs
from tests.estimator.tables import people


def test_numbers_come_first_standardized_then_indicators_then_codes() -> None:
    x = pd.DataFrame({"city": ["b", "a", None, "b"], "age": [1.0, 2.0, 3.0, np.nan]})
    inputs = TableInputs(one_hot=False, seed=0)
    rows = inputs.fit(x)
    assert rows.dtype == torch.float32
    assert (inputs.numeric, inputs.sizes, inputs.features) == (2, [2], 3)
    assert torch.allclose(rows[:, 0], torch.tensor([-1, 0, 1, 0]) * 2**0.5)
    assert rows[:, 1].tolist() == [0, 0, 0, 1]
    assert rows[:, 2].tolist() == [2, 1, 0, 2]


def test_an_unseen_category_has_the_code_of_a_missing_one() -> None:
    inputs = TableInputs(one_hot=False, seed=0)
    inputs.fit(pd.DataFrame({"city": ["b", "a"]}))
    assert inputs.transform(pd.DataFrame({"city": ["zz", None, "b"]}))[:, 0].tolist() == [0, 0, 2]


def test_categories_are_one_hot_for_networks_that_take_numbers() -> None:
    inputs = TableInputs(one_hot=True, seed=0)
    inputs.fit(pd.DataFrame({"city": ["b", "a"]}))
    rows = inputs.transform(pd.DataFrame({"city": ["zz", "a", "b"]}))
    assert rows.tolist() == [[0, 0], [1, 0], [0, 1]]
    assert inputs.features == 2


def test_rare_categories_share_a_code_where_there_are_very_many() -> None:
    x = pd.DataFrame({"id": [f"{i}" for i in range(1000)]})
    inputs = TableInputs(one_hot=False, seed=0)
    assert len(inputs.fit(x).unique()) == inputs.sizes[0] == 256


def test_a_heavy_tail_becomes_normal_and_other_columns_keep_their_shape() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.uniform(size=1000), np.exp(3 * rng.normal(size=1000))])
    rows = TableInputs(one_hot=False, seed=0).fit(x).numpy()
    assert np.corrcoef(rows[:, 0], x[:, 0])[0, 1] > 0.999
    assert np.corrcoef(rows[:, 1], np.log(x[:, 1]))[0, 1] > 0.99


def test_a_column_of_missing_cells_only_does_no_harm() -> None:
    x = pd.DataFrame({"none": [None] * 4, "text": ["a", None, "a", "a"], "n": [1, 2, 3, 4]})
    rows = TableInputs(one_hot=False, seed=0).fit(x)
    assert rows.isfinite().all()


def test_what_is_missing_only_later_is_imputed() -> None:
    x, _ = people()
    inputs = TableInputs(one_hot=False, seed=0)
    inputs.fit(x)
    x = x.astype({"member": "boolean"})
    x.loc[20, ["member", "visits"]] = pd.NA
    assert inputs.transform(x.iloc[20:21]).isfinite().all()


def test_a_row_is_prepared_alike_alone_and_among_others() -> None:
    x, _ = people()
    inputs = TableInputs(one_hot=False, seed=0)
    rows = inputs.fit(x)
    assert torch.equal(inputs.transform(x), rows)
    assert torch.equal(inputs.transform(x.iloc[7:8]), rows[7:8])


def test_columns_are_taken_by_name_in_any_order() -> None:
    x = pd.DataFrame({"age": [1.0, 2.0, 4.0], "city": ["a", "b", "a"], 3: [0.0, 1.0, 5.0]})
    inputs = TableInputs(one_hot=False, seed=0)
    rows = inputs.fit(x)
    assert inputs.names == ["age", "city", "3"]
    assert inputs.transform(x[["city", 3, "age"]]).equal(rows)


def test_columns_that_are_missing_or_unknown_are_told() -> None:
    inputs = TableInputs(one_hot=False, seed=0)
    inputs.fit(pd.DataFrame({"age": [1.0, 2.0], "city": ["a", "b"]}))
    told = r"the columns of X are not those of fit: 'age' is missing, 'Age' was not there\."
    with pytest.raises(ValueError, match=told):
        inputs.transform(pd.DataFrame({"Age": [1.0], "city": ["a"]}))
    with pytest.raises(ValueError, match=r"X has 3 columns, but had 2 in fit\."):
        inputs.transform(np.zeros((1, 3)))


def test_a_category_of_whole_numbers_stays_so_where_one_is_missing_later() -> None:
    x = pd.DataFrame({"size": pd.Categorical([1, 2, 1])})
    inputs = TableInputs(one_hot=False, seed=0)
    assert inputs.fit(x)[:, 0].tolist() == [1, 2, 1]
    later = pd.DataFrame({"size": pd.Categorical([2, None, 1])})
    assert inputs.transform(later)[:, 0].tolist() == [2, 0, 1]
