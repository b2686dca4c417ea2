from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
import warnings

import optuna
from optuna.artifacts import download_artifact
from optuna.artifacts import FileSystemArtifactStore
from optuna.trial import FrozenTrial
import pytest
from safetensors.torch import load_file
import torch
from torch import nn

from optuna_nas import build
from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas.samplers._planning import PLAN as PLAN_OF_SAMPLERS
from optuna_nas.space import ARCHITECTURE as ARCHITECTURE_OF_SPACE
from optuna_nas.training import Inherit
from optuna_nas.training import Recipe
from optuna_nas.training import Rejected
from optuna_nas.training import Train
from optuna_nas.training._inherit_parent import ARCHITECTURE
from optuna_nas.training._inherit_parent import PLAN
from tests.training.samples import blobs
from tests.training.samples import net
from tests.training.samples import train
from tests.training.samples import Trial


NETWORK = spaces.MLP(in_features=4, out_features=2, max_depth=3, widths=(4, 8, 16))
PARAMS = {
    "width": 8, "depth": 1, "activation": "relu", "norm": "none", "dropout": 0.0,
    "residual": False,
}  # fmt: skip


def objective(folder: Path, **rest: Any) -> Objective:
    inherit = Inherit(folder / "weights", **{"epochs": 1, **rest})
    return Objective(NETWORK, train(epochs=3, inherit=inherit))


def searched(folder: Path, *changes: dict[str, Any], **rest: Any) -> list[FrozenTrial]:
    """The trials of a study that tries the parameters above, and then others in turn."""
    study = create_study(sampler="random", pruner=None, direction="maximize", seed=0)
    for changed in changes:
        study.enqueue_trial({**PARAMS, **changed})
    study.optimize(objective(folder, **rest), n_trials=len(changes))
    return study.trials


def inherited(trial: FrozenTrial) -> Any:
    return trial.user_attrs["inherited"]


def file_of(folder: Path, trial: FrozenTrial) -> Path:
    return folder / "weights" / trial.user_attrs["weights"]["artifact"]


def test_a_child_says_whose_weights_it_took_and_how_many(tmp_path: Path) -> None:
    first, second, third = searched(tmp_path, {}, {"width": 16}, {"width": 16, "depth": 2})
    assert inherited(first) == {"from": None, "why": "no trial that is near enough has weights"}
    assert inherited(second) == {"from": 0, "share": 1.0, "identity": 0.0, "epochs_before": 3}
    new = 16 * 16 + 16
    whole = 4 * 16 + 16 + new + 16 * 2 + 2
    assert inherited(third) == {
        "from": 1,
        "share": pytest.approx(1 - new / whole),
        "identity": pytest.approx(new / whole),
        "epochs_before": 4,
    }


def test_a_trial_that_inherits_trains_for_fewer_epochs(tmp_path: Path) -> None:
    first, second = searched(tmp_path, {}, {"width": 16})
    assert (first.user_attrs["epochs"], second.user_attrs["epochs"]) == (3, 1)
    assert list(second.intermediate_values) == [1]


def test_it_trains_at_the_end_of_the_schedule(tmp_path: Path) -> None:
    progress: list[float] = []

    def noted(at: float) -> float:
        progress.append(at)
        return 1.0

    def recipe(trial: Any, module: nn.Module) -> Recipe:
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        return Recipe(optimizer, batch_size=45, schedule=noted)

    study = create_study(sampler="random", pruner=None, direction="maximize", seed=0)
    evaluate = train(epochs=4, recipe=recipe, inherit=Inherit(tmp_path, epochs=1))
    for _ in range(2):
        trial = study.ask()
        study.tell(trial, evaluate(net(), trial))
    steps = [(step + 0.5) / 8 for step in range(8)]
    assert progress == pytest.approx([*steps, *steps[-2:]])


def test_without_epochs_of_its_own_it_trains_for_as_many(tmp_path: Path) -> None:
    assert searched(tmp_path, {}, {"width": 16}, epochs=None)[1].user_attrs["epochs"] == 3


