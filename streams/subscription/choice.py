"""Which records a subscriber wants: by what their fields say, content type, label and score."""

from collections.abc import Sequence

from earmark.models.error import ConfigurationError
from earmark.streams.condition import ANY, AnyOf, Condition, Holds, parsed

LABELS = ("labels", "label")  # of the signals that say what an item is, past their thresholds
SCORES = ("scores", "topics", "probabilities")  # and how sure they are, label by label

Some = str | Sequence[str]


def chosen(
    where: Some = (),
    *,
    content_type: Some = (),
    label: Some = (),
    min_score: float | None = None,
) -> list[Holds]:
    """The conditions, of which all must hold.

    An item is of one of the content types; it has one of the labels. With `min_score` it is the
    score of the label that decides, whatever the thresholds say; without a label, that of any.
    Raises ConfigurationError for a condition that is none, and a score that is no number in [0, 1].
    """
    conditions: list[Holds] = [parsed(condition) for condition in _several(where)]
    if types := _several(content_type):
        conditions.append(_one_of(("content_type",), [written.upper() for written in types]))
    labels = _several(label)
    if min_score is None:
        return [*conditions, _one_of(LABELS, labels)] if labels else conditions
    if not 0 <= min_score <= 1:
        raise ConfigurationError(f"min_score {min_score}: a score is between 0 and 1")
    fields = [f"{scores}.{name}" for scores in SCORES for name in labels or [ANY]]
    bound = str(min_score)
    reaching = (Condition(field=field, sign=">=", value=bound) for field in fields)
    return [*conditions, AnyOf(tuple(reaching))]


def _one_of(fields: Sequence[str], values: Sequence[str]) -> AnyOf:
    return AnyOf(
        tuple(Condition(field=field, sign="=", value=value) for field in fields for value in values)
    )


def _several(given: Some) -> Sequence[str]:
    return [given] if isinstance(given, str) else given
