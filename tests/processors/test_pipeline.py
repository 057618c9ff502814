"""The pipeline on real recordings and texts: what it says, and what must not change it."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest

from earmark.models.device import Device
from earmark.processors.block import NO_SAMPLES, STIR, Block, End, Stir
from earmark.processors.codec import signal_record
from earmark.processors.content import Audio, Change, ContentEvent, Text
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.identity import AnswerKey, key_of, same
from earmark.processors.outcome import Outcome, Rejection, Result, Signal
from earmark.processors.pipeline import Pipeline
from earmark.processors.plan import Plan
from earmark.streams.lane_threads import LaneThreads
from earmark.streams.synthesiser import RATE_HZ, tune

pytestmark = pytest.mark.weights

JFK = (Path(__file__).resolve().parents[2] / "streams" / "samples" / "jfk.wav").read_bytes()
LOUD = Result.ok(integrated_lufs=-14.5, gated_share=0.25)
WORDS = (
    "and so my fellow americans ask not what your country can do for you "
    "ask what you can do for your country"
)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load(device=Device(kind="cpu", precision="fp32"))


def wav(samples_T: np.ndarray, rate_hz: int) -> bytes:
    import io
    import wave

    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((samples_T * 32_767).astype("<i2").tobytes())
    return buffer.getvalue()


def event(item: str, *, audio: bytes | None = None, **texts: str) -> ContentEvent:
    return ContentEvent(
        event_id=f"{item}-1",
        content_id=item,
        audio=None if audio is None else Audio(data=audio),
        texts=tuple(Text(field=field, text=text) for field, text in texts.items()),
    )


EVENTS = [
    event("speech", audio=JFK, title="Ask not what your country can do for you"),
    event("half", audio=JFK[: 44 + 5 * 32_000]),  # its header says that it is longer
    event("music", audio=wav(tune().mean(axis=0)[: 4 * RATE_HZ], RATE_HZ)),
    event("abuse", comment="You are a fucking idiot and nobody likes you. Have a nice day, dear."),
    event("french", title="Une belle journée de printemps au bord de la mer"),
    event("short", comment="ok"),
    event("bad", comment="\ud800", title="A fine title for a fine song"),
]


def by_name(outcomes: Sequence[Outcome]) -> dict[tuple[str, str], Signal]:
    signals = [outcome for outcome in outcomes if isinstance(outcome, Signal)]
    return {(signal.event.content_id, signal.name): signal for signal in signals}


def keys_of(outcomes: Sequence[Outcome]) -> dict[str, AnswerKey]:
    return {outcome.topic: key_of(outcome) for outcome in outcomes if isinstance(outcome, Signal)}


@pytest.mark.parametrize("number", [0, 2, 3])
def test_what_answers_are_made_of_is_known_before_they_are_made(
    pipeline: Pipeline, number: int
) -> None:
    standing = keys_of(pipeline.run([EVENTS[number]]))
    plan = pipeline.plan(EVENTS[number], standing=standing)
    assert plan.is_done
    assert (plan.kept, plan.hears) == (standing, False)


def test_an_answer_without_the_audio_does_not_stand_when_the_audio_comes_in_order(
    pipeline: Pipeline,
) -> None:
    good = event("spoken", audio=JFK, title="A speech of long ago")
    assert good.audio is not None
    wrong = replace(good, audio=replace(good.audio, sha256="0" * 64))
    outcomes = pipeline.run([wrong])
    assert by_name(outcomes)["spoken", "text.safety"].result.outcome == "OK"
    assert "text.safety" in pipeline.plan(good, standing=keys_of(outcomes)).wanted


def test_nothing_is_recalled_of_a_recording_that_is_not_the_one_stated(pipeline: Pipeline) -> None:
    names = frozenset({"audio.integrity", "audio.loudness"})
    plan = Plan(wanted=names, computed=names - {"audio.loudness"}, known={"audio.loudness": LOUD})
    error = ContentError(RejectionClass.MEDIA_HASH_MISMATCH, "other bytes", part="audio")
    end = End(audio_sha256="0" * 64, error=error)
    block = Block(event=EVENTS[0], samples_T=NO_SAMPLES, end=end, plan=plan)
    found = by_name(list(pipeline.score([block])))
    assert {signal.name: signal.result.outcome for signal in found.values()} == dict.fromkeys(
        names, "ERROR"
    )


def test_it_is_not_known_of_audio_elsewhere_unless_the_event_says_its_digest(
    pipeline: Pipeline,
) -> None:
    uri = "file:///media/jfk.wav"
    standing = keys_of(pipeline.run([event("speech", audio=JFK)]))
    away = ContentEvent(event_id="1", content_id="speech", audio=Audio(uri=uri))
    assert pipeline.plan(away, standing=standing).hears
    digest = hashlib.sha256(JFK).hexdigest()
    told = ContentEvent(event_id="1", content_id="speech", audio=Audio(uri=uri, sha256=digest))
    assert pipeline.plan(told, standing=standing).is_done
    assert pipeline.plan(away, standing=standing, audio_sha256=digest).is_done


def test_the_words_of_a_recording_are_written_down(pipeline: Pipeline) -> None:
    record = signal_record(by_name(pipeline.run(EVENTS[:1]))["speech", "audio.transcript"])
    words = "".join(c for c in record["text"].lower() if c.isalpha() or c == " ").split()
    assert " ".join(words) == WORDS
    assert record["outcome"] == "OK"
    assert 0 <= record["segments"][0]["start_ms"] < record["segments"][-1]["end_ms"] <= 11_000


def test_each_item_gets_the_outcome_that_fits_it(pipeline: Pipeline) -> None:
    outcomes = pipeline.run(EVENTS)
    found = {key: (s.result.outcome, s.result.reason) for key, s in by_name(outcomes).items()}
    assert found["music", "audio.transcript"] == ("SKIPPED", "NO_SPEECH")
    assert found["music", "text.safety"] == ("SKIPPED", "NO_TEXT")
    assert found["french", "text.safety"] == ("ABSTAINED", "LANGUAGE_UNSUPPORTED")
    assert found["short", "text.language"] == ("ABSTAINED", "TOO_LITTLE_TEXT")
    assert found["half", "audio.integrity"] == ("OK", None)
    assert found["half", "audio.loudness"] == ("ERROR", "MEDIA_TRUNCATED")
    assert found["bad", "text.language"] == ("ERROR", "TEXT_INVALID")
    assert "profanity" in by_name(outcomes)["abuse", "text.safety"].result.fields["labels"]
    rejections = {o.event.content_id: o.error.part for o in outcomes if isinstance(o, Rejection)}
    assert rejections == {"half": "audio", "bad": "texts.comment"}


def test_batches_do_not_change_outcomes(pipeline: Pipeline) -> None:
    together = by_name(pipeline.run(EVENTS))
    alone = by_name([outcome for each in EVENTS for outcome in pipeline.run([each])])
    assert together.keys() == alone.keys()
    for key, signal in together.items():
        spec = pipeline.specs[signal.name]
        assert same(signal_record(signal), signal_record(alone[key]), spec) == [], key


def test_lanes_do_not_change_outcomes(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [
        replace(each, event_id=f"{each.event_id}-{turn}", content_id=f"{each.content_id}-{turn}")
        for turn in range(12)  # enough for some full batches
        for each in EVENTS
    ]
    plain = by_name(pipeline.run(many))
    monkeypatch.setattr(pipeline, "executor", LaneThreads(2))
    side_by_side = by_name(pipeline.run(many))
    assert side_by_side.keys() == plain.keys()
    for key, signal in side_by_side.items():
        spec = pipeline.specs[signal.name]
        assert same(signal_record(signal), signal_record(plain[key]), spec) == [], key


def test_a_stir_begins_what_waits_for_a_lane(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else comes: the answers of full batches come all the same, before the end."""
    monkeypatch.setattr(pipeline, "executor", LaneThreads(2))
    through: SimpleQueue[None] = SimpleQueue()
    monkeypatch.setattr(pipeline.executor, "through", lambda: through.put(None))
    begun: list[str] = []
    for name, budget in pipeline.budgets.items():
        monkeypatch.setattr(budget, "watch", lambda batch, name=name: _noted(begun, name))
    recording = wav(np.tile(tune().mean(axis=0), 20)[: 200 * RATE_HZ], RATE_HZ)

    # decoded before, as models may be faster than the decoder and have begun all by its end
    heard = [b for b in pipeline.decoded([event("long", audio=recording)]) if not b.end]

    def blocks() -> Iterator[Block | Stir | None]:
        yield from heard
        before = begun.count("audio.embedding")
        while begun.count("audio.embedding") == before:  # the next windows, with no more samples
            through.get(timeout=60)
            yield STIR

    list(pipeline.answer(blocks()))


