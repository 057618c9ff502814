"""Items with their profiles and questions, on the real topics."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import confluent_kafka
import pytest

from earmark.processors.codec import Codec, encode_event
from earmark.processors.content import ContentEvent, Text
from earmark.processors.profile import Profile, ProfileSignal
from earmark.processors.review.budget import Budget
from earmark.processors.review.option import Audit, Options
from earmark.processors.review.question import Question, day_of
from earmark.processors.review.routing import requests
from earmark.processors.schema import ITEMS, PROFILES, REVIEW_REQUESTS, schema_of
from earmark.streams.kafka import producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings

Publish = Callable[[str, Iterable[tuple[str, bytes | None]]], None]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """So many items, each with one question about its labels in a queue of their own."""

    queue: str
    questions: tuple[Question, ...]


@pytest.fixture
def settings(stack: Stack) -> Settings:
    """A group of its own, and so a ledger of its own."""
    kafka = stack.settings.kafka.model_copy(update={"group_id": f"review-{uuid.uuid4().hex[:6]}"})
    return stack.settings.model_copy(update={"kafka": kafka})


@pytest.fixture
def publish(settings: Settings) -> Publish:
    """Puts payloads on a topic, by key."""

    def put(topic: str, payloads: Iterable[tuple[str, bytes | None]]) -> None:
        producer = confluent_kafka.Producer(producer_config(settings.kafka))
        for key, payload in payloads:
            producer.produce(topic, payload, key.encode())
        assert producer.flush(30) == 0

    return put


@pytest.fixture
def ask(settings: Settings, publish: Publish) -> Callable[[int], Asked]:
    """Puts items on their topic, their profiles, and a question about the labels of each."""

    def put(count: int) -> Asked:
        queue = f"queue-{uuid.uuid4().hex[:6]}"
        audit = Audit(rate=1.0, queue=queue, signals={"text.safety": "labels"})
        options = Options(audit=audit)
        budget = Budget(options)
        items = [_item(f"{queue}-{number}") for number in range(count)]
        profiles = [_profile(item.content_id) for item in items]
        questions = tuple(
            question
            for profile in profiles
            for question in requests(
                profile, None, options, budget=budget, day=day_of(1_795_600_000_000)
            )
        )
        with Registry(settings.registry) as registry:
            ids = registry.ids_for_worker(["content.events.v1", PROFILES, REVIEW_REQUESTS])
        publish(
            ITEMS, [(it.content_id, encode_event(it, ids["content.events.v1"])) for it in items]
        )
        publish(PROFILES, _encoded(PROFILES, ids, map(asdict, profiles)))
        publish(REVIEW_REQUESTS, _encoded(REVIEW_REQUESTS, ids, (q.record() for q in questions)))
        return Asked(queue=queue, questions=questions)

    return put


def _encoded(
    topic: str, ids: Mapping[str, int], records: Iterable[Mapping[str, Any]]
) -> list[tuple[str, bytes]]:
    codec = Codec(schema_of(topic))
    return [(each["content_id"], codec.encode(each, ids[topic])) for each in records]


def _item(name: str) -> ContentEvent:
    text = Text(field="comment", text=f"write to someone@example.org about {name}")
    return ContentEvent(event_id=f"{name}-1", content_id=name, revision=3, texts=(text,))


def _profile(name: str) -> Profile:
    safety = ProfileSignal(
        signal="text.safety",
        outcome="OK",
        signal_id="1" * 32,
        input_digest="2" * 64,
        revision=3,
        event_time=0,
        model="text-harm 1",
        labels=("hate",),
        numbers={"scores.hate": 0.7, "scores.profanity": 0.1},
    )
    return Profile(
        content_id=name,
        tenant="demo",
        source="app",
        content_type="COMMENT",
        revision=3,
        event_time=0,
        complete=True,
        signals=(safety,),
    )
