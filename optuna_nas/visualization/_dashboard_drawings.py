"""The drawing of a trial, as an artifact that optuna-dashboard shows on the trial's page."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
import json
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL
from uuid import uuid5

from optuna.artifacts import FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.study import Study
from optuna.trial import FrozenTrial

from optuna_nas.training._inherit_arguments import check_artifacts


def artifact_store(artifacts: Any) -> Any:
    """Opens a store of artifacts.

    Args:
        artifacts:
            A folder, which is made, or one of Optuna's artifact stores.

    Raises:
        TypeError:
            If it is something else.
        ValueError:
            If the folder cannot be made.
    """
    check_artifacts(artifacts)
    return FileSystemArtifactStore(artifacts) if isinstance(artifacts, str | Path) else artifacts


def needs_drawing(study: Study, trial: FrozenTrial, attrs: Mapping[str, Any], store: Any) -> bool:
    """Whether a trial has no drawing, or its file is gone; not if the user took it away.

    Args:
        study:
            Where the trial is from.
        trial:
            A finished one.
        attrs:
            The study's system attrs.
        store:
            Where drawings are kept.
    """
    told = attrs.get(_key(study, trial))
    if told is None:
        return True
    if json.loads(told) is None:
        return False
    try:
        store.open_reader(_artifact_id(study, trial)).close()
    except ArtifactNotFound:
        return True
    return False


def has_drawing(study: Study, trial: FrozenTrial, attrs: Mapping[str, Any]) -> bool:
    """Whether the dashboard shows a drawing of a trial.

    Args:
        study:
            Where the trial is from.
        trial:
            A finished one.
        attrs:
            The study's system attrs.
    """
    return bool(json.loads(attrs.get(_key(study, trial), "null")))


def attach(study: Study, trial: FrozenTrial, svg: str, store: Any) -> None:
    """Gives a trial its drawing.

    A finished trial takes no attrs any more, and so not what ``optuna.artifacts.upload_artifact``
    writes; the dashboard reads the same from the study's.

    Args:
        study:
            Where the trial is from.
        trial:
            A finished one.
        svg:
            The drawing.
        store:
            Where to keep it.
    """
    artifact = {
        "artifact_id": _artifact_id(study, trial),
        "filename": f"trial {trial.number}.svg",
        "mimetype": "image/svg+xml",
        "encoding": None,
    }
    store.write(artifact["artifact_id"], BytesIO(svg.encode()))
    study._storage.set_study_system_attr(study._study_id, _key(study, trial), json.dumps(artifact))


def address(study: Study, trial: FrozenTrial) -> str:
    """Where the dashboard shows the drawing of a trial.

    Args:
        study:
            Where the trial is from.
        trial:
            A finished one.
    """
    return f"/artifacts/{study._study_id}/{trial._trial_id}/{_artifact_id(study, trial)}"


def _artifact_id(study: Study, trial: FrozenTrial) -> str:
    """The same in each process, so that workers and the dashboard do not draw a trial twice."""
    return str(uuid5(NAMESPACE_URL, f"{study.study_name}/{trial.number}/{trial.datetime_start}"))


def _key(study: Study, trial: FrozenTrial) -> str:
    return f"dashboard:artifacts:{trial._trial_id}:{_artifact_id(study, trial)}"
