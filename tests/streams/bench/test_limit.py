"""The limit: all signals of what was decoded before, whichever way it is computed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from earmark.models.device import Device
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.outcome import Outcome
from earmark.processors.pipeline import Pipeline
from earmark.streams.bench.limit import Limit
from earmark.streams.lane_threads import LaneThreads

JFK = Path(__file__).resolve().parents[3] / "streams" / "samples" / "jfk.wav"
SIGNALS = ("audio.loudness", "audio.integrity", "audio.speech")

pytestmark = pytest.mark.weights


@pytest.fixture
def pipeline() -> Pipeline:
    lanes = LaneThreads(2)
    return Pipeline.load(SIGNALS, device=Device(kind="cpu", precision="fp32"), executor=lanes)


def events(number: int) -> list[ContentEvent]:
    return [
        ContentEvent(event_id=f"{at}", content_id=f"{at}", audio=Audio(uri=JFK.as_uri()))
        for at in range(number)
    ]


def heard(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> list[Outcome]:
    """What the pipeline says from here on."""
    said: list[Outcome] = []
    score = pipeline.score

    def scored(*arguments: object) -> Iterator[Outcome]:
        for outcome in score(*arguments):  # type: ignore[arg-type]  # as they came
            said.append(outcome)
            yield outcome

    monkeypatch.setattr(pipeline, "score", scored)
    return said


@pytest.mark.parametrize("way", ["run", "in_turn"])
def test_it_answers_every_signal_of_every_item(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    items = events(3)
    limit = Limit(pipeline, items, {item.content_id: JFK for item in items})
    said = heard(pipeline, monkeypatch)
    expected = {
        (s.event.content_id, s.name): s.result
        for s in pipeline.run(items, media={item.content_id: JFK for item in items})
    }  # type: ignore[union-attr]  # of three sound items
    said.clear()
    getattr(limit, way)()
    assert {(s.event.content_id, s.name): s.result for s in said} == expected  # type: ignore[union-attr]  # likewise


def test_meters_measure_what_was_kept(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the code that measures, no meter would be made when it runs."""
    limit = Limit(pipeline, events(2), {"0": JFK, "1": JFK})
    made: list[str] = []
    meters = {
        name: lambda form, name=name, make=make: made.append(name) or make(form)
        for name, make in pipeline.meters.items()
    }
    monkeypatch.setattr(Pipeline, "meters", property(lambda _: meters))
    limit.run()
    assert sorted(made) == sorted([*meters] * 2)


def test_in_turn_gives_the_lanes_back(pipeline: Pipeline) -> None:
    lanes = pipeline.executor
    Limit(pipeline, events(1), {"0": JFK}).in_turn()
    assert pipeline.executor is lanes
