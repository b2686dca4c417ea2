from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
import re
import sys
from typing import Any

import optuna
from optuna.trial import TrialState
import pytest
import torch
from torch import nn

import optuna_nas
from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas.visualization import _report_pictures
from optuna_nas.visualization import plot_pareto_front
from optuna_nas.visualization import report
from optuna_nas.visualization._report_checklist import PRACTICES
from optuna_nas.visualization._report_document import in_seconds
from optuna_nas.visualization._report_markdown import escaped
from optuna_nas.visualization._report_search import RUN
from tests.visualization.trials import study_of
from tests.visualization.trials import trial_of


MARKUP = "<img src=x onerror=alert(1)>\"'&[a](/x)|`*"
SECTIONS = (
    "The question",
    "The answer",
    "What they compute",
    "Curves",
    "Controls",
    "What was given up, and why",
    "What it cost",
    "How to do it again",
    "Good practice",
)
TWO = ("maximize", "minimize")


class Page(HTMLParser):
    """The text of a page, its tags, and where it loads from."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.captions: list[str] = []
        self._texts: list[str] = []
        self.feed(path.read_text())
        self.text = " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.sources += [str(found[name]) for name in ("src", "href") if name in found]
        assert not any(name.startswith("on") for name in found)
        if tag == "img":
            self.captions.append(str(found["alt"]))

    def handle_data(self, data: str) -> None:
        self._texts.append(data)


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots take most of the time of a report."""
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)


def page(study: optuna.Study, path: Path, **given: Any) -> Page:
    return Page(report(study, path / "report.html", **given))


def score(module: nn.Module, trial: Any) -> float:
    for step in range(1, 3):
        trial.report(0.1 * step, step)
    return 0.5 + 0.01 * float(trial.number)


def searched(tmp_path: Path) -> optuna.Study:
    study = create_study(directions=list(TWO), seed=3, pruner=None, study_name="flowers")
    network = spaces.MLP(in_features=4, out_features=2)
    objective = Objective(network, score, metrics.Parameters(), example=torch.zeros(2, 4))
    study.optimize(objective, n_trials=4)
    return study


def seeded(seed: int, values: list[float], **given: Any) -> optuna.Study:
    study = study_of([trial_of(value) for value in values], **given)
    study.set_user_attr("optuna_nas:seed", seed)
    return study


def test_a_search_is_one_file_that_needs_no_other(tmp_path: Path) -> None:
    found = page(searched(tmp_path), tmp_path)
    for section in (*SECTIONS, "The Pareto front"):
        assert section in found.text
    assert "maximize score and minimize parameters" in found.text
    assert "optuna_nas.spaces.MLP(in_features=4, out_features=2)" in found.text
    assert "RegularizedEvolutionSampler" in found.text
    assert "Seed 3" in found.text
    assert "the knee of the front" in found.text
    assert len(found.captions) >= 5
    assert all(source.startswith("data:image/") for source in found.sources)
    assert "script" not in found.tags
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_network_chosen_is_marked_on_the_front_and_drawn_with_what_it_came_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, marked = searched(tmp_path), []

    def noted(*arguments: Any, **options: Any) -> Any:
        marked.append(options["chosen"])
        return plot_pareto_front(*arguments, **options)

    monkeypatch.setattr(_report_pictures, "plot_pareto_front", noted)
    finalists = [{"number": n, "mean": 0.25, "scores": [0.2, 0.3]} for n in (2, 3)]
    told = {"study": {"name": "flowers"}, "winner": {"trial": 2}, "finalists": finalists}
    found = page(study, tmp_path, result=told)
    [caption] = [c for c in found.captions if c.startswith("Trial 2, the winner")]
    assert caption.endswith(" in the search; mean score when trained again 0.25")
    page(study, tmp_path, result={**told, "winner": {"trial": 99}})
    page(study, tmp_path, result={**told, "finalists": [{"number": [], "mean": "b"}]})
    page(study, tmp_path)
    assert marked == [2, None, 2, None]


def test_a_winner_that_no_axis_can_show_is_not_marked(tmp_path: Path) -> None:
    trials = [trial_of([0.5, 3.0]), trial_of([0.9, float("inf")], {"width": 2})]
    study = study_of(trials, TWO, ["score", "cost"], study_name="s")
    found = page(study, tmp_path, result={"study": {"name": "s"}, "winner": {"trial": 1}})
    assert any(caption.startswith("The networks") for caption in found.captions)


