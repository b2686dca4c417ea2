import math
import pickle
from typing import Any

from optuna.trial import FixedTrial
import pytest
import torch

from optuna_nas.training import constant
from optuna_nas.training import cosine
from optuna_nas.training import default_recipe
from optuna_nas.training import random_shift
from optuna_nas.training import Recipe
from optuna_nas.training import Train
from optuna_nas.training import tuned_recipe
from tests.training.samples import blobs
from tests.training.samples import net
from tests.training.samples import sgd
from tests.training.samples import Trial


def test_a_cosine_rises_linearly_and_falls_to_zero() -> None:
    factor = cosine(warmup=0.2)
    assert [factor(p) for p in (0.0, 0.1, 0.2, 0.6, 1.0)] == pytest.approx([0, 0.5, 1, 0.5, 0])


def test_a_cosine_without_warm_up_is_that_of_torch() -> None:
    optimizer = torch.optim.SGD(net().parameters(), lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    for step in range(10):
        assert cosine()(step / 10) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


def test_a_constant_is_one() -> None:
    assert constant(0.0) == constant(1.0) == 1.0


@pytest.mark.parametrize("warmup", [-0.1, 1.0, math.nan])
def test_a_warm_up_beyond_the_training_is_refused(warmup: float) -> None:
    with pytest.raises(ValueError, match=r"warmup must be .* at least 0 and below 1, but got"):
        cosine(warmup)


def test_the_schedule_is_asked_in_the_middle_of_each_step() -> None:
    asked = []

    def schedule(progress: float) -> float:
        asked.append(progress)
        return 1.0

    Train(blobs(), blobs(), epochs=2, recipe=sgd(0.1, batch_size=45, schedule=schedule))(
        net(), Trial()
    )
    assert asked == pytest.approx([0.125, 0.375, 0.625, 0.875])


def test_each_parameter_group_keeps_its_own_rate() -> None:
    module = net()
    groups = [{"params": [p], "lr": lr} for lr, p in enumerate(module.parameters())]
    optimizer = torch.optim.SGD(groups, lr=0.0)

    def recipe(trial: Any, module: Any) -> Recipe:
        return Recipe(optimizer, schedule=lambda progress: 0.5)

    Train(blobs(), blobs(), epochs=1, recipe=recipe)(module, Trial())
    assert [group["lr"] for group in optimizer.param_groups] == [0, 0.5, 1, 1.5]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"batch_size": 0}, "batch_size must be an int of at least 1, but got 0"),
        ({"batch_size": 1.5}, "batch_size must be an int of at least 1, but got 1.5"),
        ({"clip_norm": "a"}, "clip_norm must be a finite number above 0, or None, but got 'a'"),
        ({"label_smoothing": "a"}, r"label_smoothing must be .* and below 1, but got 'a'"),
        ({"clip_norm": 0.0}, "clip_norm must be a finite number above 0, or None, but got 0.0"),
        ({"label_smoothing": 1.0}, r"label_smoothing must be .* 0 and below 1, but got 1.0"),
    ],
)
def test_a_recipe_checks_its_numbers(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sgd(0.1, **wrong)(None, net())


def test_the_default_recipe_asks_nothing_and_takes_an_augmentation() -> None:
    shift = random_shift(2)
    assert default_recipe(FixedTrial({}), net(), augment=shift).augment is shift
    assert tuned_recipe(PARAMS, net(), augment=shift).augment is shift


def test_the_tuned_recipe_uses_what_it_was_answered() -> None:
    recipe = tuned_recipe(PARAMS, net())
    (group,) = recipe.optimizer.param_groups
    assert (group["lr"], group["weight_decay"], recipe.batch_size) == (1e-3, 0.5, 128)


def test_a_shift_moves_each_image_by_at_most_so_many_pixels_and_brings_in_zeros() -> None:
    images = torch.rand(200, 3, 5, 6)
    shifted = random_shift(1)(images, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(images, [1] * 4)
    windows = [padded[:, :, i : i + 5, j : j + 6] for i in range(3) for j in range(3)]
    same = torch.stack([(window == shifted).flatten(1).all(1) for window in windows])
    assert (same.sum(0) == 1).all()  # each image is one of its nine windows
    assert same.any(1).all()  # and all nine occur


def test_a_shift_by_nothing_changes_nothing() -> None:
    images = torch.rand(4, 1, 8, 8)
    assert torch.equal(random_shift(0)(images, torch.Generator()), images)


def test_a_shift_comes_from_its_generator_and_can_be_sent_to_a_worker() -> None:
    images, shift = torch.rand(20, 1, 8, 8), random_shift(2)
    copy = pickle.loads(pickle.dumps(shift))
    first, again = (f(images, torch.Generator().manual_seed(1)) for f in (shift, copy))
    assert torch.equal(first, again)
    assert not torch.equal(first, shift(images, torch.Generator().manual_seed(2)))


def test_a_shift_of_what_is_no_image_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[n, channels, height, width\], but got \(4, 8\)"):
        random_shift(1)(torch.rand(4, 8), torch.Generator())


def test_a_negative_shift_is_refused() -> None:
    with pytest.raises(ValueError, match="pixels must be an int of at least 0, but got -1"):
        random_shift(-1)


PARAMS = FixedTrial({"lr": 1e-3, "weight_decay": 0.5, "batch_size": 128})
