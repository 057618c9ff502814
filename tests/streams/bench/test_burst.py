"""What has no models answers all the same, and what a raw loop moves is what a worker writes."""

import pytest

from earmark.processors.codec import Codec, encode_signal
from earmark.processors.outcome import OutcomeKind, Signal
from earmark.processors.schema import schema_of
from earmark.streams.bench.catalogue import Measure
from earmark.streams.bench.codec_rows import codec_small, codec_transcript, transcripts
from earmark.streams.bench.corpus import text_events
from earmark.streams.bench.hollow import hollow_pipeline
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.transport_rows import SIGNALS, transport
from earmark.streams.settings import load_settings, with_worker


def test_a_pipeline_without_models_answers_with_every_signal() -> None:
    settings = with_worker(load_settings(), signals=SIGNALS)
    outcomes = hollow_pipeline(settings).run(text_events(3, run="hollow"))
    signals = [each for each in outcomes if isinstance(each, Signal)]
    assert len(outcomes) == len(signals) == 3 * len(SIGNALS)
    assert {each.result.outcome for each in signals} == {OutcomeKind.OK}
    assert len({each.signal_id for each in signals}) == len(signals)


def test_a_transcript_of_a_minute_has_its_segments() -> None:
    (record,) = {
        str(Codec(schema_of(each.topic)).decode(encode_signal(each, 1))["segments"])
        for each in transcripts()
    }
    assert record.count("start_ms") == 12


@pytest.mark.parametrize("measure", [codec_small, codec_transcript])
def test_the_encoding_of_signals_is_measured(plan: Plan, measure: Measure) -> None:
    row = measure(plan)
    assert row.value > 0 < row.baseline


@pytest.mark.kafka
@pytest.mark.weights
def test_a_raw_client_moves_what_the_worker_writes(plan: Plan) -> None:
    row = transport(plan)
    assert row.details["records_out_per_event"] == len(SIGNALS) + 2  # receipt and item
    assert row.value > 0 < row.baseline