def test_the_notes_of_a_plot_stand_in_its_caption(tmp_path: Path) -> None:
    near = [trial_of([0.9 - 0.01 * i, 3.0 + i], {"width": 1 + i % 4}) for i in range(30)]
    study = study_of([*near, trial_of([0.1, 400.0])], TWO, ["score", "cost"])
    [caption] = [c for c in page(study, tmp_path).captions if c.startswith("The networks")]
    assert caption.endswith("and the front (1 far-off trial lies beyond the axes)")


def test_as_markdown_it_has_its_pictures_in_a_folder_beside_it(tmp_path: Path) -> None:
    study = searched(tmp_path)
    path = report(study, tmp_path / "my report.md")
    text = path.read_text()
    for section in SECTIONS:
        assert f"## {section}" in text
    pictures = re.findall(r"\]\((my%20report/[^)]+\.png)\)", text)
    assert len(pictures) >= 5
    for picture in pictures:
        assert (tmp_path / picture.replace("%20", " ")).read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"my report.md", "my report"}
    report(study, path)  # once more, over what is there


def test_it_is_a_function_of_the_package_and_says_where_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert optuna_nas.report(study_of([])) == Path("report.html")


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        ([], "Nothing was tried yet."),
        ([trial_of(0.5)], "Of 1 trial, trial 0 is the best: value 0 0.5."),
        (
            [trial_of(0.5), trial_of(state=TrialState.WAITING)],
            "Of 1 trial, trial 0 is the best: value 0 0.5.",
        ),
        (
            [trial_of(state=TrialState.FAIL), trial_of(state=TrialState.FAIL)],
            "2 trials failed: 0, 1. That is a bug",
        ),
        (
            [trial_of(state=TrialState.FAIL, interrupted=True), trial_of(state=TrialState.FAIL)],
            "Interrupted by Ctrl-C: 1 trial: 0. 1 trial failed: 1. That is a bug",
        ),
        ([trial_of(0.5, broken=1.0)], "each breaks a constraint or has no finite score"),
        ([trial_of(float("inf"))], "each breaks a constraint or has no finite score"),
        ([trial_of(0.5, {})], "trial 0 is the best"),
        ([trial_of(0.5), trial_of(state=TrialState.RUNNING)], "Still running when this was"),
        ([trial_of(0.5), trial_of(rejected="too large")], "too large"),
        ([trial_of(reported={1: 0.1, 2: 0.2})], "after step 2"),
        ([trial_of()], "before any report"),
        ([trial_of(0.5, epochs=7)], "The trials took 1 s and 7 epochs."),
        ([trial_of(0.5, epochs=float("nan"))], "The trials took 1 s."),
        ([trial_of(0.5, epochs="ten", origin=3)], "The trials took 1 s."),
        ([trial_of(0.5, architecture=3)], "op=conv width=1"),
    ],
)
def test_whatever_became_of_the_trials_is_told(
    trials: list[Any], said: str, tmp_path: Path
) -> None:
    found = page(study_of(trials), tmp_path)
    assert said in found.text
    for section in SECTIONS:
        assert section in found.text


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_front_of_several_objectives_is_told_by_its_ends_and_knee(
    count: int, tmp_path: Path
) -> None:
    trials = [
        trial_of([0.5 + 0.1 * i, float(i * i)], {"op": "conv", "width": 1 + i})
        for i in range(count)
    ]
    found = page(study_of(trials, TWO, ["accuracy", "cost"]), tmp_path)
    told = ("Nothing was tried", "one is better than all others", "2 are on", "3 are on")[count]
    assert told in found.text
    assert ("(knee)" in found.text) == (count > 1)


@pytest.mark.parametrize("count", [9, 10, 60])
def test_of_options_no_more_is_said_than_so_many_networks_can_tell(
    count: int, tmp_path: Path
) -> None:
    space = {"width": optuna.distributions.IntDistribution(1, 64)}
    trials = [trial_of(0.1 * i, {"width": 1 + i}, space=space) for i in range(count)]
    found = page(study_of(trials), tmp_path)
    few = "not drawn: that says something from about 10 networks trained to the end, and this"
    drawn = any(caption.startswith("Which options") for caption in found.captions)
    assert (few in found.text) != drawn
    assert drawn == (count > 9)


