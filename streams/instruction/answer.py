"""What an endpoint said of a text: probabilities by label, or why there are none.

The schema is what the endpoint is held to ("structured outputs"), and what its answer is checked
against here, since not every server enforces it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why a text has no probabilities."""

    INVALID = "ANSWER_INVALID"  # no JSON, or not of the schema
    TRUNCATED = "ANSWER_TRUNCATED"  # it ended at the limit of tokens
    REFUSED = "ANSWER_REFUSED"  # the model, or a filter before it, would not
    BUDGET_SPENT = "BUDGET_SPENT"  # it was not asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Probabilities in the order of the labels."""

    probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """No probabilities, and why."""

    reason: Reason


Answer = Scored | Unscored


def schema_for(labels: Sequence[str]) -> Mapping[str, Any]:
    """The JSON schema of an answer: one number from 0 to 1 per label, and nothing else."""
    number = {"type": "number", "minimum": 0, "maximum": 1}
    return {
        "type": "object",
        "properties": dict.fromkeys(labels, number),
        "required": list(labels),
        "additionalProperties": False,
    }


def answer_in(body: object, labels: Sequence[str]) -> Answer:
    """What the body of a chat completion says; whatever it is, no exception."""
    choice = _at(body, "choices", 0)
    message = _at(choice, "message")
    finish = _at(choice, "finish_reason")
    if finish == "content_filter" or _at(message, "refusal"):
        return Unscored(reason=Reason.REFUSED)
    if finish == "length":
        return Unscored(reason=Reason.TRUNCATED)
    return _checked(_at(message, "content"), labels)


def tokens_in(body: object) -> int | None:
    """The tokens that the completion cost, by its own account."""
    total = _at(body, "usage", "total_tokens")
    return total if isinstance(total, int) and not isinstance(total, bool) else None


def _checked(content: object, labels: Sequence[str]) -> Answer:
    try:
        said = json.loads(content) if isinstance(content, str) else None
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict) and said.keys() == set(labels) and all(map(_fits, said.values())):
        return Scored(probabilities=tuple(float(said[label]) for label in labels))
    return Unscored(reason=Reason.INVALID)


def _fits(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _at(value: Any, *path: str | int) -> Any:
    for step in path:
        try:
            value = value[step]
        except (TypeError, KeyError, IndexError):
            return None
    return value
