"""``warm_start``: a study begins with what others propose: a supernet, you, earlier studies."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas.space import asked_in
from optuna_nas.space import describe
from optuna_nas.space._decisions import legal
from optuna_nas.study._transfer import Transferred
from optuna_nas.study._transfer import transferred


ORIGIN = "origin"
"""Trial user attr: where its params come from."""


def warm_start(
    study: Study,
    proposals: Iterable[Mapping[str, Any]] | None = None,
    *,
    from_studies: Sequence[Study] | None = None,
    k: int = 5,
    user_attrs: Mapping[str, Any] | None = None,
) -> int:
    """Enqueues proposals, in their order, ahead of what the study's sampler proposes.

    What the study has already is skipped: a proposal whose values all are those of one trial,
    run or enqueued, unless it failed. So it can be called again when a study is resumed.

    Of earlier studies it proposes the architectures that did best, with several objectives those
    of the front. They are matched by the names of the decisions: numbers that are not legal here
    become the nearest, words and names that this network does not know are left out. Where
    :func:`describe_data` was called for all of them, more come from studies on similar data.

    Example:

        .. code-block:: python

            warm_start(study, supernet.proposals(10), user_attrs={"origin": "darts"})
            study.optimize(objective, n_trials=100)

            objective.check(study)  # which tells the study its decisions
            warm_start(study, from_studies=[on_digits, on_letters], k=5)

    Args:
        study:
            A new or a loaded study.
        proposals:
            Params. The study's sampler fills in what they lack.
        from_studies:
            Earlier studies of the same or a similar network, each with a complete trial.
        k:
            How many different architectures they propose together, at most.
        user_attrs:
            For the trials. Their origin is ``"warm_start"`` unless ``"origin"`` says otherwise;
            of an earlier study its name, with the trial's number in ``origin_trial``, how
            similar the data are in ``similarity``, and what was not legal here in ``changed``.

    Returns:
        How many were enqueued.

    Raises:
        TypeError:
            If a proposal is no dict of names and values, ``from_studies`` no list of studies, or
            neither is given.
        ValueError:
            If a proposal or ``from_studies`` is empty, or a proposal has a value that its decision
            cannot have in this study; if ``k`` is no int of at least 1; if the study does not know
            its decisions yet, or an earlier one has none of them, no complete trial, or data that
            are described where others are not. Then nothing is enqueued.
    """
    if proposals is None and from_studies is None:
        raise TypeError("give proposals, from_studies, or both: there is nothing to begin with.")
    offered = [
        Transferred(_checked(study, proposal, i), {ORIGIN: "warm_start"})
        for i, proposal in enumerate(_listed(() if proposals is None else proposals))
    ]
    if from_studies is not None:
        offered += transferred(study, from_studies, k)
    present = [_answers(trial) for trial in study.get_trials(deepcopy=False)]
    enqueued = 0
    for one in offered:
        if not any(one.params.items() <= answers.items() for answers in present):
            attrs = {**one.user_attrs, **(user_attrs or {})}
            study.enqueue_trial(dict(one.params), user_attrs=attrs)
            present.append(dict(one.params))
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
