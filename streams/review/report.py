"""`earmark review stats`: what is open, what a day has cost, and how far answers agree."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from earmark.processors.quantity import quantity
from earmark.processors.review.agreement import Estimate
from earmark.processors.review.budget import Budget
from earmark.processors.review.question import Reason, day_of
from earmark.processors.review.statistic import field_statistics, verdict_statistic
from earmark.streams.review.desk import Desk, options_of


def statistics(desk: Desk, *, now_ms: int) -> dict[str, Any]:
    """All figures, as JSON."""
    records = [desk.ledger.of(name) for name in sorted(desk.ledger.items())]
    fields = {f"{each.signal} {each.asks}": asdict(each) for each in field_statistics(records)}
    return {
        "queues": _queues(desk),
        "budget": _budget(desk, day_of(now_ms)),
        "decisions": sum(len(each.standing) for each in records),
        "fields": fields,
        "verdicts": asdict(verdict_statistic(records)),
    }


def statistics_lines(table: Mapping[str, Any]) -> Iterator[str]:
    """The same in words."""
    yield quantity(table["decisions"], "decision")
    for queue, states in table["queues"].items():
        yield f"queue {queue}: " + ", ".join(
            f"{count:,} {state}" for state, count in states.items()
        )
    for reason, each in table["budget"]["reasons"].items():
        of = "" if each["per_day"] is None else f" of {each['per_day']:,}"
        yield f"asked on {table['budget']['day']}, {reason}: {each['asked']:,}{of}"
    for name, each in table["fields"].items():
        people = quantity(each["annotators"], "annotator")
        yield f"{name}: {quantity(each['items'], 'item')} by {people}"
        yield f"  annotators agree, alpha: {_words(each['alpha'])}"
        for label, estimate in each["by_label"].items():
            yield f"    {label}: {_words(estimate)}"
        yield f"  the model agrees, over all items: {_words(each['agreement'])}"
        yield f"  among those asked about: {_words(each['asked'])}"
    if table["verdicts"]["decisions"]:
        yield f"verdicts that were left as they were: {_words(table['verdicts']['agreement'])}"


def _queues(desk: Desk) -> dict[str, dict[str, int]]:
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for question in desk.questions():
        found[question.queue][desk.state(question)] += 1
    return {queue: dict(sorted(found[queue].items())) for queue in sorted(found)}


def _budget(desk: Desk, day: str) -> dict[str, Any]:
    options = options_of(desk.settings)
    budget = Budget.restored(options, desk.questions())
    spent = budget.spent(day)
    reasons = {
        str(reason): {
            "asked": sum(spent.get(reason, {}).values()),
            "per_day": options.per_day(reason),
            "strata": dict(spent.get(reason, {})),
        }
        for reason in Reason
    }
    return {"day": day, "reasons": reasons}


def _words(estimate: Mapping[str, Any]) -> str:
    figure = Estimate(**estimate)
    if figure.value is None:
        return "cannot be said yet"
    bounds = "" if figure.low is None else f" ({figure.low:.2f} to {figure.high:.2f})"
    return f"{figure.value:.2f}{bounds}, {quantity(figure.answers, 'answer')}"