def test_a_child_begins_where_its_parent_ended(tmp_path: Path) -> None:
    study = create_study(sampler="random", direction="maximize", seed=0)
    still = Train(
        blobs(),
        blobs(60, seed=1),
        epochs=1,
        metric="loss",
        direction="minimize",
        recipe=lambda trial, module: _no_steps(module),
        inherit=Inherit(tmp_path),
        device="cpu",
    )
    values = []
    for params in (PARAMS, {**PARAMS, "width": 16}, {**PARAMS, "width": 16, "depth": 3}):
        trial = study.ask()
        values.append(still(build(NETWORK, params), trial))
        study.tell(trial, values[-1])
    assert values[1:] == pytest.approx([values[0]] * 2, abs=1e-6)


def _no_steps(module: nn.Module) -> Any:
    return Recipe(torch.optim.SGD(module.parameters(), lr=0.0))


def test_too_many_fresh_parameters_are_trained_from_scratch(tmp_path: Path) -> None:
    changes = {}, {"residual": True, "depth": 3}

    def oldest(trial: FrozenTrial, candidates: Any) -> FrozenTrial:
        return candidates[-1]

    assert inherited(searched(tmp_path / "0", *changes, parent=oldest)[1]) == {
        "from": None,
        "why": "of trial 0 only 25% of the parameters fit",
    }
    last = searched(tmp_path / "1", *changes, parent=oldest, max_fresh=1.0)[1]
    assert inherited(last)["from"] == 0
    assert last.user_attrs["epochs"] == 1


def test_the_parent_is_the_one_that_the_sampler_mutated(tmp_path: Path) -> None:
    study = create_study(pruner=None, direction="maximize", seed=0)
    study.optimize(objective(tmp_path), n_trials=14)
    children = [t for t in study.trials if t.system_attrs[PLAN]["parents"]]
    assert [inherited(t)["from"] for t in children] == [
        t.system_attrs[PLAN]["parents"][0] for t in children
    ]
    assert len(children) == 4


def test_it_reads_what_samplers_and_spaces_write() -> None:
    assert (PLAN, ARCHITECTURE) == (PLAN_OF_SAMPLERS, ARCHITECTURE_OF_SPACE)


def test_without_a_parent_it_is_the_nearest_architecture(tmp_path: Path) -> None:
    far, near = {"width": 4, "norm": "batch", "dropout": 0.1}, {"norm": "layer"}
    trials = searched(
        tmp_path, far, near, {}, {"norm": "batch", "dropout": 0.1, "width": 8}, max_fresh=1.0
    )
    assert [inherited(t)["from"] for t in trials] == [None, None, 1, 0]


def test_what_evaluators_asked_before_makes_no_trial_a_stranger(tmp_path: Path) -> None:
    def asks(module: nn.Module, trial: Any) -> float:
        return sum(trial.suggest_float(name, 0, 1) for name in "abc")

    study = create_study(
        sampler="random", pruner=None, directions=["maximize", "maximize"], seed=0
    )
    for changed in ({}, {"norm": "layer"}):
        study.enqueue_trial({**PARAMS, **changed})
    train_it = train(epochs=3, inherit=Inherit(tmp_path, epochs=1, max_fresh=1.0))
    study.optimize(Objective(NETWORK, asks, train_it), n_trials=2)
    assert inherited(study.trials[1])["from"] == 0


def test_a_function_may_choose_the_parent(tmp_path: Path) -> None:
    offered: list[list[int]] = []

    def oldest(trial: FrozenTrial, candidates: Any) -> FrozenTrial | None:
        offered.append([candidate.number for candidate in candidates])
        return candidates[-1] if trial.number > 2 else None

    trials = searched(tmp_path, {}, {}, {}, {}, parent=oldest)
    assert [inherited(t)["from"] for t in trials[:3]] == [None, None, None]
    assert inherited(trials[3])["from"] == offered[-1][-1]
    assert [sorted(numbers) for numbers in offered] == [[0], [0, 1], [0, 1, 2]]


def test_a_parent_that_was_not_offered_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"parent must return one of the candidates or None, but"):
        searched(tmp_path, {}, {}, parent=lambda trial, candidates: trial)


