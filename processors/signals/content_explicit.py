"""The DDEX ParentalWarningType of an item, with the evidence it rests on.

A rule over `text.safety`, `text.language` and `audio.transcript`, what the title is marked with,
and what the event's attributes declare. DDEX (Data Dictionary for Allowed Value Sets, 2019-09-16):

Explicit               contains sexual, violent or other explicit material
ExplicitContentEdited  such material has been edited
NotExplicit            contains no such material
Unknown                the sender says that the value is unknown: with every outcome but OK
NoAdviceAvailable      no advice is available; deprecated since 2017-11 in favour of Unknown, so it
                       is read in attributes and never written

Strong words that are heard decide first; then what is declared or marked; then strong words that
are written in the work; then that the work was read and holds none. The work is its lyrics, or for
spoken content its transcript; for an item that is a text, its texts. What a song's transcript does
not hold says nothing, since sung words are often missed, and so does a description.

It knows strong words, English ones, and no more. What text.safety is sure of without such a word
is doubted, and Unknown; but a violent or sexual story told in plain words is NotExplicit to it. Of
324 clean quotations none came out Explicit and one Unknown; of 283 offensive ones, most without a
strong word, 21 Explicit and 36 Unknown (text.safety's heads had learned from them). It was not
measured on labelled releases, of which none were at hand, and it is no age rating.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from heapq import nlargest
from typing import Any

from earmark.processors.content import ContentType
from earmark.processors.english import (
    EnglishGate,
    english_transcript,
    has_letters,
)
from earmark.processors.item_text import TRANSCRIPT
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import ItemView, Loading, Part, Takes, signal
from earmark.processors.taxonomy.harm import FOLDER, schemes
from earmark.processors.threshold import Thresholds

EXPLICIT, EDITED, NOT_EXPLICIT, UNKNOWN = (
    "Explicit",
    "ExplicitContentEdited",
    "NotExplicit",
    "Unknown",
)
ATTRIBUTES = ("explicit", "itunes:explicit", "itunes_explicit", "parental_warning_type")
MAX_EVIDENCE = 200  # keeps the record under 40 kB

_TITLES = frozenset({"title", "subtitle", "version"})
_SPOKEN = frozenset(
    {ContentType.EPISODE, ContentType.AUDIOBOOK, ContentType.CHAPTER, ContentType.CLIP}
)
_SUNG_OR_SPOKEN = _SPOKEN | {ContentType.TRACK}
_DECLARED = {
    EXPLICIT: "DECLARED_EXPLICIT",
    EDITED: "DECLARED_EDITED",
    NOT_EXPLICIT: "DECLARED_NOT_EXPLICIT",
    UNKNOWN: "DECLARED_UNKNOWN",
}
_BRACKETED = re.compile(r"[(\[{（【]([^()\[\]{}（）【】]{1,60})[)\]}）】]")
_AFTER_DASH = re.compile(r"\s[-–—]\s([^-–—]{1,60})$")
_STARRED = re.compile(r"(?<!\w)[a-z][a-z*]{3,11}(?!\w)", re.I)
_BLEEP = re.compile(r"[\[(*]bleep(?:ed)?[\])*]", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing that speaks for or against.

    `source` is title, lyrics, transcript, attributes or the name of another text's field; `field`
    the text or attribute itself; `start` and `end` are code points, null where there is no text.
    `score` is the probability of the span it stands in, 1 for what is declared or marked outright,
    0.5 for what can mean two things.
    """

    source: str
    field: str
    start: int | None
    end: int | None
    reason: str
    score: float


