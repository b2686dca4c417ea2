from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.study import StudyDirection
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas.training import Inherit
from optuna_nas.training._inherit_arguments import to_bytes_of
from optuna_nas.training._inherit_folder import Folder
from optuna_nas.training._inherit_kept import best_then_youngest
from optuna_nas.training._inherit_kept import front
from optuna_nas.training._inherit_kept import GIVEN_UP
from optuna_nas.training._inherit_kept import to_remove
from optuna_nas.training._inherit_kept import with_weights
from tests.training.samples import train


UP, DOWN = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE


def trials(*told: tuple[Any, int]) -> list[FrozenTrial]:
    """Trials with weights: their values, or a state, and the size."""
    made = []
    for number, (values, size) in enumerate(told):
        state = values if isinstance(values, TrialState) else TrialState.COMPLETE
        trial = create_trial(
            state=state,
            values=None if values is state else values,
            user_attrs={"weights": {"artifact": f"a{number}", "bytes": size, "removed": []}},
        )
        trial.number = number
        made.append(trial)
    return made


def numbers(of: Sequence[FrozenTrial] | None) -> list[int]:
    assert of is not None
    return [trial.number for trial in of]


def test_pruned_weights_go_before_complete_ones_and_the_worst_before_the_best() -> None:
    kept = trials(
        ([0.9], 10), ([0.3], 10), (TrialState.PRUNED, 10), (TrialState.PRUNED, 10),
        (TrialState.FAIL, 10), ([0.5], 10),
    )  # fmt: skip
    order = [4, 2, 3, 1, 5]
    for freed in range(6):
        removed = to_remove(kept, [UP], size=10 * freed, budget=60)
        assert numbers(removed) == order[:freed]
    assert to_remove(kept, [UP], size=60, budget=60) is None
    assert numbers(to_remove(kept, [DOWN], size=50, budget=60)) == [4, 2, 3, 0, 5]


def test_with_several_objectives_the_oldest_go_and_the_front_stays() -> None:
    kept = trials(([0.1, 5], 10), ([0.9, 9], 10), ([0.2, 1], 10), ([0.15, 4], 10))
    assert numbers(front(kept, [UP, DOWN])) == [1, 2]
    assert numbers(to_remove(kept, [UP, DOWN], size=10, budget=40)) == [0]
    assert numbers(to_remove(kept, [UP, DOWN], size=20, budget=40)) == [0, 3]
    assert to_remove(kept, [UP, DOWN], size=30, budget=40) is None
    assert numbers(best_then_youngest(kept, [UP, DOWN])) == [2, 1, 3, 0]


def test_weights_of_a_trial_that_runs_count_and_stay() -> None:
    kept = trials(([0.9], 10), (TrialState.RUNNING, 10))
    assert to_remove(kept, [UP], size=5, budget=20) is None
    assert numbers(to_remove(kept, [UP], size=5, budget=25)) == []


def test_weights_of_a_trial_that_never_ends_go_first_once_so_many_others_have_ended() -> None:
    kept = trials((TrialState.RUNNING, 10), ([0.9], 10), (TrialState.PRUNED, 10))
    kept[0].user_attrs["weights"]["ended"] = 5
    others = [create_trial(state=TrialState.FAIL) for _ in range(5 + GIVEN_UP - 2)]
    assert numbers(to_remove([*kept, *others], [UP], size=5, budget=30)) == [0]
    assert numbers(to_remove([*kept, *others[1:]], [UP], size=5, budget=30)) == [2]
    del kept[0].user_attrs["weights"]["ended"]
    assert numbers(to_remove([*kept, *others], [UP], size=5, budget=30)) == [2]


def test_what_a_killed_worker_has_kept_does_not_stay_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optuna_nas.training._inherit_kept.GIVEN_UP", 4)
    study = create_study(sampler="random", pruner=None, direction="minimize", seed=0)
    network = spaces.MLP(in_features=4, out_features=2, widths=(8,))
    inherit = Inherit(tmp_path, budget=6_000)
    objective = Objective(network, train(epochs=1, inherit=inherit, metric="loss"))
    objective(study.ask())  # which nobody tells
    study.optimize(objective, n_trials=4)
    assert numbers(with_weights(study.trials))[0] == 0
    study.optimize(objective, n_trials=4)
    assert 0 not in numbers(with_weights(study.trials))
    assert len(list(tmp_path.iterdir())) == len(with_weights(study.trials))


def test_what_any_trial_removed_is_gone_for_all() -> None:
    told = trials(([0.1], 10), ([0.2], 10), ([0.3], 10))
    told[1].user_attrs["weights"]["removed"] = [0]
    told[2].user_attrs["weights"] = {"why": "no room"}
    assert numbers(with_weights(told)) == [1]


def test_the_folder_never_exceeds_the_budget_and_keeps_the_best(tmp_path: Path) -> None:
    study = create_study(pruner=None, direction="minimize", seed=0)
    network = spaces.MLP(in_features=4, out_features=2, widths=(4, 8, 16))
    budget, sizes = 20_000, []

    def measured(*_: Any) -> None:
        files = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
        sizes.append(sum(files.values()))
        assert study.best_trial.user_attrs["weights"]["artifact"] in files
        there = {t.user_attrs["weights"]["artifact"] for t in with_weights(study.trials)}
        assert there == set(files)

    evaluate = train(epochs=1, inherit=Inherit(tmp_path, budget=budget), metric="loss")
    study.optimize(Objective(network, evaluate), n_trials=16, callbacks=[measured])
    assert budget / 2 < max(sizes) <= budget
    assert any(trial.user_attrs["weights"]["removed"] for trial in study.trials)


def test_weights_larger_than_the_budget_are_not_kept(tmp_path: Path) -> None:
    study = create_study(sampler="random", direction="maximize", seed=0)
    network = spaces.MLP(in_features=4, out_features=2)
    study.optimize(Objective(network, train(inherit=Inherit(tmp_path, "1 KB"))), n_trials=1)
    told = study.trials[0].user_attrs["weights"]["why"]
    assert told.startswith("no room for ")
    assert told.endswith(" bytes in a budget of 1000")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("budget", "size"),
    [("1 GB", 10**9), ("1.5 kb", 1500), ("2TB", 2 * 10**12), (7, 7), ("9 B", 9)],
)
def test_a_budget_is_bytes_or_has_a_unit(budget: int | str, size: int) -> None:
    assert to_bytes_of(budget) == size


class Torn(BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise KeyboardInterrupt
        return super().read(3)


def test_a_file_that_is_half_written_has_another_name_and_goes_with_its_own(
    tmp_path: Path,
) -> None:
    folder = Folder(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        folder.write("a", Torn(b"weights"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.part"]
    with pytest.raises(ArtifactNotFound, match=r"not found"):
        folder.open_reader("a")
    with pytest.raises(ArtifactNotFound, match=r"not found"):
        folder.remove("a")
    assert not list(tmp_path.iterdir())
    folder.write("a", BytesIO(b"weights"))
    with folder.open_reader("a") as file:
        assert file.read() == b"weights"
    folder.remove("a")
    assert not list(tmp_path.iterdir())
