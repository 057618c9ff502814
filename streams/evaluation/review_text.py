"""How far people agree, beside an evaluation of what they decided."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from earmark.processors.review.agreement import Estimate
from earmark.streams.evaluation.reviewed import Reviewed
from earmark.streams.evaluation.text import NOTHING, number


def agreement_table(found: Reviewed) -> Mapping[str, Any]:
    """For JSON."""
    return {
        "fields": [asdict(each) for each in found.agreement],
        "left_out": dict(found.left_out),
    }


def agreement_lines(found: Reviewed) -> Iterator[str]:
    """In words."""
    for each in found.agreement:
        yield f"{each.asks}: {each.items:,} items by {each.annotators:,} annotators"
        yield f"  annotators agree (Krippendorff's alpha): {_words(each.alpha)}"
        for label, estimate in each.by_label.items():
            yield f"    {label}: {_words(estimate)}"
        yield f"  people agree with the model, over all items: {_words(each.agreement)}"
    for reason, count in found.left_out.items():
        yield f"left out: {count:,} {reason}"


def _words(estimate: Estimate) -> str:
    if estimate.value is None:
        return NOTHING
    bounds = f"{number(estimate.low)} to {number(estimate.high)}"
    return f"{number(estimate.value)} ({bounds}; {estimate.answers:,} answers)"