def _noted(begun: list[str], name: str) -> AbstractContextManager[None]:
    begun.append(name)
    return nullcontext()


def test_recordings_of_unlike_lengths_do_not_change_each_other(pipeline: Pipeline) -> None:
    """Their clips and windows fall into buckets of their own, and some share one."""
    lengths = (2.4, 10.8, 2.5, 4.9, 1.3, 10.6)
    cut = [
        event(f"cut-{s}", audio=JFK[: 44 + 2 * int(16_000 * s)], lyrics="la " * int(s * 40))
        for s in lengths
    ]
    together = by_name(pipeline.run(cut))
    alone = by_name([outcome for each in reversed(cut) for outcome in pipeline.run([each])])
    assert together.keys() == alone.keys()
    for key, signal in together.items():
        spec = pipeline.specs[signal.name]
        assert same(signal_record(signal), signal_record(alone[key]), spec) == [], key


def test_block_size_and_idle_pauses_do_not_change_outcomes(pipeline: Pipeline) -> None:
    whole = by_name(pipeline.run(EVENTS[:1]))

    def in_pieces() -> list[Block | None]:
        pieces: list[Block | None] = []
        for block in pipeline.decoded(EVENTS[:1]):
            for start in range(0, len(block.samples_T), 7_001):
                part_T = block.samples_T[start : start + 7_001]
                pieces += [Block(event=block.event, samples_T=part_T), None]
            if block.end is not None:
                pieces.append(Block(event=block.event, samples_T=part_T[:0], end=block.end))
        return pieces

    for key, signal in by_name(list(pipeline.score(in_pieces()))).items():
        spec = pipeline.specs[signal.name]
        assert same(signal_record(signal), signal_record(whole[key]), spec) == [], key