class ExplicitRule:
    """Decides by the evidence; a `PassageScorer`."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._gate = EnglishGate(lambda text: 1.0, thresholds)
        self._doubt_probability = thresholds["doubt_probability"]

    def score(self, items: Sequence[ItemView]) -> Sequence[Result]:
        """One result per item."""
        return [self._conclude(item) for item in items]

    def _conclude(self, item: ItemView) -> Result:
        evidence = [*_declared(item), *_marked(item), *_masked(item), *_spans(item)]
        reasons = {one.reason for one in evidence}
        declared = next((value for value, name in _DECLARED.items() if name in reasons), None)
        kept = nlargest(MAX_EVIDENCE, range(len(evidence)), key=lambda i: (evidence[i].score, -i))
        common = {
            "declared": declared,
            "evidence": [asdict(evidence[at]) for at in sorted(kept)],
            "read": sorted(self._read(item)),
        }
        value, doubt = self._decide(item, evidence)
        if doubt is not None:
            return Result.abstained(doubt, parental_warning=UNKNOWN, **common)
        return Result.ok(parental_warning=value, **common)

    def _decide(self, item: ItemView, evidence: Sequence[Evidence]) -> tuple[str, str | None]:
        """The value, and why it is not said."""
        has = {one.reason for one in evidence}
        strong = [one for one in evidence if one.reason == "STRONG_WORD" and _in_work(item, one)]
        if any(one.source == TRANSCRIPT for one in strong):
            return EXPLICIT, None
        says_explicit = has & {"DECLARED_EXPLICIT", "MARKED_EXPLICIT"}
        says_edited = has & {"DECLARED_EDITED", "MARKED_EDITED"}
        if says_edited and says_explicit:
            return UNKNOWN, "CONTRADICTION"
        if says_edited or says_explicit:
            return (EDITED if says_edited else EXPLICIT), None
        if strong and "MARKED_RADIO" in has:
            return UNKNOWN, "EDIT_UNCLEAR"
        if strong:
            return EXPLICIT, None
        return self._without_words(item, evidence)

    def _without_words(
        self, item: ItemView, evidence: Sequence[Evidence]
    ) -> tuple[str, str | None]:
        """The value where nothing explicit was found: that may be for want of reading it."""
        has = {one.reason for one in evidence}
        if "DECLARED_NOT_EXPLICIT" in has:
            return NOT_EXPLICIT, None
        if "MASKED_WORD" in has:
            return UNKNOWN, "MASKED_WORDS"
        if any(self._is_doubtful(item, one) for one in evidence):
            return UNKNOWN, "LOW_CONFIDENCE"
        if not self._is_read(item):
            return UNKNOWN, _why_unread(item)
        return NOT_EXPLICIT, None

    def _is_doubtful(self, item: ItemView, one: Evidence) -> bool:
        is_span = one.reason in {"PROFANITY", "SEXUAL", "VIOLENCE"}
        return is_span and _in_work(item, one) and one.score >= self._doubt_probability

    def _read(self, item: ItemView) -> set[str]:
        """The fields whose words text.safety read.

        It says of which kind they were; its gate, asked again, says which. Of a text too short to
        have a language it is taken at its word.
        """
        safety = item.results.get("text.safety")
        kinds: Any = safety.fields.get("applied_input_types", ()) if safety is not None else ()
        read = {text.field for text in self._gate.texts(item)} if "text" in kinds else set[str]()
        return read | {TRANSCRIPT} if "audio" in kinds else read

    def _is_read(self, item: ItemView) -> bool:
        """Whether the work itself, all of it, is words that were understood."""
        read, kind = self._read(item), item.event.content_type
        if kind not in _SUNG_OR_SPOKEN:
            whole = {text.field for text in item.event.texts if has_letters(text.text)}
            whole |= {TRANSCRIPT} if _is_spoken(item) else set()
            return bool(whole) and whole <= read
        return "lyrics" in read or (kind in _SPOKEN and TRANSCRIPT in read)


@signal(
    name="content.explicit",
    takes=Takes.PASSAGES,
    reads=frozenset({Part.AUDIO, Part.TEXTS}),
    needs=("text.safety", "text.language", "audio.transcript"),
    method=("earmark.explicit", "1"),
    taxonomy=("ddex.ParentalWarningType", "2019-09-16"),
    reads_language=True,
    reads_attributes=ATTRIBUTES,
    record_name="ContentExplicit",
)
def content_explicit(loading: Loading) -> ExplicitRule:
    """The rule; it needs no weights of its own."""
    return ExplicitRule(loading.thresholds)


def _declared(item: ItemView) -> Iterator[Evidence]:
    """What attributes say; a value that we do not know says nothing."""
    for name in ATTRIBUTES:
        value = item.event.attributes.get(name, "").strip().lower()
        if value in lists()["declared"]:
            yield Evidence(
                source="attributes",
                field=name,
                start=None,
                end=None,
                reason=_DECLARED[lists()["declared"][value]],
                score=1.0,
            )


def _marked(item: ItemView) -> Iterator[Evidence]:
    """Markers in titles, in any of the languages we know them in."""
    for text in item.event.texts:
        if text.field not in _TITLES:
            continue
        whole = [(0, len(text.text), text.text)] if text.field == "version" else []
        after_dash = [m for m in _AFTER_DASH.finditer(text.text) if " " in m[1].strip()]
        found = [*_BRACKETED.finditer(text.text), *after_dash]
        for start, end, words in [*whole, *((*m.span(1), m[1]) for m in found)]:
            kind = _markers().get(" ".join(words.lower().split()))
            if kind is not None:
                yield Evidence(
                    source="title",
                    field=text.field,
                    start=start,
                    end=end,
                    reason=f"MARKED_{kind}",
                    score=0.5 if kind == "RADIO" else 1.0,
                )


def _masked(item: ItemView) -> Iterator[Evidence]:
    """Strong words with stars in them: in the work they may be bleeped, or only printed so."""
    for text in item.event.texts:
        starred = [m for m in _STARRED.finditer(text.text) if _hides_strong_word(m[0].lower())]
        for match in [*starred, *_BLEEP.finditer(text.text)]:
            one = Evidence(
                source=_source(text.field),
                field=text.field,
                start=match.start(),
                end=match.end(),
                reason="MASKED_WORD",
                score=0.5,
            )
            if _in_work(item, one):
                yield one


def _spans(item: ItemView) -> Iterator[Evidence]:
    """The spans of text.safety: narrowed to their strong words, else by their label."""
    safety = item.results.get("text.safety")
    spans: Any = safety.fields.get("spans", ()) if safety is not None else ()
    texts = {text.field: text.text for text in item.event.texts}
    transcript = english_transcript(item)
    if transcript is not None:
        texts[TRANSCRIPT] = transcript.text
    for span in spans:
        if span["label"] in schemes()["ddex"].harms("Explicit") or span["label"] == "profanity":
            yield from _in_span(span, texts.get(span["field"], ""))


def _in_span(span: Mapping[str, Any], text: str) -> Iterator[Evidence]:
    found = [*_strong_word().finditer(text, span["start"], span["end"])]
    places = [match.span() for match in found] or [(span["start"], span["end"])]
    for start, end in places:
        yield Evidence(
            source=_source(span["field"]),
            field=span["field"],
            start=start,
            end=end,
            reason="STRONG_WORD" if found else str(span["label"]).upper(),
            score=float(span["score"]),
        )


def _source(field: str) -> str:
    return "title" if field in _TITLES else field


def _in_work(item: ItemView, one: Evidence) -> bool:
    """Whether it stands in the work, not in what is written about it."""
    is_part = one.source in {"title", "lyrics", TRANSCRIPT}
    return is_part or item.event.content_type not in _SUNG_OR_SPOKEN


def _is_spoken(item: ItemView) -> bool:
    """Whether there is speech in it, understood or not."""
    transcript = item.results.get("audio.transcript")
    return transcript is not None and transcript.outcome in {OutcomeKind.OK, OutcomeKind.ABSTAINED}


def _why_unread(item: ItemView) -> str:
    """Why there is no telling: words that were not understood, or none of the work's at all."""
    is_text = item.event.content_type not in _SUNG_OR_SPOKEN
    work = [text for text in item.event.texts if is_text or text.field == "lyrics"]
    if any(has_letters(text.text) for text in work):
        return "LANGUAGE_UNSUPPORTED"
    transcript = item.results.get("audio.transcript")
    is_unclear = transcript is not None and transcript.outcome == OutcomeKind.ABSTAINED
    return (transcript.reason or "LOW_CONFIDENCE") if transcript and is_unclear else "NO_WORDS"


@cache
def lists() -> Mapping[str, Any]:
    """The words, markers and values that the rule goes by."""
    return tomllib.loads((FOLDER / "explicit.toml").read_text(encoding="utf-8"))


@cache
def _markers() -> Mapping[str, str]:
    """Every wording of every marker to its kind."""
    table = lists()
    return {
        wording: kind
        for kind, languages in table["markers"].items()
        for markers in languages.values()
        for marker in markers
        for wording in (
            marker,
            *(f"{marker} {suffix}" for suffix in table["suffixes"]),
            *(f"{marker} album {suffix}" for suffix in table["suffixes"]),
            *(f"{prefix} {marker}" for prefix in table["prefixes"]),
        )
    }


def _hides_strong_word(starred: str) -> bool:
    return "*" in starred and any(
        all(shown in ("*", letter) for shown, letter in zip(starred, word, strict=False))
        for word in lists()["strong_words"]
        if len(word) <= len(starred)
    )


@cache
def _strong_word() -> re.Pattern[str]:
    words = "|".join(sorted(lists()["strong_words"], key=len, reverse=True))
    return re.compile(rf"\b(?:{words})(?:e?s|ed|ers?|in['’]?|ing|y|a|as|az)?(?!\w)", re.I)
