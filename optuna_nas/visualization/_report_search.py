"""What a report is made from: a study, and what stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
import math
from typing import Any
from typing import TypeGuard

from optuna.study import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas._ranking import best_first
from optuna_nas._ranking import parted
from optuna_nas.space import Network
from optuna_nas.study._front import front
from optuna_nas.study._names import metric_names
from optuna_nas.study._objective import INTERRUPTED
from optuna_nas.study._seeds import SEED


SEARCH = "optuna_nas:search"
"""Study user attr that ``optuna-nas search`` leaves: data, space, epochs, in plain words."""

RUN = "optuna_nas:run"
"""Study user attr of ``optuna-nas search``, followed by the time: a run, which may be of many."""

TOLD = {"command", "trials before", "sampler", "pruner", "seconds"}
"""What it says."""

AFTER = "trials after"
"""What it says too, once it has ended."""

ROWS = 20
"""Of a Pareto front; of one objective, half as many."""


@dataclass(frozen=True)
class Search:
    """A search to report on.

    Args:
        study:
            The search.
        network:
            Its search space, or None if nobody knows it.
        example:
            A batch of its inputs, or None.
        repeats:
            The same search with other seeds.
        controls:
            Random search, a study for each seed.
        result:
            What ``optuna-nas search`` wrote into ``result.json``; empty for other studies.
    """

    study: Study
    network: Network | None
    example: Any
    repeats: tuple[Study, ...]
    controls: tuple[Study, ...]
    result: Mapping[str, Any]

    @cached_property
    def names(self) -> list[str]:
        """Of the objectives."""
        return metric_names(self.study)

    @cached_property
    def trials(self) -> list[FrozenTrial]:
        """All of the study."""
        return self.study.get_trials(deepcopy=False)

    @cached_property
    def feasible(self) -> list[FrozenTrial]:
        """The complete ones that break no constraint, the best first, each network once."""
        complete = self.of(TrialState.COMPLETE)
        kept, _ = parted(complete, self.study.directions)
        return distinct(best_first(kept, self.study.directions))

    @cached_property
    def best(self) -> list[FrozenTrial]:
        """The front, the best by the first objective first; with one objective the best ten."""
        if not self.several:
            return self.feasible[: ROWS // 2]
        return sorted(front(self.study), key=self._by_first) if self.feasible else []

    @property
    def several(self) -> bool:
        """Whether there are several objectives."""
        return len(self.names) > 1

    @property
    def seed(self) -> Any:
        """What the study began with, or None."""
        return self.study.user_attrs.get(SEED)

    @property
    def signature(self) -> Mapping[str, Any]:
        """What ``optuna-nas search`` says that the study is of; empty for other studies."""
        found = self.study.user_attrs.get(SEARCH)
        return found if isinstance(found, Mapping) else {}

    @property
    def runs(self) -> list[Mapping[str, Any]]:
        """What the study remembers of the runs of ``optuna-nas search``, the first one first."""
        found = [v for name, v in sorted(self.study.user_attrs.items()) if name.startswith(RUN)]
        told = [v for v in found if isinstance(v, Mapping) and v.keys() >= TOLD]
        return sorted(told, key=lambda run: int(run["trials before"]))

    @property
    def open_runs(self) -> int:
        """How many runs are at work now, or were killed before they could note their seconds."""
        return sum(AFTER not in run for run in self.runs)

    @property
    def commands(self) -> list[str]:
        """Those that made the study what it is, in order; empty if not known."""
        return list(dict.fromkeys(str(run["command"]) for run in self._searching()))

    @property
    def samplers(self) -> list[tuple[int, tuple[str, ...]]]:
        """How many trials there were before, with sampler and pruner; empty if not known.

        A study that was only loaded has Optuna's default sampler, whatever searched.
        """
        found: list[tuple[int, tuple[str, ...]]] = []
        for run in self._searching():
            both = str(run["sampler"]), str(run["pruner"])
            if not found or found[-1][1] != both:
                found.append((int(run["trials before"]), both))
        sampler = type(self.study.sampler)
        if not found and sampler.__module__.startswith("optuna_nas."):
            found.append((0, (sampler.__name__,)))
        return found

    def of(self, *states: TrialState) -> list[FrozenTrial]:
        """Returns the trials of some states.

        Args:
            *states:
                Which.
        """
        return [trial for trial in self.trials if trial.state in states]

    def told(self, *keys: str) -> Any:
        """Returns what the result says, or None.

        Args:
            *keys:
                From the outside in.
        """
        found: Any = self.result
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    @property
    def finalists(self) -> list[Mapping[str, Any]]:
        """What the result says of the candidates that were trained again, the winner first."""
        found = self.told("finalists")
        return [f for f in found if isinstance(f, Mapping)] if isinstance(found, list) else []

    def numbers(self, *keys: str) -> dict[str, float]:
        """Returns the numbers that the result has in one place, by name.

        Args:
            *keys:
                From the outside in.
        """
        found = self.told(*keys)
        pairs = found.items() if isinstance(found, Mapping) else ()
        return {str(name): float(v) for name, v in pairs if _is_finite(v)}

    def _searching(self) -> list[Mapping[str, Any]]:
        """The runs that added trials, or may have."""
        return [run for run in self.runs if run.get(AFTER) != run["trials before"]]

    def _by_first(self, trial: FrozenTrial) -> float:
        value = float(trial.values[0])
        return -value if self.study.directions[0] == StudyDirection.MAXIMIZE else value


def distinct(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Returns the first trial of each network.

    Args:
        trials:
            In order.
    """
    found: dict[str, FrozenTrial] = {}
    for trial in trials:
        found.setdefault(repr(sorted(trial.params.items())), trial)
    return list(found.values())


def seconds_of(trials: Sequence[FrozenTrial]) -> float:
    """Returns what trials took, one after the other.

    Args:
        trials:
            Of any state.
    """
    return sum(t.duration.total_seconds() for t in trials if t.duration is not None)


def epochs_of(trials: Sequence[FrozenTrial]) -> int | None:
    """Returns the epochs that trials trained; None if none of them says.

    Args:
        trials:
            Of any state.
    """
    found = [trial.user_attrs.get("epochs") for trial in trials]
    told = [epochs for epochs in found if _is_finite(epochs)]
    return round(sum(told)) if told else None


def scores_of(finalist: Mapping[str, Any]) -> list[float]:
    """Returns what a finalist came to, with each seed.

    Args:
        finalist:
            As the result has it.
    """
    found = finalist.get("scores")
    return [float(v) for v in found if _is_finite(v)] if isinstance(found, list) else []


def lost(trials: Sequence[FrozenTrial]) -> dict[str, list[FrozenTrial]]:
    """Returns trials by what became of them; only what there is.

    Args:
        trials:
            Of any state.
    """
    kinds: dict[str, list[FrozenTrial]] = {kind: [] for kind in KINDS.values()}
    for trial in trials:
        kind = "rejected" if "rejected" in trial.user_attrs else KINDS[trial.state]
        if trial.state == TrialState.FAIL and INTERRUPTED in trial.user_attrs:
            kind = "interrupted"
        kinds.setdefault(kind, []).append(trial)
    return {kind: found for kind, found in kinds.items() if found}


def _is_finite(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)


KINDS = {
    TrialState.COMPLETE: "trained to the end",
    TrialState.PRUNED: "stopped early",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}
