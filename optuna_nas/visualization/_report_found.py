"""The first half of a report: what was asked, and what was found."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from optuna.trial import FrozenTrial

from optuna_nas.study._front import knee_point
from optuna_nas.study._remembered_network import network_code
from optuna_nas.study._text_table import texts
from optuna_nas.visualization._params import params_of
from optuna_nas.visualization._report_document import in_seconds
from optuna_nas.visualization._report_document import Part
from optuna_nas.visualization._report_document import table
from optuna_nas.visualization._report_document import Text
from optuna_nas.visualization._report_search import ROWS
from optuna_nas.visualization._report_search import scores_of
from optuna_nas.visualization._report_search import Search
from optuna_nas.visualization._so_far import plural


LONG = 300
"""Letters of an attribute of the user's that are shown."""


def question(search: Search) -> Iterator[Part]:
    """What was to be found, in what, and how it was looked for.

    Args:
        search:
            What is reported on.
    """
    rows = [
        ("Goal", goal(search)),
        ("Constraints", ", ".join(_constraints(search.trials)) or "none that the trials tell of"),
        *_data(search),
        ("Network", _space(search)),
        ("Proposed by", _sampler(search)),
        *_noted(search),
    ]
    yield table(("what", "as the study has it"), rows)


def goal(search: Search) -> str:
    """Returns ``maximize accuracy and minimize parameters``.

    Args:
        search:
            What is reported on.
    """
    named = zip(search.study.directions, search.names, strict=True)
    return " and ".join(f"{direction.name.lower()} {name}" for direction, name in named)


def best_networks(search: Search) -> Iterator[Part]:
    """The table of the best, or of the front.

    Args:
        search:
            What is reported on.
    """
    best = search.best
    if not best:
        yield Text(_nothing(search))
        return
    yield Text(_what_best_is(search))
    knee = knee_point(search.study).number if len(best) > 1 and search.several else None
    shown = best[:ROWS]
    spent = in_seconds([t.duration.total_seconds() if t.duration else None for t in shown])
    rows = [
        (
            f"{trial.number}{' (knee)' if trial.number == knee else ''}",
            *trial.values,
            seconds,
            named(trial.params),
        )
        for trial, seconds in zip(shown, spent, strict=True)
    ]
    yield table(("trial", *search.names, "seconds", "decisions"), rows)
    if len(best) > ROWS:
        yield Text(f"{plural(len(best) - ROWS, 'network')} more are on the front.")
    yield from _finalists(search)


def named(params: Mapping[str, Any]) -> str:
    """Returns params in one line, those of a scope together: ``stages=2 stage0(width=16)``.

    Args:
        params:
            From decision to value.
    """
    scopes: dict[str, list[str]] = {}
    for name, value in params.items():
        scope, _, last = name.rpartition("/")
        told = f"{value:.4g}" if isinstance(value, float) else str(value)
        scopes.setdefault(scope, []).append(f"{last}={told}")
    plain = scopes.pop("", [])
    return " ".join([*plain, *(f"{scope}({' '.join(v)})" for scope, v in scopes.items())])


def _constraints(trials: Sequence[FrozenTrial]) -> list[str]:
    return sorted({name for trial in trials for name in trial.constraints})


def _data(search: Search) -> Iterator[tuple[str, str]]:
    told, signature = search.told("data"), search.signature
    if not isinstance(told, Mapping):
        yield "Data", str(signature.get("data", "the study does not say"))
        return
    yield "Data", f"{told.get('name')} (fingerprint {told.get('fingerprint')})"
    yield "Task", str(told.get("reason"))
    rows = search.numbers("data", "rows")
    parts = {"train": "to train on", "valid": "to choose by", "test": "for the final test"}
    yield "Rows", ", ".join(f"{n:,.0f} {parts.get(part, part)}" for part, n in rows.items())


def _space(search: Search) -> str:
    decisions = {name: None for trial in search.trials for name in trial.params}
    asked = {name for trial in search.trials for name in params_of(trial, "report")}
    others = [name for name in decisions if name not in asked]
    known = network_code(search.network)
    if known is None and search.network is not None:
        named = getattr(search.network, "__qualname__", type(search.network).__qualname__)
        known = f"{named}, which is not one of optuna_nas.spaces"
    told = known or str(search.signature.get("space", "not one that the study knows"))
    also = f"; of training: {', '.join(others)}" if others else ""
    return f"{told}; the trials were asked {plural(len(decisions), 'decision')}{also}"


def _sampler(search: Search) -> str:
    told = [
        f"{f'from trial {first} on ' if first else ''}{' and '.join(both)}"
        for first, both in search.samplers
    ]
    return "; ".join(told) or "the study does not say"


def _noted(search: Search) -> Iterator[tuple[str, str]]:
    """What the user noted in the study."""
    for name, value in search.study.user_attrs.items():
        if not name.startswith("optuna_nas:"):
            text = str(value)
            yield name, text if len(text) <= LONG else f"{text[:LONG]}..."


def _nothing(search: Search) -> str:
    complete = sum(trial.state.name == "COMPLETE" for trial in search.trials)
    if complete:
        return (
            f"{plural(complete, 'network')} were trained to the end, but each breaks a constraint "
            "or has no finite score."
        )
    return "No network was trained to the end."


def _what_best_is(search: Search) -> str:
    if not search.several:
        return "The best by the objective, each network once. One score is one training."
    if len(search.best) == 1:
        return "This network is at least as good as every other in each objective."
    return (
        "No network beats one of these in all objectives; the knee is where a little more of one "
        "begins to cost much of another."
    )


def _finalists(search: Search) -> Iterator[Part]:
    rows = [
        (
            str(f.get("number")),
            f.get("searched"),
            f.get("mean"),
            _each(f),
        )
        for f in search.finalists
    ]
    if rows:
        yield Text(
            "The best of many single scores is partly luck, so the finalists were trained again "
            "with several seeds; the first has the best mean, and was tested."
        )
        yield table(("trial", "in the search", "mean", "each"), rows)


def _each(finalist: Mapping[str, Any]) -> str:
    return " ".join(texts(scores_of(finalist))) or "-"
