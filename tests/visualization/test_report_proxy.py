from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_nas.visualization._report_document import Table
from optuna_nas.visualization._report_document import Text
from optuna_nas.visualization._report_proxy import proxy
from optuna_nas.visualization._report_search import Search
from tests.visualization.trials import study_of
from tests.visualization.trials import trial_of


def scored(score: float, value: float, chosen: bool = False, parameters: float = 9.0) -> Any:
    seen = {"estimate": "snip", "score": score, "flops": None, "chosen": chosen}
    return trial_of(value, screen={**seen, "parameters": parameters})


def told(
    trials: Sequence[FrozenTrial], directions: Sequence[str] = ("maximize",), **attrs: Any
) -> tuple[list[str], list[Table]]:
    """The paragraphs and the tables."""
    study = study_of(trials, directions)
    for name, value in attrs.items():
        study.set_user_attr(f"optuna_nas:{name}", value)
    parts = list(proxy(Search(study, None, None, (), (), {})))
    texts = [part.text for part in parts if isinstance(part, Text)]
    return texts, [part for part in parts if isinstance(part, Table)]


RIGHT = [scored(i, i / 20, parameters=(7 * i) % 20) for i in range(20)]


def test_without_a_proxy_there_is_nothing_to_say() -> None:
    assert told([trial_of(0.5)]) == ([], [])


def test_a_screen_is_named_with_what_it_scored_rejected_and_turned_out_to_be_worth() -> None:
    rejected = trial_of(screen=RIGHT[0].user_attrs["screen"], rejected="screened: snip is 1")
    chosen = scored(3.0, 0.1, chosen=True)
    (what, worth), (table,) = told([*RIGHT, rejected, chosen], screen={"off": None})
    assert what == (
        "A screen by snip scored 22 candidates before training and rejected 1 of them. At the "
        "end it was on."
    )
    assert worth == (
        "Spearman's rank correlation with value 0 and its 95 % interval, by the 20 trials in "
        "which snip had no say. snip told networks apart."
    )
    assert [row[0] for row in table.rows] == ["snip", "parameters"]
    assert float(table.rows[0][1]) == 1.0
    assert float(table.rows[0][2]) > 0.9


@pytest.mark.parametrize(
    ("off", "said"),
    [
        (None, "At the end it still watched, and had no say yet."),
        ("it is not above zero", "At the end it was off: it is not above zero."),
    ],
)
def test_a_screen_that_was_not_on_at_the_end_is_told(off: str | None, said: str) -> None:
    (what, _), _ = told(RIGHT, screen={"off": off})
    assert what.endswith(said)


def test_a_proxy_that_says_no_more_than_the_parameter_count_is_not_praised() -> None:
    (_, worth), _ = told([scored(i, i / 20, parameters=i) for i in range(20)])
    assert worth.endswith("snip told networks apart, but counting parameters did as well.")
    (_, worth), _ = told([scored((7 * i) % 20, i / 20) for i in range(20)])
    assert worth.endswith("not shown: its interval is not above zero.")


def test_what_few_trials_measured_is_not_known() -> None:
    (_, worth), tables = told(RIGHT[:3])
    assert worth == (
        "What snip was worth is not known: that takes 4 trials in which it had no say, scored and "
        "trained, and there are 3."
    )
    assert tables == []


def test_with_several_objectives_the_worth_is_what_the_screen_noted_of_its_own() -> None:
    noted = {"trials": 20, "spearman": {"snip": [0.8, 0.5, 0.9]}, "off": None}
    trials = [trial_of([0.1, 0.2], screen=RIGHT[0].user_attrs["screen"])]
    (_, worth), (table,) = told(trials, ("maximize", "minimize"), screen=noted)
    assert worth.startswith("Spearman's rank correlation with its objective and its 95 % interval")
    assert [float(cell) for cell in table.rows[0][1:]] == [0.8, 0.5, 0.9]


def test_proposals_of_a_search_that_noted_no_scores_are_named_nevertheless() -> None:
    waiting = trial_of(state=TrialState.WAITING, origin="snip")
    (what, _), _ = told([trial_of(0.5, origin="snip"), waiting], search={"proxy": "snip"})
    assert what == (
        "Before the search snip scored random networks, untrained (how many, the study does not "
        "say); the best 2 were put first (begun: trial 0). It rejected nothing."
    )
