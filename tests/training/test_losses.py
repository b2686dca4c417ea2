import pytest
import torch
from torch import nn
from torch.nn import functional as F

from optuna_nas.training import score
from optuna_nas.training import Train
from optuna_nas.training._losses import check_outputs
from optuna_nas.training._losses import default_loss
from tests.training.samples import blobs
from tests.training.samples import line
from tests.training.samples import sgd
from tests.training.samples import Trial
from tests.training.samples import weights


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("rest", [(), (5,)])
def test_several_predictions_of_classes_have_the_mean_of_their_losses(smoothing, rest):
    outputs, targets = torch.randn(6, 4, 3, *rest), torch.randint(3, (6, *rest))
    losses = [default_loss(outputs[:, i], targets, smoothing) for i in range(4)]
    torch.testing.assert_close(
        default_loss(outputs, targets, smoothing), torch.stack(losses).mean()
    )
    check_outputs(outputs, targets, (0, 2))


@pytest.mark.parametrize("rest", [(1,), (2,), (3, 2)])
def test_several_predictions_of_numbers_have_the_mean_of_their_losses(rest):
    outputs, targets = torch.randn(6, 4, *rest), torch.randn(6, *rest)
    losses = [F.mse_loss(outputs[:, i], targets) for i in range(4)]
    torch.testing.assert_close(default_loss(outputs, targets), torch.stack(losses).mean())
    check_outputs(outputs, targets, None)


def test_several_predictions_must_have_an_output_a_class():
    with pytest.raises(ValueError, match=r"The network has 3 outputs, .* y goes from 0 to 3"):
        check_outputs(torch.randn(6, 4, 3), torch.randint(3, (6,)), (0, 3))


def test_one_prediction_in_a_dimension_of_its_own_is_refused():
    with pytest.raises(ValueError, match=r"have shape \(6, 1, 2\), but the targets have \(6, 2\)"):
        check_outputs(torch.randn(6, 1, 2), torch.randn(6, 2), None)
    with pytest.raises(ValueError, match=r"\(6, 1, 3\), but classes of shape \(6,\) need \(6, C"):
        check_outputs(torch.randn(6, 1, 3), torch.randint(3, (6,)), (0, 2))


@pytest.mark.parametrize(
    ("data", "size", "fitting"), [(blobs(), 2, r"\(90, C\)"), (line(), 1, r"\(90, 1\)")]
)
def test_several_predictions_in_eval_mode_are_refused(data, size, fitting):
    network = nn.Sequential(nn.Linear(4, 3 * size), nn.Unflatten(1, (3, size)))
    message = rf"outputs have shape \(90, 3, {size}\), but .* {fitting}"
    with pytest.raises(ValueError, match=message):
        Train(data, data, epochs=1, device="cpu")(network, Trial())


class Twins(nn.Module):
    """Two networks, trained at once; the first is what predicts."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x):
        first = self.first(x)
        return torch.stack([first, self.second(x)], 1) if self.training else first


def test_members_are_trained_as_if_each_were_alone():
    torch.manual_seed(0)
    alone = nn.Linear(4, 2)
    twins = Twins(nn.Linear(4, 2), nn.Linear(4, 2))
    twins.first.load_state_dict(alone.state_dict())
    for network, rate in ((alone, 0.1), (twins, 0.2)):  # a mean of two halves the gradients
        Train(blobs(), blobs(), epochs=2, recipe=sgd(rate), seed=0, device="cpu")(network, Trial())
    torch.testing.assert_close(weights(twins.first), weights(alone))
    assert score(twins, blobs(), "loss") == pytest.approx(score(alone, blobs(), "loss"), rel=1e-5)
