"""``optuna-nas show``: what a study found, whoever ran it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
import math
from pathlib import Path

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from optuna_nas._cli._chart import chart
from optuna_nas._cli._decisions import as_table
from optuna_nas._cli._decisions import front_table
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import nearest
from optuna_nas._cli._progress import duration
from optuna_nas._cli._progress import plural
from optuna_nas._cli._study import connect
from optuna_nas._cli._study import objectives
from optuna_nas._cli._study import without_password


def show(storage: str, study_name: str | None, console: Console) -> None:
    """Prints what a study found.

    Args:
        storage:
            A path or a URL.
        study_name:
            Which of several.
        console:
            Where.

    Raises:
        BadInput:
            If there is no such study.
    """
    study = _load(storage, study_name)
    names = objectives(study)
    directions = [direction.name.lower() for direction in study.directions]
    goal = " and ".join(f"{d} {n}" for d, n in zip(directions, names, strict=True))
    trials = study.get_trials(deepcopy=False)
    console.print(Text.assemble((study.study_name, "bold"), f": {goal}"))
    console.print(_states(trials), highlight=False)
    _show_reasons(console, trials)
    best = _best_first(study)
    if not best:
        console.print("No network was trained to the end yet.")
        return
    if len(names) > 1:
        console.print("\n[bold]Pareto front[/]")
        console.print(Padding(front_table(best, names), (0, 0, 0, 2)))
    _show_trial(console, best[0], names)


def _load(storage: str, name: str | None) -> optuna.Study:
    file = storage.removeprefix("sqlite:///")
    if "://" not in file and not Path(file).exists():
        raise BadInput(f"there is no study at {file}: that file is not there.")
    opened, where = connect(storage), without_password(storage)
    names = sorted(optuna.get_all_study_names(opened))
    if not names:
        raise BadInput(f"{where} holds no study.")
    listed = ", ".join(map(repr, names))
    if name is None and len(names) > 1:
        raise BadInput(f"{where} holds {len(names)} studies: {listed}. Say which: --study-name.")
    if name is not None and name not in names:
        raise BadInput(
            f"{where} holds no study {name!r}.{nearest(name, names)} It holds {listed}."
        )
    return optuna.load_study(study_name=name or names[0], storage=opened)


def _states(trials: Sequence[FrozenTrial]) -> str:
    """``30 networks: 24 trained, 5 pruned, 1 rejected; 2 min 4 s``."""
    rejected = sum("rejected" in trial.user_attrs for trial in trials)
    counts = Counter(trial.state for trial in trials)
    told = {
        "trained to the end": counts[TrialState.COMPLETE],
        "pruned": counts[TrialState.PRUNED] - rejected,
        "rejected": rejected,
        "failed": counts[TrialState.FAIL],
        "running": counts[TrialState.RUNNING],
        "waiting": counts[TrialState.WAITING],
    }
    seconds = sum(t.duration.total_seconds() for t in trials if t.duration is not None)
    states = ", ".join(f"{number} {what}" for what, number in told.items() if number)
    return (
        f"{plural(len(trials), 'network')}: {states or 'none begun'}; {duration(seconds)} of work"
    )


def _best_first(study: optuna.Study) -> list[FrozenTrial]:
    """The best trial, or the Pareto front, by the first objective."""
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return []
    sign = -1 if study.directions[0] == StudyDirection.MAXIMIZE else 1
    best = sorted(study.best_trials, key=lambda trial: sign * trial.values[0])
    return best if len(study.directions) > 1 else best[:1]


def _show_trial(console: Console, trial: FrozenTrial, names: Sequence[str]) -> None:
    values = ", ".join(f"{n} {v:,.6g}" for n, v in zip(names, trial.values, strict=True))
    seconds = f", {duration(trial.duration.total_seconds())}" if trial.duration else ""
    console.print(f"\n[bold]Network {trial.number}[/]: {values}{seconds}", highlight=False)
    console.print(Padding(as_table(trial.params), (0, 0, 0, 2)))
    steps = sorted(trial.intermediate_values.items())
    curve = trial.user_attrs.get("curve") or [value for _, value in steps]
    curve = [value for value in curve if math.isfinite(value)]
    if curve:
        console.print(f"\n[bold]Curve[/]: {names[0]} over {plural(len(curve), 'epoch')}")
        console.print(Padding(Text("\n".join(chart(curve))), (0, 0, 0, 2)))


def _show_reasons(console: Console, trials: Sequence[FrozenTrial]) -> None:
    """Why trials were rejected, the most frequent reason first."""
    reasons = Counter(t.user_attrs["rejected"] for t in trials if "rejected" in t.user_attrs)
    for reason, count in reasons.most_common(10):
        console.print(Text(f"  rejected {count} x: {reason}"))
