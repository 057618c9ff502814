"""One event on its way through the pipeline: what has come of it and what has been said of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from earmark.processors.block import End
from earmark.processors.clip import SpeechPacker
from earmark.processors.content import ContentEvent, text_errors
from earmark.processors.error import ContentError
from earmark.processors.outcome import Result
from earmark.processors.signal import ItemView, Part, SignalSpec


@dataclass(slots=True, kw_only=True, eq=False)
class Item:
    """Mutable state of one event; lives from its first block to its outcomes."""

    event: ContentEvent
    expected: Mapping[str, SignalSpec] = field(default_factory=dict)  # computed or known
    wanted: Collection[str] = ()  # of these, what is answered
    recalled: Collection[str] = ()  # and what was known before, by the digest that is stated
    end: End | None = None
    results: dict[str, Result] = field(default_factory=dict)
    errors: dict[str, ContentError] = field(default_factory=dict)  # by part
    failures: dict[str, ContentError] = field(default_factory=dict)  # by signal
    signal_ids: dict[str, str] = field(default_factory=dict)
    packers: dict[str, SpeechPacker] = field(default_factory=dict)  # by CLIPS signal
    scores: dict[str, list[object]] = field(default_factory=dict)  # of clips and windows, in order
    pieces_out: int = 0  # clips and windows cut and not yet scored
    streams_open: int = 0  # STREAM signals that have not finished

    @property
    def heard(self) -> bool:
        """Everything that depends on audio is known."""
        return self.end is not None and self.streams_open == 0 and self.pieces_out == 0

    @property
    def audio_error(self) -> ContentError | None:
        """Why the audio cannot be used, if so."""
        return self.errors.get(Part.AUDIO)

    def close(self, end: End) -> None:
        """The last block has come."""
        self.end = end
        said = {n: r for n, r in self.results.items() if end.error is None or not self._recalls(n)}
        self.results = {**end.readings, **said}
        self.errors |= {error.part: error for error in text_errors(self.event).values()}
        if end.error is not None:
            self.errors[end.error.part] = end.error

    def _recalls(self, name: str) -> bool:
        """Whether its result is about a recording, and perhaps not about that which came."""
        return name in self.recalled and Part.AUDIO in self.expected[name].reads

    def audio_digest(self, spec: SignalSpec) -> str | None:
        """The digest of the audio that the answer of `spec` is made of; None for none.

        One from texts alone, since the audio cannot be used, is not an answer about that audio:
        it must not stand when the same bytes come in order.
        """
        if self.end is None or (self.audio_error is not None and Part.TEXTS in spec.reads):
            return None
        return self.end.audio_sha256

    def broken_part(self, spec: SignalSpec) -> ContentError | None:
        """The error that keeps `spec` from answering.

        Any text that cannot be used breaks all text signals: an answer that left one out would
        look like one about the whole. A signal that also reads texts answers from good texts
        when the audio is broken, and says so in its fields.
        """
        for part, error in self.errors.items():
            if part != Part.AUDIO and Part.TEXTS in spec.reads:
                return error
        only_audio = Part.TEXTS not in spec.reads or not self.event.texts
        return self.audio_error if Part.AUDIO in spec.reads and only_audio else None

    def can_answer(self, spec: SignalSpec) -> bool:
        """Whether `spec` is expected, its part is whole, and nothing that it needs has failed."""
        return (
            spec.name in self.expected
            and self.broken_part(spec) is None
            and not any(self._failed(need) for need in spec.needs)
        )

    def _failed(self, need: str) -> bool:
        if need not in self.expected or need in self.results:
            return False
        return self.broken_part(self.expected[need]) is None

    def view(self, spec: SignalSpec) -> ItemView:
        """The item as the scorer of `spec` sees it."""
        return ItemView(
            event=self.event,
            duration_ms=self.end.duration_ms if self.end else 0,
            results={need: self.results[need] for need in spec.needs if need in self.results},
            signal_ids=self.signal_ids,
        )
