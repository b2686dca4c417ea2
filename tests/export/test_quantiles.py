"""scikit-learn's quantile transform, of torch's operations."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm
from sklearn.preprocessing import QuantileTransformer
import torch

from optuna_nas._export._quantiles import _normal_quantile
from optuna_nas._export._quantiles import to_normal


def test_the_normal_quantile_is_that_of_scipy() -> None:
    shares = np.concatenate([np.logspace(-7, -0.3, 500), 1 - np.logspace(-7, -0.3, 500)])
    assert np.allclose(_normal_quantile(torch.from_numpy(shares)), norm.ppf(shares), atol=1e-9)


def test_numbers_become_those_of_scikit_learn_within_between_and_beyond_the_quantiles() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.standard_cauchy(900), np.round(rng.standard_cauchy(900))])
    for count in (2, 7, 512, 900):
        sklearns = QuantileTransformer(n_quantiles=count, output_distribution="normal")
        sklearns.fit(x)
        values = np.concatenate([x, x + rng.normal(size=x.shape), 100 * x, sklearns.quantiles_])
        ours = to_normal(
            torch.from_numpy(values),
            torch.from_numpy(sklearns.quantiles_.T.copy()),
            torch.from_numpy(sklearns.references_),
        )
        assert np.allclose(ours, sklearns.transform(values), rtol=0, atol=1e-12)
