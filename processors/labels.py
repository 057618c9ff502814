"""Labels and spans from scores, for signals that publish all three."""

from collections.abc import Mapping
from typing import Any

from earmark.processors.item_text import TRANSCRIPT
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.threshold import Thresholds, label_limit

AUDIO = "audio"  # the input type


def labels_and_spans(result: Result, old: Thresholds, new: Thresholds) -> Result | None:
    """For signals whose `labels` and `spans` are the `scores` over `<label>_probability`.

    Spans below the old threshold were not kept: where a lower one takes a label in, the texts
    have to be read again to say where.
    """
    if result.outcome != OutcomeKind.OK:
        return result
    fields: dict[str, Any] = dict(result.fields)
    scores: Mapping[str, float] = fields["scores"]
    over = [label for label, score in scores.items() if score >= label_limit(label, new)]
    if any(label_limit(label, new) < label_limit(label, old) for label in over):
        return None
    spans = [span for span in fields["spans"] if span["score"] >= label_limit(span["label"], new)]
    is_spoken = any(span["field"] == TRANSCRIPT for span in spans) and AUDIO in fields["by_input"]
    source = fields["source_signal_id"] if is_spoken else None
    return Result.ok(**{**fields, "labels": over, "spans": spans, "source_signal_id": source})
