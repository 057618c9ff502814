"""The demo: sample content through a real broker, and what comes back as it arrives."""

import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import confluent_kafka
from confluent_kafka import Message

from earmark.models.error import ServiceError
from earmark.models.source import Progress
from earmark.models.store import ModelStore
from earmark.processors.loader import load_specs
from earmark.streams.kafka import producer_config
from earmark.streams.local.extra import require_extras
from earmark.streams.local.stack import Stack
from earmark.streams.local.state import running_stack, settings_for
from earmark.streams.producer import Producer
from earmark.streams.sample_content import Sample, write_sample
from earmark.streams.settings import Settings
from earmark.streams.subscriber import ReceivedSignal, Subscription, subscribe
from earmark.streams.tally import Expected, Tally, expected_of
from earmark.streams.topic import CONTENT_EVENTS, PROFILES, VERDICTS

# what each extra of the stack makes of an item, one record that grows
SUMMARIES = {"flink": PROFILES, "agents": VERDICTS}
QUIET_S = 0.2  # how often the screen is brought up to date when nothing comes

Seen = Callable[[ReceivedSignal, int | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How the run ended. `exact`: everything that was expected came, once, and nothing else."""

    summary: dict[str, object]
    exact: bool
    missing: tuple[str, ...]


def pull_default_models(settings: Settings, progress: Progress) -> None:
    """Fetch what of the default models is not in the store yet."""
    store = ModelStore(settings.home / "models", offline=settings.offline)
    for name, card in store.cards().items():
        if card.default:
            store.pull(name, progress)


@contextmanager
def stack_for(
    settings: Settings,
    progress: Progress,
    report: Callable[[str], None],
    *,
    extras: Sequence[str] = (),
) -> Iterator[Settings]:
    """Settings of the stack that runs, or of one that is started here and stopped at the end.

    Raises ConfigurationError where the one that runs lacks one of the `extras`.
    """
    state = running_stack(settings.home)
    if state is not None and state.worker_url is not None:
        require_extras(state.extras, extras)
        report(f"using the stack at {state.bootstrap_servers}")
        yield settings_for(state, settings)
        return
    with Stack(settings, extras=extras, progress=progress, report=report) as stack:
        yield stack.settings


class Demo:
    """One run: each has ids of its own, so that a second one shows new items."""

    def __init__(self, settings: Settings, folder: Path, *, extras: Sequence[str] = ()) -> None:
        self.run_id = uuid.uuid4().hex[:8]
        self.sample: Sample = write_sample(folder, self.run_id)
        self._settings = settings
        self._sent_ms: dict[str, int] = {}
        self._held: dict[str, list[ReceivedSignal]] = {}  # by item: its event is not read back yet
        self._summaries = [SUMMARIES[name] for name in extras if name in SUMMARIES]
        expected = expected_of(self.sample.events, load_specs())
        self.tally = Tally(
            expected=expected,
            awaited=_awaited(self._summaries, {item for _, item in expected}),
            events=len(self.sample.events) + 1,  # and the record that is not Avro
            rejections_expected=self.sample.rejections,
            dead_letters_expected=self.sample.dead_letters,
            sent_ms=self._sent_ms,
        )
        self._dead_keys = {event.content_id for event in self.sample.events} | {self._stray_key}

    def run(self, seen: Seen, *, timeout_s: float) -> Report:
        """Send the sample and read until everything has come back, or `timeout_s` have passed.

        `seen` is told of each record as it arrives, with its latency in milliseconds.
        """
        names = ("all", "dead-letters", CONTENT_EVENTS, *self._summaries)
        with subscribe(*names, settings=self._settings, timeout_s=QUIET_S) as subscription:
            started = time.monotonic()
            self._send()
            self._read(subscription, seen, started + timeout_s)
            seconds = time.monotonic() - started
        missing = tuple(sorted(f"{topic} of {item}" for topic, item in self.tally.missing))
        return Report(summary=self.tally.summary(seconds), exact=self.tally.exact, missing=missing)

    def _read(self, subscription: Subscription, seen: Seen, deadline: float) -> None:
        """Until complete, and then once more: what comes doubled comes soon after."""
        while time.monotonic() < deadline:
            for received in subscription:
                self.note(received, seen)
            if self.tally.complete:
                return

    def note(self, received: ReceivedSignal, seen: Seen) -> None:
        """Count it; what is read before its event, of another topic, is held back until then."""
        if received.topic == CONTENT_EVENTS:
            self._sent_ms[received.key] = received.timestamp
            for held in self._held.pop(received.key, ()):
                seen(held, self._counted(held))
        elif received.key not in self._dead_keys:
            return
        elif received.key in self._sent_ms:
            seen(received, self._counted(received))
        else:
            self._held.setdefault(received.key, []).append(received)

    def _counted(self, received: ReceivedSignal) -> int | None:
        if received.name == "rejections":
            self.tally.rejections += 1
            return self._since_sent(received)
        if received.name == "dead-letters":
            self.tally.dead_letters += 1
            return self._since_sent(received)
        if received.topic in self._summaries:
            return self.tally.note_summary(
                received.topic,
                received.key,
                summary_outcome(received.topic, received.record),
                received.timestamp,
                whole=bool(received.record["complete"]),
            )
        outcome = str(received.record["outcome"])
        return self.tally.note_signal(received.topic, received.key, outcome, received.timestamp)

    def _since_sent(self, received: ReceivedSignal) -> int | None:
        sent_ms = self._sent_ms.get(received.key)
        return None if sent_ms is None else received.timestamp - sent_ms

    @property
    def _stray_key(self) -> str:
        return f"stray-{self.run_id}"

    def _send(self) -> None:
        with Producer(self._settings) as producer:
            for event in self.sample.events:
                producer.send(event)
        self._send_stray()

    def _send_stray(self) -> None:
        """The record that our own producer would refuse to make."""
        producer = confluent_kafka.Producer(producer_config(self._settings.kafka))
        producer.produce(
            CONTENT_EVENTS,
            self.sample.undecodable,
            self._stray_key.encode(),
            on_delivery=self._note_stray,
        )
        if producer.flush(30):
            raise ServiceError("the sample was not acknowledged by the broker")

    def _note_stray(self, error: confluent_kafka.KafkaError | None, sent: Message) -> None:
        """When the broker took it: read back as an event it cannot be."""
        if error is None:
            self._sent_ms[self._stray_key] = sent.timestamp()[1]


def summary_outcome(topic: str, record: Mapping[str, Any]) -> str:
    """What is counted of a profile or a verdict: whether it is complete; the effects that hold."""
    if topic == VERDICTS:
        return "+".join(record["effects"]) or "none"
    return "COMPLETE" if record["complete"] else "PARTIAL"


def _awaited(topics: Sequence[str], items: Collection[str]) -> frozenset[Expected]:
    """Whole summaries that are to come: of profiles, which Flink makes, and of what needs them."""
    return frozenset((topic, item) for topic in topics if PROFILES in topics for item in items)
