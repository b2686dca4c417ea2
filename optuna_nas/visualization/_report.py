"""``report``: a search on one page, to read, to send and to keep."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from datetime import datetime
from datetime import timezone
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from optuna.study import Study

from optuna_nas.space import Network
from optuna_nas.study._remembered_network import remembered_network
from optuna_nas.visualization._report_answer import answer
from optuna_nas.visualization._report_checklist import checklist
from optuna_nas.visualization._report_controls import controls
from optuna_nas.visualization._report_document import Document
from optuna_nas.visualization._report_document import Section
from optuna_nas.visualization._report_document import Text
from optuna_nas.visualization._report_found import best_networks
from optuna_nas.visualization._report_found import question
from optuna_nas.visualization._report_html import to_html
from optuna_nas.visualization._report_markdown import to_markdown
from optuna_nas.visualization._report_pictures import curves
from optuna_nas.visualization._report_pictures import drawings
from optuna_nas.visualization._report_proxy import proxy
from optuna_nas.visualization._report_search import Search
from optuna_nas.visualization._report_spent import again
from optuna_nas.visualization._report_spent import cost
from optuna_nas.visualization._report_spent import given_up
from optuna_nas.visualization._report_spent import installed


CHECKLIST = "Good practice, for a paper"


def report(
    study: Study,
    path: str | Path = "report.html",
    *,
    network: Network | None = None,
    example: Any = None,
    control: Study | Sequence[Study] = (),
    repeats: Study | Sequence[Study] = (),
    result: Mapping[str, Any] | None = None,
) -> Path:
    """Writes what a search was, what it found and what it took, as a page to send.

    An ``.html`` is one file that needs no other and no network. An ``.md`` has its pictures in a
    folder of the same name beside it. Both have: the question, the answer in three sentences, the
    best networks or the front, drawings, curves, controls, what was given up and why, the cost,
    how to do it again, and the checklist of Lindauer & Hutter 2020, "Best practices for
    scientific research on neural architecture search" (https://jmlr.org/papers/v21/20-056.html).
    What the study does not tell is said to be unknown.

    Example:

        .. code-block:: python

            optuna_nas.report(study, "report.html", control=random_study)

    Args:
        study:
            Any: also an empty one, or one that this library did not begin.
        path:
            Where; what is there is replaced.
        network:
            The search space; None for the one that the study remembers, if it is one of
            :mod:`optuna_nas.spaces`. Without it nothing is drawn.
        example:
            A batch of its inputs, as for :func:`plot_architecture`; by default what the study
            remembers.
        control:
            Random search of the same objectives, one study or several.
        repeats:
            The same search with other seeds. A difference to random search is only shown over
            several runs of each.
        result:
            What ``optuna-nas search`` wrote into ``result.json``.

    Returns:
        The path.

    Raises:
        TypeError:
            If a study is no study, or the result no mapping.
        ValueError:
            If the path ends otherwise or is in no folder, studies have other objectives, or the
            result is another study's.
        OSError:
            If it cannot be written; then nothing is.
    """
    path = Path(path)
    _check_path(path)
    search = Search(
        _studies("study", study)[0],
        *_known(study, network, example),
        repeats=_studies("repeats", repeats),
        controls=_studies("control", control),
        result=_checked(result, study),
    )
    _check_objectives(search)
    _write(_document(search), path)
    return path


def _document(search: Search) -> Document:
    best = "The Pareto front" if search.several else "The best networks"
    sections = {
        "The question": question(search),
        "The answer": [Text(answer(search))],
        best: best_networks(search),
        "What they compute": drawings(search),
        "Curves": curves(search),
        "What the proxy was worth": proxy(search),
        "Controls": controls(search),
        "What was given up, and why": given_up(search),
        "What it cost": cost(search),
        "How to do it again": again(search),
        CHECKLIST: checklist(search),
    }
    written = {title: tuple(parts) for title, parts in sections.items()}
    now = datetime.now(timezone.utc).isoformat(" ", timespec="minutes")
    return Document(
        f"{search.study.study_name}: a neural architecture search",
        tuple(Section(t, parts, folded=t == CHECKLIST) for t, parts in written.items() if parts),
        f"Written by optuna_nas {installed()['optuna_nas']}, {now}.",
    )


def _write(document: Document, path: Path) -> None:
    """All is made under another name first, so that nothing is left half-written."""
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as place:
        made = Path(place) / path.name
        if path.suffix.lower() == ".html":
            made.write_text(to_html(document), encoding="utf-8")
        else:
            pictures = Path(place) / path.stem
            pictures.mkdir()
            text = to_markdown(document, pictures, path.stem)
            made.write_text(text, encoding="utf-8")
            path.with_suffix("").mkdir(exist_ok=True)
            for picture in pictures.iterdir():
                os.replace(picture, path.with_suffix("") / picture.name)
        os.replace(made, path)


def _check_path(path: Path) -> None:
    if path.suffix.lower() not in (".html", ".md"):
        raise ValueError(f"path must end in .html or .md, but is {str(path)!r}.")
    if not path.parent.is_dir():
        raise ValueError(f"path {str(path)!r} is in no folder that is there: make it first.")
    if path.is_dir():
        raise ValueError(f"path {str(path)!r} is a folder; give the name of a file.")


def _known(study: Study, network: Network | None, example: Any) -> tuple[Network | None, Any]:
    told, shape = remembered_network(study)
    return network or told, shape if example is None else example


def _studies(argument: str, given: Any) -> tuple[Study, ...]:
    found = (given,) if not isinstance(given, Sequence) or isinstance(given, str) else tuple(given)
    for one in found:
        if not isinstance(one, Study):
            raise TypeError(f"{argument} must be a study, but is {one!r} ({type(one).__name__}).")
    return found


def _checked(result: Any, study: Study) -> Mapping[str, Any]:
    if result is None:
        return {}
    if not isinstance(result, Mapping):
        raise TypeError(
            "result must be what result.json holds, a dict, but is "
            f"{result!r} ({type(result).__name__})."
        )
    told = result.get("study")
    name = told.get("name") if isinstance(told, Mapping) else None
    if name != study.study_name:
        raise ValueError(f"result is of study {name!r}, but this is {study.study_name!r}.")
    plain: Mapping[str, Any] = json.loads(json.dumps(result, default=str))
    return plain


def _check_objectives(search: Search) -> None:
    for other in (*search.repeats, *search.controls):
        if other.directions != search.study.directions:
            raise ValueError(
                f"study {other.study_name!r} has the directions {_told(other)}, and "
                f"{search.study.study_name!r} has {_told(search.study)}: they cannot stand in one "
                "report."
            )


def _told(study: Study) -> str:
    return " and ".join(direction.name.lower() for direction in study.directions)
