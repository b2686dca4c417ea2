from collections.abc import Iterator
from typing import Any

from optuna.trial import FixedTrial
import pytest
import torch
from torch import nn

from optuna_nas.space import SampledTrial
from optuna_nas.training import Epoch
from optuna_nas.training import fit
from optuna_nas.training import generator_for
from optuna_nas.training import Recipe
from optuna_nas.training import Rejected
from optuna_nas.training import score
from optuna_nas.training import Train
from optuna_nas.training import train_epochs
from optuna_nas.training import tuned_recipe
from tests.training.samples import blobs
from tests.training.samples import line
from tests.training.samples import net
from tests.training.samples import sgd
from tests.training.samples import Trial
from tests.training.samples import weights


def test_fit_trains_in_place_and_returns_the_losses() -> None:
    module = net()
    losses = fit(module, blobs(), epochs=20, seed=0)
    assert len(losses) == 20
    assert losses[-1] < losses[0]
    assert not module.training
    assert score(module, blobs(seed=1)) > 0.9


def test_fit_trains_as_the_search_did() -> None:
    by_fit, by_train = net(), net()
    fit(by_fit, blobs(), epochs=3, seed=0)
    Train(blobs(), blobs(), epochs=3, seed=0)(by_train, Trial(number=0))
    assert torch.equal(weights(by_fit), weights(by_train))


def test_fit_answers_the_recipe_from_the_trial_that_won() -> None:
    params = {"lr": 1e-2, "weight_decay": 1e-2, "batch_size": 32}
    fit(net(), blobs(), epochs=1, recipe=tuned_recipe, trial=FixedTrial(params))


def test_fit_without_a_trial_says_which_question_nobody_answered_and_who_can() -> None:
    def scoped_recipe(trial: Any, module: nn.Module) -> Recipe:
        return tuned_recipe(trial.scope("training"), module)

    message = (
        r"recipe asks the trial \(scope\), but fit got none: give it "
        r"trial=optuna_nas\.SampledTrial\(optuna\.trial\.FixedTrial\(params\)\), with the params"
    )
    with pytest.raises(ValueError, match=message):
        fit(net(), blobs(), epochs=1, recipe=scoped_recipe)
    params = {"training/lr": 1e-2, "training/weight_decay": 1e-2, "training/batch_size": 32}
    trial = SampledTrial(FixedTrial(params))
    fit(net(), blobs(), epochs=1, recipe=scoped_recipe, trial=trial)


def test_fit_says_when_the_loss_is_not_finite() -> None:
    with pytest.raises(Rejected, match=r"loss is (nan|inf) in epoch \d of 3"):
        fit(net(outputs=1), line(), epochs=3, recipe=sgd(1e30))


def test_fit_checks_its_arguments() -> None:
    with pytest.raises(ValueError, match="epochs must be an int of at least 1, but got 0"):
        fit(net(), blobs(), epochs=0)
    with pytest.raises(ValueError, match="device 'cuda:99' is not there"):
        fit(net(), blobs(), epochs=1, device="cuda:99")
    with pytest.raises(ValueError, match="seed must be an int of at least 0, or None"):
        fit(net(), blobs(), epochs=1, seed=-1)


def epochs_of(lr: float = 0.1) -> Iterator[Epoch]:
    module = net()
    recipe = sgd(lr)(None, module)
    return train_epochs(
        module, blobs(), blobs(), recipe=recipe, epochs=4, generator=generator_for(0)
    )


def test_the_caller_owns_the_loop() -> None:
    history = epochs_of()
    first = next(history)
    assert first.number == 1
    assert first.score is not None
    assert [epoch.number for epoch in history] == [2, 3, 4]


def test_without_validation_there_is_no_score() -> None:
    module = net()
    recipe = sgd(0.1)(None, module)
    generator = generator_for(0)
    history = train_epochs(module, blobs(), recipe=recipe, epochs=2, generator=generator)
    assert [epoch.score for epoch in history] == [None, None]


def test_the_loss_of_an_epoch_is_its_mean_over_rows() -> None:
    module = net()
    expected = score(module, blobs(), "loss")
    recipe = sgd(0.0, batch_size=40)(None, module)
    generator = generator_for(0)
    epoch = next(train_epochs(module, blobs(), recipe=recipe, epochs=1, generator=generator))
    assert epoch.loss == pytest.approx(expected, rel=1e-5)