def test_every_signal_says_what_it_was_made_by(pipeline: Pipeline) -> None:
    for signal in by_name(pipeline.run(EVENTS[:1])).values():
        provenance = signal.provenance
        assert len(provenance.config_hash) == len(provenance.input_digest) == 64
        assert provenance.model_name
        has_model = bool(pipeline.specs[signal.name].models)
        assert (provenance.model_sha256 is not None) == has_model


def test_a_declared_foreign_language_is_not_transcribed(pipeline: Pipeline) -> None:
    spanish = ContentEvent(event_id="1", content_id="es", language="es", audio=Audio(data=JFK))
    result = by_name(pipeline.run([spanish]))["es", "audio.transcript"].result
    assert (result.outcome, result.reason) == ("ABSTAINED", "LANGUAGE_UNSUPPORTED")


def test_only_what_was_asked_for_is_said(pipeline: Pipeline) -> None:
    asked = Pipeline.load(["text.safety"], device=pipeline.device)
    assert {name for _, name in by_name(asked.run(EVENTS[:1]))} == {"text.safety"}


def test_a_deletion_has_an_answer_without_outcomes(pipeline: Pipeline) -> None:
    deletion = ContentEvent(event_id="1", content_id="x", change=Change.DELETED)
    (answer,) = pipeline.answer(pipeline.decoded([deletion]))
    assert answer.outcomes == ()
