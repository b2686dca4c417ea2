"""What a report says of a proxy: what it had a say in, and what it turned out to be worth."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from optuna.trial import TrialState

from optuna_nas.study._screen import TRUTH
from optuna_nas.study._truth_meter import Coefficient
from optuna_nas.study._truth_meter import measured_trials
from optuna_nas.study._truth_meter import SCREEN
from optuna_nas.study._truth_meter import Truth
from optuna_nas.study._truth_meter import truth_of
from optuna_nas.visualization._report_document import Part
from optuna_nas.visualization._report_document import table
from optuna_nas.visualization._report_document import Text
from optuna_nas.visualization._report_search import Search
from optuna_nas.visualization._so_far import plural


PROXY = "optuna_nas:proxy"
"""Study user attr that ``optuna-nas search --proxy`` leaves: ``{"name", "candidates": how many it
scored before the search, "proposed": how many of them were among the first trials}``."""

FEWEST = 4
"""With fewer trials there is no interval."""


def proxy(search: Search) -> Iterator[Part]:
    """What a proxy did, and how right it was; nothing if there was none.

    Args:
        search:
            What is reported on.
    """
    proposer, seen = search.signature.get("proxy"), _seen(search)
    name = proposer or (seen[-1]["estimate"] if seen else None)
    if name is None:
        return
    yield Text(_proposed(search, name) if proposer else _screened(search, name, seen))
    found = _truth(search, name)
    if found.trials < FEWEST:
        yield Text(
            f"What {name} was worth is not known: that takes {FEWEST} trials in which it had no "
            f"say, scored and trained, and there are {found.trials}."
        )
        return
    objective = search.names[0] if _is_of_first(search) else "its objective"
    yield Text(
        f"Spearman's rank correlation with {objective} and its 95 % interval, by the "
        f"{found.trials} trials in which {name} had no say. {_verdict(found, name)}"
    )
    rows = [(what, c.spearman, c.low, c.high) for what, c in found.coefficients.items()]
    yield table(("known before training", "correlation", "from", "to"), rows)


def _seen(search: Search) -> list[Mapping[str, Any]]:
    """What a screen noted of the candidates that it scored."""
    return [t.user_attrs[SCREEN] for t in search.trials if SCREEN in t.user_attrs]


def _proposed(search: Search, name: str) -> str:
    noted = search.study.user_attrs.get(PROXY, {})
    scored = (
        f"{name} scored {noted['candidates']} random networks, untrained"
        if "candidates" in noted
        else f"{name} scored random networks, untrained (how many, the study does not say)"
    )
    proposed = [t for t in search.trials if t.user_attrs.get("origin") == name]
    begun = [str(t.number) for t in proposed if t.state != TrialState.WAITING]
    told = f"trial {', '.join(begun)}" if begun else "none"
    return (
        f"Before the search {scored}; the best {len(proposed)} were put first (begun: {told}). It "
        "rejected nothing."
    )


def _screened(search: Search, name: str, seen: list[Mapping[str, Any]]) -> str:
    reasons = (str(t.user_attrs.get("rejected", "")) for t in search.trials)
    rejected = sum(reason.startswith("screened:") for reason in reasons)
    off = search.study.user_attrs.get(TRUTH, {}).get("off")
    if off is not None:
        state = f"it was off: {off}"
    elif any(one["chosen"] for one in seen):
        state = "it was on"
    else:
        state = "it still watched, and had no say yet"
    return (
        f"A screen by {name} scored {plural(len(seen), 'candidate')} before training and rejected "
        f"{rejected} of them. At the end {state}."
    )


def _is_of_first(search: Search) -> bool:
    """Whether it is an estimate of the first objective; of several, only the screen knew."""
    return not search.several or bool(search.signature)


def _truth(search: Search, name: str) -> Truth:
    if not _is_of_first(search):
        noted = search.study.user_attrs.get(TRUTH, {"trials": 0, "spearman": {}})
        told = {what: Coefficient(*numbers) for what, numbers in noted["spearman"].items()}
        return Truth(noted["trials"], told)
    return truth_of(search.study, measured_trials(search.study, name), name, 0)


def _verdict(found: Truth, name: str) -> str:
    own, parameters = found.coefficients[name], found.coefficients.get("parameters")
    if own.low <= 0:
        return f"That {name} was worth anything here is not shown: its interval is not above zero."
    if parameters is not None and own.spearman <= parameters.spearman:
        return f"{name} told networks apart, but counting parameters did as well."
    return f"{name} told networks apart."
