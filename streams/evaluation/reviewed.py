"""What people decided in review, as rows for an evaluation of the answers that are stored.

A row is an item of which somebody said what a signal should say of its input. It is weighed by one
over the chance that its question was drawn with (Horvitz and Thompson 1952), so that figures are
about all items and not about those that were doubtful. What was decided about for another reason
(a grave verdict, a rule, no question at all) has no such chance and no part in the figures. Nor has
an item whose newest answer is about another input, or by another model than most.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from earmark.models.error import ConfigurationError
from earmark.models.store import ModelStore
from earmark.processors.codec import Codec
from earmark.processors.loader import load_specs
from earmark.processors.policy.vocabulary import labels_of
from earmark.processors.review.decision import Decision, Decisions
from earmark.processors.review.statistic import FieldStatistic, drawn, field_statistics
from earmark.processors.schema import schema_of
from earmark.processors.signal import Part, SignalSpec
from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.evaluation import Measurement
from earmark.streams.evaluation.manifest import Row, row_key
from earmark.streams.evaluation.measure import Measured
from earmark.streams.evaluation.metric import Values
from earmark.streams.evaluation.run import Scored
from earmark.streams.review.desk import Desk
from earmark.streams.review.follower import Index

DATA = "review"
_STORED = math.nan  # seconds: nothing was scored
_NO_FILE = Path("stored")  # in place of a recording, which is not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """The rows with their weights, the stored answers, and how far people agree.

    `left_out` counts decisions that have no part in it, by the reason.
    """

    rows: Sequence[Row]
    weights: Mapping[str, float]  # by the row's key; 1 on average
    scored: Scored
    agreement: Sequence[FieldStatistic]
    left_out: Mapping[str, int]


def reviewed(desk: Desk, signal: str, store: ModelStore) -> Reviewed:
    """All decisions in force about the signal, as rows, with its stored answers.

    Raises ConfigurationError where there are none that an evaluation can use.
    """
    spec = _spec(signal)
    records = [desk.ledger.of(name) for name in desk.ledger.items()]
    held = [
        (record.content_id, decision)
        for record in records
        for decision in record.in_force
        if decision.signal == signal
    ]
    left: Counter[str] = Counter()
    stored = _stored(desk, spec, [name for name, _ in held])
    used = list(_usable(desk, held, stored, left))
    used = list(_by_one_model(used, stored, left))
    if not used:
        why = ", ".join(f"{count:,} {reason}" for reason, count in left.items())
        raise ConfigurationError(f"no decision about {signal} can be used{why and f': {why}'}")
    rows = [_row(desk, spec, name, decision) for name, decision in used]
    answers = {row_key(row): stored[name] for row, (name, _) in zip(rows, used, strict=True)}
    inverse = np.array([1.0 / (decision.chance or 1.0) for _, decision in used])
    weights = inverse / inverse.mean()
    return Reviewed(
        rows=rows,
        weights={row_key(row): float(weight) for row, weight in zip(rows, weights, strict=True)},
        scored=_scored(spec, store, answers),
        agreement=_agreement(signal, records, {name for name, _ in used}),
        left_out=dict(left),
    )


def weighed(measurement: Measurement, weights: Mapping[str, float]) -> Measurement:
    """The measurement with each case counting as often as there are items like it."""
    weight_N = np.array([weights[row_key(case.row)] for case in measurement.cases])
    measured = measurement.measured

    def metrics(given_N: Values) -> Mapping[str, float]:
        return measured.metrics(given_N * weight_N)

    return replace(measurement, measured=_weighed(measured, metrics, weight_N))


def _weighed(measured: Measured, metrics: Any, weight_N: Values) -> Measured:
    return replace(
        measured,
        metrics=metrics,
        loss_N=measured.loss_N * weight_N,
        size_N=measured.size_N * weight_N,
        confidence=None,  # calibration is looked at in rows that weigh the same
    )


def _agreement(
    signal: str, records: Sequence[Decisions], names: Collection[str]
) -> Sequence[FieldStatistic]:
    """Of the same items."""
    found = field_statistics(record for record in records if record.content_id in names)
    return [each for each in found if each.signal == signal]


def _usable(
    desk: Desk,
    held: Sequence[tuple[str, Decision]],
    stored: Mapping[str, Record],
    left: Counter[str],
) -> Iterator[tuple[str, Decision]]:
    for name, decision in held:
        record = stored.get(name)
        if not drawn(decision):
            left["not drawn with a known chance"] += 1
        elif not desk.stands(name) or record is None:
            left["of items or answers that are gone"] += 1
        elif record["provenance"]["input_digest"] != decision.input_digest:
            left["about an input that has changed"] += 1
        else:
            yield name, decision


def _by_one_model(
    used: Sequence[tuple[str, Decision]], stored: Mapping[str, Record], left: Counter[str]
) -> Iterator[tuple[str, Decision]]:
    models = {name: _model(stored[name]) for name, _ in used}
    most = Counter(models.values()).most_common(1)
    for name, decision in used:
        if models[name] == most[0][0]:
            yield name, decision
        else:
            left["answered by another model than most"] += 1


def _stored(desk: Desk, spec: SignalSpec, names: Sequence[str]) -> Mapping[str, Record]:
    """The newest answer of the signal about each item."""
    codec = Codec(schema_of(spec.topic), writer_schema=desk.writer_schema)
    keys = {name: name.encode("utf-8", "surrogatepass") for name in names}
    index = Index(desk.settings.kafka, spec.topic, wanted=set(keys.values()))
    try:
        index.advance()
        found = {name: index.value(key) for name, key in keys.items()}
    finally:
        index.close()
    return {name: codec.decode(value) for name, value in found.items() if value is not None}


def _row(desk: Desk, spec: SignalSpec, name: str, decision: Decision) -> Row:
    event, reads_text = desk.event(name), Part.TEXTS in spec.reads
    language = event.language if event is not None else None
    return Row(
        id=name,
        kind=DATA,
        data=DATA,
        source=name,
        labels={**({"language": language} if language else {}), **_labels(decision)},
        text=desk.shown(name).text if reads_text else None,
        path=None if reads_text else _NO_FILE,
        content_type=str(event.content_type) if event is not None else "OTHER",
    )


def _labels(decision: Decision) -> Mapping[str, Any]:
    """What the decision says, by the names that rows have for it."""
    field, values = decision.field or "", decision.values
    if field == "labels":
        known = labels_of(decision.signal or "") or frozenset(values)
        every = {label: float(label in values) for label in sorted({*known, *values})}
        return {"harms": every, "safe": not values, "labels": list(values)}
    named = {"language": "bcp47"}.get(field, field)
    return {named: values[0], field: values[0]} if values else {}


def _scored(spec: SignalSpec, store: ModelStore, answers: Mapping[str, Record]) -> Scored:
    provenance = next(iter(answers.values()))["provenance"]
    cards = store.cards()
    return Scored(
        spec=spec,
        card=cards.get(provenance["model_name"]),
        records=answers,
        rejections={},
        audio_s={},
        seconds=_STORED,
        load_seconds=0.0,
        items=len(answers),
        device=provenance["device"],
        precision=provenance["precision"],
    )


def _spec(signal: str) -> SignalSpec:
    known = load_specs()
    if signal not in known:
        raise ConfigurationError(f"unknown signal {signal!r}; known: {', '.join(sorted(known))}")
    return known[signal]


def _model(record: Record) -> str:
    provenance = record["provenance"]
    return f"{provenance['model_name']} {provenance['model_version']}"
