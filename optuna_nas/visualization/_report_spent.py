"""The second half of a report: what was given up, what it took, and how to do it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
import os
from pathlib import Path
import platform
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial
import torch

from optuna_nas.pruners._reports import last_step
from optuna_nas.study._seeds import SEED
from optuna_nas.visualization._report_document import Code
from optuna_nas.visualization._report_document import duration
from optuna_nas.visualization._report_document import in_seconds
from optuna_nas.visualization._report_document import Part
from optuna_nas.visualization._report_document import table
from optuna_nas.visualization._report_document import Text
from optuna_nas.visualization._report_search import epochs_of
from optuna_nas.visualization._report_search import lost
from optuna_nas.visualization._report_search import Search
from optuna_nas.visualization._report_search import seconds_of
from optuna_nas.visualization._so_far import plural


REASONS = 10


def given_up(search: Search) -> Iterator[Part]:
    """What was stopped, rejected or failed, and why.

    Args:
        search:
            What is reported on.
    """
    kinds = lost(search.trials)
    if not kinds.keys() - {"trained to the end"}:
        yield Text("Nothing: each trial was trained to the end." if kinds else "There are none.")
        return
    if "stopped early" in kinds:
        yield from _stopped(search, kinds["stopped early"])
    if "rejected" in kinds:
        reasons = Counter(str(trial.user_attrs["rejected"]) for trial in kinds["rejected"])
        yield Text(
            f"{plural(len(kinds['rejected']), 'network')} could not be trained, or broke a "
            "constraint:"
        )
        yield table(("trials", "why"), [(n, why) for why, n in reasons.most_common(REASONS)])
        if len(reasons) > REASONS:
            yield Text(f"There are {plural(len(reasons) - REASONS, 'other reason')}.")
    if "interrupted" in kinds:
        told = f"{plural(len(kinds['interrupted']), 'trial')}: {_numbers(kinds['interrupted'])}"
        yield Text(f"Interrupted by Ctrl-C: {told}.")
    if "failed" in kinds:
        failed = kinds["failed"]
        yield Text(
            f"{plural(len(failed), 'trial')} failed: {_numbers(failed)}. That is a bug or a "
            "process that ended. A study keeps no reason; the log of the process may."
        )
    for kind in ("running", "waiting"):
        if kind in kinds:
            told = f"{plural(len(kinds[kind]), 'trial')}: {_numbers(kinds[kind])}"
            yield Text(f"Still {kind} when this was written: {told}.")


def cost(search: Search) -> Iterator[Part]:
    """Evaluations, seconds and epochs, and where they went.

    Args:
        search:
            What is reported on.
    """
    kinds = [*lost(search.trials).items(), ("all", search.trials)]
    kinds += [("random search", one.get_trials(deepcopy=False)) for one in search.controls]
    spent = in_seconds([seconds_of(trials) for _, trials in kinds])
    rows = [
        (kind, len(trials), seconds, epochs_of(trials))
        for (kind, trials), seconds in zip(kinds, spent, strict=True)
    ]
    yield table(("trials", "number", "seconds", "epochs"), rows)
    ends = [t.datetime_complete for t in search.trials if t.datetime_complete is not None]
    begins = [t.datetime_start for t in search.trials if t.datetime_start is not None]
    if ends and begins:
        took = (max(ends) - min(begins)).total_seconds()
        yield Text(
            f"Seconds are those of the trials, one after the other. From the first begin to the "
            f"last end it was {duration(took)}, with pauses, if there were any."
        )
    yield from _runs(search)


def _runs(search: Search) -> Iterator[Part]:
    """What the command took in all, with what came before and after the trials."""
    total: Counter[str] = Counter()
    for run in search.runs:
        total.update(run["seconds"])
    if total:
        each = ", ".join(f"{what} {duration(seconds)}" for what, seconds in total.items())
        runs = plural(search.open_runs, "run")
        but = f", without {runs} that still works or was killed" if search.open_runs else ""
        yield Text(f"The whole command, {plural(len(search.runs), 'run')}: {each}{but}.")


def again(search: Search) -> Iterator[Part]:
    """Commands, versions, seed and machine.

    Args:
        search:
            What is reported on.
    """
    commands = search.commands
    if commands:
        yield Code("\n".join(commands), "shell")
    seed = "none that the study keeps" if search.seed is None else str(search.seed)
    versions, hardware = search.told("versions"), search.told("hardware")
    known = isinstance(versions, dict)
    rows: list[tuple[str, Any]] = [
        ("Seed", seed),
        ("Seeds of the repeats", ", ".join(map(_seed, search.repeats)) or None),
        ("Seeds of random search", ", ".join(map(_seed, search.controls)) or None),
        ("Versions", _listed(versions if known else installed())),
        ("Machine", str(hardware or machine())),
    ]
    yield table(("what", "which"), [row for row in rows if row[1] is not None])
    unknown = [
        what
        for what, told in (
            ("the command", commands or None),
            ("versions", versions),
            ("the machine", hardware),
        )
        if told is None
    ]
    if unknown:
        yield Text(
            f"The study does not keep {' and '.join(unknown)}; what stands here for versions and "
            "machine, where it does not, is of the process that wrote this report."
        )


def installed() -> dict[str, str]:
    """Returns the versions of this process."""
    names = {"optuna_nas": "optuna-nas", "optuna": "optuna", "torch": "torch"}
    return {name: version(package) for name, package in names.items()}


def machine() -> str:
    """Returns what this process runs on: system, processor and its cores, GPU."""
    cores = plural(os.cpu_count() or 1, "core")
    cuda = torch.cuda.is_available()
    gpu = torch.cuda.get_device_name(0) if cuda else "no GPU"
    return f"{platform.system()} {platform.machine()}, {_processor()} ({cores}), {gpu}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or "processor unknown"


def _stopped(search: Search, trials: list[FrozenTrial]) -> Iterator[Part]:
    after = Counter(last_step(trial, len(search.names)) for trial in trials)
    yield Text(
        f"{plural(len(trials), 'network')} were stopped early by the pruner, as worse than others "
        "so far:"
    )
    steps = sorted(after.items(), key=lambda item: -1 if item[0] is None else item[0])
    if len(steps) > REASONS:
        first, last = steps[0][0], steps[-1][0]
        yield Text(f"after {len(steps)} different numbers of steps, from {first} to {last}.")
        return
    rows = [(n, "before any report" if s is None else f"after step {s}") for s, n in steps]
    yield table(("trials", "when"), rows)


def _numbers(trials: list[FrozenTrial]) -> str:
    shown = ", ".join(str(trial.number) for trial in trials[:REASONS])
    return shown if len(trials) <= REASONS else f"{shown} and {len(trials) - REASONS} more"


def _seed(study: Study) -> str:
    return str(study.user_attrs.get(SEED, "unknown"))


def _listed(versions: Any) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())
