"""Whoever proposes may be wrong, broken or asleep: the study goes on, and tells them why."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import json
from pathlib import Path
import pickle
import sys
from threading import Event
from typing import Any

import optuna
from optuna.pruners import HyperbandPruner
from optuna.samplers import BaseSampler
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.testing.pytest_samplers import BasicSamplerTestCase
from optuna.testing.pytest_samplers import MultiObjectiveSamplerTestCase
from optuna.testing.pytest_samplers import RelativeSamplerTestCase
from optuna.trial import TrialState
import pytest
from torch import nn

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas.samplers import ProposalSampler
from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers._planning import plan_of
from optuna_nas.samplers._proposal import proposal_of
from optuna_nas.samplers._proposal_answer import LONGEST
from optuna_nas.samplers._proposal_history import ASKED
from optuna_nas.space import ASKED as ASKED_BY_THE_SPACE


def nothing(history: dict[str, Any]) -> None:
    """Leaves all to the fallback."""


def lowest(history: dict[str, Any]) -> dict[str, Any]:
    json.dumps(history, allow_nan=False)
    return {
        name: told["choices"][0] if told["type"] == "categorical" else told["low"]
        for name, told in history["search_space"].items()
    }


def garbage(history: dict[str, Any]) -> str:
    return "I would rather not."


class TestOfWhatIsProposed(BasicSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: ProposalSampler(lowest, avoid_repeats=False)


class TestOfTheFallback(
    BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase
):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: ProposalSampler(nothing, fallback=RegularizedEvolutionSampler())


OPS = ["conv", "pool", "none"]


def objective(trial: optuna.Trial) -> float:
    """Every op costs something; a conv has a width."""
    cost = trial.suggest_float("rate", 0, 1)
    if trial.suggest_categorical("op", OPS) == "conv":
        cost += trial.suggest_int("width", 16, 64, step=16)
    return cost


def studied(
    propose: Any, n_trials: int = 2, *, make: Any = objective, **arguments: Any
) -> optuna.Study:
    """After a first trial that tells what is asked: a conv."""
    study = optuna.create_study(sampler=ProposalSampler(propose, seed=0, **arguments))
    study.enqueue_trial({"op": "conv", "rate": 0.125, "width": 64})
    study.optimize(make, n_trials=n_trials)
    return study


def told(study: optuna.Study) -> list[str]:
    return [trial.user_attrs.get("proposal", "") for trial in study.trials]


NESTED = '{"a":' * 5000
GOOD = {"op": "conv", "rate": 0.5, "width": 32}


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        json.dumps(GOOD),
        json.dumps(GOOD).encode(),
        f"Like this:\n```json\n{json.dumps(GOOD, indent=2)}\n```\nIt should do well.",
        f'I tried {{"op": "pool"}} before, so now {json.dumps(GOOD)}. {{No JSON}}',
        f"First {json.dumps({**GOOD, 'width': 16})}, or rather {json.dumps(GOOD)}",
        json.dumps({"reasoning": "wide", "params": GOOD}),
    ],
)
def test_what_is_legal_is_taken_however_it_is_told(answer: Any) -> None:
    study = studied(lambda history: answer)
    assert study.trials[-1].params == GOOD
    assert told(study) == ["", "taken"]


def test_what_is_not_legal_is_repaired_and_the_next_proposal_hears_of_it() -> None:
    heard = []

    def propose(history: dict[str, Any]) -> str:
        heard.append(history["feedback"])
        return f'{{"op": "Conv", "rate": {2 - history["trial"] / 8}, "width": "30", "depth": 3}}'

    study = studied(propose, 3, avoid_repeats=False)
    assert study.trials[1].params == {"op": "conv", "rate": 1, "width": 32}
    changes = [
        "'op': 'Conv' became 'conv'",
        "'rate': 1.875 became 1.0",
        "'width': '30' became 32",
        "'depth' is no decision so far, and was left out",
    ]
    assert heard == [[], changes]
    assert told(study)[1] == f"repaired: {'; '.join(changes)}"


def test_what_is_missing_is_drawn_as_in_random_search() -> None:
    study = studied(lambda history: {"op": "conv"}, 2)
    drawn = optuna.create_study(sampler=RandomSampler(seed=0))
    drawn.add_trial(study.trials[0])
    drawn.enqueue_trial({"op": "conv"})
    drawn.optimize(objective, n_trials=1)
    assert study.trials[1].params == drawn.trials[1].params


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I would rather not.", "there is no JSON object in the text 'I would rather not.'"),
        ("{'op': 'conv'}", "there is no JSON object in the text \"{'op': 'conv'}\""),
        (
            "{" * (LONGEST + 1),
            "the text has 100,001 characters; 100,000 are read at most",
        ),
        (NESTED, f"there is no JSON object in the text {NESTED[:200] + '...'!r}"),
        ([GOOD], "it must be a dict from decision to value, or JSON of one, but is list"),
        (3, "it must be a dict from decision to value, or JSON of one, but is int"),
        ({}, "none of its names is a decision: []"),
        ({"depth": 3, 0: 1}, "none of its names is a decision: ['depth', '0']"),
        ({**GOOD, "width": "wide"}, "'width': 'wide' is no number"),
        ({**GOOD, "op": "lstm"}, "'op': 'lstm' is like none of 'conv', 'pool', 'none'"),
        (
            {"op": "conv", "rate": 0.125, "width": 64},
            "trial 0 has this architecture already (complete, values [64.125])",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_why_and_after_the_retries_the_fallback_proposes(
    answer: Any, reason: str
) -> None:
    heard = []

    def propose(history: dict[str, Any]) -> Any:
        heard.append(history["feedback"])
        return answer

    with pytest.warns(UserWarning, match="propose gave no architecture that can be used"):
        study = studied(propose, 2, retries=1)
    assert heard == [[], [reason]]
    assert told(study)[1] == f"fallback: {reason}; {reason}"
    assert study.trials[1].state == TrialState.COMPLETE


def test_a_second_answer_can_be_better() -> None:
    answers = iter(["no", {**GOOD, "op": "lstm", "rate": "fast"}, GOOD])
    study = studied(lambda history: next(answers))
    assert study.trials[1].params == GOOD
    assert told(study)[1] == "taken"
    assert proposal_of(study.trials[1]).feedback == [
        "there is no JSON object in the text 'no'",
        "'op': 'lstm' is like none of 'conv', 'pool', 'none'",
        "'rate': 'fast' is no number",
    ]


def test_one_that_raises_does_not_end_the_study_and_is_warned_of_once() -> None:
    def broken(history: dict[str, Any]) -> dict[str, Any]:
        raise ConnectionError("nobody there")

    with pytest.warns(UserWarning, match="propose gave") as warned:
        study = studied(broken, 4, retries=0)
    assert told(study)[1:] == ["fallback: ConnectionError: nobody there"] * 3
    assert [str(warning.message) for warning in warned] == [
        "propose gave no architecture that can be used (ConnectionError: nobody there), so that "
        "RandomSampler proposes this trial; this is said once. Each trial's user attr 'proposal' "
        "tells what became of its proposal."
    ]


def test_one_that_exits_does_not_end_the_study() -> None:
    def client(history: dict[str, Any]) -> dict[str, Any]:
        sys.exit("no API key")

    with pytest.warns(UserWarning, match=r"\(SystemExit: no API key\), so that RandomSampler"):
        study = studied(client, 3, retries=0)
    assert told(study)[1:] == ["fallback: SystemExit: no API key"] * 2


def test_an_interrupt_of_one_ends_the_search() -> None:
    def interrupted(history: dict[str, Any]) -> dict[str, Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        studied(interrupted)


@pytest.fixture
def gate() -> Iterator[Event]:
    event = Event()
    yield event
    event.set()


def test_one_that_hangs_does_not_end_the_study_and_is_not_called_again(gate: Event) -> None:
    calls = []

    def hangs(history: dict[str, Any]) -> dict[str, Any]:
        calls.append(history["trial"])
        gate.wait()
        return GOOD

    with pytest.warns(UserWarning, match=r"\(no answer within 0\.01 s\), so that RandomSampler"):
        study = studied(hangs, 4, timeout=0.01)
    assert calls == [1]
    assert told(study)[1:] == [
        "fallback: no answer within 0.01 s",
        *["fallback: an earlier call has not come back yet"] * 2,
    ]
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)


def test_none_leaves_a_trial_to_the_fallback() -> None:
    fallback = RegularizedEvolutionSampler(population_size=2, tournament_size=2, seed=0)

    def propose(history: dict[str, Any]) -> dict[str, Any] | None:
        return GOOD if history["trial"] == 3 else None

    study = studied(propose, 9, fallback=fallback)
    assert [text for text in told(study)[1:] if text != "none"] == ["taken"]
    assert study.trials[3].params == GOOD
    assert not plan_of(study.trials[3]).parents
    assert any(plan_of(trial).parents for trial in study.trials[4:])


def test_a_fallback_that_samples_all_at_once_does() -> None:
    def propose(history: dict[str, Any]) -> dict[str, Any] | None:
        return None if history["trial"] % 2 else {"x": 0.25 + history["trial"] / 100, "y": 0.5}

    def flat(trial: optuna.Trial) -> float:
        return trial.suggest_float("x", 0, 1) + trial.suggest_float("y", 0, 1)

    fallback = TPESampler(n_startup_trials=3, seed=0)
    study = optuna.create_study(sampler=ProposalSampler(propose, fallback=fallback))
    study.optimize(flat, n_trials=10)
    assert [trial.params["y"] == 0.5 for trial in study.trials[1:]] == [False, True] * 4 + [False]


def test_it_is_shown_the_study_as_plain_data() -> None:
    seen: list[dict[str, Any]] = []

    def propose(history: dict[str, Any]) -> dict[str, Any]:
        seen.append(json.loads(json.dumps(history, allow_nan=False)))
        return GOOD

    def ends(trial: optuna.Trial) -> float:
        trial.report(0.5, 3)
        objective(trial)
        if trial.number == 1:
            raise optuna.TrialPruned
        return float("inf")

    study = studied(propose, 2, make=ends)
    study.enqueue_trial({"op": "pool"})
    study.optimize(ends, n_trials=1)
    assert seen[-1]["search_space"] == {
        "rate": {"type": "float", "low": 0, "high": 1, "step": None, "log": False},
        "op": {"type": "categorical", "choices": OPS},
        "width": {"type": "int", "low": 16, "high": 64, "step": 16, "log": False},
    }
    assert (seen[-1]["directions"], seen[-1]["metrics"]) == (["minimize"], None)
    assert (seen[-1]["trial"], seen[-1]["fixed"]) == (2, {"op": "pool"})
    common = {"last_report": [3, [0.5]], "feasible": True, "rejected": None}
    first = {"rate": 0.125, "op": "conv", "width": 64}
    assert seen[-1]["trials"] == [
        {"number": 0, "state": "complete", "params": first, "values": [None], **common},
        {"number": 1, "state": "pruned", "params": GOOD, "values": None, **common},
    ]
    assert study.trials[2].params["op"] == "pool"  # what was enqueued wins


def test_it_does_not_propose_what_is_under_way() -> None:
    study = studied(lambda history: GOOD, 1, retries=0)
    running = study.ask()
    running.suggest_float("rate", 0, 1)
    with pytest.warns(UserWarning, match=r"trial 1 has this architecture already \(running\)"):
        objective(study.ask())


def test_what_was_asked_is_compared_and_not_what_was_proposed_beyond_it() -> None:
    answers = iter([{**GOOD, "op": "pool"}, {**GOOD, "op": "pool", "width": 48}, GOOD])
    study = studied(lambda history: next(answers), 3)
    assert study.trials[1].params == {"op": "pool", "rate": 0.5}
    assert study.trials[2].params == GOOD
    assert proposal_of(study.trials[2]).feedback == [
        "trial 1 has this architecture already (complete, values [0.5])"
    ]


def test_a_study_that_knows_no_decision_is_begun_by_the_fallback() -> None:
    def never(history: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError

    study = optuna.create_study(sampler=ProposalSampler(never, retries=0))
    study.optimize(objective, n_trials=1)
    assert told(study) == ["none"]


def network(trial: Any) -> nn.Module:
    options = {"relu": nn.ReLU, "tanh": nn.Tanh}
    return nn.Sequential(*(trial.suggest_module(f"act{i}", options) for i in range(2)))


def test_with_an_objective_the_first_trial_is_proposed_too() -> None:
    assert ASKED == ASKED_BY_THE_SPACE
    study = create_study(
        sampler=ProposalSampler(lambda history: '{"act0": "Tanh", "act1": "relu"}'),
        directions=["maximize", "minimize"],
        pruner=None,
    )
    study.optimize(Objective(network, lambda m, t: 1.0, lambda m, t: 2.0), n_trials=1)
    assert study.trials[0].params == {"act0": "tanh", "act1": "relu"}
    assert told(study) == ["repaired: 'act0': 'Tanh' became 'tanh'"]


def test_a_range_that_changed_is_kept_to() -> None:
    def drifting(trial: optuna.Trial) -> float:
        return float(trial.suggest_int("x", 0, 9 - 3 * trial.number))

    study = optuna.create_study(sampler=ProposalSampler(lambda history: {"x": 8}, seed=0))
    study.optimize(drifting, n_trials=2)
    assert study.trials[1].params == {"x": 6}


def climbing(history: dict[str, Any]) -> str:
    """Half of the best rate; every third answer is of no use."""
    if history["trial"] % 3 == 0:
        return json.dumps({"op": "x", "rate": 0.1})
    best = min((t for t in history["trials"] if t["values"]), key=lambda t: t["values"][0])
    return json.dumps({**best["params"], "rate": best["params"]["rate"] / 2})


@pytest.mark.filterwarnings("ignore:propose gave no architecture")
def test_trials_after_a_resume_equal_those_in_one_go(tmp_path: Path) -> None:
    def go(study: optuna.Study, n_trials: int) -> list[dict[str, Any]]:
        study.sampler = pickle.loads(pickle.dumps(ProposalSampler(climbing, seed=1)))
        study.optimize(objective, n_trials=n_trials)
        return [{**t.params, **t.user_attrs} for t in study.get_trials(deepcopy=False)]

    whole = go(optuna.create_study(), 12)
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "a.journal")))
    study = optuna.create_study(storage=storage, study_name="a")
    go(study, 5)
    again = JournalStorage(JournalFileBackend(str(tmp_path / "a.journal")))
    assert go(optuna.load_study(study_name="a", storage=again), 7) == whole
    assert {text.split(":")[0] for text in (row["proposal"] for row in whole)} == {
        "none",
        "taken",
        "fallback",
    }


def test_another_worker_hears_what_was_wrong_with_the_proposals_of_the_first(
    tmp_path: Path,
) -> None:
    heard = []

    def propose(history: dict[str, Any]) -> dict[str, Any]:
        heard.append(history["feedback"])
        return {**GOOD, "width": 30 + len(history["trials"])}

    def worker() -> optuna.Study:
        storage = JournalStorage(JournalFileBackend(str(tmp_path / "a.journal")))
        return optuna.create_study(
            study_name="a",
            storage=storage,
            load_if_exists=True,
            sampler=ProposalSampler(propose, avoid_repeats=False),
        )

    first, second = worker(), worker()
    first.enqueue_trial({"op": "conv"})
    first.optimize(objective, n_trials=2)
    second.optimize(objective, n_trials=1)
    assert heard == [[], ["'width': 31 became 32"]]


def test_threads_share_one_that_is_called_once_at_a_time() -> None:
    inside: list[int] = []

    def propose(history: dict[str, Any]) -> dict[str, Any]:
        inside.append(1)
        assert len(inside) == 1
        inside.pop()
        return {**GOOD, "rate": history["trial"] / 100}

    study = studied(propose, 1)
    study.optimize(objective, n_trials=12, n_jobs=4)
    assert told(study)[1:] == ["taken"] * 12


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_it_works_under_hyperband() -> None:
    def reports(trial: optuna.Trial) -> float:
        value = objective(trial)
        for step in range(1, 10):
            trial.report(value, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value

    pruner = HyperbandPruner(min_resource=1, max_resource=9)
    study = optuna.create_study(
        sampler=ProposalSampler(lambda h: {**GOOD, "rate": h["trial"] / 100}), pruner=pruner
    )
    study.enqueue_trial({"op": "conv"})
    study.optimize(reports, n_trials=8)
    assert told(study) == ["none", *["taken"] * 7]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"propose": 3}, TypeError, r"^propose must be a function of the history, but is int\.$"),
        (
            {"fallback": "random"},
            TypeError,
            r"^fallback must be an Optuna sampler, or None for random search, but is str\.$",
        ),
        (
            {"timeout": 0},
            ValueError,
            r"^timeout must be .* above 0 seconds, or None for no limit, but got 0\.$",
        ),
        (
            {"timeout": float("nan")},
            ValueError,
            r"^timeout must be .* above 0 seconds, or None for no limit, but got nan\.$",
        ),
        ({"timeout": "a"}, ValueError, r"^timeout must be a finite number above 0 .* got 'a'\.$"),
        ({"retries": -1}, ValueError, r"^retries must be an int of at least 0, but got -1\.$"),
        ({"retries": 1.5}, ValueError, r"^retries must be an int of at least 0, but got 1\.5\.$"),
        ({"seed": -1}, ValueError, r"^seed must be an int of at least 0, or None, but got -1\.$"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ProposalSampler(**{"propose": lowest, **arguments})
