"""What a notebook shows of outcomes: by item, each signal with its figures and where it is from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from earmark.processors.error import ConfigurationError
from earmark.processors.outcome import Outcome, OutcomeKind, Rejection, Signal
from earmark.processors.portrait.chart import bars, time_line
from earmark.processors.portrait.markup import Markup, element, joined, number
from earmark.processors.portrait.sound import player
from earmark.processors.quantity import quantity

Recording = Path | str | bytes
LATEST_MS = 10**12  # a place in a recording that is later is none
UNREAD = "a record that could not be read"  # in place of an item's id
_COLOURS = {
    OutcomeKind.OK: "#2e7d4f",
    OutcomeKind.ABSTAINED: "#8a6d1a",
    OutcomeKind.SKIPPED: "#777777",
    OutcomeKind.ERROR: "#b3382c",
}
_CARD = "border-left:3px solid {};padding:0.1em 0 0.1em 0.8em;margin:0.5em 0"
_BADGE = "background:{};color:#fff;border-radius:3px;padding:0 0.4em;font-size:85%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """Outcomes as a notebook shows them; `audio` are their recordings by `content_id`."""

    outcomes: tuple[Outcome, ...]
    audio: Mapping[str, Path | bytes]

    def __repr__(self) -> str:
        return (
            f"Portrait of {quantity(len(self.outcomes), 'outcome')} "
            f"of {quantity(len(self._items()), 'item')}"
        )

    def _repr_html_(self) -> str:
        return element("div", *(self._item(*it) for it in self._items().items()))

    def _items(self) -> Mapping[str, list[Outcome]]:
        items: dict[str, list[Outcome]] = {}
        for outcome in self.outcomes:
            items.setdefault(_item_of(outcome), []).append(outcome)
        return items

    def _item(self, content_id: str, outcomes: Sequence[Outcome]) -> Markup:
        recording = self.audio.get(content_id, _inline(outcomes))
        length_ms = longest(outcomes)
        return element(
            "div",
            element("h4", content_id, style="margin:0.8em 0 0.2em"),
            "" if recording is None else player(recording),
            *(portrayed(outcome, length_ms=length_ms) for outcome in outcomes),
        )


def show(
    outcomes: Outcome | Iterable[Outcome],
    audio: Recording | Mapping[str, Recording] | None = None,
) -> Portrait:
    """Outcomes for a notebook: labels as bars, stretches on a time line, the recording to play.

        earmark.show(pipeline.run([event]), audio="talk.wav")

    `audio` is the recording, its bytes or its file, or of several items theirs by `content_id`;
    what an event carries needs no naming. It goes into the notebook whole, up to 10 MB. All text is
    escaped, and nothing in it runs. Raises ConfigurationError where one recording is given for the
    outcomes of several items.
    """
    shown = (outcomes,) if isinstance(outcomes, Signal | Rejection) else tuple(outcomes)
    items = {it.event.content_id for it in shown if it.event is not None}
    return Portrait(outcomes=shown, audio=_by_item(audio, items))


def _by_item(
    audio: Recording | Mapping[str, Recording] | None, items: set[str]
) -> Mapping[str, Path | bytes]:
    if audio is None:
        return {}
    if not isinstance(audio, Mapping):
        if len(items) > 1:
            raise ConfigurationError(f"one recording for {len(items)} items: give audio by item")
        audio = dict.fromkeys(items, audio)
    return {item: Path(it) if isinstance(it, str) else it for item, it in audio.items()}


def portrayed(outcome: Outcome, *, length_ms: float = 0.0) -> Markup:
    """One outcome; `length_ms` is that of its recording where it is known."""
    if isinstance(outcome, Rejection):
        return _rejected(outcome)
    return _signal(outcome, length_ms)


def longest(outcomes: Iterable[Outcome]) -> float:
    """Where the recording ends as far as the outcomes say, in milliseconds."""
    signals = [it for it in outcomes if isinstance(it, Signal)]
    ends = [
        float(stretch["end_ms"])
        for signal in signals
        for value in signal.result.fields.values()
        for stretch in stretches(value)
    ]
    told = (signal.result.fields.get("decoded_duration_ms") for signal in signals)
    return max([0.0, *ends, *(float(it) for it in told if _is_place(it))])


def stretches(value: object) -> list[Mapping[str, Any]]:
    """The parts of a list that have a begin and an end in a recording."""
    if not isinstance(value, list | tuple):
        return []
    return [
        it
        for it in value
        if isinstance(it, Mapping) and _is_place(it.get("start_ms")) and _is_place(it.get("end_ms"))
    ]


def _signal(signal: Signal, length_ms: float) -> Markup:
    result, by = signal.result, signal.provenance
    colour = _COLOURS[result.outcome]
    return element(
        "div",
        element("b", signal.name),
        " ",
        element("span", result.outcome.value, style=_BADGE.format(colour)),
        f" {result.reason}" if result.reason else "",
        element("span", f"  {by.model_name} {by.model_version}", style="opacity:0.6"),
        *_fields(result.fields, length_ms),
        style=_CARD.format(colour),
    )


def _rejected(rejection: Rejection) -> Markup:
    error, colour = rejection.error, _COLOURS[OutcomeKind.ERROR]
    return element(
        "div",
        element("b", "rejected"),
        " ",
        element("span", error.rejection_class.value, style=_BADGE.format(colour)),
        f" {error.part}: {error.reason}",
        element("span", f"  {error.fault.value}", style="opacity:0.6"),
        style=_CARD.format(colour),
    )


def _fields(fields: Mapping[str, object], length_ms: float) -> Iterable[Markup]:
    """Words first, then figures, then what is left in a line."""
    labels = fields.get("labels")
    named = tuple(map(str, labels)) if isinstance(labels, list | tuple) else ()
    if isinstance(text := fields.get("text"), str):
        yield element("blockquote", text, style="margin:0.3em 0;white-space:pre-wrap")
    for name, value in fields.items():
        if scores := _scores(value):
            yield joined([element("div", name, style="opacity:0.6"), bars(scores, named)])
        elif found := stretches(value):
            yield element("div", time_line(found, length_ms))
    yield element("div", " · ".join(_plain(fields)))


def _scores(value: object) -> Mapping[str, float]:
    """The value where it is a map of numbers."""
    if isinstance(value, Mapping) and all(map(_is_number, value.values())):
        return {str(name): float(score) for name, score in value.items()}
    return {}


def _plain(fields: Mapping[str, object]) -> Iterable[str]:
    for name, value in fields.items():
        match value:
            case str() if name != "text":
                yield f"{name} {value}"
            case bool():
                yield f"{name} {'yes' if value else 'no'}"
            case int() | float():
                yield f"{name} {number(value)}"
            case list() | tuple() if value and all(isinstance(it, str) for it in value):
                yield f"{name} {', '.join(value)}"


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_place(value: object) -> TypeGuard[float]:
    return _is_number(value) and 0 <= value <= LATEST_MS


def _item_of(outcome: Outcome) -> str:
    return UNREAD if outcome.event is None else outcome.event.content_id


def _inline(outcomes: Iterable[Outcome]) -> bytes | None:
    for outcome in outcomes:
        if outcome.event is not None and outcome.event.audio is not None:
            return outcome.event.audio.data
    return None
