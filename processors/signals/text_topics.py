"""What an item is about, of a list of topics, by static embeddings and without training.

The list is that of a card, which is also the taxonomy in provenance: `iab-content` holds tier 1 of
the IAB Content Taxonomy 3.1. A list of one's own is a card with a file of the same form, and
`text.topics=<its name>` where a signal's model is chosen; the embedding stays.

Texts and what is said are read in windows of about `WINDOW_WORDS` words; the score of a topic is
its mean over them. A topic is a label where it stands above `min_score` and clearly above the
second; else the answer is an abstention, with the scores. Scores are cosines, no probabilities.

Only English is read. It goes by words: what a text says about its topic, and topics that have no
words of their own (Genres, Pop Culture), are lost on it, a text on two topics gets one or none, and
jokes and aphorisms get the topic of their images. IAB's Sensitive Topics are left to text.safety.

Shapes. W: windows of one item, K: topics
"""

from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np

from earmark.models.profanity import load_coverage
from earmark.models.static_embedding import load_static_embedding
from earmark.models.topic import Floats, TopicSpace, load_topics
from earmark.processors.content import Text
from earmark.processors.english import EnglishGate, english_transcript, nothing_read
from earmark.processors.outcome import Result
from earmark.processors.signal import ItemView, Loading, Part, Takes, signal
from earmark.processors.threshold import Thresholds

EMBEDDING = "wordllama-l2-supercat-256"
VOCABULARY = "profanity-check"  # its words tell whether a short text is English
WINDOW_WORDS = 15
TOP = 5


class TopicScorer:
    """Finds topics; a `PassageScorer`."""

    def __init__(self, space: TopicSpace, gate: EnglishGate, thresholds: Thresholds) -> None:
        self._space = space
        self._gate = gate
        self._min_words = thresholds["min_words"]
        self._min_score = thresholds["min_score"]
        self._min_margin = thresholds["min_margin"]

    def score(self, items: Sequence[ItemView]) -> Sequence[Result]:
        """One result per item; the windows of all items are embedded together."""
        read = [self._read(item) for item in items]
        windows = [[w for text in texts for w in _windows(text.text)] for texts in read]
        rows = self._space.scores([window for of_item in windows for window in of_item])
        sizes = [len(of_item) for of_item in windows]
        ends = [int(end) for end in np.cumsum(sizes)]
        return [
            self._conclude(texts, rows[end - size : end]) if texts else nothing_read(item)
            for item, texts, size, end in zip(items, read, sizes, ends, strict=True)
        ]

    def _read(self, item: ItemView) -> list[Text]:
        texts = list(self._gate.texts(item))
        transcript = english_transcript(item)
        return texts if transcript is None else [*texts, transcript]

    def _conclude(self, texts: Sequence[Text], rows_WK: Floats) -> Result:
        read = [text.field for text in texts]
        if sum(len(text.text.split()) for text in texts) < self._min_words:
            return Result.abstained("TOO_LITTLE_TEXT", read=read)
        mean_K = rows_WK.mean(axis=0)
        order = np.argsort(-mean_K, kind="stable")
        best, second = mean_K[order[0]], mean_K[order[1]]
        topics = {self._space.names[at]: float(mean_K[at]) for at in order[:TOP]}
        if best < self._min_score or best - second < self._min_margin:
            return Result.abstained("LOW_CONFIDENCE", topics=topics, read=read)
        return Result.ok(topics=topics, labels=[self._space.names[order[0]]], read=read)


@signal(
    name="text.topics",
    takes=Takes.PASSAGES,
    reads=frozenset({Part.AUDIO, Part.TEXTS}),
    needs=("text.language", "audio.transcript"),
    models=("iab-content", EMBEDDING, VOCABULARY),
    companions=lambda card: (EMBEDDING, VOCABULARY),
    labels_of_model=True,
    reads_language=True,
    record_name="TextTopics",
)
def text_topics(loading: Loading) -> TopicScorer:
    """The scorer with the topics of the first card."""
    _, embedding, vocabulary = loading.models
    path = loading.store.path
    space = TopicSpace(
        load_static_embedding(path(embedding), path(embedding, "tokenizer.json")),
        load_topics(loading.path()),
    )
    gate = EnglishGate(load_coverage(path(vocabulary, "vocabulary.json")), loading.thresholds)
    return TopicScorer(space, gate, loading.thresholds)


def _windows(text: str) -> Iterator[str]:
    """The text in parts of equal length, about `WINDOW_WORDS` words each."""
    words = text.split()
    parts = ceil(len(words) / WINDOW_WORDS)
    for part in range(parts):
        yield " ".join(words[part * len(words) // parts : (part + 1) * len(words) // parts])
