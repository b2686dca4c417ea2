"""``optuna-nas compare``: which of several searches found more, and whether that was luck."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
import json
import re
from typing import Any

import numpy as np
import optuna
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
import typer

from optuna_nas._cli._errors import bad_input
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._show import load
from optuna_nas._cli._study import SEARCH
from optuna_nas._cli._study import without_password
from optuna_nas.study import compare as compare_studies
from optuna_nas.study import Comparison
from optuna_nas.study._progress import Band
from optuna_nas.study._progress import band
from optuna_nas.study._progress import progress


MUST_AGREE = ("data", "target", "drop", "task", "objectives")
"""Of what makes a search this one: what makes it another problem."""

SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Of the trials, where the searches are looked at."""

Anytime = Mapping[str, Sequence[float | None]]


def compare(
    methods: Sequence[str],
    reference: Sequence[float] | None,
    console: Console,
    *,
    as_json: bool = False,
) -> None:
    """Prints what the searches came to, on the way and in the end, and what follows from it.

    Args:
        methods:
            ``[name=]storage[,storage...]``, each storage with ``#study`` if it holds several.
        reference:
            With several objectives, of the hypervolume.
        console:
            Where.
        as_json:
            Whether as one JSON object.

    Raises:
        BadInput:
            If a study is not there, is given twice, or is of another problem.
    """
    groups = _groups(methods)
    _check_same_problem(groups)
    with bad_input():
        found = compare_studies(groups, reference=reference)
    at, anytime = _anytime(groups, found)
    if as_json:
        typer.echo(json.dumps(_as_json(found, at, anytime), indent=2))
        return
    best = "more" if found.maximize else "less"
    console.print(Text.assemble((found.measure, "bold"), f" ({best} is better)"))
    if found.reference is not None:
        point = ", ".join(f"{value:.6g}" for value in found.reference)
        console.print(f"Reference point: {point}", highlight=False)
    console.print(Padding(_scores(found), (0, 0, 1, 2)))
    console.print("[bold]On the way[/]: the mean after so many trials")
    console.print(Padding(_way(at, anytime), (0, 0, 1, 2)))
    for difference in found.differences:
        style = "green" if difference.significant else None
        console.print(Text(difference.verdict, style=style or ""), soft_wrap=True)
    for test in sorted({d.test for d in found.differences if d.test is not None}):
        console.print(Text(f"Tested by a {test}{_corrected(found)}."), soft_wrap=True)
    for note in found.notes:
        console.print(Text(note, style="yellow"), soft_wrap=True)


def _groups(methods: Sequence[str]) -> dict[str, list[optuna.Study]]:
    """The studies by the methods' names; without one, it is the study's."""
    groups: dict[str, list[optuna.Study]] = {}
    seen: dict[tuple[str, str], str] = {}
    for text in methods:
        # A URL may have a "=" too, behind its first ":" or "/".
        match = re.match(r"([^=:/]+)=(.+)", text)
        name, places = match.groups() if match else (None, text)
        studies = [_study(place, seen) for place in places.split(",")]
        name = name or studies[0].study_name
        if name in groups:
            raise BadInput(
                f"two methods are called {name!r}. Give names: compare a={places} b=..., or all "
                f"runs of one method in one: {name}=first,second."
            )
        groups[name] = studies
    return groups


def _study(place: str, seen: dict[tuple[str, str], str]) -> optuna.Study:
    storage, _, study_name = place.partition("#")
    study = load(storage, study_name or None)
    first = study.get_trials(deepcopy=False)[:1]
    began = str(first[0].datetime_start) if first else place
    key = study.study_name, began
    if key in seen:
        raise BadInput(
            f"{without_password(place)} is the same study as {without_password(seen[key])}; a run "
            "counts once."
        )
    seen[key] = place
    return study


def _check_same_problem(groups: Mapping[str, Sequence[optuna.Study]]) -> None:
    (first, *others) = [study for group in groups.values() for study in group]
    one = first.user_attrs.get(SEARCH, {})
    for study in others:
        other = study.user_attrs.get(SEARCH, {})
        for what in MUST_AGREE:
            if what in one and what in other and one[what] != other[what]:
                raise BadInput(
                    f"studies of other problems cannot be compared: {what} of "
                    f"{first.study_name!r} is {one[what]!r}, of {study.study_name!r} "
                    f"{other[what]!r}."
                )


def _anytime(
    groups: Mapping[str, Sequence[optuna.Study]], found: Comparison
) -> tuple[list[int], Anytime]:
    """After how many trials is looked, and the mean of each method there; None before any."""
    bands = {
        name: band([progress(study, "trials", found.reference) for study in group])
        for name, group in groups.items()
    }
    longest = max((one.x[-1] for one in bands.values() if one is not None), default=1.0)
    at = sorted({max(1, round(share * longest)) for share in SHARES})
    order = [one.name for one in found.methods]
    return at, {name: [_there(bands[name], x) for x in at] for name in order}


def _there(one: Band | None, x: float) -> float | None:
    if one is None or not one.x[0] <= x <= one.x[-1]:
        return None
    return float(one.mean[np.searchsorted(one.x, x, side="right") - 1])


def _scores(found: Comparison) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("method", "runs", "mean", "deviation"):
        table.add_column(name, justify="left" if name == "method" else "right")
    table.add_column("each")
    for one in found.methods:
        deviation = "-" if one.deviation is None else f"{one.deviation:.2g}"
        each = " ".join(f"{score:.4g}" for score in one.scores)
        table.add_row(Text(one.name), str(len(one.scores)), f"{one.mean:.5g}", deviation, each)
    return table


def _way(at: Sequence[int], anytime: Anytime) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("trials")
    for number in at:
        table.add_column(str(number), justify="right")
    for name, means in anytime.items():
        table.add_row(Text(name), *("-" if m is None else f"{m:.5g}" for m in means))
    return table


def _corrected(found: Comparison) -> str:
    tests = sum(difference.p is not None for difference in found.differences)
    return f", corrected for {tests} comparisons (Holm)" if tests > 1 else ""


def _as_json(found: Comparison, at: Sequence[int], anytime: Anytime) -> dict[str, Any]:
    return {
        **asdict(found),
        "methods": [
            {**asdict(one), "mean": one.mean, "deviation": one.deviation} for one in found.methods
        ],
        "differences": [
            {**asdict(one), "significant": one.significant, "verdict": one.verdict}
            for one in found.differences
        ],
        "anytime": {"trials": list(at), "mean": {name: list(m) for name, m in anytime.items()}},
    }