def test_a_study_that_is_resumed_goes_on_with_its_weights(tmp_path: Path) -> None:
    path = str(tmp_path / "study.journal")
    for _ in range(2):
        study = create_study(
            sampler="random", pruner=None, direction="maximize", storage=path, study_name="one",
            load_if_exists=True, seed=0,
        )  # fmt: skip
        study.enqueue_trial(PARAMS)
        study.optimize(objective(tmp_path), n_trials=1)
    assert inherited(study.trials[1])["from"] == 0


def test_the_same_seed_inherits_bit_for_bit_the_same(tmp_path: Path) -> None:
    values = []
    for i in range(2):
        study = create_study(pruner=None, direction="minimize", seed=3)
        inherit = Inherit(tmp_path / str(i), epochs=1)
        evaluate = train(epochs=2, inherit=inherit, metric="loss", seed=3)
        study.optimize(Objective(NETWORK, evaluate), n_trials=13)
        values.append([trial.value for trial in study.trials])
    assert values[0] == values[1]


def test_the_weights_are_an_artifact_that_optuna_can_fetch(tmp_path: Path) -> None:
    (trial,) = searched(tmp_path, {})
    path = tmp_path / "fetched.safetensors"
    download_artifact(
        artifact_store=FileSystemArtifactStore(tmp_path / "weights"),
        artifact_id=trial.user_attrs["weights"]["artifact"],
        file_path=str(path),
    )
    module = build(NETWORK, trial)
    module.load_state_dict(load_file(path))
    assert (module.eval()(torch.tensor(blobs()[0]).float()).argmax(1).shape) == (90,)
    assert path.stat().st_size == trial.user_attrs["weights"]["bytes"]
    assert sha256(path.read_bytes()).hexdigest() == trial.user_attrs["weights"]["sha256"]


def test_a_store_of_optunas_does_as_well_as_a_folder(tmp_path: Path) -> None:
    inherit = Inherit(FileSystemArtifactStore(tmp_path), epochs=1)
    study = create_study(sampler="random", pruner=None, direction="maximize", seed=0)
    for _ in range(2):
        study.enqueue_trial(PARAMS)
    study.optimize(Objective(NETWORK, train(inherit=inherit)), n_trials=2)
    assert inherited(study.trials[1])["from"] == 0


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (Path.unlink, r"weights of trial 0: not found"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), r"weights of trial 0: \d+ bytes"),
        (lambda path: path.write_bytes(b""), r"weights of trial 0: 0 bytes that are not the"),
        (lambda path: path.write_bytes(b"x" * 999), r"weights of trial 0: 999 bytes that are"),
    ],
)
def test_weights_that_are_gone_or_damaged_are_said_and_done_without(
    tmp_path: Path, harm: Callable[[Path], Any], why: str
) -> None:
    study = create_study(sampler="random", pruner=None, direction="maximize", seed=0)
    study.enqueue_trial(PARAMS)
    study.optimize(objective(tmp_path), n_trials=1)
    harm(file_of(tmp_path, study.trials[0]))
    study.enqueue_trial(PARAMS)
    with pytest.warns(UserWarning, match=r"the weights of an earlier trial are gone or damaged"):
        study.optimize(objective(tmp_path), n_trials=1)
    second = study.trials[1]
    assert inherited(second)["from"] is None
    assert second.user_attrs["epochs"] == 3
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(inherited(second)["why"])


