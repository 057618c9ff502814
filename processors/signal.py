"""What a signal is: a spec, and a scorer of one of five kinds.

A signal is one module in `processors/signals/` (or behind the entry-point group
`earmark.signals`) with one function under `@signal`, and one schema
`avro/signals/<name>.v<major>.avsc`. What the function returns depends on what it `takes`:

METER     a `Meter`: folds over samples at their native rate, in the decode process; or a
          `MonoMeter`: over the 16 kHz mono that models hear
STREAM    a `StreamScorer`: steps many recordings together through 16 kHz chunks, finds spans
CLIPS     a `ClipScorer`: reads clips of speech, those of all events in shared batches
WINDOWS   a `WindowScorer`: reads a recording in windows of equal length, those of all events in
          shared batches; signals with the same trunk share its work
PASSAGES  a `PassageScorer`: reads texts, those of many events at once

Shapes. C: channels, T: samples, B: batch
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors.block import Samples
from earmark.processors.clip import Clip, Span
from earmark.processors.content import ContentEvent
from earmark.processors.error import ConfigurationError
from earmark.processors.outcome import Result
from earmark.processors.threshold import Thresholds


class Takes(StrEnum):
    """What a signal reads, and so where it runs."""

    METER = "METER"
    STREAM = "STREAM"
    CLIPS = "CLIPS"
    WINDOWS = "WINDOWS"
    PASSAGES = "PASSAGES"


class Part(StrEnum):
    """The parts of an event that a signal can read."""

    AUDIO = "audio"
    TEXTS = "texts"


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFormat:
    """The stream as the decoder gives it to meters: float32, planar, native rate."""

    sample_rate_hz: int
    channels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What the container and the decoder say of the whole, known when the last packet is read."""

    container: str
    codec: str
    media_type: str | None
    channels: int
    sample_rate_hz: int
    bit_rate_bps: int | None
    declared_duration_ms: int | None
    decoded_duration_ms: int
    decode_errors: int
    truncated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """One item as scorers see it. `results` holds what the signal's `needs` answered.

    `results` lacks a need that was not expected of the item (no audio: no transcript).
    `signal_ids` serves signals that point into others.
    """

    event: ContentEvent
    duration_ms: int = 0
    results: Mapping[str, Result] = field(default_factory=dict)
    signal_ids: Mapping[str, str] = field(default_factory=dict)


class Meter(Protocol):
    """Measures one recording at its native rate, block by block; any blocks, same result."""

    def update(self, samples_CT: Samples) -> None:
        """Take the next samples, float32 in [-1, 1] (decoders may exceed it)."""

    def finish(self, container: Container) -> Result:
        """The result for the whole recording, or for what of it could be decoded."""


@runtime_checkable
class MonoMeter(Protocol):
    """Measures one recording as models hear it: 16 kHz mono, in blocks as of `MonoBlocks`.

    The recording is resampled once for all who hear it so. No block may be written to.
    """

    def step(self, samples_T: Samples) -> None:
        """Take the next block, float32; only the last of a recording is shorter."""

    def finish(self, container: Container) -> Result:
        """As that of `Meter`."""


class SpanStream(Protocol):
    """The state of one recording in a `StreamScorer`."""

    def take_spans(self) -> list[Span]:
        """Spans that became final since the last call, in order, not overlapping."""

    @property
    def floor(self) -> int:
        """No span still to come begins before this sample."""


class StreamScorer(Protocol):
    """Steps many recordings together. Every chunk has `chunk_samples`; the last is zero-padded.

    A step that raises has moved none of its streams: they are stepped again, in smaller batches.
    """

    chunk_samples: int

    def start(self) -> Any:
        """The state of a new recording, a `SpanStream`."""

    def step(self, streams: Sequence[Any], chunks_BT: Samples, lengths_B: Sequence[int]) -> None:
        """Move each stream on by its chunk, of which the first `length` samples are real."""

    def finish(self, stream: Any, duration_ms: int) -> Result:
        """Close the stream (its last spans become final) and say the result."""


class ClipScorer(Protocol):
    """Reads clips of speech of at most `longest_s` seconds."""

    longest_s: float

    def admit(self, event: ContentEvent) -> Result | None:
        """None to go on; a result where the event alone decides it, and no clip is cut."""

    def score(self, clips: Sequence[Clip]) -> Sequence[Any]:
        """One score per clip, independent of which clips share the batch."""

    def conclude(self, item: ItemView, scores: Sequence[Any]) -> Result:
        """The result from the scores of all clips of one item, in order."""


class Trunk(Protocol):
    """Makes features of windows: `window_samples` at 16 kHz, one window every `hop_samples`.

    Signals whose scorers hold the same trunk object share its work.
    """

    window_samples: int
    hop_samples: int

    def features(self, windows_BT: Samples, lengths_B: Sequence[int]) -> Sequence[Any]:
        """What the scorers read of each window, of which the first `length` samples are real."""


