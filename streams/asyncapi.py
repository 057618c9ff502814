"""The topics as an AsyncAPI 3.0 document with Kafka bindings, made from the schemas and the topics.

It describes the applications beside Earmark: they send content events and receive what is said of
them. Sources: AsyncAPI 3.0.0; AsyncAPI Kafka bindings 0.5.0.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from earmark import __version__
from earmark.processors.schema import Schema, avro_folder, newest, schemas
from earmark.processors.signal_card import signal_card
from earmark.streams.header import ATTEMPT
from earmark.streams.settings import KafkaSettings, RegistrySettings
from earmark.streams.topic import (
    CONTENT_EVENTS,
    ITEMS,
    LONG_EVENTS,
    PROMOTIONS,
    RECEIPTS,
    REJECTIONS,
    RESTRICTED_PREFIX,
    REVIEW_DECISIONS,
    SIGNALS_PREFIX,
    Topic,
    contract,
    dead_letter_topic,
    retry_topic,
)

Node = dict[str, Any]  # a part of the document, as JSON

AVRO = "application/vnd.apache.avro;version=1.9.0"
BINDING = "0.5.0"
SENT = (CONTENT_EVENTS, REVIEW_DECISIONS)  # by others; all else they receive
DEAD_LETTERS = dead_letter_topic(CONTENT_EVENTS)
INTERNAL = (LONG_EVENTS, PROMOTIONS, RECEIPTS, retry_topic(CONTENT_EVENTS))  # Earmark's own
_EVENTS_IN = (ITEMS, LONG_EVENTS, retry_topic(CONTENT_EVENTS))  # under the schema of events
_KEY = {"type": "string", "description": "The content_id."}
_DESCRIPTION = """\
Content events in, content-intelligence signals out. Records are keyed by content_id and in
Confluent's wire format: byte 0, the four bytes of the schema's id (big endian), the Avro body.
Read with isolation.level=read_committed. On a compacted topic a record without a value says that
the item was deleted. Producers set partitioner=murmur2_random (librdkafka; Java's default), so
that an item's events stay in one partition. A replay writes to replay.<run>.<topic>, under the
same schemas."""


def asyncapi(*, embedded: bool) -> Node:
    """The document of the topics in force, plug-ins' included, in an order that does not change.

    `embedded` puts the schemas into it; else it refers to the shipped ones as files beside it.
    """
    topics = contract()
    used = newest(schemas())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Earmark",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/avro",
        "servers": {"kafka": _server()},
        "channels": {topic.name: _channel(topic, used) for topic in topics},
        "operations": dict(_operation(topic) for topic in topics if topic.name not in INTERNAL),
        "components": {
            "messages": {
                **{_name(schema): _message(schema, embedded=embedded) for schema in used.values()},
                "Deletion": _deletion(),
                "DeadLetter": _dead_letter(),
                "Promotion": _promotion(),
            },
            "schemas": {"Headers": _headers(), "DeadLetterHeaders": _dead_letter_headers()},
        },
    }


def as_yaml(document: Node) -> str:
    """The document as YAML, its keys in their order."""
    import yaml

    text: str = yaml.dump(
        document, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=100
    )
    return text


def _dumper() -> Any:
    """A dumper that writes texts of several lines as such, and no anchors."""
    import yaml

    def of_text(dumper: Any, text: str) -> object:
        style = "|" if "\n" in text else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    made: Any = type("Dumper", (yaml.SafeDumper,), {"ignore_aliases": lambda *_: True})
    made.add_representer(str, of_text)
    return made


def _server() -> Node:
    brokers, url = _default(KafkaSettings, "bootstrap_servers"), _default(RegistrySettings, "url")
    return {
        "host": "{brokers}",
        "protocol": "kafka",
        "description": "The brokers, with the registry that holds the schemas.",
        "variables": {
            "brokers": {"default": brokers, "description": "EARMARK_KAFKA__BOOTSTRAP_SERVERS"}
        },
        "bindings": {
            "kafka": {
                "schemaRegistryUrl": url,
                "schemaRegistryVendor": "confluent",  # whose REST calls the registry speaks
                "bindingVersion": BINDING,
            }
        },
    }


def _default(settings: type[KafkaSettings | RegistrySettings], name: str) -> Any:
    """What is shipped, not what is set here: the document is the same on every machine."""
    return settings.model_fields[name].default


def _channel(topic: Topic, used: Mapping[str, Schema]) -> Node:
    kept = topic.config["cleanup.policy"]
    names = _messages(topic, used)
    return {
        "address": topic.name,
        "description": _about(topic, used),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "tags": [{"name": tag} for tag in _tags(topic)],
        **(_of_card(used[topic.name]) if topic.name.startswith(SIGNALS_PREFIX) else {}),
        "bindings": {
            "kafka": {
                "partitions": _default(KafkaSettings, "partitions"),
                "topicConfiguration": {
                    "cleanup.policy": [kept],
                    **{
                        name: int(value) if value.isdigit() else value
                        for name, value in topic.config.items()
                        if name != "cleanup.policy"
                    },
                },
                "bindingVersion": BINDING,
            }
        },
    }


def _about(topic: Topic, used: Mapping[str, Schema]) -> str:
    told = {
        ITEMS: "The latest event of each item, media by reference only.",
        LONG_EVENTS: "Events with long audio, on their way to workers of their own.",
        PROMOTIONS: "Answers of a replay, on their way to the live topics.",
        DEAD_LETTERS: "Events that cannot be used, their bytes untouched.",
        retry_topic(CONTENT_EVENTS): "Events that wait for another attempt, their bytes untouched.",
    }
    if topic.name in told:
        return told[topic.name]
    if topic.name.startswith(RESTRICTED_PREFIX):
        return (
            f"{used[_schema_topic(topic)].definition['doc']} Whole, where its own lacks the text."
        )
    return str(used[topic.name].definition["doc"])


def _schema_topic(topic: Topic) -> str:
    """The topic under whose schema its records are."""
    return (
        CONTENT_EVENTS if topic.name in _EVENTS_IN else topic.name.removeprefix(RESTRICTED_PREFIX)
    )


def _messages(topic: Topic, used: Mapping[str, Schema]) -> list[str]:
    if topic.name == DEAD_LETTERS:
        return ["DeadLetter"]
    if topic.name == PROMOTIONS:
        return ["Promotion"]
    named = _name(used[_schema_topic(topic)])
    is_compacted = topic.config["cleanup.policy"] == "compact"
    return [named, "Deletion"] if is_compacted and topic.name not in INTERNAL else [named]


def _tags(topic: Topic) -> Sequence[str]:
    if topic.name in INTERNAL:
        return ["internal"]
    if topic.name.startswith(RESTRICTED_PREFIX):
        return ["restricted"]
    return ["signal"] if topic.name.startswith(SIGNALS_PREFIX) else ["public"]


def _of_card(schema: Schema) -> Node:
    """What the signal's card promises, in AsyncAPI's form for what it has no words for."""
    card = signal_card(schema.name.removeprefix(SIGNALS_PREFIX))
    promised = {
        "x-owner": card.owner,
        "x-access": str(card.access),
        "x-freshness-s": card.freshness_s,
        "x-deprecated-on": card.deprecated_on and card.deprecated_on.isoformat(),
        "x-replaced-by": card.replaced_by,
    }
    return {name: value for name, value in promised.items() if value is not None}


def _operation(topic: Topic) -> tuple[str, Node]:
    action = "send" if topic.name in SENT else "receive"
    pointer = f"#/channels/{topic.name}"
    said = "Say what an item now is." if topic.name == CONTENT_EVENTS else f"{topic.name}."
    return f"{action}.{topic.name}", {
        "action": action,
        "channel": {"$ref": pointer},
        "summary": said if topic.name == CONTENT_EVENTS else f"{action.capitalize()} {said}",
    }


def _name(schema: Schema) -> str:
    return f"{schema.definition['name']}V{schema.major}"


def _message(schema: Schema, *, embedded: bool) -> Node:
    definition = schema.definition
    # the worker and the producers write them; what others make of signals may do without
    has_headers = schema.is_signal or schema.topic in (CONTENT_EVENTS, REJECTIONS)
    return {
        "name": f"{definition.get('namespace', '')}.{definition['name']}",
        "title": schema.name,
        "summary": definition["doc"],
        "contentType": "application/avro",
        **({"headers": {"$ref": "#/components/schemas/Headers"}} if has_headers else {}),
        "payload": {"schemaFormat": AVRO, "schema": _payload(schema, embedded=embedded)},
        "bindings": {"kafka": _of_message(schema)},
    }


def _payload(schema: Schema, *, embedded: bool) -> Node:
    file = avro_folder().joinpath(*schema.path.split("/"))
    if not embedded and file.is_file():
        return {"$ref": f"./{schema.path}"}
    loaded: Node = json.loads(schema.text)
    return loaded


def _of_message(schema: Schema) -> Node:
    is_of_item = any(field["name"] == "content_id" for field in schema.definition["fields"])
    return {
        **({"key": _KEY} if is_of_item else {}),
        "schemaIdLocation": "payload",
        "schemaIdPayloadEncoding": "4",
        "schemaLookupStrategy": "TopicIdStrategy",
        "bindingVersion": BINDING,
    }


def _deletion() -> Node:
    return {
        "name": "deletion",
        "title": "The item was deleted",
        "summary": "A record without a value, under the content_id of the item.",
        "payload": {"type": "null"},
        "bindings": {"kafka": {"key": _KEY, "bindingVersion": BINDING}},
    }


def _dead_letter() -> Node:
    return {
        "name": "dead letter",
        "title": "An event that cannot be used",
        "summary": "The bytes as they came; the headers say why and where they failed.",
        "contentType": "application/octet-stream",
        "headers": {"$ref": "#/components/schemas/DeadLetterHeaders"},
        "payload": {"type": "string", "format": "binary"},
    }


def _promotion() -> Node:
    return {
        "name": "promotion",
        "title": "An answer of a replay",
        "summary": "The record as the replay wrote it; the headers name the topic it is for.",
        "contentType": "application/octet-stream",
        "payload": {"type": "string", "format": "binary"},
    }


def _headers() -> Node:
    """CloudEvents in binary mode and W3C trace context, as `streams/header.py` writes them."""
    texts = {
        "ce_id": "signal_id/event_id of a signal; event_id of an event.",
        "ce_source": "The system that made the event.",
        "ce_type": "The topic.",
        "ce_time": "When the event happened (RFC 3339, UTC).",
    }
    return {
        "type": "object",
        "required": ["ce_specversion", *texts, "content-type"],
        "properties": {
            "ce_specversion": {"type": "string", "const": "1.0"},
            **{name: {"type": "string", "description": text} for name, text in texts.items()},
            "content-type": {"type": "string", "const": "application/avro"},
            "traceparent": {
                "type": "string",
                "description": "W3C trace context, carried through every hop.",
                "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
            },
            "tracestate": {"type": "string", "description": "W3C trace context."},
            "earmark.redacted": {
                "type": "string",
                "description": "There where text was left out: it stands on restricted.<topic>.",
            },
        },
    }


def _dead_letter_headers() -> Node:
    errors = ("exception", "message", "stacktrace", "topic", "partition", "offset")
    names = [f"__streams.errors.{name}" for name in errors]
    names += [ATTEMPT, "earmark.worker", "earmark.version"]
    return {
        "type": "object",
        "description": "The headers of the event, and those that Kafka Streams gives dead letters.",
        "required": names,
        "properties": {name: {"type": "string"} for name in names},
    }