def test_of_weights_that_are_gone_it_warns_once(tmp_path: Path) -> None:
    study = create_study(sampler="random", pruner=None, direction="maximize", seed=0)
    for _ in range(3):
        study.enqueue_trial(PARAMS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        study.optimize(
            objective(tmp_path),
            n_trials=3,
            callbacks=[lambda study, trial: file_of(tmp_path, trial).unlink()],
        )
    assert len([w for w in caught if "weights of an earlier trial" in str(w.message)]) == 1


def test_weights_of_another_shape_are_said_and_done_without(tmp_path: Path) -> None:
    study = create_study(sampler="random", pruner=None, direction="maximize", seed=0)
    evaluate = train(inherit=Inherit(tmp_path, epochs=1))
    for module in (
        net(),
        nn.Sequential(nn.Unflatten(1, (1, 4)), nn.Conv1d(1, 2, 4), nn.Flatten()),
    ):
        trial = study.ask()
        study.tell(trial, evaluate(module, trial))
    assert inherited(study.trials[1]) == {
        "from": None,
        "why": "of trial 0 only 0% of the parameters fit",
    }
    assert study.trials[1].user_attrs["epochs"] == 3


def test_a_pruned_trial_leaves_weights_and_a_rejected_one_none(tmp_path: Path) -> None:
    class Impatient(optuna.pruners.BasePruner):
        def prune(self, study: Any, trial: Any) -> bool:
            return trial.number == 0

    study = create_study(sampler="random", pruner=Impatient(), direction="maximize", seed=0)
    evaluate = train(inherit=Inherit(tmp_path, epochs=1))
    trial = study.ask()
    with pytest.raises(optuna.TrialPruned):
        evaluate(net(), trial)
    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    trial = study.ask()
    broken = net()
    nn.init.constant_(next(broken.parameters()), float("nan"))
    with pytest.raises(Rejected):
        train(inherit=Inherit(tmp_path, max_fresh=0.0, parent=lambda *_: None))(broken, trial)
    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    trial = study.ask()
    evaluate(net(), trial)
    assert "weights" not in study.trials[1].user_attrs
    assert inherited(study.trials[2])["from"] == 0


def test_a_trial_without_a_study_is_trained_from_scratch_and_kept_nowhere(tmp_path: Path) -> None:
    trial = Trial()
    train(inherit=Inherit(tmp_path))(net(), trial)
    assert trial.user_attrs["inherited"]["from"] is None
    assert "weights" not in trial.user_attrs
    assert not list(tmp_path.iterdir())


def test_a_write_that_fails_does_not_end_the_search(tmp_path: Path) -> None:
    class Full(FileSystemArtifactStore):
        def write(self, artifact_id: str, content_body: Any) -> None:
            raise OSError(28, "No space left on device")

    study = create_study(sampler="random", pruner=None, direction="maximize", seed=0)
    evaluate = train(inherit=Inherit(Full(tmp_path)))
    with pytest.warns(UserWarning, match=r"weights could not be written to artifacts=.*No space"):
        study.optimize(Objective(NETWORK, evaluate), n_trials=1)
    assert len(study.get_trials(states=[optuna.trial.TrialState.COMPLETE])) == 1


def test_two_workers_and_two_objectives_share_the_weights(tmp_path: Path) -> None:
    """Two studies of one storage, each with an objective of its own, take turns."""
    workers = []
    for _ in range(2):
        study = create_study(
            pruner=None,
            directions=["maximize", "minimize"],
            storage=str(tmp_path / "study.journal"),
            study_name="one",
            load_if_exists=True,
            seed=0,
        )
        inherit = Inherit(tmp_path / "weights", epochs=1, max_fresh=1.0)
        evaluate = train(epochs=2, inherit=inherit)
        workers.append((study, Objective(NETWORK, evaluate, metrics.Parameters())))
    for i in range(12):
        study, evaluate_both = workers[i % 2]
        study.optimize(evaluate_both, n_trials=1)
    child = study.trials[11]
    assert child.system_attrs[PLAN]["parents"][0] == inherited(child)["from"]
    assert len(list((tmp_path / "weights").iterdir())) == 12


class Noted(nn.Linear):
    """A layer whose state is more than tensors."""

    def get_extra_state(self) -> Any:
        return {"made": "here"}

    def set_extra_state(self, state: Any) -> None:
        raise AssertionError("nothing of it was kept")


def test_of_a_state_that_is_more_than_tensors_the_tensors_are_kept(tmp_path: Path) -> None:
    study = create_study(sampler="random", pruner=None, direction="maximize", seed=0)
    evaluate = train(inherit=Inherit(tmp_path, epochs=1))
    for _ in range(2):
        trial = study.ask()
        study.tell(trial, evaluate(nn.Sequential(Noted(4, 8), nn.ReLU(), Noted(8, 2)), trial))
    assert inherited(study.trials[1])["share"] == 1.0
