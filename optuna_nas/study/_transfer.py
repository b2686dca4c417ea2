"""What did best on earlier data sets, as the beginning of a study on another one."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.study import Study

from optuna_nas._arguments import check_study
from optuna_nas._arguments import checked_int
from optuna_nas._ranking import parted
from optuna_nas.samplers import best_first
from optuna_nas.samplers._nearest import nearest
from optuna_nas.space import asked_in
from optuna_nas.study._meta_features import DATA
from optuna_nas.study._meta_features import similarity
from optuna_nas.study._remembered import SURVEY


@dataclass(frozen=True)
class Transferred:
    """An architecture of an earlier study, as far as it is one here.

    Args:
        params:
            Legal in the study that it goes to.
        user_attrs:
            ``origin`` and ``origin_trial``: the study and the number of the trial;
            ``similarity`` of the data, if both were described; ``changed``: for each name the
            value there and here, None where there is none near.
    """

    params: Mapping[str, Any]
    user_attrs: Mapping[str, Any] = field(default_factory=dict)


def transferred(study: Study, sources: Sequence[Study], k: int) -> list[Transferred]:
    """Returns the best of earlier studies, by turns, the more of a study the more alike its data.

    Turns are as in Sainte-Lague's method: each goes to the study of the largest similarity
    divided by one more than twice the turns it had.

    Args:
        study:
            The study that they go to; it knows its decisions.
        sources:
            Where they come from.
        k:
            How many, all different; fewer if there are not so many.

    Raises:
        TypeError:
            If the sources are no list of studies.
        ValueError:
            If ``k`` is no int of at least 1, there are no sources, one is the study itself or has
            no complete trial or no decision in common, some data are described and some are not,
            or nobody knows what the study decides.
    """
    _check(study, sources, k)
    search_space = _decisions(study)
    weights = _weights(study, sources)
    queues = [
        _proposals(source, search_space, {} if weight is None else {"similarity": weight})
        for source, weight in zip(sources, weights, strict=True)
    ]
    for source, queue in zip(sources, queues, strict=True):
        if not queue:
            raise ValueError(
                f"from_studies: study {source.study_name!r} decides nothing that study "
                f"{study.study_name!r} does: {', '.join(map(repr, search_space))}."
            )
    return _by_turns(queues, [1.0 if weight is None else weight for weight in weights], k)


def _decisions(study: Study) -> dict[str, BaseDistribution]:
    """Those of its network; if no objective has told them, all that its trials were asked."""
    asked = asked_in(study)
    if SURVEY in study.user_attrs:
        return {name: asked[name] for name in study.user_attrs[SURVEY]}
    for trial in study.get_trials(deepcopy=False):
        asked.update(trial.distributions)
    if not asked:
        raise ValueError(
            f"study {study.study_name!r} does not know its decisions yet, so that nothing can be "
            "matched with them: call objective.check(study) first."
        )
    return asked


def _weights(study: Study, sources: Sequence[Study]) -> list[float | None]:
    """How much their data are like the study's; None of all, if nobody described any."""
    studies = (study, *sources)
    described = [one for one in studies if DATA in one.user_attrs]
    if len(described) == len(studies):
        here, *there = (one.user_attrs[DATA] for one in studies)
        return [similarity(here, other) for other in there]
    if described and len(sources) > 1:
        others = [one for one in studies if one not in described]
        raise ValueError(
            f"the data of {_named(described)} are described, those of {_named(others)} are not, "
            "so that nobody can tell how alike they are: call describe_data(study, X, y) for each."
        )
    return [None] * len(sources)


def _proposals(
    source: Study, search_space: Mapping[str, BaseDistribution], attrs: Mapping[str, Any]
) -> list[Transferred]:
    """Its architectures, the best first, with what they can be here; each once."""
    trials, _ = parted(source.get_trials(deepcopy=False), source.directions)
    found: list[Transferred] = []
    for trial in best_first(trials, source.directions):
        params, changed = _fitted(trial.params, search_space)
        if params and not any(params == other.params for other in found):
            origin = {"origin": f"study {source.study_name}", "origin_trial": trial.number}
            changes = {"changed": changed} if changed else {}
            found.append(Transferred(params, {**origin, **attrs, **changes}))
    return found


def _fitted(
    params: Mapping[str, Any], search_space: Mapping[str, BaseDistribution]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Numbers become the nearest; a word that is no choice here is left to the sampler."""
    fitted: dict[str, Any] = {}
    changed: dict[str, Any] = {}
    for name, value in params.items():
        if name not in search_space:
            continue
        try:
            fitted[name] = nearest(search_space[name], value, likeness=1)
        except ValueError:
            changed[name] = [value, None]
            continue
        if fitted[name] != value:
            changed[name] = [value, fitted[name]]
    return fitted, changed


def _by_turns(
    queues: Sequence[Sequence[Transferred]], weights: Sequence[float], k: int
) -> list[Transferred]:
    left: list[Iterator[Transferred]] = [iter(queue) for queue in queues]
    turns = dict.fromkeys(range(len(queues)), 0)
    chosen: list[Transferred] = []
    while turns and len(chosen) < k:
        i = max(turns, key=lambda i: weights[i] / (2 * turns[i] + 1))
        one = next(left[i], None)
        if one is None:
            del turns[i]
        elif not any(one.params == other.params for other in chosen):
            chosen.append(one)
            turns[i] += 1
    return chosen


def _check(study: Study, sources: Any, k: int) -> None:
    checked_int("k", k, 1)
    if isinstance(sources, Study):
        raise TypeError("from_studies must be a list of studies; for one study write [study].")
    if not isinstance(sources, Sequence):
        raise TypeError(
            f"from_studies must be a list of studies, but is {sources!r} "
            f"({type(sources).__name__})."
        )
    if not sources:
        raise ValueError("from_studies is empty: there is nothing to begin with.")
    for i, source in enumerate(sources):
        check_study(f"from_studies[{i}]", source)
        if source._storage is study._storage and source._study_id == study._study_id:
            raise ValueError(f"from_studies[{i}] is the study itself.")
        if not parted(source.get_trials(deepcopy=False), source.directions)[0]:
            raise ValueError(
                f"from_studies[{i}]: study {source.study_name!r} has no trial that is complete "
                "and keeps its constraints, so there is nothing to take over."
            )


def _named(studies: Sequence[Study]) -> str:
    return ", ".join(repr(one.study_name) for one in studies)
