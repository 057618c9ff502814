"""What decisions say of annotators and of the model: agreement, by signal and field."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from earmark.processors.review.agreement import Estimate, Level, alpha_estimate, share_estimate
from earmark.processors.review.decision import Decision, Decisions, Kind
from earmark.processors.review.question import DRAWN


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldStatistic:
    """One field of a signal, `asks`.

    `alpha` is over whole answers, `by_label` over whether each label holds. `agreement` is how
    often people agree with the model, over the items that questions were drawn from; `asked` is
    the plain share among those that were asked for any reason.
    """

    signal: str
    asks: str
    items: int
    annotators: int
    alpha: Estimate
    by_label: Mapping[str, Estimate] = field(default_factory=dict)
    agreement: Estimate
    asked: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictStatistic:
    """How often people left verdicts as they were, of those that they were asked about."""

    decisions: int
    agreement: Estimate


def field_statistics(records: Iterable[Decisions]) -> tuple[FieldStatistic, ...]:
    """Every field that anybody decided about, sorted."""
    ballots: defaultdict[tuple[str, str], list[Sequence[Decision]]] = defaultdict(list)
    held: defaultdict[tuple[str, str], list[Decision]] = defaultdict(list)
    for record in records:
        for asked in sorted({each.answers for each in record.standing if each.answers is not None}):
            ballots[asked[:2]].append(record.votes(*asked))
            held[asked[:2]] += filter(None, [record.value(*asked)])
    return tuple(_statistic(*key, ballots[key], held[key]) for key in sorted(ballots))


def verdict_statistic(records: Iterable[Decisions]) -> VerdictStatistic:
    """What people decided about verdicts that they were asked about."""
    given = [
        each
        for record in records
        for each in record.standing
        if each.answers is None and each.request_id is not None
    ]
    shares = [(float(each.kind == Kind.AGREE), 1.0) for each in given]
    return VerdictStatistic(decisions=len(given), agreement=share_estimate(shares))


def drawn(decision: Decision) -> bool:
    """Whether the decision answers a question that was drawn with a known chance."""
    return decision.reason in DRAWN and bool(decision.chance)


def _statistic(
    signal: str, name: str, ballots: Sequence[Sequence[Decision]], held: Sequence[Decision]
) -> FieldStatistic:
    weighted = [(_agrees(each), each.chance or 1.0) for each in held if drawn(each)]
    plain = [(_agrees(each), 1.0) for each in held if each.request_id is not None]
    return FieldStatistic(
        signal=signal,
        asks=name,
        items=len(ballots),
        annotators=len({each.annotator for votes in ballots for each in votes}),
        alpha=_alpha(ballots),
        by_label=_by_label(ballots) if name == "labels" else {},
        agreement=share_estimate(weighted),
        asked=share_estimate(plain),
    )


def _agrees(decision: Decision) -> float:
    return float(decision.kind == Kind.AGREE)


def _alpha(ballots: Sequence[Sequence[Decision]]) -> Estimate:
    """Over numbers where all answers are numbers, else over names."""
    units = [[_whole(each) for each in votes] for votes in ballots]
    try:
        numbers = [[float(word) for word in unit] for unit in units]
    except ValueError:
        return alpha_estimate(units)
    return alpha_estimate(numbers, Level.INTERVAL)


def _whole(decision: Decision) -> str:
    return "\x1f".join(sorted(decision.values))


def _by_label(ballots: Sequence[Sequence[Decision]]) -> Mapping[str, Estimate]:
    labels = sorted({label for votes in ballots for each in votes for label in each.values})
    return {
        label: alpha_estimate([[label in each.values for each in votes] for votes in ballots])
        for label in labels
    }
