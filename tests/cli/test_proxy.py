from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path
import re
import sys

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
import pytest

from optuna_nas import proxies
from optuna_nas import spaces
from optuna_nas._cli._options import PROXIES
from optuna_nas.metrics import Parameters
from optuna_nas.space import build
from tests.cli.conftest import flowers
from tests.cli.conftest import Ran
from tests.cli.conftest import write_csv


Run = Callable[..., Ran]
KINDS = ("search", "flowers.csv", "--target", "kind", "--epochs", "1")

TOKENS = """
from torch import nn

def net(trial):
    width = trial.suggest_int("width", 2, 8)
    return nn.Sequential(nn.Linear(5, width), nn.Linear(width, 2))
"""


def trials() -> list[optuna.trial.FrozenTrial]:
    storage = JournalStorage(JournalFileBackend("studies/flowers/study.journal"))
    return optuna.load_study(study_name="flowers", storage=storage).trials


def origins() -> list[str | None]:
    return [trial.user_attrs.get("origin") for trial in trials()]


def test_the_names_are_those_of_the_proxies() -> None:
    assert {n for n in proxies.__all__ if hasattr(getattr(proxies, n), "needs_labels")} == set(
        PROXIES
    )


@pytest.mark.parametrize("name", ["naswot", "snip"])
def test_a_search_begins_by_hand_then_with_what_the_proxy_scores_best(
    run: Run, flowers_csv: Path, name: str
) -> None:
    ran = run(*KINDS, "--space", "mlp", "--proxy", name, "--trials", "3")
    assert ran.status == 0, ran.err
    assert origins() == ["default", *[name] * 5]
    run(*KINDS, "--space", "mlp", "--proxy", name, "--trials", "7")
    assert origins() == ["default", *[name] * 5, None]
    assert len({str(trial.params) for trial in trials()[:6]}) == 6


def test_what_it_proposes_is_what_the_proxy_scores_higher_than_most(
    run: Run, flowers_csv: Path
) -> None:
    run(*KINDS, "--space", "mlp", "--proxy", "l2_norm", "--trials", "7")
    network = spaces.MLP(in_features=5, out_features=2)
    sizes = [Parameters().measure(build(network, trial.params)) for trial in trials()]
    assert min(sizes[1:6]) > max(sizes[0], sizes[6])


def test_the_limits_hold_for_what_a_proxy_proposes(run: Run, flowers_csv: Path) -> None:
    limit = ("--limit", "parameters=3000")
    run(*KINDS, "--space", "mlp", "--proxy", "l2_norm", "--trials", "6", *limit)
    assert origins()[1:6] == ["l2_norm"] * 5
    assert not any("rejected" in trial.user_attrs for trial in trials()[1:6])


def test_a_regression_of_a_table_with_embeddings_has_a_proxy_too(run: Run) -> None:
    rows = [[*row[:3], float(row[0]) + i % 7] for i, row in enumerate(flowers())]
    write_csv(Path("flowers.csv"), ("length", "width", "colour", "price"), rows)
    search = ("search", "flowers.csv", "--target", "price", "--epochs", "1", "--trials", "2")
    ran = run(*search, "--proxy", "zico", "--json")
    assert ran.status == 0, ran.err
    assert json.loads(ran.raw)["options"]["proxy"] == "zico"
    assert "zico" in origins()


def test_the_config_repeats_it_and_another_proxy_is_another_search(
    run: Run, flowers_csv: Path
) -> None:
    run(*KINDS, "--space", "mlp", "--proxy", "naswot", "--trials", "2")
    assert 'proxy = "naswot"' in Path("studies/flowers/search.toml").read_text()
    assert run("search", "--config", "studies/flowers/search.toml").status == 0
    ran = run("search", "--config", "studies/flowers/search.toml", "--proxy", "snip")
    assert "belongs to another search: proxy was naswot and now is snip." in ran.err


def test_show_says_which_network_a_proxy_proposed(run: Run, flowers_csv: Path) -> None:
    run(*KINDS, "--space", "mlp", "--proxy", "naswot", "--trials", "6")
    shown = json.loads(run("show", "studies/flowers/study.journal", "--json").raw)
    (best,) = shown["best"]
    assert best["origin"] == trials()[best["trial"]].user_attrs["origin"]
    said = {"default": "the one made by hand", "naswot": "which naswot proposed"}[best["origin"]]
    assert f"Network {best['trial']}, {said}: " in run("show", "studies/flowers/study.journal").out


def test_what_it_is_worth_is_measured_by_the_networks_that_it_did_not_propose(
    run: Run, flowers_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)  # plots take long
    run(*KINDS, "--space", "mlp", "--proxy", "naswot", "--trials", "10")
    seen = [trial.user_attrs.get("screen") for trial in trials()]
    assert [one is None for one in seen[:6]] == [False, *[True] * 5]
    assert all(one["estimate"] == "naswot" and not one["chosen"] for one in seen[6:])
    assert run("report", "studies/flowers/study.journal", "--out", "r.md").status == 0
    text = Path("r.md").read_text()
    assert "## What the proxy was worth" in text
    assert re.search(
        r"Before the search naswot scored \d+ random networks, untrained; the best 5 were put "
        r"first \(begun: trial 1, 2, 3, 4, 5\)\. It rejected nothing\.",
        text,
    )
    assert "95 % interval, by the 5 trials in which naswot had no say." in text
    assert re.search(r"\| naswot \| -?\d\.\d+ \|", text)


def test_in_a_terminal_it_is_said_what_a_proxy_does(
    run: Run, terminal: None, flowers_csv: Path
) -> None:
    ran = run(*KINDS, "--space", "mlp", "--proxy", "naswot", "--trials", "1")
    said = "naswot, by 32 rows to train on: of 100 random networks, the best 5 are among the first"
    assert said in ran.err


def test_a_proxy_that_can_score_no_network_is_told_before_anything_is_written(
    run: Run, flowers_csv: Path
) -> None:
    Path("own_for_proxy.py").write_text(TOKENS)
    ran = run(*KINDS, "--space", "own_for_proxy:net", "--proxy", "naswot")
    assert ran.err == (
        "error: --proxy naswot is not for --space own_for_proxy:net: none of 10 random candidates "
        "can be scored: naswot: the network has no activations (5 times)."
    )
    assert ran.status == 2
    assert not Path("studies").exists()
