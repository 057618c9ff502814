"""What every signal must keep to, whoever wrote it: the contract, put to it as questions.

`findings("text.haiku")` loads the signal with all it needs, puts known input to it (recordings and
texts that are made here: silence, tones, noise, clicks; sentences, other scripts, markup, next to
nothing) and looks at what comes out:

- its topic has a schema, named after it;
- its card can be read, and a shipped one has a card (another package's may come without);
- each item that it is expected of gets one record, and none makes it fail;
- OK comes with all fields and without a reason, everything else with a reason in upper case;
- each record can be written, is within its limit, and reads as it was written;
- what is a probability lies in [0, 1], times are not negative;
- neither a second run, nor other items beside it, nor other blocks change an answer.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.models.device import Device
from earmark.processors.block import Block
from earmark.processors.codec import encode_signal, result_of, signal_record
from earmark.processors.content import Audio, ContentEvent, Text
from earmark.processors.error import ConfigurationError, EarmarkError
from earmark.processors.expected import expected_signals
from earmark.processors.identity import same
from earmark.processors.outcome import Outcome, OutcomeKind, Rejection, Signal
from earmark.processors.pipeline import Pipeline
from earmark.processors.schema import full_name, schema_of
from earmark.processors.signal import SignalSpec
from earmark.processors.signal_card import card_file, signal_card
from earmark.processors.wav import wav_bytes
from earmark.processors.wire import Codec

SHIPPED = "earmark.processors.signals."  # modules whose names begin so are ours
RATE_HZ = 22_050
FROM_THE_EVENT = "declared_language"  # the one field that no scorer fills
NAME = re.compile(r"(audio|text|content)(\.[a-z][a-z0-9_]*)+")
REASON = re.compile(r"[A-Z][A-Z0-9_]*")
PROBABILITY = re.compile(r"(.*_)?(probability|share|confidence)")

TEXTS = {
    "english": "The harbour lay quiet in the early light, and the gulls were loud over the boats.",
    "french": "Le port dormait encore dans la lumière du matin, et les mouettes criaient.",
    "japanese": "朝の光の中で港は静かで、カモメが船の上で鳴いていた。",
    "arabic": "كان الميناء هادئا في ضوء الصباح الباكر.",
    "empty": "   ",
    "one": "a",
    "emoji": "🎵🎶 ❤️ 👩‍👩‍👧",
    "markup": "<script>alert(1)</script> <b>{{name}}</b> \u202egnp.exe",
    "control": "zero \x00 width \u200b and \ufffd",
    "long": "A long day by the sea. " * 2_000,
    "run": "a" * 30_000,
}


def findings(name: str, *, device: Device | None = None) -> list[str]:
    """Where the signal breaks its contract, one line each; none: it keeps to it.

    Raises ConfigurationError for a name that no signal has, ModelError where its weights are
    missing.
    """
    pipeline = Pipeline.load([name], device=device)
    return [
        *of_card(pipeline.specs[name]),
        *_of_schema(pipeline, name),
        *_of_answers(pipeline, name),
    ]


def record_name(name: str) -> str:
    """What the records of the signal `name` are called: `AudioLowTone` of `audio.low_tone`."""
    return "".join(word.title() for word in re.split(r"[._]", name))


def probes() -> list[ContentEvent]:
    """The items that are put to a signal."""
    texts = [_event(kind, text=text) for kind, text in TEXTS.items()]
    audio = [
        _event(kind, audio=wav_bytes(np.clip(samples, -1, 1), RATE_HZ))
        for kind, samples in _recordings()
    ]
    both = _event("both", text=TEXTS["english"], audio=wav_bytes(_tone(2.0), RATE_HZ))
    return [*texts, *audio, both]


def of_card(spec: SignalSpec) -> Iterator[str]:
    """What is wrong with the signal's card, one line each."""
    is_shipped = spec.make.__module__.startswith(SHIPPED)
    if card_file(spec.name) is None:
        if is_shipped:
            yield f"there is no card {spec.name}.toml"
        return
    try:
        card = signal_card(spec.name)
    except ConfigurationError as error:
        yield str(error)
        return
    if is_shipped and card.freshness_s is None:
        yield "its card names no freshness_s"
    if card.replaced_by == spec.name:
        yield "its card says that it is replaced by itself"


def _of_schema(pipeline: Pipeline, name: str) -> Iterator[str]:
    spec = pipeline.specs[name]
    if not NAME.fullmatch(name):
        yield f"{name!r} is no name of a signal: audio.x, text.x or content.x in lower case"
    definition = schema_of(spec.topic).definition
    wanted = record_name(name)
    if spec.record_name not in {"", wanted}:
        yield f"record_name should be {wanted}"
    if full_name(definition) != f"earmark.signals.{wanted}":
        yield f"the record of {spec.topic} should be called earmark.signals.{wanted}"


