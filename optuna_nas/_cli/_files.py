"""What a search leaves: ``result.json`` says what was done, ``model`` is the network."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from datetime import timezone
import json
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState
from torch import nn

from optuna_nas._cli._errors import bad_input
from optuna_nas._cli._finish import Finalist
from optuna_nas._cli._finish import Outcome
from optuna_nas._cli._options import Options
from optuna_nas._cli._rows import take
from optuna_nas._cli._setup import Setup
from optuna_nas._cli._study import without_password
from optuna_nas._cli._write import write
from optuna_nas._estimator._table import TableInputs
from optuna_nas._export import export_fitted
from optuna_nas._export import ExportError
from optuna_nas._export import Fitted
from optuna_nas.visualization import report
from optuna_nas.visualization._report_spent import installed
from optuna_nas.visualization._report_spent import machine


MODEL = "model"
REPORT = "report.html"
RESULT = "result.json"

CHECKED = 100
"""Rows of the test part that an exported network is checked with."""


def save_model(
    setup: Setup,
    module: nn.Module,
    params: dict[str, Any],
    path: Path,
    scores: dict[str, float],
    *,
    overwrite: bool,
) -> None:
    """Exports a network with its preprocessing, to run without this library.

    Args:
        setup:
            What was searched.
        module:
            The trained network.
        params:
            Its decisions.
        path:
            The folder.
        scores:
            What to tell of it, by name.
        overwrite:
            Whether to replace an earlier export.

    Raises:
        BadInput:
            If it cannot be written, or the program does not predict as the network does.
    """
    data = setup.data
    held_out = data.raw[2]
    fitted = Fitted(
        module.cpu().eval(),
        inputs=data.inputs,
        targets=data.targets,
        network=setup.space.network,
        params=params,
        metrics=scores,
        example=take(held_out, range(min(CHECKED, len(held_out)))),
        doubles=isinstance(data.inputs, TableInputs) and ":" not in setup.space.name,
        target=data.target,
    )
    with bad_input((ExportError, ValueError, OSError), before=f"{path} cannot be exported: "):
        export_fitted(fitted, path, overwrite=overwrite)


def make_result(
    setup: Setup,
    study: optuna.Study,
    finalists: list[Finalist],
    tested: list[Outcome],
    seconds: dict[str, float],
) -> dict[str, Any]:
    """Everything that is needed to see what was done, as JSON has it.

    Args:
        setup:
            What was searched.
        study:
            The search.
        finalists:
            The candidates that were trained again, the winner first.
        tested:
            The winner's test score, then the controls'.
        seconds:
            How long what took.
    """
    options, data = setup.options, setup.data
    return {
        "command": without_password(options.command()),
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": installed(),
        "hardware": machine(),
        "options": {**_plain(asdict(options)), "epochs": setup.epochs},
        "data": {
            "name": data.name,
            "fingerprint": data.fingerprint,
            "task": data.task,
            "reason": data.reason,
            "classes": data.classes,
            "shape": data.shape,
            "rows": dict(zip(("train", "valid", "test"), data.rows, strict=True)),
        },
        "space": {"name": setup.space.name, "arguments": setup.space.arguments},
        "study": _study(study, options),
        "winner": {"trial": finalists[0].number, "params": finalists[0].params},
        "finalists": [{**asdict(f), "mean": f.mean if f.scores else None} for f in finalists],
        "metric": data.metric,
        "test": {t.key: t.score for t in tested},
        "control_winners": {t.key: asdict(t.winner) for t in tested[1:] if t.winner},
        "model": str(options.folder / MODEL),
        "report": str(options.folder / REPORT),
        "seconds": {what: round(value, 1) for what, value in seconds.items()},
    }


def save_result(folder: Path, result: dict[str, Any]) -> None:
    """Saves it.

    Args:
        folder:
            Where.
        result:
            As :func:`make_result` gives it.
    """
    write(folder / RESULT, json.dumps(result, indent=2) + "\n")


def save_report(
    setup: Setup, study: optuna.Study, control: optuna.Study | None, result: dict[str, Any]
) -> None:
    """Saves the page to send.

    Args:
        setup:
            What was searched.
        study:
            The search.
        control:
            Random search beside it.
        result:
            As :func:`make_result` gives it.
    """
    report(
        study,
        setup.options.folder / REPORT,
        network=setup.space.network,
        example=setup.data.train[0][:2],
        control=() if control is None else control,
        result=result,
    )


def _study(study: optuna.Study, options: Options) -> dict[str, Any]:
    trials = study.get_trials(deepcopy=False)
    states = {state.name.lower(): sum(t.state == state for t in trials) for state in TrialState}
    rejected = sum("rejected" in trial.user_attrs for trial in trials)
    return {
        "name": study.study_name,
        "storage": without_password(options.where),
        "sampler": type(study.sampler).__name__,
        "pruner": type(study.pruner).__name__,
        "directions": [direction.name.lower() for direction in study.directions],
        "trials": {**states, "rejected": rejected},
        "front": [{"trial": t.number, "values": t.values} for t in study.best_trials],
    }


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Options as JSON has them."""
    plain = {n: str(v) if isinstance(v, Path) else v for n, v in options.items()}
    if plain["storage"] is not None:
        plain["storage"] = without_password(plain["storage"])
    return plain
