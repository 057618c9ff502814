"""Where questions, decisions and items meet: which are open, and what is shown for them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

import structlog

from earmark.models.source import Progress
from earmark.processors.codec import Codec, decode_event, event_codec
from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError
from earmark.processors.pii.finding import redacted
from earmark.processors.pii.phone import regions_of
from earmark.processors.pii.reader import read
from earmark.processors.profile import Profile, profile_of
from earmark.processors.review.decision import Decisions, Kind
from earmark.processors.review.option import Options, read_options, shipped_options
from earmark.processors.review.question import Question, question_of
from earmark.processors.schema import ITEMS, PROFILES, REVIEW_REQUESTS, schema_of
from earmark.processors.threshold import Thresholds, shipped_thresholds
from earmark.streams.local.report import silent
from earmark.streams.registry import Registry
from earmark.streams.review.follower import Follower, Index
from earmark.streams.review.label_studio import Shown
from earmark.streams.review.ledger import DecisionLedger
from earmark.streams.settings import Settings

log = structlog.get_logger()

TRANSCRIPTS = "signals.audio.transcript.v1"
_FETCHABLE = ("http://", "https://", "s3://")


class State(StrEnum):
    """How a question stands."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"  # by as many annotators as are wanted
    STALE = "STALE"  # about what the item no longer is
    GONE = "GONE"  # the item was deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, and when the broker took it, in milliseconds since the epoch."""

    question: Question
    timestamp: int


