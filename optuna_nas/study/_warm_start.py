"""``warm_start``: a study begins with architectures that others propose, a supernet for one."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas.space import asked_in
from optuna_nas.space import describe
from optuna_nas.space._decisions import legal


ORIGIN = "origin"
"""Trial user attr: where its params come from."""


def warm_start(
    study: Study,
    proposals: Iterable[Mapping[str, Any]],
    *,
    user_attrs: Mapping[str, Any] | None = None,
) -> int:
    """Enqueues proposals, in their order, ahead of what the study's sampler proposes.

    What the study has already is skipped: a proposal whose values all are those of one trial,
    run or enqueued, unless it failed. So it can be called again when a study is resumed.

    Example:

        .. code-block:: python

            warm_start(study, supernet.proposals(10), user_attrs={"origin": "darts"})
            study.optimize(objective, n_trials=100)

    Args:
        study:
            A new or a loaded study.
        proposals:
            Params. The study's sampler fills in what they lack.
        user_attrs:
            For the trials. Their origin is ``"warm_start"`` unless ``"origin"`` says otherwise.

    Returns:
        How many were enqueued.

    Raises:
        TypeError:
            If a proposal is no dict of names and values.
        ValueError:
            If a proposal is empty, or has a value that its decision cannot have in this study.
            Then nothing is enqueued.
    """
    checked = [_checked(study, proposal, i) for i, proposal in enumerate(_listed(proposals))]
    attrs = {ORIGIN: "warm_start", **(user_attrs or {})}
    present = [_answers(trial) for trial in study.get_trials(deepcopy=False)]
    enqueued = 0
    for proposal in checked:
        if not any(proposal.items() <= answers.items() for answers in present):
            study.enqueue_trial(proposal, user_attrs=dict(attrs))
            present.append(proposal)
            enqueued += 1
    return enqueued


def _answers(trial: FrozenTrial) -> dict[str, Any]:
    """What a trial was asked so far, and what it was enqueued with; of a failed one, nothing."""
    if trial.state == TrialState.FAIL:
        return {}
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def _listed(proposals: Any) -> list[Any]:
    if isinstance(proposals, Mapping):
        raise TypeError("proposals must be a list of dicts; for one proposal write [proposal].")
    return list(proposals)


def _checked(study: Study, proposal: Any, i: int) -> dict[str, Any]:
    if not isinstance(proposal, Mapping) or not all(isinstance(name, str) for name in proposal):
        raise TypeError(
            f"proposals[{i}] must be a dict from decision to value, but got "
            f"{proposal!r} ({type(proposal).__name__})."
        )
    if not proposal:
        raise ValueError(f"proposals[{i}] is empty: there is nothing to begin with.")
    search_space = asked_in(study)
    illegal = [
        f"{name!r} = {value!r} ({describe(search_space[name])})"
        for name, value in proposal.items()
        if name in search_space and not legal(search_space[name], value)
    ]
    if illegal:
        raise ValueError(
            f"proposals[{i}] does not fit study {study.study_name!r}: illegal "
            f"{', '.join(illegal)}."
        )
    return dict(proposal)