def _of_answers(pipeline: Pipeline, name: str) -> Iterator[str]:
    events = probes()
    together = pipeline.run(events)
    for event in events:
        expected = name in expected_signals(event, pipeline.specs)
        outcomes = [each for each in together if each.event is event]
        signals = [each for each in outcomes if isinstance(each, Signal)]
        for each in outcomes:
            if isinstance(each, Rejection):
                yield f"{event.content_id}: {each.error.reason}"
        if len(signals) != expected:
            yield f"{event.content_id}: {len(signals)} records where there should be {expected:d}"
        for signal in signals:
            yield from (f"{event.content_id}: {line}" for line in _of_signal(signal))
    others: dict[str, Callable[[], Iterable[Outcome]]] = {
        "a second run": lambda: pipeline.run(events),
        "items one by one": lambda: [each for event in events for each in pipeline.run([event])],
        "smaller blocks": lambda: pipeline.score(_cut(pipeline.decoded(events))),
    }
    for way, run in others.items():
        for line in _differences(pipeline, name, together, list(run())):
            yield f"{way}: {line}"


def _of_signal(signal: Signal) -> Iterator[str]:
    result = signal.result
    if (result.outcome == OutcomeKind.OK) != (result.reason is None):
        yield f"{result.outcome} with the reason {result.reason}"
    if result.reason is not None and not REASON.fullmatch(result.reason):
        yield f"the reason {result.reason!r} is no word in upper case"
    try:
        record = signal_record(signal)
        payload = encode_signal(signal, 1)
    except EarmarkError as error:
        yield f"cannot be written: {error}"
        return
    read = Codec(schema_of(signal.topic)).decode(payload)
    if result_of(signal.topic, read).outcome != result.outcome:
        yield "does not read as it was written"
    own = result_of(signal.topic, record).fields
    missing = sorted(own.keys() - result.fields.keys() - {FROM_THE_EVENT})
    if result.outcome == OutcomeKind.OK and missing:
        yield f"OK without {', '.join(missing)}"
    yield from _of_values(own)


def _of_values(value: Any, name: str = "") -> Iterator[str]:
    """Numbers that cannot be, at any depth; `name` is that of the field they stand in."""
    match value:
        case Mapping():
            for key, part in value.items():
                yield from _of_values(part, str(key))
        case list() | tuple():
            for part in value:
                yield from _of_values(part, name)
        case float() if not math.isfinite(value):
            yield f"{name} is {value}"
        case float() if PROBABILITY.fullmatch(name) and not 0.0 <= value <= 1.0:
            yield f"{name} is {value}, and not in [0, 1]"
        case int() if name.endswith("_ms") and value < 0:
            yield f"{name} is {value}"


def _differences(
    pipeline: Pipeline, name: str, one: Sequence[Outcome], other: Sequence[Outcome]
) -> Iterator[str]:
    records, others = _records(one), _records(other)
    if records.keys() != others.keys():
        yield "not the same items are answered"
    for item in records.keys() & others.keys():
        for line in same(records[item], others[item], pipeline.specs[name]):
            yield f"{item}: {line}"


def _records(outcomes: Iterable[Outcome]) -> dict[str, Mapping[str, Any]]:
    signals = (outcome for outcome in outcomes if isinstance(outcome, Signal))
    return {signal.event.content_id: signal_record(signal) for signal in signals}


def _cut(blocks: Iterable[Block]) -> Iterator[Block]:
    """The same samples in blocks of an odd length."""
    for block in blocks:
        *first, last = np.split(block.samples_T, range(3_001, len(block.samples_T), 3_001))
        for samples_T in first:
            yield replace(block, samples_T=samples_T, end=None)
        yield replace(block, samples_T=last)


def _event(kind: str, *, text: str | None = None, audio: bytes | None = None) -> ContentEvent:
    return ContentEvent(
        event_id=f"{kind}-1",
        content_id=kind,
        audio=None if audio is None else Audio(data=audio),
        texts=() if text is None else (Text(field="title", text=text),),
    )


def _recordings() -> Iterator[tuple[str, NDArray[np.float32]]]:
    noise_T = np.random.default_rng(7).standard_normal(6 * RATE_HZ).astype(np.float32)
    click_T = np.zeros(RATE_HZ // 20, np.float32)
    click_T[10] = 1.0
    yield "silence", np.zeros(2 * RATE_HZ, np.float32)
    yield "tone", _tone(4.0)
    yield "noise", np.float32(0.1) * noise_T
    yield "click", click_T
    yield "pulses", _tone(8.0) * (np.arange(8 * RATE_HZ) % (RATE_HZ // 2) < RATE_HZ // 10)


def _tone(seconds: float) -> NDArray[np.float32]:
    at_T = np.arange(int(seconds * RATE_HZ), dtype=np.float32) / RATE_HZ
    tone_T: NDArray[np.float32] = np.float32(0.2) * np.sin(np.float32(2 * np.pi * 440) * at_T)
    return tone_T
