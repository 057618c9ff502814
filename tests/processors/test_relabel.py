"""A relabelled record is the one that the pipeline makes with the new thresholds."""

from pathlib import Path

import pytest

from earmark.models.store import ModelStore
from earmark.processors.codec import Record, signal_record
from earmark.processors.content import ContentEvent, Text
from earmark.processors.error import ConfigurationError
from earmark.processors.loader import load_specs
from earmark.processors.outcome import OutcomeKind, Result, Signal
from earmark.processors.pipeline import Pipeline
from earmark.processors.relabel import Relabeller, relabeller
from earmark.processors.signals.audio_music import music_labels
from earmark.processors.taxonomy.music import music_tags
from earmark.processors.threshold import Thresholds, read_thresholds, shipped_thresholds

SAFETY = "text.safety"
TEXTS = [
    "You are a fucking idiot and nobody likes you. Have a nice day, dear.",
    "What the hell was that? It was damn good, if you ask me.",
    "A quiet morning by the sea, and the gulls are loud.",
    "Une belle journée de printemps au bord de la mer, mon ami",
    "...",
    "COME AND SEE US, this is the BIGGEST SHOW of the YEAR!!!",
]
EVENTS = [
    ContentEvent(
        event_id=str(number), content_id=str(number), texts=(Text(field="comment", text=text),)
    )
    for number, text in enumerate(TEXTS)
]


def thresholds(**changed: float) -> Thresholds:
    values = shipped_thresholds(SAFETY).values
    return Thresholds(version="own-1", values={**values, **changed})


def records(own: Thresholds | None = None) -> list[Record]:
    loaded = Pipeline.load([SAFETY], thresholds={SAFETY: own} if own else {})
    return [signal_record(each) for each in loaded.run(EVENTS) if isinstance(each, Signal)]


def relabels(new: Thresholds) -> Relabeller:
    return relabeller(SAFETY, old={}, new=new, store=ModelStore())


@pytest.mark.weights
@pytest.mark.parametrize("probability", [0.85, 0.95, 0.9999])
def test_a_relabelled_record_is_what_the_pipeline_says_by_the_new_thresholds(
    probability: float,
) -> None:
    new = thresholds(profanity_probability=probability)
    before, after = records(), records(new)
    relabelling = relabels(new)
    assert all(map(relabelling.made_under_old, before))
    assert [relabelling.relabelled(record) for record in before] == after
    assert not any(map(relabelling.made_under_old, after))


OTHERS = {
    "text.quality": {"shouting_score": 0.2},
    "text.sentiment": {"min_probability": 0.6},
}


@pytest.mark.weights
@pytest.mark.parametrize("name", OTHERS)
def test_other_signals_of_text_are_relabelled_as_the_pipeline_would(name: str) -> None:
    values = {**shipped_thresholds(name).values, **OTHERS[name]}
    new = Thresholds(version="own-1", values=values)
    relabelling = relabeller(name, old={}, new=new, store=ModelStore())
    before, after = (
        [signal_record(it) for it in loaded.run(EVENTS) if isinstance(it, Signal)]
        for loaded in (Pipeline.load([name]), Pipeline.load([name], thresholds={name: new}))
    )
    assert [relabelling.relabelled(record) for record in before] == after
    changed = [
        b["outcome"] != a["outcome"] or b.get("labels") != a.get("labels")
        for b, a in zip(before, after, strict=True)
    ]
    assert any(changed)


@pytest.mark.weights
def test_a_lower_bar_of_sentiment_needs_texts_without_a_label_read_again() -> None:
    strict, mild = (
        Thresholds(
            version=str(bar),
            values={**shipped_thresholds("text.sentiment").values, "min_probability": bar},
        )
        for bar in (0.99, 0.4)
    )
    loaded = Pipeline.load(["text.sentiment"], thresholds={"text.sentiment": strict})
    record = next(signal_record(it) for it in loaded.run(EVENTS[:1]) if isinstance(it, Signal))
    relabelling = relabeller(
        "text.sentiment", old={"text.sentiment": strict}, new=mild, store=ModelStore()
    )
    assert relabelling.relabelled(record) is None


def music_result(**scores: float) -> Result:
    every = dict.fromkeys((tag.name for tag in music_tags()), 0.0) | scores
    shipped = shipped_thresholds("audio.music")
    return Result.ok(scores=every, **music_labels(every, shipped))


def test_tags_of_music_follow_their_thresholds_and_none_left_is_an_abstention() -> None:
    relabelling = load_specs(["audio.music"])["audio.music"].relabelling
    assert relabelling is not None
    shipped = shipped_thresholds("audio.music")
    strict = Thresholds(version="own-1", values={**shipped.values, "genre_probability": 0.9})
    rock = music_result(rock=0.5)
    said = relabelling.apply(rock, shipped, strict)
    assert said is not None
    assert (rock.fields["labels"], said.outcome, said.reason) == (
        ["rock"],
        OutcomeKind.ABSTAINED,
        "LOW_CONFIDENCE",
    )
    assert relabelling.apply(said, strict, shipped) == rock


@pytest.mark.weights
def test_what_was_not_kept_is_not_made_up() -> None:
    """Spans below the old threshold are in no record."""
    new = thresholds(profanity_probability=0.001)
    made = [relabels(new).relabelled(record) for record in records()]
    for record, expected in zip(made, records(new), strict=True):
        assert record in (None, expected)
    assert None in made


def test_a_threshold_that_decides_what_is_scored_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="min_coverage decides more"):
        relabels(thresholds(min_coverage=0.1))


def test_a_signal_without_scores_in_its_records_is_refused() -> None:
    shipped = shipped_thresholds("audio.speech")
    new = Thresholds(version="own-1", values={**shipped.values, "pad_ms": 40.0})
    with pytest.raises(ConfigurationError, match="replay it instead"):
        relabeller("audio.speech", old={}, new=new, store=ModelStore())


def test_the_same_thresholds_are_nothing_to_do() -> None:
    with pytest.raises(ConfigurationError, match="already"):
        relabels(thresholds())


def test_a_file_of_thresholds_fills_the_shipped_ones(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('version = "strict-1"\n[values]\nprofanity_probability = 0.5\n')
    own = read_thresholds(file, SAFETY)
    assert own == Thresholds(
        version="strict-1", values=thresholds(profanity_probability=0.5).values
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('version = "1"\n[values]\nprofanity = 0.5\n', "no threshold profanity"),
        ("profanity_probability = 0.5\n", "no file of thresholds"),
        ('version = "1"\n[values]\nprofanity_probability = "high"\n', "no file of thresholds"),
        (
            f'version = "{shipped_thresholds(SAFETY).version}"\n[values]\n'
            "profanity_probability = 0.5\n",
            "name your own",
        ),
    ],
)
def test_a_file_that_says_something_else_is_refused(
    text: str, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=problem):
        read_thresholds(file, SAFETY)
