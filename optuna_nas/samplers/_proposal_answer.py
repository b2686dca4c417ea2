"""What comes back when somebody is asked for an architecture: a dict, or prose with JSON in it."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
import json
from typing import Any
from typing import TYPE_CHECKING

from optuna_nas.samplers._nearest import nearest


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


LONGEST = 100_000
"""Characters of an answer that are read: more is no architecture."""


class UnfitError(ValueError):
    """An answer that cannot be used, with the reasons, one a line."""


def params_in(answer: Any, search_space: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """Returns the params that an answer tells.

    Args:
        answer:
            A dict; or text, in which JSON objects are looked for, also among prose and in code
            fences. Of several the one with the most decisions counts, of equal ones the last.
        search_space:
            The decisions.

    Raises:
        UnfitError:
            If there are none.
    """
    if isinstance(answer, bytes):
        answer = answer.decode(errors="replace")
    if isinstance(answer, str):
        return _params_in_text(answer, search_space)
    if not isinstance(answer, Mapping):
        kind = type(answer).__name__
        raise UnfitError(
            f"it must be a dict from decision to value, or JSON of one, but is {kind}"
        )
    return {str(name): value for name, value in answer.items()}


def _params_in_text(text: str, search_space: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    if len(text) > LONGEST:
        raise UnfitError(f"the text has {len(text):,} characters; {LONGEST:,} are read at most")
    # The last comes first, and max takes the first of equal ones.
    found = [*_objects(text)][::-1]
    if not found:
        raise UnfitError(f"there is no JSON object in the text {_short(text)!r}")
    return max(found, key=lambda params: len(search_space.keys() & params.keys()))


def fitted(
    params: Mapping[str, Any], search_space: Mapping[str, BaseDistribution]
) -> tuple[dict[str, Any], list[str]]:
    """Returns params that are legal, and what had to be changed for that, in words.

    Args:
        params:
            A proposal.
        search_space:
            The decisions.

    Raises:
        UnfitError:
            If there is nothing legal near a value, or no name is a decision.
    """
    legal: dict[str, Any] = {}
    changes: list[str] = []
    reasons: list[str] = []
    for name, value in params.items():
        if name not in search_space:
            changes.append(f"{name!r} is no decision so far, and was left out")
            continue
        try:
            legal[name] = near = nearest(search_space[name], value)
        except ValueError as error:
            reasons.append(f"{name!r}: {error}")
            continue
        if near != value or isinstance(near, bool) != isinstance(value, bool):
            changes.append(f"{name!r}: {value!r} became {near!r}")
    if reasons:
        raise UnfitError("\n".join(reasons))
    if not legal:
        raise UnfitError(f"none of its names is a decision: {_short(str(list(params)))}")
    return legal, [_short(change) for change in changes]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """All JSON objects in a text, those in others too."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            found, _ = decoder.raw_decode(text, at)
            yield found
        except (ValueError, RecursionError):
            pass
        at = text.find("{", at + 1)


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."
