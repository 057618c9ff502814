import pytest

from earmark.processors.content import (
    TEXT_CODE_POINTS,
    Audio,
    Change,
    ContentEvent,
    Text,
    text_errors,
    validated,
)
from earmark.processors.error import ContentError, Fault, RejectionClass


def event(**changes: object) -> ContentEvent:
    fields: dict[str, object] = {
        "event_id": "e",
        "content_id": "c",
        "texts": (Text(field="title", text="A song"),),
    }
    return ContentEvent(**(fields | changes))  # type: ignore[arg-type]  # fields vary by test


def test_a_sound_event_is_returned_as_it_is() -> None:
    sound = event()
    assert validated(sound) is sound


@pytest.mark.parametrize(
    "changes",
    [
        {"content_id": ""},
        {"event_id": ""},
        {"revision": -1},
        {"content_id": "\ud800"},
        {"language": "\ud800"},
        {"texts": (Text(field="\ud800", text="a"),)},
        {"source": "s" * 1_001},
        {"event_time": 2**62},
        {"texts": (Text(field="title", text="a"), Text(field="title", text="b"))},
        {"audio": Audio()},
        {"audio": Audio(uri="file:///a", data=b"b")},
        {"texts": ()},
    ],
)
def test_an_event_that_breaks_a_rule_is_rejected_as_a_whole(changes: dict[str, object]) -> None:
    with pytest.raises(ContentError) as caught:
        validated(event(**changes))
    assert caught.value.rejection_class == RejectionClass.RECORD_INVALID
    assert caught.value.part == "record"
    assert caught.value.fault == Fault.PRODUCER


def test_a_deletion_needs_no_content() -> None:
    validated(event(change=Change.DELETED, texts=()))


def test_only_the_text_that_cannot_be_used_is_named() -> None:
    texts = (
        Text(field="title", text="fine"),
        Text(field="comment", text="\ud800"),
        Text(field="lyrics", text="a" * (TEXT_CODE_POINTS + 1)),
    )
    errors = text_errors(event(texts=texts))
    assert {field: error.rejection_class for field, error in errors.items()} == {
        "comment": RejectionClass.TEXT_INVALID,
        "lyrics": RejectionClass.TEXT_TOO_LONG,
    }
    assert errors["comment"].part == "texts.comment"


def test_content_stays_out_of_reprs() -> None:
    shown = repr(event(audio=Audio(data=b"secret"), texts=(Text(field="t", text="private"),)))
    assert "private" not in shown
    assert "secret" not in shown
