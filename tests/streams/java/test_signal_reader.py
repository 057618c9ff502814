"""A reader in Java, of Kafka's client and Apicurio's serdes, reads every field that we write.

It is compiled here: by Eclipse's compiler, which is a jar and runs on the Java of the local stack.
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from earmark.models.error import ServiceError
from earmark.processors.codec import encode_signal, result_of
from earmark.processors.content import ContentEvent
from earmark.processors.outcome import Provenance, Signal
from earmark.processors.schema import Schema, avro_folder, newest, schemas
from earmark.processors.wire import Codec
from earmark.streams.kafka import producer_config
from earmark.streams.local.jar import JarFolder, parse_lock
from earmark.streams.local.parts import Parts
from earmark.streams.local.stack import Stack
from earmark.streams.registry import Registry
from earmark.streams.settings import load_settings
from earmark.streams.testing.record import Sample, golden, records

pytestmark = [pytest.mark.kafka]
HERE = Path(__file__).parent
SAFETY = "signals.text.safety.v1"
OF_THE_EVENT = (
    *("event_id", "content_id", "revision", "event_time"),
    *("content_type", "tenant", "source"),
)


@dataclass
class JavaReader:
    """The compiled reader."""

    parts: Parts
    jars: tuple[Path, ...]
    classes: Path

    def compile(self) -> None:
        compiler = "org.eclipse.jdt.internal.compiler.batch.Main"
        path = self._path(*self.jars)
        options = ["-17", "-proc:none", "-d", str(self.classes), "-cp", path]
        self._java("-cp", path, compiler, *options, str(HERE / "SignalReader.java"))

    def read(self, stack: Stack, topics: list[str]) -> list[dict[str, Any]]:
        registry = stack.settings.registry.url.replace("/apis/ccompat/v7", "/apis/registry/v3")
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
        servers = stack.settings.kafka.bootstrap_servers
        printed = self._java(
            *("-cp", self._path(self.classes, *self.jars), quiet, "SignalReader"),
            *(servers, registry, *topics),
        )
        # a text may hold what Python takes for the end of a line, and JSON does not
        return [json.loads(line) for line in printed.split("\n") if line]

    def _java(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(self.parts.java.executable), "-Xmx256m", "-XX:TieredStopAtLevel=1", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _path(self, *first: Path) -> str:
        return ":".join(map(str, (*first, *self.parts.kafka)))


@pytest.fixture(scope="module")
def reader(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> JavaReader:
    settings = load_settings()
    folder = JarFolder(
        settings.home.absolute() / "jars",
        repository=settings.maven_repository,
        offline=settings.offline,
    )
    lock = HERE / "reader.jars.lock"
    try:
        jars = folder.fetch(parse_lock(lock.read_text(), lock.name))
    except ServiceError as error:
        if settings.offline:
            pytest.skip(f"no Java compiler and serdes: {error}")
        raise
    made = JavaReader(parts, jars, tmp_path_factory.mktemp("classes"))
    made.compile()
    return made


def as_published(schema: Schema, record: Mapping[str, Any], schema_id: int) -> bytes:
    """The golden record through what the worker's publisher encodes with."""
    if not schema.is_signal:
        return Codec(schema).encode(record, schema_id)
    given = dict(record)
    language = given.get("declared_language", given["language"])
    signal = Signal(
        name=schema.name.removeprefix("signals."),
        major=schema.major,
        signal_id=given["signal_id"],
        event=ContentEvent(language=language, **{name: given[name] for name in OF_THE_EVENT}),
        result=result_of(schema.topic, given),
        provenance=Provenance(**given["provenance"]),
    )
    return encode_signal(signal, schema_id)


@dataclass
class Sent:
    """What was sent under keys of this run."""

    stack: Stack
    run: str = field(default_factory=lambda: uuid4().hex)

    def __post_init__(self) -> None:
        topics = newest(schemas())
        with Registry(self.stack.settings.registry) as registry:
            self.ids = registry.ids_for_worker(topics)
        own = {"transactional.id": self.run}
        self.producer = Producer(producer_config(self.stack.settings.kafka, own))
        self.producer.init_transactions(30)
        self.samples = [
            sample
            for outcome in ("ABSTAINED", "SKIPPED", "ERROR", "DELETED")
            for sample in records("text.safety", outcome)
        ]

    def all(self) -> None:
        self.producer.begin_transaction()
        for topic, schema in newest(schemas()).items():
            value = as_published(schema, golden(schema), self.ids[topic])
            self._one(topic, value, "golden")
        for number, sample in enumerate(self.samples):
            self._one(SAFETY, self._value(sample), f"sample-{number}", sample.headers)
        self._one(SAFETY, b"not Avro", "junk")
        self.producer.commit_transaction(30)
        self.producer.begin_transaction()
        self._one(SAFETY, self._value(self.samples[0]), "aborted")
        self.producer.flush(30)
        self.producer.abort_transaction(30)

    def _value(self, sample: Sample) -> bytes | None:
        if sample.record is None:
            return None
        return Codec(newest(schemas())[SAFETY]).encode(sample.record, self.ids[SAFETY])

    def _one(
        self, topic: str, value: bytes | None, key: str, headers: Mapping[str, bytes] | None = None
    ) -> None:
        self.producer.produce(topic, value, f"{self.run}/{key}", headers=dict(headers or {}))


Lines = Mapping[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def stack(own_stack: Stack) -> Stack:
    """In place of that of the session: all topics are read from their beginning."""
    return own_stack


@pytest.fixture(scope="module")
def sent(stack: Stack) -> Sent:
    made = Sent(stack)
    made.all()
    return made


@pytest.fixture(scope="module")
def lines(reader: JavaReader, stack: Stack, sent: Sent) -> Lines:
    """What Java printed of this run, by topic and key."""
    found = [line for line in reader.read(stack, list(newest(schemas()))) if line["key"]]
    return {
        (line["topic"], line["key"].removeprefix(f"{sent.run}/")): line
        for line in found
        if line["key"].startswith(sent.run)
    }


@pytest.mark.parametrize("topic", newest(schemas()))
def test_every_field_of_the_golden_record_is_read(topic: str, lines: Lines) -> None:
    schema = newest(schemas())[topic]
    meant = json.loads((avro_folder() / f"{schema.golden}.json").read_text(encoding="utf-8"))
    assert lines[topic, "golden"]["record"] == meant


def test_records_of_every_outcome_are_read_and_deletions_have_none(
    lines: Lines, sent: Sent
) -> None:
    for number, sample in enumerate(sent.samples):
        line = lines[SAFETY, f"sample-{number}"]
        assert (line["record"] or {}).get("outcome", "DELETED") == sample.outcome
        assert line["headers"] == {name: value.decode() for name, value in sample.headers.items()}


def test_what_is_no_record_is_told_and_what_was_aborted_is_not_there(lines: Lines) -> None:
    assert "error" in lines[SAFETY, "junk"]
    assert (SAFETY, "aborted") not in lines
