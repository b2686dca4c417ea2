"""``card``: what there is to say of one trial, as a note in Markdown for optuna-dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import math
import re
import string
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial

from optuna_nas.pruners import reports
from optuna_nas.study import metric_names
from optuna_nas.visualization._params import params_of


CURVE = 40
"""How many values of a curve are shown at most."""

BARS = "▁▂▃▄▅▆▇█"
PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")


def card(
    study: Study,
    trial: FrozenTrial,
    *,
    picture: str | None,
    costs: Mapping[str, float],
    network: str | None,
) -> str:
    """Says what a trial is: drawing, scores, cost, curve, decisions, and how to have it again.

    Names and choices are the user's, or of a study from elsewhere; they come out as text, whatever
    markup is in them.

    Args:
        study:
            Where the trial is from.
        trial:
            A complete one.
        picture:
            The address of its drawing.
        costs:
            What it costs beside what was measured, by name.
        network:
            Python that gives the search space.
    """
    one = len(study.directions) == 1
    parts = [
        f"### Trial {trial.number}, {'the best so far' if one else 'on the Pareto front'}",
        "\n".join(_facts(study, trial, costs)),
        _decisions(trial),
        f"![What it computes]({picture})" if picture else "",
        _again(trial, network),
    ]
    return "\n\n".join(part for part in parts if part)


def plain(text: Any) -> str:
    r"""Text that Markdown shows as it is: on one line, with ``\`` before every punctuation mark.

    Args:
        text:
            Anything.
    """
    return PUNCTUATION.sub(r"\\\g<0>", " ".join(str(text).split()))


def sparkline(values: Sequence[float]) -> str:
    """A curve in one line, as ``▁▄▆▇█``.

    Args:
        values:
            At least one; of many, some are left out. Those that are not finite are blanks.
    """
    picked = values
    if len(values) > CURVE:
        step = (len(values) - 1) / (CURVE - 1)
        picked = [values[round(i * step)] for i in range(CURVE)]
    finite = [value for value in picked if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(
        BARS[round((value - low) * scale)] if math.isfinite(value) else " " for value in picked
    )


def _facts(study: Study, trial: FrozenTrial, costs: Mapping[str, float]) -> Iterator[str]:
    names = metric_names(study)
    yield "| | |"
    yield "|---|---|"
    for name, value, direction in zip(names, trial.values, study.directions, strict=True):
        yield f"| **{plain(name)}** | **{_number(value)}** ({direction.name.lower()}) |"
    for name, by in trial.constraints.items():
        holds = f"broken by {_number(by)}" if by > 0 else f"holds, {_number(-by)} to spare"
        yield f"| {plain(name)} | {holds} |"
    measured = trial.user_attrs.get("metrics")
    known = {**costs, **(measured if isinstance(measured, Mapping) else {})}
    for name, value in known.items():
        if name not in names:
            yield f"| {plain(name)} | {_number(value)} |"
    yield from _effort(trial)
    for i, name in enumerate(names):
        values = [told[i] for told in reports(trial, len(names)).values()]
        curve = [value for value in values if value is not None]
        if len(set(curve)) > 1:
            ends = f"{_number(curve[0])} to {_number(curve[-1])} in {len(curve)} reports"
            yield f"| {plain(name)}, step by step | {sparkline(curve)} {ends} |"


def _effort(trial: FrozenTrial) -> Iterator[str]:
    if trial.duration is not None:
        yield f"| seconds | {_number(trial.duration.total_seconds())} |"
    if "epochs" in trial.user_attrs:
        yield f"| epochs | {_number(trial.user_attrs['epochs'])} |"


def _decisions(trial: FrozenTrial) -> str:
    """Those of a scope in one line; what evaluators asked below."""
    asked = params_of(trial, "card")
    lines = list(_scopes(asked))
    training = {name: value for name, value in trial.params.items() if name not in asked}
    if training:
        lines.append(f"- training: {_told(training)}")
    return "\n".join(["**Decisions**", "", *lines]) if lines else ""


def _scopes(params: Mapping[str, Any]) -> Iterator[str]:
    scopes: dict[str, dict[str, Any]] = {}
    for name, value in params.items():
        scope, _, last = name.rpartition("/")
        scopes.setdefault(scope, {})[last] = value
    for scope, decisions in scopes.items():
        yield f"- {plain(scope) + ': ' if scope else ''}{_told(decisions)}"


def _told(decisions: Mapping[str, Any]) -> str:
    return ", ".join(f"{plain(name)} **{_choice(value)}**" for name, value in decisions.items())


def _choice(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _number(value) if isinstance(value, int | float) else plain(value)


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return plain(value)
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.5g}"


def _again(trial: FrozenTrial, network: str | None) -> str:
    known = network or "...  # the search space that this study was begun with"
    params = "".join(f"    {n!r}: {v!r},\n" for n, v in params_of(trial, "card").items())
    code = (
        "import optuna_nas\n\n"
        f"network = {known}\n"
        f"params = {{\n{params}}}\n"
        "module = optuna_nas.build(network, params)  # with fresh weights\n"
        "# train it, then: optuna_nas.export(module, 'model', example=X_valid)"
    )
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"**Again**\n\n{fence}python\n{code}\n{fence}"
