from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Subset
from torch.utils.data import TensorDataset

from optuna_nas.training import Train
from optuna_nas.training._data import load
from optuna_nas.training._data import Loaded
from optuna_nas.training._data import Resident
from tests.training.samples import blobs
from tests.training.samples import Listed
from tests.training.samples import net
from tests.training.samples import sgd
from tests.training.samples import Stream
from tests.training.samples import Trial
from tests.training.samples import weights


def pair_of(x: Any, y: Any) -> Resident:
    rows = load((x, y), "train")
    assert isinstance(rows, Resident)
    return rows


X, Y = np.zeros((4, 2)), np.array([0, 1, 0, 1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.bool_])
def test_inputs_become_single_precision(dtype: Any) -> None:
    assert pair_of(X.astype(dtype), Y).inputs.dtype == torch.float32


def test_tokens_stay_integers() -> None:
    assert pair_of(X.astype(np.int64), Y).inputs.dtype == torch.int64


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.bool_])
def test_integers_and_bools_in_y_are_classes(dtype: Any) -> None:
    targets = pair_of(X, Y.astype(dtype)).targets
    assert targets.dtype == torch.int64
    assert targets.tolist() == Y.tolist()


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_floats_in_y_are_a_column_to_predict(dtype: Any) -> None:
    targets = pair_of(X, Y.astype(dtype)).targets
    assert targets.dtype == torch.float32
    assert targets.tolist() == Y[:, None].tolist()


def test_lists_and_tensors_are_arrays_too() -> None:
    assert pair_of(X.tolist(), Y.tolist()).inputs.shape == (4, 2)
    assert pair_of(torch.tensor(X, requires_grad=True), Y).inputs.requires_grad is False


def test_a_view_with_negative_strides_is_an_array_too() -> None:
    assert pair_of(X[::-1], Y[::-1]).targets.tolist() == [1, 0, 1, 0]


def test_an_epoch_has_each_row_once_in_random_order() -> None:
    rows = pair_of(np.arange(100.0)[:, None], np.arange(100))
    generator = torch.Generator().manual_seed(0)
    epochs = [torch.cat([y for _, y, _ in rows.batches(32, generator)]).tolist() for _ in range(2)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(100))] * 2
    assert epochs[0] != epochs[1] != list(range(100))
    assert torch.cat([y for _, y, _ in rows.batches(32)]).tolist() == list(range(100))


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 66, 129])
@pytest.mark.parametrize("kind", [pair_of, lambda x, y: Loaded(Listed(x, y), "train")])
def test_no_batch_of_training_has_one_row_unless_it_is_all_there_is(n: int, kind: Any) -> None:
    rows = kind(np.zeros((n, 2)), np.zeros(n))
    sizes = [len(x) for x, _, _ in rows.batches(64, torch.Generator())]
    assert rows.steps(64) == len(sizes)
    assert min(sizes) > 1 or n == 1
    assert n - sum(sizes) == (n % 64 == 1 and n > 1)
    assert sum(len(x) for x, _, _ in rows.batches(64)) == n


def test_batches_of_one_row_are_all_trained_on_if_they_are_wanted() -> None:
    assert pair_of(X, Y).steps(1) == len(list(pair_of(X, Y).batches(1, torch.Generator()))) == 4


def test_a_tensor_dataset_is_a_pair_and_so_is_a_part_of_one() -> None:
    data = TensorDataset(torch.arange(8.0)[:, None], torch.arange(8))
    part = Subset(Subset(data, [1, 3, 5, 7]), [0, 2])
    rows = load(part, "train")
    assert isinstance(rows, Resident)
    assert rows.targets.tolist() == [1, 5]


def test_a_tensor_dataset_with_transforms_of_its_own_is_loaded() -> None:
    class Noisy(TensorDataset):
        def __getitem__(self, i: int) -> tuple[Tensor, ...]:
            x, y = super().__getitem__(i)
            return x + torch.rand(()), y

    data = Noisy(torch.tensor(X), torch.tensor(Y))
    assert isinstance(load(data, "train"), Loaded)
    assert isinstance(load(Subset(data, [0, 1]), "train"), Loaded)


def test_a_dataset_is_loaded_anew_each_epoch_since_it_may_be_random() -> None:
    data = Listed(*blobs())
    evaluate = Train(data, blobs(), epochs=3)
    data.reads = 0
    evaluate(net(), Trial())
    assert data.reads == 3 * 90


