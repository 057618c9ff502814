"""Personal data in the texts of an item and in what is said in its audio: where, and redacted.

Kinds: e-mail address, phone number, payment card, IBAN, IP address, name and password in a URL,
street address, US social security number, crypto wallet, date of birth. `spans` say where, in code
points of the field (`transcript` for what is said, in the text of the record that
`source_signal_id` names); `redacted` holds the texts with `[EMAIL]` and the like in their place.
What was found is never written into the record.

How: patterns, checksums (Luhn, ISO 13616, Base58Check, Bech32), numbering plans of the event's
regions or of its declared language (package phonenumbers), and the words around (see
`earmark.processors.pii`). presidio-analyzer, whose recognisers do likewise, is not used: any import
from it brings spaCy and pandas along, ten seconds on a busy core, and its recognisers look at
phone numbers of six regions only.

What it cannot do: names of persons, for which no model is shipped; addresses beyond the commonest
forms of some twenty languages, and seldom city and postal code with the street; contacts written to
evade ("name at example dot org") or spelled out in speech; a tidy local phone number
without region or telling words. It cannot tell whose they are: the contact of a
broadcaster and the birthday of a president are found like any other. The scores are weights of
evidence, not calibrated probabilities.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

from earmark.processors.content import Text
from earmark.processors.item_text import (
    AUDIO_TRANSCRIPT,
    TRANSCRIPT,
    is_name,
    nothing_read,
    said,
    written,
)
from earmark.processors.outcome import Result
from earmark.processors.pii.finding import Finding, redacted
from earmark.processors.pii.phone import regions_of
from earmark.processors.pii.reader import Reading, read
from earmark.processors.signal import ItemView, Loading, Part, Takes, signal
from earmark.processors.threshold import Thresholds

MAX_SPANS = 500  # keeps the spans under 60 kB
MAX_REDACTED_BYTES = 500_000  # of one item, UTF-8; keeps the record under its limit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """One text and what it holds."""

    text: Text
    reading: Reading

    def spans(self) -> Iterator[dict[str, Any]]:
        for finding in self.reading.findings:
            yield {"field": self.text.field, **_span(finding)}


class PiiScorer:
    """Looks for personal data; a `PassageScorer`."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._min_score = thresholds["min_score"]

    def score(self, items: Sequence[ItemView]) -> Sequence[Result]:
        """One result per item."""
        return [self._conclude(item) for item in items]

    def _conclude(self, item: ItemView) -> Result:
        spoken = said(item)
        texts = [*written(item), *([spoken] if spoken else [])]
        if not texts:
            return nothing_read(item)
        reads = [self._read(item, text) for text in texts]
        spans = [span for one in reads for span in one.spans()]
        kinds = Counter(span["kind"] for span in spans)
        texts_redacted, is_whole = _redactions(reads)
        is_spoken = any(span["field"] == TRANSCRIPT for span in spans) and spoken is not None
        return Result.ok(
            kinds=dict(sorted(kinds.items())),
            scores=_scores(reads),
            labels=sorted(kinds),
            spans=_most_certain(spans),
            redacted=texts_redacted,
            truncated=len(spans) > MAX_SPANS or not is_whole,
            source_signal_id=item.signal_ids.get(AUDIO_TRANSCRIPT) if is_spoken else None,
        )

    def _read(self, item: ItemView, text: Text) -> _Read:
        regions = regions_of(item.event.regions, text.language or item.event.language)
        reading = read(
            text.text, min_score=self._min_score, regions=regions, is_name=is_name(text.field)
        )
        return _Read(text=text, reading=reading)


@signal(
    name="text.pii",
    takes=Takes.PASSAGES,
    reads=frozenset({Part.AUDIO, Part.TEXTS}),
    needs=("audio.transcript",),
    method=("earmark-pii", "1"),
    taxonomy=("earmark.pii", "1"),
    reads_language=True,
    reads_regions=True,
    record_name="TextPii",
)
def text_pii(loading: Loading) -> PiiScorer:
    """The scorer; there is nothing to load."""
    return PiiScorer(loading.thresholds)


def _span(finding: Finding) -> dict[str, Any]:
    return {
        "start": finding.start,
        "end": finding.end,
        "kind": finding.kind.value,
        "score": finding.score,
    }


def _scores(reads: Sequence[_Read]) -> Mapping[str, float]:
    """The highest score of each kind over all texts."""
    best: dict[str, float] = {}
    for one in reads:
        for kind, score in one.reading.scores.items():
            best[kind.value] = max(best.get(kind.value, 0.0), score)
    return dict(sorted(best.items()))


def _redactions(reads: Sequence[_Read]) -> tuple[list[dict[str, str | None]], bool]:
    """The texts in which something was found, redacted; None for what would be too much.

    And whether none was too much.
    """
    entries: list[dict[str, str | None]] = []
    room, is_whole = MAX_REDACTED_BYTES, True
    for one in reads:
        if not one.reading.findings:
            continue
        text: str | None = redacted(one.text.text, one.reading.findings)
        size = len(text.encode(errors="replace")) if text else 0
        if size > room:
            text, size, is_whole = None, 0, False
        room -= size
        entries.append({"field": one.text.field, "text": text})
    return entries, is_whole


def _most_certain(spans: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many spans as fit, in the order in which they stand."""
    kept = nlargest(MAX_SPANS, range(len(spans)), key=lambda at: (spans[at]["score"], -at))
    return [spans[at] for at in sorted(kept)]
