"""Images and sequences: which an array holds, and how it is scaled."""

from __future__ import annotations

import numpy as np
import pytest

from optuna_nas import NASClassifier
from optuna_nas._estimator._grids import GridInputs
from optuna_nas._estimator._grids import kind_of_grid


CHEAP = {"n_trials": 1, "epochs": 2, "random_state": 0}


@pytest.mark.parametrize(
    ("shape", "dtype", "space", "kind"),
    [
        ((2, 8, 6, 3), float, "auto", "image"),
        ((2, 8, 8), float, "auto", "image"),
        ((2, 8, 5), np.uint8, "auto", "image"),
        ((2, 8, 5), float, "auto", "sequence"),
        ((2, 8, 5), float, "cnn", "image"),
        ((2, 8, 8), float, "rnn", "sequence"),
    ],
)
def test_three_dimensions_are_an_image_if_uint8_or_as_high_as_wide_unless_the_space_says(
    shape: tuple[int, ...], dtype: type, space: str, kind: str
) -> None:
    assert kind_of_grid(np.zeros(shape, dtype), space)[0] == kind


def test_images_are_standardized_for_each_channel_which_comes_first() -> None:
    x = np.random.default_rng(0).integers(0, 255, (10, 4, 6, 3)).astype(np.uint8)
    rows = GridInputs("image").fit(x)
    assert rows.shape == (10, 3, 4, 6)
    assert rows.mean((0, 2, 3)).abs().max() < 1e-5
    assert (rows.std((0, 2, 3)) - 1).abs().max() < 1e-2


def test_a_constant_feature_of_a_sequence_is_zero() -> None:
    x = np.random.default_rng(0).normal(size=(5, 7, 2))
    x[..., 1] = 3.0
    rows = GridInputs("sequence").fit(x)
    assert rows.shape == (5, 7, 2)
    assert not rows[..., 1].any()


@pytest.mark.parametrize(
    ("shape", "space", "decision"),
    [
        ((30, 8, 8), "auto", "stage0/kernel"),
        ((30, 8, 8, 1), "transformer", "patch"),
        ((30, 8, 8), "mlp", "residual"),
        ((30, 6, 2), "auto", "cell"),
        ((30, 6, 2), "transformer", "position"),
    ],
)
def test_images_and_sequences_are_classified_by_a_fitting_network(
    shape: tuple[int, ...], space: str, decision: str
) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    y = np.arange(30) % 2
    classifier = NASClassifier(space=space, **CHEAP).fit(x, y)
    assert decision in classifier.best_params_
    assert classifier.predict(x[:3]).shape == (3,)
    assert classifier.study_.trials[0].user_attrs["origin"] == "default"


def test_an_image_of_another_size_is_refused() -> None:
    x = np.zeros((10, 8, 8)) + np.arange(10)[:, None, None]
    classifier = NASClassifier(space="mlp", **CHEAP).fit(x, np.arange(10) % 2)
    with pytest.raises(ValueError, match=r"images of shape \(8, 9\), but those of fit had \(8, 8"):
        classifier.predict(np.zeros((2, 8, 9)))
