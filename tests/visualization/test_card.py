from __future__ import annotations

import re
from typing import Any

import optuna
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

import optuna_nas
from optuna_nas import create_study
from optuna_nas.visualization._card import card
from optuna_nas.visualization._card import plain
from optuna_nas.visualization._card import sparkline


MARKUP = "<img src=x onerror=alert(1)> | [a](javascript:b) `c` **d** $e$ ``` \n# f"
OPTIONS = optuna.distributions.CategoricalDistribution(["conv", MARKUP, True])


def trial(params: dict[str, Any], values: list[float], **user_attrs: Any) -> FrozenTrial:
    return create_trial(
        params=params,
        distributions=dict.fromkeys(params, OPTIONS),
        values=values,
        user_attrs=user_attrs,
        state=TrialState.COMPLETE,
    )


def card_of(added: FrozenTrial, directions: list[Any] | None = None, **given: Any) -> str:
    study = create_study(directions=directions or ["maximize", "minimize"], seed=0)
    study.set_metric_names(["accuracy", "parameters"][: len(study.directions)])
    study.add_trial(added)
    options = {"picture": None, "costs": {}, "network": None, **given}
    return card(study, study.trials[0], **options)


pytestmark = pytest.mark.filterwarnings("ignore:.*set_metric_names")


def test_a_card_says_what_a_trial_is_worth_what_it_costs_and_how_to_have_it_again() -> None:
    found = trial(
        {"block0/op": "conv", "block0/skip": True, "lr": "conv"},
        [0.97254, 1234.0],
        architecture=["block0/op", "block0/skip"],
        metrics={"parameters": 1234.0, "flops": 2_000_000.0},
        epochs=3,
        reports={"1": [0.5, 1234.0], "2": [0.9, 1234.0], "3": [0.97254, 1234.0]},
    )
    text = card_of(found, picture="/artifacts/0/0/a", network="Net")
    assert text.startswith("### Trial 0, on the Pareto front")
    for part in (
        "| **accuracy** | **0.97254** (maximize) |",
        "| **parameters** | **1,234** (minimize) |",
        "| flops | 2,000,000 |",
        "| epochs | 3 |",
        "| accuracy, step by step | ▁▇█ 0.5 to 0.97254 in 3 reports |",
        "- block0: op **conv**, skip **yes**",
        "- training: lr **conv**",
        "![What it computes](/artifacts/0/0/a)",
        "network = Net\nparams = {\n    'block0/op': 'conv',\n    'block0/skip': True,\n}",
    ):
        assert part in text
    assert text.count("1,234") == 1  # an objective is told once, and a cost has no curve


def test_a_card_says_which_constraints_hold_and_by_how_much() -> None:
    study = create_study(direction="maximize", seed=0)
    asked = study.ask()
    asked.set_constraint("flops <= 100", -40.0)
    asked.set_constraint("latency <= 2", 0.5)
    study.tell(asked, 0.9)
    text = card(study, study.trials[0], picture=None, costs={"parameters": 7.0}, network=None)
    assert text.startswith("### Trial 0, the best so far")
    assert "| flops \\<\\= 100 | holds, 40 to spare |" in text
    assert "| latency \\<\\= 2 | broken by 0.5 |" in text
    assert "| parameters | 7 |" in text
    assert "network = ...  # the search space that this study was begun with" in text


def test_the_code_of_a_card_builds_the_network_again() -> None:
    study = create_study(direction="maximize", seed=0)
    asked = study.ask()
    network = optuna_nas.spaces.MLP(in_features=4, out_features=2)
    module = network(optuna_nas.SampledTrial(asked))
    study.tell(asked, 0.9)
    code = "optuna_nas.spaces.MLP(in_features=4, out_features=2)"
    text = card(study, study.trials[0], picture=None, costs={}, network=code)
    names: dict[str, Any] = {}
    exec(text.split("```python\n")[1].split("```")[0], names)
    assert str(names["module"]) == str(module)


def test_markup_in_names_and_choices_stays_text() -> None:
    text = card_of(trial({MARKUP: MARKUP}, [0.5], metrics={MARKUP: 1.0}), ["maximize"])
    prose, code = text.split("**Again**")
    told = prose.replace("\\\\", "")  # every mark that is left without a backslash is Markdown
    assert not re.search(r"(?<!\\)[<>\[\]`$()]", told.replace("(maximize)", ""))
    assert "\\<img src\\=x" in prose
    # the code lies in a fence that is longer than any in it
    assert code.strip().startswith("````python")
    assert code.strip().endswith("````")


def test_every_mark_that_markdown_may_read_has_a_backslash() -> None:
    assert plain("a_b <c>\n d") == "a\\_b \\<c\\> d"


def test_a_sparkline_goes_from_the_least_to_the_most() -> None:
    assert sparkline([0.0, 0.5, 1.0]) == "▁▅█"
    assert sparkline([1.0, float("nan"), 1.0]) == "▁ ▁"
    assert len(sparkline([i / 100 for i in range(100)])) == 40
    assert sparkline([float("inf")]) == " "
