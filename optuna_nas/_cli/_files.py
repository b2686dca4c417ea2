"""What a search leaves: ``result.json`` says what was done, ``model.pt`` is the network."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from datetime import timezone
import json
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState
import torch
from torch import nn

import optuna_nas
from optuna_nas._cli._finish import Finalist
from optuna_nas._cli._finish import Outcome
from optuna_nas._cli._options import Options
from optuna_nas._cli._setup import Setup
from optuna_nas._cli._space import Space
from optuna_nas._cli._study import without_password


MODEL = "model.pt"
RESULT = "result.json"


def save_model(setup: Setup, module: nn.Module, params: dict[str, Any]) -> None:
    """Saves a network as a plain dict, which ``torch.load`` takes with ``weights_only=True``.

    Args:
        setup:
            What was searched.
        module:
            The trained network.
        params:
            Its decisions.
    """
    data, space = setup.data, setup.space
    torch.save(
        {
            "optuna_nas": optuna_nas.__version__,
            "space": space.name,
            "arguments": space.arguments,
            "params": params,
            "state_dict": {name: tensor.cpu() for name, tensor in module.state_dict().items()},
            "task": data.task,
            "classes": list(data.classes) if data.classes else None,
            "preprocessing": data.preprocessing,
        },
        setup.options.folder / MODEL,
    )


def how_to_load(path: Path, space: Space) -> str:
    """Lines of Python that load such a file.

    Args:
        path:
            The file.
        space:
            What the network was built of.
    """
    return (
        "import optuna_nas, torch\n"
        f"saved = torch.load({str(path)!r})\n"
        f'network = optuna_nas.spaces.{space.name}(**saved["arguments"])\n'
        'model = optuna_nas.build(network, saved["params"]).eval()\n'
        'model.load_state_dict(saved["state_dict"])\n'
        '# give it inputs prepared as saved["preprocessing"] says: docs/command_line.md'
    )


def save_result(
    setup: Setup,
    study: optuna.Study,
    finalists: list[Finalist],
    tested: list[Outcome],
    seconds: dict[str, float],
) -> None:
    """Saves everything that is needed to see what was done.

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
    result = {
        "command": without_password(options.command()),
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {
            "optuna_nas": optuna_nas.__version__,
            "optuna": optuna.__version__,
            "torch": torch.__version__,
        },
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
        "space": asdict(setup.space),
        "study": _study(study, options),
        "winner": {"trial": finalists[0].number, "params": finalists[0].params},
        "finalists": [{**asdict(f), "mean": f.mean if f.scores else None} for f in finalists],
        "metric": data.metric,
        "test": {t.name: t.score for t in tested},
        "control_winners": {t.name: asdict(t.winner) for t in tested[1:] if t.winner},
        "seconds": {what: round(value, 1) for what, value in seconds.items()},
    }
    (options.folder / RESULT).write_text(json.dumps(result, indent=2) + "\n")


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
