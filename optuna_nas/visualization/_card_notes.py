"""Cards as notes of optuna-dashboard. Notes that somebody wrote or changed are left alone."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from importlib import import_module
import re
from types import SimpleNamespace
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial


MARK = re.compile(r"\n\n\[card\]: # \(([0-9a-f]{16})\)$")
"""The end of a note of ours, which the dashboard does not show."""


def has_note(trial: FrozenTrial, attrs: Mapping[str, Any]) -> bool:
    """Whether there was ever a note of a trial.

    Args:
        trial:
            Any.
        attrs:
            The study's system attrs.
    """
    return f"dashboard:{trial._trial_id}:note_ver" in attrs


def save_card(study: Study, trial: FrozenTrial, text: str) -> bool:
    """Makes a card a trial's note, or takes the card away, and says whether anything changed.

    Args:
        study:
            Where the trial is from.
        trial:
            Any.
        text:
            In Markdown; nothing to take away the one that is there.
    """
    dashboard = import_module("optuna_dashboard")
    noted = SimpleNamespace(storage=study._storage, study=study, _trial_id=trial._trial_id)
    before = dashboard.get_note(noted)
    after = f"{text}\n\n[card]: # ({_digest(text)})" if text else ""
    if before == after or (before and not _is_ours(before)):
        return False
    dashboard.save_note(noted, after)
    return True


def _is_ours(note: str) -> bool:
    mark = MARK.search(note)
    return mark is not None and mark[1] == _digest(note[: mark.start()])


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
