"""``optuna-nas show``: what a study found, whoever ran it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Sequence
import json
import math
from pathlib import Path
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
from rich.console import Console
from rich.padding import Padding
from rich.text import Text
import typer

from optuna_nas._cli._chart import chart
from optuna_nas._cli._decisions import as_table
from optuna_nas._cli._decisions import front_table
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import nearest
from optuna_nas._cli._ledger import CHOSEN
from optuna_nas._cli._origins import said_of
from optuna_nas._cli._study import connect
from optuna_nas._cli._study import objectives
from optuna_nas._cli._study import storage_at
from optuna_nas._cli._study import without_password
from optuna_nas.study._objective import INTERRUPTED
from optuna_nas.visualization._so_far import duration
from optuna_nas.visualization._so_far import plural


def show(storage: str, study_name: str | None, console: Console, *, as_json: bool = False) -> None:
    """Prints what a study found.

    Args:
        storage:
            A path, a folder or a URL.
        study_name:
            Which of several.
        console:
            Where.
        as_json:
            Whether as one JSON object.

    Raises:
        BadInput:
            If there is no such study.
    """
    study = load(storage, study_name)
    if as_json:
        typer.echo(json.dumps(_as_json(study), indent=2))
        return
    names = objectives(study)
    directions = [direction.name.lower() for direction in study.directions]
    goal = " and ".join(f"{d} {n}" for d, n in zip(directions, names, strict=True))
    trials = study.get_trials(deepcopy=False)
    console.print(Text.assemble((study.study_name, "bold"), f": {goal}"))
    console.print(_states(trials), highlight=False)
    _show_reasons(console, trials)
    if chosen := study.user_attrs.get(CHOSEN):
        console.print(_said_of_choice(chosen, names[0]), highlight=False)
    best = _best_first(study)
    if not best:
        console.print("No network was trained to the end yet.")
        return
    if len(names) > 1:
        console.print("\n[bold]Pareto front[/]")
        console.print(Padding(front_table(best, names), (0, 0, 0, 2)))
    _show_trial(console, best[0], names)


def load(storage: str, name: str | None) -> optuna.Study:
    """Opens a study that is there.

    Args:
        storage:
            A path, a folder or a URL.
        name:
            Which of several.

    Raises:
        BadInput:
            If there is no such study, or several and no name.
    """
    own = Path(storage).resolve().name if Path(storage).is_dir() else None
    storage = storage_at(storage)
    opened, where = connect(storage), without_password(storage)
    names = sorted(optuna.get_all_study_names(opened))
    if not names:
        raise BadInput(f"{where} holds no study.")
    if name is None and own in names:
        name = own
    listed = ", ".join(map(repr, names))
    if name is None and len(names) > 1:
        raise BadInput(f"{where} holds {len(names)} studies: {listed}. Say which: --study-name.")
    if name is not None and name not in names:
        raise BadInput(
            f"{where} holds no study {name!r}.{nearest(name, names)} It holds {listed}."
        )
    return optuna.load_study(study_name=name or names[0], storage=opened)


def _counts(trials: Sequence[FrozenTrial]) -> dict[str, int]:
    """How many trials came to what."""
    rejected = sum("rejected" in trial.user_attrs for trial in trials)
    counts = Counter(trial.state for trial in trials)
    failed = [trial for trial in trials if trial.state == TrialState.FAIL]
    interrupted = sum(INTERRUPTED in trial.user_attrs for trial in failed)
    return {
        "trained to the end": counts[TrialState.COMPLETE],
        "pruned": counts[TrialState.PRUNED] - rejected,
        "rejected": rejected,
        "interrupted": interrupted,
        "failed": len(failed) - interrupted,
        "running": counts[TrialState.RUNNING],
        "waiting": counts[TrialState.WAITING],
    }


def _seconds(trials: Sequence[FrozenTrial]) -> float:
    return sum(t.duration.total_seconds() for t in trials if t.duration is not None)


def _states(trials: Sequence[FrozenTrial]) -> str:
    """``30 networks: 24 trained, 5 pruned, 1 rejected; 2 min 4 s``."""
    told = ", ".join(f"{number} {what}" for what, number in _counts(trials).items() if number)
    count, work = plural(len(trials), "network"), duration(_seconds(trials))
    return f"{count}: {told or 'none begun'}; {work} of work"


def _as_json(study: optuna.Study) -> dict[str, Any]:
    names = objectives(study)
    trials = study.get_trials(deepcopy=False)
    return {
        "name": study.study_name,
        "objectives": {
            name: direction.name.lower()
            for name, direction in zip(names, study.directions, strict=True)
        },
        "trials": {what.replace(" ", "_"): n for what, n in _counts(trials).items()},
        "rejected": dict(_reasons(trials)),
        "seconds": round(_seconds(trials), 3),
        "chosen": study.user_attrs.get(CHOSEN, {}).get("trial"),
        "best": [
            {
                "trial": trial.number,
                "values": dict(zip(names, trial.values, strict=True)),
                "params": trial.params,
                "origin": trial.user_attrs.get("origin"),
                "seconds": _seconds([trial]),
                "curve": _curve(trial)[0],
            }
            for trial in _best_first(study)
        ],
    }


def _said_of_choice(chosen: Mapping[str, Any], metric: str) -> str:
    of, number, mean = plural(chosen["of"], "network"), chosen["trial"], chosen["mean"]
    return f"Chosen of {of}: network {number}, when trained again with mean {metric} {mean:.4f}"


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
    name = f"[bold]Network {trial.number}[/]{said_of(trial.user_attrs.get('origin'))}"
    console.print(f"\n{name}: {values}{seconds}", highlight=False)
    console.print(Padding(as_table(trial.params), (0, 0, 0, 2)))
    curve, over = _curve(trial)
    curve = [value for value in curve if math.isfinite(value)]
    if curve:
        console.print(f"\n[bold]Curve[/]: {names[0]} over {over}", highlight=False)
        console.print(Padding(Text("\n".join(chart(curve))), (0, 0, 0, 2)))


def _curve(trial: FrozenTrial) -> tuple[list[float], str]:
    """A trial's scores, and over what: steps need not be epochs."""
    attrs = trial.user_attrs
    if curve := attrs.get("curve"):
        steps = attrs.get("steps")
        over = plural(len(curve), "epoch") if steps is None else f"{steps[-1]:,} steps"
        return list(curve), over
    steps = sorted(trial.intermediate_values)
    last = f"{steps[-1]:,} steps" if steps else ""
    return [trial.intermediate_values[step] for step in steps], last


def _show_reasons(console: Console, trials: Sequence[FrozenTrial]) -> None:
    """Why trials were rejected, the most frequent reason first."""
    for reason, count in _reasons(trials)[:10]:
        console.print(Text(f"  rejected {count} x: {reason}"))


def _reasons(trials: Sequence[FrozenTrial]) -> list[tuple[str, int]]:
    return Counter(
        t.user_attrs["rejected"] for t in trials if "rejected" in t.user_attrs
    ).most_common()