def test_pairs_datasets_and_tensor_datasets_of_the_same_rows_train_alike() -> None:
    x, y = blobs()
    trained = []
    for data in ((x, y), Listed(x, y), TensorDataset(torch.tensor(x), torch.tensor(y))):
        module = net()
        evaluate = Train(data, blobs(), epochs=3, recipe=sgd(0.1, batch_size=90), seed=0)
        evaluate(module, Trial())
        trained.append(weights(module))
    torch.testing.assert_close(trained[0], trained[1])
    assert torch.equal(trained[0], trained[2])


def test_a_dataloader_is_used_as_it_is() -> None:
    sizes = []

    class Sized(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            sizes.append((len(x), self.training))
            return super().forward(x)

    data = TensorDataset(*map(torch.tensor, blobs()))
    Train(DataLoader(data, 40), DataLoader(data, 70), epochs=1)(Sized(4, 2), Trial())
    assert sizes == [(40, True), (40, True), (10, True), (70, False), (20, False)]


def test_the_example_is_two_rows_on_the_cpu() -> None:
    x, y = blobs()
    data, listed = TensorDataset(torch.tensor(x), torch.tensor(y)), Listed(x, y)
    for given in ((x, y), data, listed, DataLoader(data, 16), DataLoader(listed, 16)):
        example = Train(given, (x, y), epochs=1).example
        assert example is not None
        torch.testing.assert_close(example, torch.tensor(x[:2]).float())


@pytest.mark.parametrize("stream", [Stream(), DataLoader(Stream(), 16)])
def test_a_stream_trains_without_an_example(stream: Any) -> None:
    evaluate = Train(stream, stream, epochs=2, metric="accuracy")
    assert evaluate.example is None
    assert evaluate(net(), Trial()) > 0


def test_a_dataloader_that_makes_no_batches_trains_without_an_example() -> None:
    batches = TensorDataset(torch.rand(5, 8, 4), torch.arange(40).reshape(5, 8) % 2)
    loader = DataLoader(batches, batch_size=None)
    evaluate = Train(loader, loader, epochs=1, metric="accuracy")
    assert evaluate.example is None
    assert evaluate(net(), Trial()) > 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.array, torch.tensor])
def test_values_that_are_not_finite_are_refused_with_their_rows(bad: float, kind: Any) -> None:
    x = X.copy()
    x[1, 0] = x[3, 1] = bad
    with pytest.raises(ValueError, match="valid: X holds NaN or infinity in 2 of 4 rows; the fir"):
        load((kind(x), Y), "valid")
    with pytest.raises(ValueError, match=r"train: y holds NaN or infinity in 1 of 4 .* is row 2"):
        load((X, kind([0.0, 1.0, bad, 1.0])), "train")


def test_other_lengths_of_x_and_y_are_refused() -> None:
    with pytest.raises(ValueError, match="train: X has 4 rows, but y has 3"):
        load((X, Y[:3]), "train")


def test_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="train: X and y have no rows"):
        load((X[:0], Y[:0]), "train")


def test_a_number_in_place_of_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="X and y must have rows, but one of them is a single"):
        load((X, 1.0), "train")


@pytest.mark.parametrize(("dtype", "most"), [("uint8", 255), ("uint16", 65535)])
@pytest.mark.parametrize("kind", [np.array, torch.tensor])
def test_images_in_bytes_are_refused_with_the_remedy(kind: Any, dtype: str, most: int) -> None:
    with pytest.raises(TypeError, match=rf"train: X is {dtype},.*X.astype\('float32'\) / {most}"):
        load((kind(X.astype(dtype)), Y), "train")


def test_an_array_in_another_byte_order_is_an_array_too() -> None:
    assert pair_of(X.astype(">f8"), Y.astype(">i4")).targets.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("dtype", [str, object])
def test_labels_that_are_strings_are_refused_with_the_remedy(dtype: Any) -> None:
    y = np.array(["cat", "dog", "cat", "dog"], dtype=dtype)
    with pytest.raises(TypeError, match=r"y holds strings \(the first is .*cat.*LabelEncoder\(\)"):
        load((X, y), "train")


def test_inputs_that_are_strings_are_refused_with_the_remedy() -> None:
    with pytest.raises(TypeError, match=r"train: X holds strings .*OneHotEncoder"):
        load((X.astype(str), Y), "train")


def test_inputs_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="X must be an array or a tensor of numbers, but is list"):
        load(([object()] * 4, Y), "train")


@pytest.mark.parametrize("data", ["digits", X, (X, Y, Y), None, {"X": X}])
def test_what_is_no_data_is_refused(data: Any) -> None:
    with pytest.raises(TypeError, match=r"valid must be a pair \(X, y\), a Dataset or a Data"):
        load(data, "valid")
