"""A call that hangs is left alone; one that answers or raises is as without a deadline."""

from __future__ import annotations

from collections.abc import Iterator
import pickle
from threading import current_thread
from threading import Event
from threading import Thread
from typing import Any

import pytest

from optuna_nas.samplers._patience import NoAnswerError
from optuna_nas.samplers._patience import Patience


@pytest.fixture
def gate() -> Iterator[Event]:
    """Ends what hangs when the test is over."""
    event = Event()
    yield event
    event.set()


def twice(x: Any) -> Any:
    return 2 * x


def test_the_answer_comes_back() -> None:
    assert Patience(twice, 60)(3) == 6
    assert Patience(twice, None)(3) == 6


def test_an_error_is_raised_where_it_is_waited_for() -> None:
    def broken(_: Any) -> Any:
        raise KeyError("no such thing")

    with pytest.raises(KeyError, match=r"^'no such thing'$"):
        Patience(broken, 60)(0)


def test_a_call_that_hangs_is_not_waited_for(gate: Event) -> None:
    with pytest.raises(NoAnswerError, match=r"^no answer within 0\.01 s$"):
        Patience(lambda _: gate.wait(), 0.01)(0)


def test_until_it_comes_back_there_is_no_other(gate: Event) -> None:
    threads = []

    def hangs(x: int) -> int:
        threads.append(current_thread())
        if x == 0:
            gate.wait()
        return x

    patience = Patience(hangs, 0.01)
    with pytest.raises(NoAnswerError):
        patience(0)
    with pytest.raises(NoAnswerError, match=r"^an earlier call has not come back yet$"):
        patience(1)
    assert len(threads) == 1
    assert threads[0].daemon
    gate.set()
    threads[0].join()
    patience._seconds = None
    assert patience(2) == 2


def test_one_that_was_interrupted_has_to_come_back_too(
    gate: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(thread: Thread, timeout: float | None = None) -> None:
        raise KeyboardInterrupt

    patience = Patience(lambda _: gate.wait(), None)
    with monkeypatch.context() as patch:
        patch.setattr(Thread, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            patience(0)
    with pytest.raises(NoAnswerError, match=r"^an earlier call has not come back yet$"):
        patience(1)


def test_a_pickle_waits_as_long() -> None:
    again = pickle.loads(pickle.dumps(Patience(twice, 5)))
    assert again(4) == 8
    assert again._seconds == 5
