"""The AsyncAPI document is the one that the code gives, is valid, and names what is there."""

import copy
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from earmark.processors.schema import avro_folder, schema_of
from earmark.processors.signal_card import signal_card
from earmark.streams.asyncapi import INTERNAL, as_yaml, asyncapi
from earmark.streams.cli import main
from earmark.streams.header import cloud_event_headers
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import contract, signal_topics

PUBLISHED = Path(__file__).parents[1] / "data/asyncapi/3.0.0.json.gz"
Document = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Document:
    return asyncapi(embedded=False)


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    return Draft7Validator(json.loads(gzip.decompress(PUBLISHED.read_bytes())))


def test_the_checked_in_file_is_what_the_schemas_and_topics_give(document: Document) -> None:
    # where this fails: earmark schemas asyncapi --out avro/asyncapi.yaml
    assert (avro_folder() / "asyncapi.yaml").read_text(encoding="utf-8") == as_yaml(document)


@pytest.mark.parametrize("embedded", [False, True])
def test_it_is_valid_by_the_published_schema(embedded: bool, validator: Draft7Validator) -> None:
    found = yaml.safe_load(as_yaml(asyncapi(embedded=embedded)))
    assert [error.message for error in validator.iter_errors(found)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("operations", "send.content.events.v1", "action"), "publish"),
        (("channels", "rejections.v1", "bindings", "kafka", "partitions"), "many"),
        (("components", "messages", "TextSafetyV1", "bindings", "kafka", "schemaIdLocation"), "x"),
    ],
)
def test_the_published_schema_finds_what_is_wrong(
    path: tuple[str, ...], value: str, document: Document, validator: Draft7Validator
) -> None:
    changed = copy.deepcopy(document)
    node = changed
    for name in path[:-1]:
        node = node[name]
    assert path[-1] in node
    node[path[-1]] = value
    assert not validator.is_valid(changed)


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        yield from [node["$ref"]] if "$ref" in node else []
        for part in node.values():
            yield from references(part)
    elif isinstance(node, list):
        for part in node:
            yield from references(part)


def test_every_reference_leads_somewhere(document: Document) -> None:
    for reference in references(document):
        if reference.startswith("#/"):
            node = document
            for name in reference[2:].split("/"):
                node = node[name]
        else:
            assert avro_folder().joinpath(*reference.removeprefix("./").split("/")).is_file()


def test_every_topic_is_a_channel_with_its_policy(document: Document) -> None:
    for topic in contract():
        binding = document["channels"][topic.name]["bindings"]["kafka"]
        assert binding["partitions"] == KafkaSettings().partitions
        policy = binding["topicConfiguration"]["cleanup.policy"]
        assert policy == [topic.config["cleanup.policy"]]


def test_events_and_decisions_are_sent_and_all_else_is_received(document: Document) -> None:
    actions = {name: each["action"] for name, each in document["operations"].items()}
    sent = {name for name, action in actions.items() if action == "send"}
    assert sent == {"send.content.events.v1", "send.review.decisions.v1"}
    assert {f"receive.{topic}" for topic in signal_topics()} <= actions.keys()
    assert not {f"receive.{topic}" for topic in INTERNAL} & actions.keys()


def test_a_record_of_a_signal_or_its_deletion_may_come(document: Document) -> None:
    messages = document["channels"]["signals.text.safety.v1"]["messages"]
    assert list(messages) == ["TextSafetyV1", "Deletion"]


def test_owner_and_access_are_those_of_the_card(document: Document) -> None:
    for topic in signal_topics():
        channel = document["channels"][topic]
        card = signal_card(topic.removeprefix("signals.").rpartition(".v")[0])
        assert (channel["x-owner"], channel["x-access"]) == (card.owner, card.access)


def test_the_headers_that_are_written_are_those_described(document: Document) -> None:
    headers = cloud_event_headers(ce_id="1/2", ce_source="a", ce_type="signals.x.v1", time_ms=0)
    written = {name: bytes(value or b"").decode() for name, value in headers} | {  # type: ignore[arg-type]
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    }
    described = Draft7Validator(document["components"]["schemas"]["Headers"])
    assert described.is_valid(written)
    assert not described.is_valid(written | {"traceparent": "x"})


def test_the_command_writes_a_file_that_needs_no_other(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["schemas", "asyncapi", "--json", "--out", str(tmp_path / "asyncapi.json")])
    found = json.loads((tmp_path / "asyncapi.json").read_text())
    payload = found["components"]["messages"]["TextSafetyV1"]["payload"]
    assert payload["schema"] == schema_of("signals.text.safety.v1").definition
