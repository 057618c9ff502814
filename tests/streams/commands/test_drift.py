"""Signals that moved are found on the real topics, said, drawn and raised once."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import confluent_kafka
import numpy as np
import pytest
from click.testing import CliRunner

from earmark.processors.codec import Codec
from earmark.processors.release import golden_record
from earmark.processors.schema import ALERTS, STATS, avro_folder, schema_of
from earmark.streams.commands.drift import drift
from earmark.streams.kafka import producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.registry import Registry
from earmark.streams.subscriber import subscribe

pytestmark = [pytest.mark.kafka]

SAFETY = "signals.text.safety.v1"
HOUR = 3_600_000
RANDOM = np.random.default_rng(5)


@pytest.fixture
def cli(stack_environment: dict[str, str]) -> Any:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(drift, arguments, catch_exceptions=False)

    return run


def publish(stack: Stack, topic: str, records: list[dict[str, Any]]) -> None:
    schema = schema_of(topic)
    with Registry(stack.settings.registry) as registry:
        schema_id = registry.id_of(schema) or 0
    codec = Codec(schema)
    producer = confluent_kafka.Producer(producer_config(stack.settings.kafka))
    for record in records:
        producer.produce(topic, codec.encode(record, schema_id), uuid.uuid4().hex)
    assert producer.flush(30) == 0


def window(
    start: int, scores: np.ndarray, signal: str, content_type: str = "COMMENT"
) -> list[dict[str, Any]]:
    """An hour of a signal, as Flink writes it."""
    from earmark.processors.drift.sketch import Sketch

    sketch = Sketch.of(scores.tolist())
    common = {
        "signal": signal,
        "model": "m 1",
        "language": "en",
        "content_type": content_type,
        "window_ms": HOUR,
        "window_start": start,
        "window_end": start + HOUR,
        "count": len(scores),
    }
    histogram = [{"bucket": place, "count": count} for place, count in sketch.counts.items()]
    numbers = {"mean": scores.mean(), "deviation": scores.std(ddof=1), "histogram": histogram}
    return [
        {**common, "field": "outcome.OK"},
        {**common, **numbers, "field": "scores.hate"},
    ]


def moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def test_drift_between_windows_is_found_drawn_and_raised_once(
    stack: Stack, cli: Any, tmp_path: Path
) -> None:
    start = 1_795_600_800_000
    before = [window(start + at * HOUR, RANDOM.beta(2, 8, 200), "text.safety") for at in range(8)]
    after = [
        window(start + at * HOUR, RANDOM.beta(4, 6, 200), "text.safety") for at in range(8, 16)
    ]
    publish(stack, STATS, [record for hour in (*before, *after) for record in hour])
    spans = (
        "--window",
        moment(start + 8 * HOUR),
        "--until",
        moment(start + 16 * HOUR),
        "--reference",
        "8h",
    )
    shown = cli("text.safety", *spans, "--json", "--alert", "--report", str(tmp_path / "page.html"))
    assert shown.exit_code == 1
    said = json.loads(shown.stdout)
    assert {(it["field"], it["measure"]) for it in said["drifted"]} == {
        ("scores.hate", "psi"),
        ("scores.hate", "ks"),
    }
    assert said["drifted"][0]["count"] == 1_600
    assert said["alerts"] == 2
    page = (tmp_path / "page.html").read_text()
    assert "moved up" in page
    assert "<svg" in page
    cli("text.safety", *spans, "--alert")
    with subscribe(ALERTS, from_beginning=True, timeout_s=3, settings=stack.settings) as alerts:
        found = [each.record["alert_id"] for each in alerts]
    assert (len(found), len(set(found))) == (4, 2)


def test_an_hour_that_ends_after_the_span_is_left_out(stack: Stack, cli: Any) -> None:
    start = 1_795_500_000_000
    hours = [
        window(start + at * HOUR, np.full(60, 0.2 + at / 40), "text.pii", "\x1b[2J")
        for at in range(16)
    ]
    publish(stack, STATS, [record for hour in hours for record in hour])
    until = moment(start + 16 * HOUR - 1)
    middle = moment(start + 8 * HOUR - 1)
    asked = ("text.pii", "--window", middle, "--until", until, "--reference", "8h")
    assert "\x1b[2J" not in cli(*asked).stdout  # the items' kind, which is their producer's word
    said = cli(*asked, "--json")
    (found,) = [it for it in json.loads(said.stdout)["drifted"] if it["measure"] == "ks"]
    assert (found["reference_count"], found["count"]) == (7 * 60, 7 * 60)


def test_signals_are_counted_without_flink_and_two_halves_agree(stack: Stack, cli: Any) -> None:
    golden = dict(golden_record(avro_folder(), schema_of(SAFETY)))
    records = [
        {**golden, "content_id": str(at), "scores": {"hate": float(score)}, "labels": []}
        for at, score in enumerate(RANDOM.beta(2, 8, 400))
    ]
    publish(stack, SAFETY, records)
    shown = cli(
        "text.safety", "--count", "signals", "--window", "1h", "--reference", "1h", "--json"
    )
    assert shown.exit_code == 0  # nothing came before: there is nothing to compare with
    assert json.loads(shown.stdout)["compared"] == 0


def test_where_nothing_is_counted_yet_it_is_said_when_there_will_be(cli: Any) -> None:
    def said(*asked: str) -> str:
        return str(cli("audio.key", *asked).stdout.splitlines()[-1])

    assert "nothing in the window" in cli("audio.key").stdout
    before = datetime.now(UTC)
    by_hours = said()
    if datetime.now(UTC).hour == before.hour:
        first = datetime.fromtimestamp((before.timestamp() // 3600 + 1) * 3600, UTC)
        assert f"whole hours: this hour is there soon after {first:%F %H}:00 UTC" in by_hours
    assert by_hours.endswith("; --count signals needs no `earmark flink stats`")
    assert "whole minutes: this minute is there soon after" in said("--window", "2h")
    assert "soon after" not in said("--until", "1h")
    assert "needs no" not in said("--count", "signals")


def test_an_unknown_signal_and_a_span_that_ends_before_it_begins_are_refused(cli: Any) -> None:
    from earmark.models.error import ConfigurationError

    with pytest.raises(ConfigurationError, match="unknown signal"):
        cli("audio.nothing")
    with pytest.raises(ConfigurationError, match="--window"):
        cli("--window", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z")
