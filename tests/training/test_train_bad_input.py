from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import TensorDataset

from optuna_nas.training import Train
from tests.training.samples import blobs
from tests.training.samples import line
from tests.training.samples import Listed
from tests.training.samples import net
from tests.training.samples import Stream
from tests.training.samples import train
from tests.training.samples import Trial


def test_outputs_that_would_be_broadcast_against_the_targets_are_refused() -> None:
    flat = nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))
    with pytest.raises(ValueError, match=r"have shape \(64,\), but the targets have \(64, 1\)"):
        Train(line(), line(), epochs=1)(flat, Trial())


def test_as_many_outputs_as_classes_for_a_target_of_floats_are_refused_with_the_remedy() -> None:
    x, y = blobs()
    data = x, y.astype(float)
    with pytest.raises(ValueError, match="If y holds classes, make it integers"):
        Train(data, data, epochs=1)(net(), Trial())


def test_classes_need_an_output_each() -> None:
    flat = nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))
    with pytest.raises(ValueError, match=r"classes of shape \(64,\) need \(64, C\)"):
        train()(flat, Trial())


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("kind", [tuple, lambda pair: Listed(*pair)])
def test_a_class_beyond_the_outputs_is_refused(outputs: int, kind: Any) -> None:
    data = kind((blobs()[0], np.arange(90) % 3))
    with pytest.raises(ValueError, match=f"has {outputs} outputs, .* y goes from 0 to 2. Give"):
        Train(data, blobs(), epochs=1)(net(outputs=outputs), Trial())


def test_a_class_beyond_the_outputs_is_refused_in_valid_too() -> None:
    with pytest.raises(ValueError, match=r"has 2 outputs, .* y goes from 0 to 2"):
        Train(blobs(), (blobs()[0], np.arange(90) % 3), epochs=1)(net(), Trial())


def test_a_negative_class_is_refused() -> None:
    x, y = blobs()
    with pytest.raises(ValueError, match="integers from 0 to 1, but y goes from -1 to 1"):
        Train((x, 2 * y - 1), (x, y), epochs=1)(net(), Trial())


def test_an_output_that_is_no_tensor_is_refused() -> None:
    data = np.zeros((8, 5, 4)), np.arange(8) % 2
    with pytest.raises(TypeError, match="network must give a tensor, but gave tuple"):
        Train(data, data, epochs=1)(nn.LSTM(4, 2, batch_first=True), Trial())


def test_a_recipe_that_gives_no_recipe_is_refused() -> None:
    evaluate = train(recipe=lambda trial, module: torch.optim.SGD(module.parameters()))
    with pytest.raises(TypeError, match="recipe must give a Recipe, but gave SGD"):
        evaluate(net(), Trial())


def test_what_a_stream_is_scored_by_must_be_said() -> None:
    with pytest.raises(ValueError, match="metric must be given, since the targets of an iterable"):
        Train(Stream(), Stream(), epochs=2)


def test_a_dataloader_without_batches_is_refused() -> None:
    data = TensorDataset(torch.rand(5, 4), torch.arange(5) % 2)
    empty = DataLoader(data, 8, drop_last=True)
    with pytest.raises(ValueError, match="train gave no batches: drop_last with fewer rows"):
        Train(empty, data, epochs=1)(net(), Trial())
    with pytest.raises(ValueError, match="nothing to score: the data gave no batches"):
        Train(data, empty, epochs=1)(net(), Trial())


def test_a_dataset_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="train: the dataset has no rows"):
        Train(Listed(), blobs(), epochs=1)


def test_a_batch_that_is_no_pair_is_refused() -> None:
    data = Listed(*blobs(), np.ones(90))
    with pytest.raises(TypeError, match=r"train: a batch must be a pair .* list of length 3"):
        Train(data, data, epochs=1)


def test_a_function_as_a_metric_must_say_which_way_it_goes() -> None:
    with pytest.raises(ValueError, match="metric is a function, so direction must be given"):
        train(metric=lambda outputs, y: 0.0)


def test_a_direction_that_contradicts_the_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="direction must be 'minimize' for metric 'loss', but is"):
        train(metric="loss", direction="maximize")


def test_what_is_no_direction_is_refused() -> None:
    with pytest.raises(ValueError, match="direction must be 'maximize' or 'minimize', but is"):
        train(metric="loss", direction="up")


def test_an_unknown_metric_is_refused_and_the_right_one_guessed() -> None:
    with pytest.raises(ValueError, match=r"but is 'acuracy'\. Did you mean 'accuracy'\?"):
        train(metric="acuracy")


def test_a_metric_that_does_not_go_with_the_targets_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'r2' needs floats, but y holds classes, .*'accuracy'"):
        train(metric="r2")
    with pytest.raises(ValueError, match="'accuracy' needs classes, but y holds floats"):
        Train(line(), line(), epochs=1, metric="accuracy")


@pytest.mark.parametrize("epochs", [0, -1, 1.5, "10", None])
def test_a_number_of_epochs_below_one_is_refused(epochs: Any) -> None:
    with pytest.raises(ValueError, match="epochs must be an int of at least 1, but got"):
        train(epochs=epochs)


@pytest.mark.parametrize("seed", [-1, 0.5, "0"])
def test_what_is_no_seed_is_refused(seed: Any) -> None:
    with pytest.raises(ValueError, match="seed must be an int of at least 0, or None, but got"):
        train(seed=seed)


def test_a_device_that_is_not_there_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="device 'cuda:99' is not there"):
        train(device="cuda:99")


def test_train_and_valid_must_have_targets_of_one_kind() -> None:
    with pytest.raises(ValueError, match=r"int64 in train and torch\.float32 in valid"):
        Train(blobs(), line(), epochs=1)


def test_train_and_valid_must_have_the_same_columns() -> None:
    x, y = blobs()
    with pytest.raises(ValueError, match="X has 4 in train and 3 in valid"):
        Train((x, y), (x[:, :3], y), epochs=1)


def test_one_class_only_is_refused() -> None:
    x, _ = blobs()
    with pytest.raises(ValueError, match=r"train: y has one class only \(7\)"):
        Train((x, np.full(90, 7)), blobs(), epochs=1)