def test_the_checklist_is_folded_and_seconds_have_one_decimal(
    tmp_path: Path, no_plots: None
) -> None:
    found = page(study_of([trial_of(0.5)]), tmp_path)
    assert found.tags.count("details") == found.tags.count("summary") == 1
    assert found.text.index("Good practice, for a paper") < found.text.index("1. Release the code")
    assert in_seconds([1.0034, 23.395, None]) == [1.0, 23.4, None]
    assert in_seconds([0.01234]) == [0.012]


def test_a_study_that_is_not_ours_is_reported_and_what_is_missing_said(tmp_path: Path) -> None:
    study = optuna.create_study(study_name="other")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    study.set_user_attr("dataset", "flowers")
    found = page(study, tmp_path)
    assert "the study does not say" in found.text
    assert "so nothing is drawn" in found.text
    assert "dataset flowers" in found.text
    assert "The study does not keep the command and versions and the machine" in found.text
    assert "against no random search" in found.text
    assert len(found.captions) >= 2


def test_a_network_that_cannot_be_drawn_is_said(tmp_path: Path, no_plots: None) -> None:
    def network(trial: Any) -> nn.Module:
        raise RuntimeError("no such network")

    example = torch.zeros(2, 4)
    found = page(study_of([trial_of(0.5)]), tmp_path, network=network, example=example)
    assert "Trial 0 cannot be drawn: " in found.text
    assert "no such network" in found.text
    assert "test_a_network_that_cannot_be_drawn_is_said" in found.text


