"""Deletions on the real broker, where no worker runs that would answer them."""

import json
import uuid
from dataclasses import replace

import confluent_kafka
import pytest
from click.testing import CliRunner, Result

from earmark.processors.content import ContentEvent, Text
from earmark.processors.schema import RECEIPTS, schema_of
from earmark.streams.commands.erase import erase
from earmark.streams.deletion import Deletion, Erasure, deletions
from earmark.streams.kafka import producer_config
from earmark.streams.local.report import silent
from earmark.streams.local.stack import Stack
from earmark.streams.producer import Producer
from earmark.streams.receipt import Disposition, Receipt, ReceiptCodec
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import CONTENT_EVENTS

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Settings:
    settings = stack.settings
    monkeypatch.setenv("EARMARK_KAFKA__BOOTSTRAP_SERVERS", settings.kafka.bootstrap_servers)
    monkeypatch.setenv("EARMARK_REGISTRY__URL", settings.registry.url)
    monkeypatch.setenv("EARMARK_STATE", str(settings.state_folder))
    return settings


@pytest.fixture
def item() -> str:
    return uuid.uuid4().hex


def run(*arguments: object) -> Result:
    words = [str(word) for word in arguments]
    return CliRunner().invoke(erase, words, catch_exceptions=False)


def answer(settings: Settings, receipt: Receipt) -> None:
    """Write what a worker would write."""
    with Registry(settings.registry) as registry:
        schema_id = registry.id_of(schema_of(RECEIPTS)) or 0
    value = ReceiptCodec(schema_id, group=settings.kafka.group_id).encode(receipt)
    producer = confluent_kafka.Producer(producer_config(settings.kafka))
    producer.produce(RECEIPTS, value, receipt.content_id.encode())
    assert producer.flush(30) == 0


def planned(settings: Settings, item: str) -> Deletion:
    (deletion,) = deletions(settings, [item], silent)
    return deletion


def answered(deletion: Deletion, **changes: object) -> Receipt:
    receipt = Receipt(
        content_id=deletion.content_id,
        event_id=deletion.event.event_id,
        revision=deletion.event.revision,
        disposition=Disposition.DELETED,
        last_event_id=deletion.event.event_id,
        last_revision=deletion.event.revision,
    )
    return replace(receipt, **changes)  # type: ignore[arg-type]  # fields vary by test


def test_a_deletion_is_above_the_last_revision_answered(settings: Settings, item: str) -> None:
    assert planned(settings, item).event.revision > 1_000_000_000_000_000  # microseconds
    answer(settings, Receipt(content_id=item, revision=2**62))
    assert planned(settings, item).event.revision == 2**62 + 1


def test_what_nobody_answers_is_not_erased(settings: Settings, item: str) -> None:
    result = run(item, "--wait", 0.1)
    assert result.exit_code == 1
    assert "no worker has answered the deletion in 0.1 s" in result.stdout


def test_what_is_answered_is_waited_for_no_longer(settings: Settings, item: str) -> None:
    deletion = planned(settings, item)
    with Erasure(settings) as erasure:
        answer(settings, answered(deletion))
        assert erasure.wait([deletion], 60) == {}
    assert planned(settings, item).repeated


def test_a_later_revision_that_is_answered_first_is_told(settings: Settings, item: str) -> None:
    deletion = planned(settings, item)
    late = answered(deletion, event_id="later", revision=2**62, disposition=Disposition.SUPERSEDED)
    with Erasure(settings) as erasure:
        answer(settings, late)
        reasons = erasure.wait([deletion], 60)
    assert reasons == {item: f"revision {2**62} was answered meanwhile; erase it again"}


def test_a_dry_run_sends_nothing_and_says_what_could_come_back(
    settings: Settings, item: str
) -> None:
    text = Text(field="title", text="The river runs")
    with Producer(settings) as producer:
        producer.send(ContentEvent(event_id="e", content_id=item, revision=1, texts=(text,)))
    result = run(item, "--verify", "--dry-run", "--json")
    said = json.loads(result.stdout)
    (store,) = [it for it in said["stores"] if it["store"] == CONTENT_EVENTS]
    assert (result.exit_code, said["sent"], said["answered"]) == (1, False, False)
    assert store["state"] == "STILL_THERE"
    assert "is of revision 1: no deletion supersedes it" in store["reason"]
    assert len(store["records"]) == 1
    assert "would be deleted at revision" in run(item, "--dry-run").stdout


@pytest.mark.parametrize("arguments", [(), ("",), ("\udcff",), ("x" * 1001,)])
def test_what_names_no_item_is_the_users(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_the_table_of_stores_is_shown_to_people_and_programs() -> None:
    lines = run("--stores", "--json").stdout.splitlines()
    rows = {row["store"]: row for row in map(json.loads, lines)}
    assert rows["signals.*"]["reach"] == "TOMBSTONE"
    assert "TOMBSTONE" in run("--stores").stdout
