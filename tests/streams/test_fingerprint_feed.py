"""An index fed from the topic on a real broker: what comes, changes and is deleted there."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from click.testing import CliRunner
from confluent_kafka import Producer

from earmark.models.error import ConfigurationError
from earmark.models.fingerprint import Fingerprint
from earmark.processors.codec import Codec
from earmark.processors.release import golden_record
from earmark.processors.schema import avro_folder, schema_of
from earmark.streams import fingerprint_feed
from earmark.streams.commands.match import match
from earmark.streams.fingerprint_feed import TOPIC, Fed, feed
from earmark.streams.fingerprint_index import FingerprintIndex, IndexedItem
from earmark.streams.kafka import producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings

pytestmark = pytest.mark.kafka

DAY_MS = 86_400_000
NOW_MS = 1_800_000_000_000

Publish = Callable[..., None]


def fingerprint(seed: int) -> Fingerprint:
    random = np.random.default_rng(seed)
    return Fingerprint(
        hashes_H=random.integers(0, 2**23, 300).astype(np.uint32),
        times_H=np.sort(random.integers(0, 300, 300)).astype(np.uint32),
    )


def record(content_id: str, **fields: Any) -> dict[str, Any]:
    """The golden record, of another item."""
    golden = dict(golden_record(avro_folder(), schema_of(TOPIC)))
    return {**golden, "content_id": content_id, "kept_share": 1.0, **fields}


@pytest.fixture
def publish(stack: Stack) -> Publish:
    """Puts fingerprints by seed on the topic; None is a tombstone, a dict other fields."""
    with Registry(stack.settings.registry) as registry:
        schema_id = registry.ids_for_worker([TOPIC])[TOPIC]
    codec, producer = Codec(schema_of(TOPIC)), Producer(producer_config(stack.settings.kafka))

    def send(**items: int | dict[str, Any] | None) -> None:
        for content_id, said in items.items():
            fields = {"hashes": fingerprint(said).packed()} if isinstance(said, int) else said
            value = (
                None if fields is None else codec.encode(record(content_id, **fields), schema_id)
            )
            producer.produce(TOPIC, value, content_id)
        assert producer.flush(20) == 0

    return send


@pytest.fixture
def index(tmp_path: Path) -> Iterator[FingerprintIndex]:
    with FingerprintIndex(tmp_path / "index.sqlite") as made:
        yield made


@pytest.fixture
def names() -> list[str]:
    """Ids that no other test has."""
    run = uuid4().hex
    return [f"{letter}_{run}" for letter in "abcdefgh"]


def fed(index: FingerprintIndex, settings: Settings, *, at_ms: int = NOW_MS) -> Fed:
    return feed(index, settings, lambda *_: None, now_ms=at_ms)


def test_it_goes_on_where_it_was_and_follows_changes_and_deletions(
    stack: Stack, publish: Publish, index: FingerprintIndex, names: list[str]
) -> None:
    a, b, c, *_ = names
    fed(index, stack.settings)
    publish(**{a: 1, b: 2, c: {"outcome": "ABSTAINED", "reason": "SILENT"}})
    first = fed(index, stack.settings)
    assert (first.added, first.removed, first.passed_over) == (2, 0, 1)
    publish(**{a: None, b: 3})
    second = fed(index, stack.settings)
    assert (second.added, second.removed, second.passed_over) == (1, 1, 0)
    assert a not in index
    assert not index.match(fingerprint(2))
    assert [it.content_id for it in index.match(fingerprint(3))] == [b]
    assert fed(index, stack.settings) == Fed()


def test_what_was_cut_off_is_read_to_the_end_the_next_time(
    stack: Stack,
    publish: Publish,
    index: FingerprintIndex,
    names: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish(**{name: seed for seed, name in enumerate(names, start=10)})
    monkeypatch.setattr(fingerprint_feed, "BATCH", 1)

    def report(*_: object) -> None:
        if any(name in index for name in names):  # it is told when it comes to another partition
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        feed(index, stack.settings, report, now_ms=NOW_MS)
    again = fed(index, stack.settings)
    assert not again.from_beginning
    assert all(name in index for name in names)


def test_who_has_not_read_for_a_week_begins_again(
    stack: Stack, publish: Publish, index: FingerprintIndex, names: list[str]
) -> None:
    publish(**{names[0]: 1})
    fed(index, stack.settings)
    # an item of which the tombstone was compacted away meanwhile, and one of someone's files
    for name, from_topic in (("missed", True), ("mine", False)):
        item = IndexedItem(
            content_id=name,
            fingerprint=fingerprint(5),
            duration_ms=1,
            pcm_digest="",
            from_topic=from_topic,
        )
        index.write([item])
    assert not fed(index, stack.settings, at_ms=NOW_MS + 5 * DAY_MS).from_beginning
    assert "missed" in index
    assert fed(index, stack.settings, at_ms=NOW_MS + 12 * DAY_MS).from_beginning
    assert ("missed" in index, "mine" in index, names[0] in index) == (False, True, True)


def test_an_index_of_another_cluster_is_refused(stack: Stack, index: FingerprintIndex) -> None:
    index.write(facts={"cluster": "elsewhere"})
    with pytest.raises(ConfigurationError, match="another cluster"):
        fed(index, stack.settings)


def test_the_command_feeds_and_reports_pairs(
    stack: Stack,
    publish: Publish,
    names: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seed = int(names[0][2:10], 16)
    publish(**{names[0]: seed, names[1]: seed})
    settings = stack.settings
    monkeypatch.setenv("EARMARK_KAFKA__BOOTSTRAP_SERVERS", settings.kafka.bootstrap_servers)
    monkeypatch.setenv("EARMARK_REGISTRY__URL", settings.registry.url)
    ask = ["--from-topic", "--pairs", "--json", "--index", str(tmp_path / "fed.sqlite")]
    told = CliRunner().invoke(match, ask, catch_exceptions=False)
    pairs = [json.loads(line) for line in told.stdout.splitlines()]
    found = {(it["content_id"], it["match"]["content_id"]) for it in pairs}
    assert (names[0], names[1]) in found
