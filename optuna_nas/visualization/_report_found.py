"""The first half of a report: what was asked, what was found, and what it looks like."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from optuna.trial import FrozenTrial

from optuna_nas.space import ARCHITECTURE
from optuna_nas.study._front import knee_point
from optuna_nas.study._remembered_network import network_code
from optuna_nas.visualization._anytime import plot_anytime
from optuna_nas.visualization._architecture import plot_architecture
from optuna_nas.visualization._matplotlib import to_matplotlib
from optuna_nas.visualization._params import params_of
from optuna_nas.visualization._report_document import Code
from optuna_nas.visualization._report_document import number
from optuna_nas.visualization._report_document import Part
from optuna_nas.visualization._report_document import Picture
from optuna_nas.visualization._report_document import plural
from optuna_nas.visualization._report_document import table
from optuna_nas.visualization._report_document import Text
from optuna_nas.visualization._report_search import ROWS
from optuna_nas.visualization._report_search import Search
from optuna_nas.visualization._study_plots import study_plots


LONG = 300
"""Letters of an attribute of the user's that are shown."""

CAPTIONS = {
    "anytime": "The best so far, or the hypervolume, against the trials that ended",
    "seconds": "The same against the seconds that the trials took together",
    "rungs": "What each trial reported, step by step, and where it ended",
    "front": "All networks that were trained to the end, and the front",
    "decisions": "Which options the search took: over time, and in the best tenth on the right",
}


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
        *((f"{name}", value) for name, value in _noted(search)),
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
    yield Text(
        "No network beats one of these in all objectives; the knee is where a little more of one "
        "begins to cost much of another."
        if search.several
        else "The best by the objective, each network once. One score is one training."
    )
    knee = knee_point(search.study).number if search.several else None
    rows = [
        (
            f"{trial.number}{' (knee)' if trial.number == knee else ''}",
            *trial.values,
            trial.duration.total_seconds() if trial.duration else None,
            in_short(trial.params),
        )
        for trial in best[:ROWS]
    ]
    yield table(("trial", *search.names, "seconds", "decisions"), rows)
    if len(best) > ROWS:
        yield Text(f"{plural(len(best) - ROWS, 'network')} more are on the front.")
    yield from _finalists(search)


def drawings(search: Search) -> Iterator[Part]:
    """What the best compute, and the code that gives them.

    Args:
        search:
            What is reported on.
    """
    if not search.best:
        yield Text("There is no network to draw yet.")
        return
    if search.network is None:
        yield Text(
            "The study does not say what its network is, so nothing is drawn: give the report "
            "its search space as network."
        )
    else:
        for trial, role in picked(search).values():
            yield _drawing(search, trial, role)
    trial, _ = next(iter(picked(search).values()))
    known = network_code(search.network) or "...  # the search space of this study"
    params = "".join(f"    {n!r}: {v!r},\n" for n, v in params_of(trial, "report").items())
    yield Text(f"This gives the network of trial {trial.number}, with fresh weights:")
    yield Code(
        f"import optuna_nas\n\nnetwork = {known}\nparams = {{\n{params}}}\n"
        "module = optuna_nas.build(network, params)",
        "python",
    )


def curves(search: Search) -> Iterator[Part]:
    """The plots that have something to show.

    Args:
        search:
            What is reported on.
    """
    if not search.feasible:
        yield Text("There is nothing to plot before a network is trained to the end.")
        return
    try:
        for name, figure in _figures(search):
            # It stands below, as the caption.
            figure.update_layout(title=None)
            kind = name.partition("-")[0]
            yield Picture(name, CAPTIONS[kind], to_matplotlib(figure))
    except ImportError as error:
        yield Text(f"There are no plots: {error}")


def picked(search: Search) -> dict[int, tuple[FrozenTrial, str]]:
    """Returns the trials that are drawn, by number, and why: of a front both ends and the knee.

    Args:
        search:
            With a best trial.
    """
    winner = search.told("winner", "trial")
    found = [(t, "the winner of the finalists") for t in search.trials if t.number == winner]
    if search.several:
        found.append((knee_point(search.study), "the knee of the front"))
        ends = (search.best[0], search.best[-1])
        found += [(trial, "an end of the front") for trial in ends]
    else:
        found.append((search.best[0], "the best"))
    roles: dict[int, tuple[FrozenTrial, str]] = {}
    for trial, role in found:
        roles.setdefault(trial.number, (trial, role))
    return roles


def in_short(params: Mapping[str, Any]) -> str:
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
    asked = {n for t in search.trials for n in t.user_attrs.get(ARCHITECTURE, decisions)}
    others = [name for name in decisions if name not in asked]
    known = network_code(search.network)
    if known is None and search.network is not None:
        named = getattr(search.network, "__qualname__", type(search.network).__qualname__)
        known = f"{named}, which is not one of optuna_nas.spaces"
    told = known or str(search.signature.get("space", "not one that the study knows"))
    also = f"; of training: {', '.join(others)}" if others else ""
    return f"{told}; the trials were asked {plural(len(decisions), 'decision')}{also}"


def _sampler(search: Search) -> str:
    """A study that was only loaded has Optuna's default sampler, whatever searched."""
    told = search.told("study", "sampler")
    if told is None and type(search.study.sampler).__module__.startswith("optuna_nas."):
        told = type(search.study.sampler).__name__
    pruner = search.told("study", "pruner")
    return "the study does not say" if told is None else " and ".join(filter(None, (told, pruner)))


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


def _finalists(search: Search) -> Iterator[Part]:
    told = search.told("finalists")
    found = [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []
    rows = [
        (str(f.get("number")), f.get("searched"), f.get("mean"), _scores(f.get("scores")))
        for f in found
    ]
    if rows:
        yield Text(
            "The best of many single scores is partly luck, so the finalists were trained again "
            "with several seeds; the first has the best mean, and was tested."
        )
        yield table(("trial", "in the search", "mean", "each"), rows)


def _scores(scores: Any) -> str:
    return " ".join(map(number, scores)) if isinstance(scores, list) else "-"


def _drawing(search: Search, trial: FrozenTrial, role: str) -> Part:
    values = zip(search.names, trial.values or (), strict=False)
    told = ", ".join(f"{name} {number(value)}" for name, value in values)
    assert search.network is not None
    try:
        drawn = plot_architecture(
            search.network, trial, example=search.example, title=f"Trial {trial.number}"
        )
    except Exception as error:  # a network of the user's can fail in any way
        return Text(f"Trial {trial.number} cannot be drawn: {type(error).__name__}: {error}")
    caption = f"Trial {trial.number}, {role}: {told}"
    return Picture(f"trial-{trial.number}", caption, drawn)


def _figures(search: Search) -> Iterator[tuple[str, Any]]:
    searches = {"this search": [search.study, *search.repeats]}
    control = list(search.controls) or None
    yield "anytime", plot_anytime(searches, control=control)
    yield "seconds", plot_anytime(searches, control=control, x="seconds")
    for name, figure in study_plots(search.study):
        if name.partition("-")[0] in ("rungs", "front", "decisions"):
            yield name, figure
