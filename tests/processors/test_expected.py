"""The table of what an item should get."""

from dataclasses import replace

from earmark.processors.content import Audio, Change, ContentEvent, ContentType, Text
from earmark.processors.expected import expected, expected_signals
from earmark.processors.loader import load_specs
from earmark.processors.schema import newest, schemas
from earmark.processors.signal import Part, SignalSpec, Takes

SPEECH = ContentEvent(event_id="e", content_id="c", audio=Audio(uri="s3://media/c.mp3"))
TITLE = ContentEvent(event_id="e", content_id="c", texts=(Text(field="title", text="t"),))


def test_an_item_with_everything_gets_every_shipped_signal() -> None:
    shipped = {schema.name.removeprefix("signals.") for schema in newest(schemas()).values()
               if schema.is_signal}  # fmt: skip
    assert expected(ContentType.EPISODE, set(Part)) == shipped == set(load_specs())


def test_texts_get_text_signals_only() -> None:
    names = expected_signals(TITLE, load_specs())
    assert {"text.language", "text.safety", "text.embedding"} <= names
    assert not {name for name in names if name.startswith("audio.")}


def test_what_is_said_is_judged_as_texts_are() -> None:
    names = expected_signals(SPEECH, load_specs())
    assert {"audio.transcript", "text.safety", "text.pii", "content.explicit"} <= names
    assert not names & {"text.language", "text.embedding", "text.quality", "text.sentiment"}


def test_a_comment_needs_no_advice_for_parents() -> None:
    assert "content.explicit" not in expected(ContentType.COMMENT, {Part.TEXTS})
    assert "content.explicit" in expected(ContentType.LYRICS, {Part.TEXTS})


def test_a_playlist_has_no_recording_of_its_own() -> None:
    assert expected(ContentType.PLAYLIST, {Part.AUDIO}) == frozenset()


def test_an_unknown_type_gets_what_most_get() -> None:
    assert expected("HOLOGRAM", {Part.TEXTS}) == expected(ContentType.EPISODE, {Part.TEXTS})


def test_a_deleted_item_gets_nothing() -> None:
    assert expected_signals(replace(SPEECH, change=Change.DELETED), load_specs()) == frozenset()


def test_a_signal_from_outside_is_expected_where_it_can_read() -> None:
    spec = SignalSpec(
        name="text.haiku", takes=Takes.PASSAGES, reads=frozenset({Part.TEXTS}), make=list
    )
    assert expected_signals(TITLE, {"text.haiku": spec}) == {"text.haiku"}
    assert expected_signals(SPEECH, {"text.haiku": spec}) == frozenset()