class WindowScorer(Protocol):
    """Reads a recording by the features of its windows. They cover it; the last is zero-padded."""

    trunk: Trunk

    def score(self, features: Sequence[Any]) -> Sequence[Any]:
        """One score per window, independent of which windows share the batch."""

    def conclude(self, item: ItemView, scores: Sequence[Any]) -> Result:
        """The result from the scores of all windows of one item, in order."""


class PassageScorer(Protocol):
    """Reads the texts of many items at once."""

    def score(self, items: Sequence[ItemView]) -> Sequence[Result]:
        """One result per item, independent of which items share the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """What a scorer is loaded from and for; `models` are the names of its cards.

    On a CPU several signals are loaded at a time, each in a thread.

    `services` are models that the host reaches elsewhere, by card: the core has no network.
    """

    store: ModelStore
    device: Device
    thresholds: Thresholds
    models: tuple[str, ...]
    services: Mapping[str, Any] = field(default_factory=dict)

    def path(self, file: str | None = None) -> Path:
        """The artefact `file` of the first card, by default its primary one, verified."""
        return self.store.path(self.models[0], file)


Load = Callable[[Loading], Any]
MeterFactory = Callable[[AudioFormat], Meter | MonoMeter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabelling:
    """How labels follow from what a signal's records hold.

    `thresholds` are shell patterns of the names of those that nothing but labels depends on.
    `apply` says what the result under `old` thresholds is under `new` ones; None where the record
    does not hold enough to say.
    """

    thresholds: tuple[str, ...]
    apply: Callable[[Result, Thresholds, Thresholds], Result | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSpec:
    """All that is known of a signal before anything is loaded.

    `models` are names of cards; the first is the one named in provenance, and may be another one of
    its kind: `companions` says which cards then go with it. `method` names the procedure where
    there is no model. `preprocessing_version` changes when the same model would
    get other input. `reads_language` says that the declared language is part of the input,
    `reads_regions` that the event's regions are, `reads_attributes` which of its attributes are.
    `taxonomy` is the scheme of its labels; with `labels_of_model` that is the first card, and
    changes with it.
    `follows` are signals that come first where both are computed, since they do work that this one
    then need not do; it answers the same without them.
    `tolerances` are absolute, by field, for comparing two records; others use `tolerance`, or
    `card_tolerance` where that is more and another model serves, which may compute in half the
    bits.
    """

    name: str
    major: int = 1
    takes: Takes
    reads: frozenset[Part]
    needs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    companions: Callable[[str], tuple[str, ...]] | None = None
    method: tuple[str, str] | None = None
    preprocessing_version: str = "1"
    taxonomy: tuple[str, str] | None = None
    labels_of_model: bool = False
    follows: tuple[str, ...] = ()
    reads_language: bool = False
    reads_attributes: tuple[str, ...] = ()
    reads_regions: bool = False
    tolerance: float = 1e-3
    card_tolerance: float = 0.0
    tolerances: Mapping[str, float] = field(default_factory=dict)
    record_name: str = ""
    relabelling: Relabelling | None = None
    make: Callable[..., Any] = field(repr=False)

    @property
    def topic(self) -> str:
        """The topic of the champion's answers, e.g. `signals.audio.loudness.v1`."""
        return f"signals.{self.name}.v{self.major}"

    def load(
        self,
        *,
        store: ModelStore,
        device: Device,
        thresholds: Thresholds,
        services: Mapping[str, Any] | None = None,
    ) -> Any:
        """Its scorer, by its models; raises ModelError where weights are missing or wrong."""
        return self.make(
            Loading(
                store=store,
                device=device,
                thresholds=thresholds,
                models=self.models,
                services=services or {},
            )
        )

    def with_model(self, card: str) -> "SignalSpec":
        """The signal by another model; raises ConfigurationError where it has none."""
        if not self.models:
            raise ConfigurationError(f"{self.name} is computed without a model")
        rest = self.models[1:] if self.companions is None else self.companions(card)
        tolerance = max(self.tolerance, self.card_tolerance)
        return replace(self, models=(card, *rest), tolerance=tolerance)


def signal(**options: Any) -> Callable[[Callable[..., Any]], SignalSpec]:
    """Declare a signal: `@signal(name="audio.loudness", takes=Takes.METER, ...)`.

    The options are the fields of `SignalSpec` but `make`, which is the decorated function: for
    METER it gets an `AudioFormat` and returns a `Meter` or a `MonoMeter`, for the others it gets a
    `Loading` and returns a scorer.
    """

    def declare(make: Callable[..., Any]) -> SignalSpec:
        return SignalSpec(make=make, **options)

    return declare
