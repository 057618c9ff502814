"""What a notebook shows of outcomes says what they say, and lets no text steer it."""

import wave
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import earmark
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.error import ConfigurationError, ContentError, RejectionClass
from earmark.processors.outcome import Provenance, Rejection, Result, Signal
from earmark.processors.portrait.sound import LARGEST

TAGS = {
    *("div", "h4", "b", "span", "blockquote", "table", "tr", "td", "audio"),
    *("svg", "g", "rect", "text", "title"),
}
ATTRIBUTES = {
    *("style", "controls", "preload", "src", "viewBox".lower(), "width", "height", "role"),
    *("aria-label", "x", "y", "fill", "fill-opacity", "text-anchor"),
}
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "</svg></title><iframe src=javascript:alert(1)>",
    "\u202egnp.exe\x00\x1b[2J",
    "&lt;b&gt;",
)
words = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))
numbers = st.floats() | st.integers(min_value=-(10**20), max_value=10**20)
PROVENANCE = Provenance(**dict.fromkeys(Provenance.__dataclass_fields__, "model"))  # type: ignore[arg-type]  # all are strings
ITEM = ContentEvent(event_id="1", content_id="ep-1")


class Read(HTMLParser):
    """The elements, attributes and texts of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def signal(result: Result, *, name: str = "any.signal", event: ContentEvent = ITEM) -> Signal:
    return Signal(
        name=name, major=1, signal_id="1", event=event, result=result, provenance=PROVENANCE
    )


def shown(*outcomes: Signal | Rejection, **options: object) -> Read:
    return Read(earmark.show(outcomes, **options)._repr_html_())  # type: ignore[arg-type]


def sound(seconds: float = 0.1) -> bytes:
    file = BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(8_000)
        made.writeframes(bytes(int(16_000 * seconds)))
    return file.getvalue()


@settings(deadline=None)  # the first example imports
@given(words, words, words, words, numbers, numbers, numbers)
def test_no_text_and_no_number_makes_an_element_or_an_attribute(
    item: str, label: str, reason: str, text: str, score: float, start: float, end: float
) -> None:
    event = replace(ITEM, content_id=item)
    stretch = {"start_ms": start, "end_ms": end, "label": label, "text": text, "score": score}
    fields = {
        "text": text,
        "labels": [label],
        "scores": {label: score},
        "segments": [stretch],
        label: reason,
    }
    said = Result(outcome=Result.ok().outcome, reason=reason, fields=fields)
    error = ContentError(RejectionClass.TEXT_INVALID, reason, part=label)
    read = shown(signal(said, name=label, event=event), Rejection(event=event, error=error))
    assert read.open == []
    assert read.tags <= TAGS
    assert set(read.attributes) <= ATTRIBUTES
    assert all("url(" not in style for style in read.attributes["style"])
    assert "src" not in read.attributes


@pytest.mark.parametrize("text", HOSTILE[:4])
def test_hostile_text_is_shown_as_it_is_written(text: str) -> None:
    assert text in shown(signal(Result.ok(text=text))).words


def test_what_turns_reading_about_is_not_shown() -> None:
    assert not {"\u202e", "\x00", "\x1b"} & set(shown(signal(Result.ok(text=HOSTILE[4]))).text)


def test_outcome_reason_model_and_item_are_said() -> None:
    text = shown(signal(Result.abstained("NOT_ENGLISH"), name="text.safety")).text
    for word in ("text.safety", "ABSTAINED", "NOT_ENGLISH", "model", "ep-1"):
        assert word in text


def test_scores_are_bars_of_their_share_highest_first() -> None:
    read = shown(signal(Result.ok(scores={"low": 0.25, "high": 0.5}, labels=["high"])))
    bars = [style for style in read.attributes["style"] if "border-radius:2px" in style]
    assert ["width:80.0px" in bars[0], "width:40.0px" in bars[1]] == [True, True]
    assert read.words.index("high") < read.words.index("low")


def test_stretches_stand_where_they_are_in_the_recording() -> None:
    halves = [
        {"start_ms": 0, "end_ms": 5_000, "label": "music"},
        {"start_ms": 5_000, "end_ms": 10_000, "label": "speech", "text": "ask not"},
    ]
    read = shown(signal(Result.ok(segments=halves)))
    assert "440.0" in read.attributes["x"]  # the middle of 640 pixels behind 120 of names
    assert read.attributes["width"].count("320.0") == 2
    assert "0:05.0 to 0:10.0 ask not" in read.words


def test_a_recording_that_the_event_carries_is_played() -> None:
    event = replace(ITEM, audio=Audio(data=sound()))
    read = shown(signal(Result.ok(), event=event))
    assert read.attributes["src"] == [f"data:audio/wav;base64,{b64encode(sound()).decode()}"]


def test_a_recording_is_given_as_bytes_or_file_for_one_item_or_for_each(tmp_path: Path) -> None:
    file = tmp_path / "talk.wav"
    file.write_bytes(sound())
    for audio in (sound(), file, str(file), {"ep-1": file}):
        assert "audio" in shown(signal(Result.ok()), audio=audio).tags
    others = (signal(Result.ok()), signal(Result.ok(), event=replace(ITEM, content_id="ep-2")))
    with pytest.raises(ConfigurationError, match="by item"):
        earmark.show(others, audio=sound())


def test_what_is_too_large_missing_or_no_audio_is_said_and_not_put_in(tmp_path: Path) -> None:
    for audio, words in (
        (b"RIFF" + bytes(LARGEST), "no player"),
        (tmp_path / "gone.wav", "no file"),
        (b"<svg onload=alert(1)>", "no player"),
    ):
        read = shown(signal(Result.ok()), audio=audio)
        assert "audio" not in read.tags
        assert words in read.text


def test_one_outcome_shows_itself() -> None:
    error = ContentError(RejectionClass.MEDIA_EMPTY, "no samples", part="audio")
    assert "MEDIA_EMPTY" in Read(Rejection(event=None, error=error)._repr_html_()).text
    assert "OK" in Read(signal(Result.ok())._repr_html_()).words


def test_the_plain_form_counts() -> None:
    assert repr(earmark.show([signal(Result.ok())])) == "Portrait of 1 outcome of 1 item"


def test_very_long_results_stay_short() -> None:
    many = [{"start_ms": n, "end_ms": n + 1, "label": str(n)} for n in range(5_000)]
    scores = {str(n): n / 5_000 for n in range(5_000)}
    html = earmark.show([signal(Result.ok(text="a" * 10**6, segments=many, scores=scores))])
    assert len(html._repr_html_()) < 400_000