class Desk:
    """All questions that the topic of requests holds, and what they are about.

    With `serves`, for a process that lives on: places of all items are held, and values are read
    when they are asked for. Else for one look, at the items that were asked about, or decided
    about, and at `items`.
    For one thread, in a `with` block; raises as
    `DecisionLedger` does.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        *,
        serves: bool = False,
        items: Collection[str] = (),
        report: Progress = silent,
    ) -> None:
        self.settings = settings
        self._serves = serves
        self._items = {_key(each) for each in items}
        self._report = report
        self.writer_schema = registry.schema_by_id
        self._events = event_codec(registry.schema_by_id)
        self._requests = Follower(settings.kafka, REVIEW_REQUESTS, report)
        self._indexes: dict[str, Index] = {}
        self._codecs: dict[str, Codec] = {}
        self._asked: dict[str, Asked] = {}
        self.ledger = DecisionLedger(settings, registry, report)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._requests.close()
        for index in self._indexes.values():
            index.close()
        self.ledger.__exit__(kind, error, at)

    def advance(self) -> None:
        """Take in what is new on all topics."""
        for message in self._requests.advance():
            if (payload := message.value()) is not None:
                self._note(payload, message.timestamp()[1])
        self.ledger.advance()
        for topic in (ITEMS, PROFILES, TRANSCRIPTS):
            if topic not in self._indexes:
                self._indexes[topic] = Index(
                    self.settings.kafka, topic, wanted=self._wanted(), report=self._report
                )
            self._indexes[topic].advance()

    def questions(
        self, *, queue: str | None = None, since_ms: int | None = None
    ) -> Sequence[Question]:
        """The questions of a queue, or all, the most urgent first."""
        found = (
            asked.question
            for asked in self._asked.values()
            if (queue is None or asked.question.queue == queue)
            and (since_ms is None or asked.timestamp >= since_ms)
        )
        return sorted(found, key=lambda each: (-each.priority, each.day, each.request_id))

    def question(self, request_id: str) -> Question | None:
        """The question of that id, None where there is none."""
        asked = self._asked.get(request_id)
        return None if asked is None else asked.question

    def state(self, question: Question) -> State:
        """How the question stands."""
        if not self.stands(question.content_id):
            return State.GONE
        decisions = self.ledger.of(question.content_id)
        if len(annotators(question, decisions)) >= self.settings.review.annotators:
            return State.ANSWERED
        profile = self.profile(question.content_id)
        return State.STALE if profile is not None and _is_stale(question, profile) else State.OPEN

    def stands(self, content_id: str) -> bool:
        """Whether there is such an item, as far as it is known here."""
        return _key(content_id) in self._indexes[ITEMS]

    def profile(self, content_id: str) -> Profile | None:
        """The profile of the item, None where there is none that can be read."""
        record = self._newest(PROFILES, content_id)
        return None if record is None else profile_of(record)

    def event(self, content_id: str) -> ContentEvent | None:
        """The item as it is now; None where it is gone or cannot be read."""
        payload = self._indexes[ITEMS].value(_key(content_id))
        try:
            return None if payload is None else decode_event(payload, self._events)
        except ContentError:
            return None

    def shown(self, content_id: str) -> Shown:
        """What annotators see of the item; without personal data where that is set."""
        event = self.event(content_id)
        if event is None:
            return Shown()
        uri = event.audio.uri if event.audio is not None else None
        texts = [(each.field, each.text) for each in event.texts]
        if spoken := self._transcript(content_id):
            texts.append(("transcript", spoken))
        if uri is not None and not uri.startswith(_FETCHABLE):
            texts.append(("audio", uri))
            uri = None
        masks = self.settings.review.mask
        return Shown(
            texts=tuple((name, masked(text, event) if masks else text) for name, text in texts),
            audio=uri,
        )

    def _note(self, payload: bytes, timestamp: int) -> None:
        """Take a question in; what cannot be read is passed over, lest it hold all others up."""
        try:
            question = question_of(self._record(REVIEW_REQUESTS, payload))
        except ContentError as error:
            if self._serves:
                log.warning("unreadable", topic=REVIEW_REQUESTS, reason=error.reason)
            return
        self._asked.setdefault(question.request_id, Asked(question=question, timestamp=timestamp))

    def _transcript(self, content_id: str) -> str | None:
        record = self._newest(TRANSCRIPTS, content_id)
        text = None if record is None else record["text"]
        return text if isinstance(text, str) else None

    def _newest(self, topic: str, content_id: str) -> Mapping[str, Any] | None:
        payload = self._indexes[topic].value(_key(content_id))
        try:
            return None if payload is None else self._record(topic, payload)
        except ContentError:
            return None

    def _record(self, topic: str, payload: bytes) -> Mapping[str, Any]:
        if topic not in self._codecs:
            self._codecs[topic] = Codec(schema_of(topic), writer_schema=self.writer_schema)
        return self._codecs[topic].decode(payload)

    def _wanted(self) -> Collection[bytes] | None:
        if self._serves:
            return None
        asked = {_key(each.question.content_id) for each in self._asked.values()}
        return asked | self._items | {_key(name) for name in self.ledger.items()}


def options_of(settings: Settings) -> Options:
    """What is asked of people, by the settings; raises ConfigurationError."""
    thresholds: Mapping[str, Thresholds] = {}
    if settings.worker.thresholds:  # which have to be those of known signals, and these need torch
        from earmark.streams.own_thresholds import own_thresholds

        thresholds = own_thresholds(settings)
    path = settings.review.routing
    return read_options(path, thresholds) if path else shipped_options(thresholds)


def annotators(question: Question, decisions: Decisions) -> set[str]:
    """Who has answered the question, by it or by another about the same."""
    if question.signal is not None:
        votes = decisions.votes(question.signal, question.asks or "", question.input_digest or "")
        return {each.annotator for each in votes}
    return {
        each.annotator
        for each in decisions.standing
        if each.answers is None
        and each.revision == question.revision
        and (each.kind == Kind.VERDICT or each.request_id == question.request_id)
    }


def masked(text: str, event: ContentEvent) -> str:
    """The text with `[EMAIL]` and the like in place of the personal data that is found in it."""
    least = shipped_thresholds("text.pii")["min_score"]
    regions = regions_of(event.regions, event.language)
    return redacted(text, read(text, min_score=least, regions=regions).findings)


def open_questions(desk: Desk, questions: Sequence[Question]) -> Iterator[Question]:
    """Those of the questions that wait for an answer."""
    return (each for each in questions if desk.state(each) == State.OPEN)


def _is_stale(question: Question, profile: Profile) -> bool:
    if question.signal is None:
        return profile.revision > question.revision
    signal = profile.signal(question.signal)
    return signal is not None and signal.input_digest != question.input_digest


def _key(content_id: str) -> bytes:
    return content_id.encode("utf-8", "surrogatepass")
