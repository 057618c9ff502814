"""Lanes say what signals say of places in a recording; what is unsafe in it is marked."""

from earmark.streams.web.index.file import IndexFile
from earmark.streams.web.item_view import item_page, texts_of, without_secrets
from earmark.streams.web.timeline import timeline
from tests.streams.web.held import event, put, reading, signal

SAID = "Good morning. You filthy pig. Call 212 555 0123 now."
PARTS = ("Good morning.", "You filthy pig.", "Call 212 555 0123 now.")


def segments() -> list[dict[str, object]]:
    none = dict.fromkeys(("avg_logprob", "no_speech_prob", "compression_ratio"))
    return [
        {"start_ms": 1_000 * n, "end_ms": 1_000 * n + 900, "text": text, **none}
        for n, text in enumerate(PARTS)
    ]


def spoken(index: IndexFile) -> None:
    unsafe = {"field": "transcript", "start": 14, "end": 29, "label": "harassment", "score": 0.9}
    personal = {"field": "transcript", "start": 35, "end": 47, "kind": "phone", "score": 1.0}
    put(
        index,
        event("a"),
        signal("audio.transcript", "a", text=SAID, segments=segments()),
        signal("text.safety", "a", spans=[unsafe]),
        signal("text.pii", "a", spans=[personal]),
    )


def test_what_is_said_follows_the_time_with_what_is_unsafe_in_it(index: IndexFile) -> None:
    spoken(index)
    with reading(index) as reader:
        signals = reader.standing("a")
        texts = texts_of(reader.item("a")["record"], signals, unmask=False)  # type: ignore[index]  # it is there
    lanes = {lane["name"]: lane for lane in timeline(signals, texts, None)["lanes"]}
    words = lanes["transcript"]["words"]
    assert [word["unsafe"] for word in words] == [False, True, False]
    assert [word["start_s"] for word in words] == [0, 1, 2]
    assert (
        words[2]["text"]
        == "Call \u2022\u2022\u2022 \u2022\u2022\u2022 \u2022\u2022\u2022\u2022 now."
    )


def test_what_is_masked_in_a_text_is_masked_wherever_it_stands(index: IndexFile) -> None:
    spoken(index)
    with reading(index) as reader:
        masked, whole = (str(item_page(reader, "a", unmask=it)) for it in (False, True))
    assert "555 0123" not in masked
    assert "555 0123" in whole


def test_a_uri_is_shown_without_what_opens_it() -> None:
    uri = "https://user:password@cdn.example.org/a/b.mp3?sig=secret#part"
    assert without_secrets(uri) == "https://cdn.example.org/a/b.mp3"
    assert without_secrets("https://[broken") == ""
