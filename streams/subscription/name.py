"""What subscribers call topics: `audio.loudness`, `rejections`, `all`."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from earmark.models.error import ConfigurationError
from earmark.streams.topic import (
    CONTENT_EVENTS,
    ITEMS,
    LONG_EVENTS,
    REJECTIONS,
    RESTRICTED_PREFIX,
    SIGNALS_PREFIX,
    contract,
    dead_letter_topic,
    signal_topics,
)

_DEAD_LETTERS = dead_letter_topic(CONTENT_EVENTS)


def topics_named(names: Sequence[str]) -> list[str]:
    """The topics meant; raises ConfigurationError for a name that means none."""
    if not names:
        raise ConfigurationError(f"name what to subscribe to: {', '.join(_known())}")
    found = [topic for name in names for topic in _topics(name)]
    return list(dict.fromkeys(found))


@cache
def name_of(topic: str) -> str:
    """What people call the topic: the signal's name where it is one's, or one's of a replay."""
    if topic == REJECTIONS:
        return "rejections"
    if topic == _DEAD_LETTERS:
        return "dead-letters"
    live = live_topic(topic)
    return live.removeprefix(SIGNALS_PREFIX).rpartition(".v")[0] if _is_signal(live) else topic


def live_topic(topic: str) -> str:
    """The topic whose schema this one shares, such as that behind `replay.<run>.`."""
    if topic.startswith(("replay.", "shadow.")):
        return topic.split(".", 2)[-1]
    if topic.startswith(RESTRICTED_PREFIX):
        return topic.removeprefix(RESTRICTED_PREFIX)
    return CONTENT_EVENTS if topic in (ITEMS, LONG_EVENTS) else topic


def holds_bytes(topic: str) -> bool:
    """Whether its records may be any bytes, under no schema: dead letters and retries."""
    return topic.endswith((".dlq", ".retry"))


def _is_signal(topic: str) -> bool:
    return topic.startswith(SIGNALS_PREFIX)


def _topics(name: str) -> list[str]:
    signals = list(signal_topics())
    named: Mapping[str, Callable[[], list[str]]] = {
        "all": lambda: [*signals, REJECTIONS],
        "rejections": lambda: [REJECTIONS],
        "dead-letters": lambda: [_DEAD_LETTERS],
    }
    if name in named:
        return named[name]()
    if found := [topic for topic in signals if name_of(topic) == name]:
        return found
    if name.startswith(("replay.", "shadow.")) or name in {topic.name for topic in contract()}:
        return [name]
    raise ConfigurationError(f"unknown {name!r}: name one of {', '.join(_known())}, or a topic")


def _known() -> list[str]:
    return ["all", "rejections", "dead-letters", *(name_of(topic) for topic in signal_topics())]
