"""A call that may hang: it is waited for so long and no longer."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from threading import Thread
from typing import Any


class NoAnswerError(TimeoutError):
    """A call has not come back in time."""


class Patience:
    """Calls a function, one call at a time, and waits so many seconds for its answer.

    Python cannot end a thread. So a call that hangs lives on in a daemon thread, which ends with
    the process; until it comes back, if ever, there is no other, and its answer is not used.
    A pickle begins without such a call.

    Args:
        function:
            Of one argument.
        seconds:
            More than 0; None waits for ever.
    """

    def __init__(self, function: Callable[[Any], Any], seconds: float | None) -> None:
        self._function = function
        self._seconds = seconds
        self._lock = Lock()
        self._hanging: Thread | None = None

    def __reduce__(self) -> tuple[type[Patience], tuple[Any, ...]]:
        return Patience, (self._function, self._seconds)

    def __call__(self, argument: Any) -> Any:
        """Returns what the function returns, and raises what it raises.

        Args:
            argument:
                For the function.

        Raises:
            NoAnswerError:
                If it takes too long, or an earlier call still does.
        """
        with self._lock:
            if self._hanging is not None and self._hanging.is_alive():
                raise NoAnswerError("an earlier call has not come back yet")
            answer, error = self._wait(argument)
        if error is not None:
            raise error
        return answer

    def _wait(self, argument: Any) -> tuple[Any, BaseException | None]:
        outcome: list[tuple[Any, BaseException | None]] = []

        def call() -> None:
            try:
                outcome.append((self._function(argument), None))
            except BaseException as error:  # raised where it is waited for
                outcome.append((None, error))

        thread = Thread(target=call, name="optuna_nas: a call that may hang", daemon=True)
        thread.start()
        self._hanging = thread  # an interrupt may end the waiting, too
        thread.join(self._seconds)
        if not outcome:
            raise NoAnswerError(f"no answer within {self._seconds:g} s")
        self._hanging = None
        return outcome[0]