def test_markup_in_names_choices_and_attrs_is_text(tmp_path: Path) -> None:
    choice = optuna.distributions.CategoricalDistribution([MARKUP, "plain"])
    trials = [
        trial_of([0.1 * i, 1.0], {MARKUP: MARKUP}, space={MARKUP: choice}, reported=None)
        for i in range(3)
    ]
    trials.append(trial_of(rejected=MARKUP))
    study = study_of(trials, TWO, [MARKUP, "cost"], study_name=MARKUP)
    study.set_user_attr(MARKUP, MARKUP)
    who = {"sampler": MARKUP, "pruner": MARKUP, "command": f"optuna-nas {MARKUP}"}
    study.set_user_attr(f"{RUN} 2026", {**who, "trials before": 0, "seconds": {MARKUP: 1.0}})
    result = {
        "study": {"name": MARKUP},
        "data": {"name": MARKUP, "fingerprint": MARKUP, "rows": {MARKUP: 1}},
        "command": f"optuna-nas {MARKUP}",
        "metric": MARKUP,
        "test": {MARKUP: 0.5, "other": 0.4},
        "hardware": MARKUP,
    }
    found = page(study, tmp_path, result=result)
    assert found.text.count(MARKUP) >= 14
    assert found.tags.count("img") == len(found.captions)
    assert all(source.startswith("data:") for source in found.sources)

    text = report(study, tmp_path / "report.md", result=result).read_text()
    prose = re.sub(r"^(`{3,})\w+\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert escaped(MARKUP) in prose
    assert not re.search(r"(?<!\\)[<`]", prose)


def test_random_search_beside_it_is_tested_over_several_runs(
    tmp_path: Path, no_plots: None
) -> None:
    runs = [seeded(i, [0.9 + 0.001 * i]) for i in range(6)]
    control = [seeded(i, [0.1, 0.5 + 0.002 * i]) for i in range(6)]
    found = page(runs[0], tmp_path, repeats=runs[1:], control=control)
    assert "This search is better than random search" in found.text
    assert "permutation test of 6 pairs of the same seed" in found.text
    assert "One random network has value 0 0.3" in found.text
    assert "that it gave up are not in it" not in found.text
    assert "The searches were not equally long" in found.text
    assert "6 searches; mean and deviation are above" in found.text


def test_one_run_of_each_shows_nothing_and_is_not_said_to(tmp_path: Path, no_plots: None) -> None:
    found = page(seeded(0, [0.9]), tmp_path, control=seeded(0, [0.5]))
    assert "but one run is one sample: nothing follows from it." in found.text
    assert "is better than random search (" not in found.text


def test_random_search_without_a_result_is_said(tmp_path: Path, no_plots: None) -> None:
    found = page(study_of([trial_of(0.5)]), tmp_path, control=study_of([]))
    assert "Random search cannot be compared: " in found.text
    assert "There is random search (1 run), but it cannot be compared." in found.text


@pytest.mark.parametrize(
    ("scores", "metric", "said"),
    [
        (
            (1.0, 0.9),
            "accuracy",
            "The one found is better than other on the test (0 against 100 of",
        ),
        (
            (0.9, 1.0),
            "accuracy",
            "Other is better than the one found on the test (0 against 100 of",
        ),
        ((0.9, 0.899), "accuracy", "is not shown to be better than other"),
        ((0.9, 0.9), "accuracy", "are equally good on the test"),
        ((0.9, 0.5), "r2", "whether that is luck cannot be known from the scores"),
    ],
)
def test_scores_on_the_test_are_compared_as_far_as_they_can_be(
    scores: tuple[float, float], metric: str, said: str, tmp_path: Path, no_plots: None
) -> None:
    study = study_of([trial_of(0.5)], study_name="s")
    result = {
        "study": {"name": "s"},
        "metric": metric,
        "data": {"rows": {"test": 1000}},
        "test": {"The one found": scores[0], "other": scores[1]},
    }
    assert said in page(study, tmp_path, result=result).text


def test_the_network_made_by_hand_stands_beside_the_best(tmp_path: Path, no_plots: None) -> None:
    made, better = trial_of(0.5, origin="default"), trial_of(0.6, {"op": "pool", "width": 2})
    assert "made by hand, trial 0, has value 0 0.5; trial 1 has 0.6" in (
        page(study_of([made, better]), tmp_path).text
    )
    assert "trial 0, was not beaten" in page(study_of([made]), tmp_path).text


def test_the_checklist_has_all_fourteen_practices_and_claims_nothing_unknown(
    tmp_path: Path,
) -> None:
    assert len(PRACTICES) == 14
    found = page(study_of([]), tmp_path)
    for practice in PRACTICES:
        assert practice in found.text
    _, _, checklist = found.text.partition("how that is known")
    assert " yes " not in checklist


def test_a_result_of_odd_content_is_no_error(tmp_path: Path, no_plots: None) -> None:
    study = study_of([trial_of(0.5)], study_name="s")
    keys = ("data", "winner", "finalists", "test", "seconds", "versions", "metric", "command")
    for odd in (3, [], ["a"], {"rows": 3}, None, [{"scores": ["a"], "mean": "b"}]):
        result = {"study": {"name": "s", "sampler": odd}, **dict.fromkeys(keys, odd)}
        assert "The answer" in page(study, tmp_path, result=result).text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("report.pdf", r"^path must end in .html or .md, but is '.*report.pdf'.$"),
        ("none/report.html", r"^path '.*' is in no folder that is there: make it first.$"),
        ("folder.html", r"^path '.*folder.html' is a folder; give the name of a file.$"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(ValueError, match=message):
        report(study_of([]), tmp_path / name)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"control": 3}, TypeError, r"^control must be a study, but is 3 \(int\).$"),
        ({"repeats": ["a"]}, TypeError, r"^repeats must be a study, but is 'a' \(str\).$"),
        ({"result": 3}, TypeError, r"^result must be what result.json holds, a dict, but is 3"),
        ({"result": {}}, ValueError, r"^result is of study None, but this is 's'.$"),
        (
            {"control": study_of([], ["minimize"], study_name="c")},
            ValueError,
            r"^study 'c' has the directions minimize, and 's' has maximize: they cannot stand in",
        ),
    ],
)
def test_what_does_not_belong_to_the_study_is_refused(
    given: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        report(study_of([], study_name="s"), tmp_path / "report.html", **given)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["html", "md"])
def test_nothing_is_left_of_a_report_that_cannot_be_ended(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("optuna_nas.visualization._report.os.replace", full)
    (tmp_path / f"report.{suffix}").write_text("before")
    with pytest.raises(OSError, match=r"No space left on device"):
        report(study_of([]), tmp_path / f"report.{suffix}")
    assert (tmp_path / f"report.{suffix}").read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} <= {f"report.{suffix}", "report"}


def test_without_plotly_it_has_drawings_and_says_why_there_are_no_plots(
    tmp_path: Path, no_plots: None
) -> None:
    found = page(searched(tmp_path), tmp_path)
    assert 'There are no plots: plot_anytime needs plotly: pip install "optuna-nas[plot]"' in (
        found.text
    )
    assert found.captions
    assert all(caption.startswith("Trial ") for caption in found.captions)
