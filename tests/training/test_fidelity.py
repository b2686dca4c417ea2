"""What a fidelity may be, and the rows that it leaves."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from optuna_nas.training import Fidelity
from optuna_nas.training._data import load
from optuna_nas.training._data import Resident
from optuna_nas.training._fidelity_rows import resized
from optuna_nas.training._fidelity_rows import share_of
from tests.training.samples import Listed


def rows_of(y: Any) -> Resident:
    """X says which row it is."""
    loaded = load((np.arange(len(y))[:, None].astype(float), y), "train")
    assert isinstance(loaded, Resident)
    return loaded


def numbers(rows: Any) -> set[int]:
    return set(rows.inputs[:, 0].int().tolist())


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("data", [0.01, 0.1, 1 / 3, 0.5, 0.99])
def test_each_class_has_its_share_and_at_least_a_row(data: float, seed: int) -> None:
    y = np.random.default_rng(seed).choice(5, size=400, p=[0.5, 0.3, 0.15, 0.04, 0.01])
    part = share_of(rows_of(y), data, seed)
    assert isinstance(part, Resident)
    assert len(part.targets) == max(5, int(np.ceil(data * 400)))
    for label, count in zip(*np.unique(y, return_counts=True), strict=True):
        assert int((part.targets == label).sum()) >= 1
        assert abs(int((part.targets == label).sum()) - data * count) <= 5


@pytest.mark.parametrize("y", [np.arange(200) % 3, np.linspace(0, 1, 200)])
def test_a_smaller_share_is_within_a_larger_one(y: Any) -> None:
    shares = [numbers(share_of(rows_of(y), data, 0)) for data in (0.05, 0.2, 0.21, 0.7, 1.0)]
    assert all(few < many for few, many in pairwise(shares))
    assert shares[-1] == set(range(200))


def test_the_rows_follow_from_the_seed_alone() -> None:
    rows = rows_of(np.arange(200) % 3)
    torch.manual_seed(0)
    first = numbers(share_of(rows, 0.2, 7))
    torch.manual_seed(1)
    assert first == numbers(share_of(rows, 0.2, 7)) != numbers(share_of(rows, 0.2, 8))


def test_inputs_and_targets_stay_together() -> None:
    y = np.random.default_rng(0).permutation(np.arange(100) % 4)
    part = share_of(rows_of(y), 0.3, 0)
    assert isinstance(part, Resident)
    assert part.targets.tolist() == y[part.inputs[:, 0].int().numpy()].tolist()


def test_a_target_for_each_pixel_has_no_classes_to_share() -> None:
    rows = load((np.zeros((10, 1, 2, 2)), np.zeros((10, 2, 2), int)), "train")
    part = share_of(rows, 0.35, 0)
    assert isinstance(part, Resident)
    assert part.targets.shape == (4, 2, 2)


def test_a_pixel_is_the_mean_of_those_that_it_covers() -> None:
    images = torch.rand(3, 2, 8, 6)
    small = resized(Resident(images, torch.arange(3)), (4, 3))
    assert isinstance(small, Resident)
    assert small.inputs.shape == (3, 2, 4, 3)
    torch.testing.assert_close(small.inputs.mean(), images.mean(), atol=0.02, rtol=0)
    spike = torch.zeros(1, 1, 9, 9)
    spike[..., 4, 3] = 1  # without antialiasing, nobody would see it
    seen = resized(Resident(spike, torch.zeros(1)), (3, 3))
    assert isinstance(seen, Resident)
    assert float(seen.inputs.max()) > 0.05


def test_all_of_the_data_are_the_data() -> None:
    rows = rows_of(np.arange(20) % 2)
    assert share_of(rows, 1.0, 0) is rows
    assert resized(rows, None) is rows


def test_what_it_costs_is_the_product_of_its_shares() -> None:
    assert Fidelity().share_of_cost(20, 64) == 1
    assert Fidelity(data=0.5, epochs=5).share_of_cost(20, 64) == pytest.approx(0.125)
    assert Fidelity(image_size=4).share_of_cost(20, 64) == pytest.approx(0.25)
    assert Fidelity(image_size=(4, 2), data=0.5).share_of_cost(20, 64) == pytest.approx(1 / 16)
    assert Fidelity(data=0.5, cost=0.7).share_of_cost(20, 64) == 0.7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": 0.0}, r"data must be a finite number above 0 and at most 1, but got 0\.0"),
        ({"data": 1.5}, r"data must be a finite number above 0 and at most 1, but got 1\.5"),
        ({"data": "half"}, r"data must be a finite number above 0 and at most 1, but got 'half'"),
        ({"data": float("nan")}, r"data must be .* above 0 and at most 1, but got nan"),
        ({"image_size": 0}, r"image_size must be an int of at least 1, a pair .* but is 0"),
        ({"image_size": 4.0}, r"image_size must be an int of at least 1, a pair .* is 4\.0"),
        ({"image_size": (4, 4, 4)}, r"image_size must be .* but is \(4, 4, 4\)"),
        ({"epochs": 0}, r"epochs must be an int of at least 1, but got 0"),
        ({"epochs": True}, r"epochs must be an int of at least 1, but got True"),
        ({"cost": 0}, r"cost must be a finite number above 0, or None, but got 0"),
        ({"cost": float("inf")}, r"cost must be a finite number above 0, or None, but got inf"),
    ],
)
def test_what_is_no_fidelity_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fidelity(**arguments)


@pytest.mark.parametrize("network", [nn.Linear(1, 1), "thin"])
def test_a_network_must_be_a_function_of_params(network: Any) -> None:
    message = r"network must be a function from a trial's params to a module, .* but is"
    with pytest.raises(TypeError, match=message):
        Fidelity(network=network)


def test_rows_that_are_loaded_anew_show_no_classes() -> None:
    rows = load(Listed(np.zeros((4, 1, 2, 2)), np.arange(4) % 2), "train")
    with pytest.raises(TypeError, match=r"data=0\.5 needs rows in memory: a pair .* A DataLoader"):
        share_of(rows, 0.5, 0)
    with pytest.raises(TypeError, match=r"image_size=\(1, 1\) needs rows in memory"):
        resized(rows, (1, 1))


def test_only_images_can_be_resized_and_only_to_smaller_ones() -> None:
    with pytest.raises(ValueError, match=r"needs images, X of floats .* of shape \[4, 1\]"):
        resized(rows_of(np.arange(4)), (2, 2))
    images = Resident(torch.zeros(3, 1, 8, 6), torch.zeros(3))
    with pytest.raises(ValueError, match=r"must be at most the images' size, which is \(8, 6\)"):
        resized(images, (8, 8))
