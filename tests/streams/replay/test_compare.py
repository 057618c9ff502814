"""Two answers of an item compared, added up, and shown; on records like those of the signals."""

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import pytest
from rich.console import Console

from earmark.processors.codec import jsonable
from earmark.processors.loader import load_specs
from earmark.streams.replay.compare import Pair, Standing, compare, incomparable
from earmark.streams.replay.compare_change import changes, distance
from earmark.streams.replay.compare_features import stated_tolerance
from earmark.streams.replay.compare_tally import LABELS, SignalTally
from earmark.streams.replay.diff_result import Diff, SignalDiff
from earmark.streams.replay.report_page import diff_page
from earmark.streams.replay.report_text import diff_text

HOSTILE = "<script>alert('x')</script>\u202e\x1b[2J[red]"
Record = dict[str, Any]


def answer(*, config: str = "one", digest: str = "d", **fields: Any) -> Record:
    """A record of any signal: envelope, then `fields`, which may name those of the envelope too."""
    hashes = {"input_digest": digest, "config_hash": config, "thresholds_version": None}
    envelope = {
        "signal_id": config,
        "content_id": "item",
        "event_id": "event",
        "revision": 1,
        "language": None,
        "outcome": "OK",
        "reason": None,
        "replay_id": None,
        "provenance": {"model_name": "m", "model_version": config, **hashes},
    }
    return envelope | fields


def safety(score: float | None, **fields: Any) -> Record:
    if score is None:
        abstained = {"outcome": "ABSTAINED", "reason": "LANGUAGE_UNSUPPORTED", "scores": {}}
        said = {**abstained, "labels": [], "spans": [], "applied_input_types": [], "by_input": {}}
    else:
        labels = ["profanity"] if score >= 0.7 else []
        spans = [
            {"field": "title", "start": 0, "end": 9, "label": label, "score": score}
            for label in labels
        ]
        said = {"scores": {"profanity": score}, "labels": labels, "spans": spans}
        said |= {"applied_input_types": ["text"], "by_input": {"text": {"profanity": score}}}
    return answer(**{**said, "severity": None, "source_signal_id": None, **fields})


def transcript(text: str, **fields: Any) -> Record:
    segments = [{"start_ms": 0, "end_ms": 900, "text": text, "avg_logprob": -0.5}]
    said = {"text": text, "segments": segments, "words_per_minute": 120.0, "language": "en"}
    return answer(**{**said, "declared_language": "en", **fields})


def language(code: str | None, probability: float = 0.9, **fields: Any) -> Record:
    per_text = [{"field": "title", "language": code, "probability": probability}]
    said = {"language": code, "probability": probability, "fields": per_text}
    return answer(**{**said, "declared_language": None, **fields})


def embedding(*numbers: float) -> Record:
    vectors = [{"field": "title", "vector": struct.pack(f"<{len(numbers)}f", *numbers)}]
    return answer(model="m", dim=len(numbers), vectors=vectors)


SPECS = load_specs()
SAFETY, TRANSCRIPT = SPECS["text.safety"], SPECS["audio.transcript"]
LANGUAGE, EMBEDDING = SPECS["text.language"], SPECS["text.embedding"]


def paired(live: Record, run: Record, name: str = "text.safety") -> Pair:
    return compare(live, run, SPECS[name])


def tallied(*pairs: Pair, name: str = "text.safety", most: int = 20) -> SignalDiff:
    tally = SignalTally(SPECS[name], most=most)
    for number, pair in enumerate(pairs):
        tally.add(f"item-{number}", pair)
    return tally.diff(knows_only_live=False)


def test_an_answer_is_what_it_says_not_who_said_it() -> None:
    other = safety(0.5, config="two", replay_id="r", source_signal_id="x", event_id="later")
    assert paired(safety(0.5), other).standing is Standing.SAME
    assert paired(safety(0.5), safety(0.5005)).standing is Standing.SAME
    assert paired(safety(0.5), safety(0.51)).standing is Standing.CHANGED
    assert paired(safety(0.5), safety(None)).standing is Standing.CHANGED


def test_the_language_that_a_signal_finds_is_what_it_says() -> None:
    assert paired(language("en"), language("de"), "text.language").standing is Standing.CHANGED
    declared = {"language": "de"}  # in the envelope of a signal that does not find it
    assert paired(safety(0.5), safety(0.5) | declared).standing is Standing.SAME


def test_answers_about_different_content_are_not_compared() -> None:
    live = safety(0.5, digest="a", revision=2)
    assert incomparable(live, safety(0.9, digest="a", revision=7)) is None
    assert incomparable(live, safety(0.5, digest="b", revision=1)) is Standing.LIVE_NEWER
    assert incomparable(live, safety(0.5, digest="b", revision=3)) is Standing.INPUT_DIFFERS


def test_a_failure_is_compared_with_the_answer_to_the_same_event() -> None:
    failed = answer(outcome="ERROR", reason="MEDIA_GONE", digest="unread")
    assert incomparable(failed, answer(digest="d")) is None
    assert incomparable(failed, answer(digest="d", revision=2)) is Standing.INPUT_DIFFERS


def test_the_distance_is_decisions_and_the_largest_change() -> None:
    cases = [
        (safety(0.2), safety(0.5), 0.3),  # the score
        (safety(0.5), safety(0.9), 2.0),  # the label, and one span more than none
        (safety(0.5), safety(None), 2.0),  # the outcome, and the type of input
    ]
    for live, run, expected in cases:
        assert distance(paired(live, run), SAFETY) == pytest.approx(expected)
    heard, other = "and so my fellow americans", "and so my fellow citizens"
    pair = paired(transcript(heard), transcript(other), "audio.transcript")
    assert distance(pair, TRANSCRIPT) == pytest.approx(0.2)
    pair = paired(embedding(1, 0), embedding(0.6, 0.8), "text.embedding")
    assert distance(pair, EMBEDDING) == pytest.approx(0.4)


def test_changes_name_decisions_first_and_both_values() -> None:
    found = changes(paired(safety(0.5), safety(0.9)), SAFETY)
    assert [(it.field, it.live, it.run) for it in found] == [
        ("labels", "none", "profanity"),
        ("spans.count", "0", "1"),
        ("by_input.text.profanity", "0.5", "0.9"),
        ("scores.profanity", "0.5", "0.9"),
        ("spans.score.mean", "none", "0.9"),
    ]
    (outcome, *_) = changes(paired(safety(0.5), safety(None)), SAFETY)
    assert (outcome.field, outcome.live) == ("outcome", "OK")
    assert outcome.run == "ABSTAINED LANGUAGE_UNSUPPORTED"


def test_of_a_text_only_what_is_around_the_first_difference_is_shown() -> None:
    heard = "ask not what your country can do for you " * 50
    live, run = f"{heard} ask what", f"{heard} ask {HOSTILE} what " + "word " * 900
    found = changes(paired(transcript(live), transcript(run), "audio.transcript"), TRANSCRIPT)
    (text,) = [change for change in found if change.field == "text"]
    assert text.live == "…for you ask what"
    assert text.run.startswith("…for you ask <script>")
    assert len(text.run) == 81
    assert "\x1b" not in text.run


def test_numbers_and_labels_are_found_in_maps_lists_and_words() -> None:
    features = paired(safety(0.9), safety(0.9)).live.features
    assert features.numbers == {
        "scores.profanity": 0.9,
        "by_input.text.profanity": 0.9,
        "spans.count": 1,
        "spans.score.mean": 0.9,
    }
    assert features.labels == {"profanity", "applied_input_types=text"}
    assert paired(safety(None), safety(None)).live.features.numbers == {}
    spoken = paired(transcript("a b c"), transcript("a b c"), "audio.transcript").live.features
    assert (spoken.numbers["text.words"], spoken.texts) == (3, {"text": "a b c"})
    assert spoken.labels == {"language=en"}


def test_content_is_no_label() -> None:
    pair = paired(language(HOSTILE), language("two words"), "text.language")
    assert pair.live.features.labels == pair.run.features.labels == frozenset()


def test_tolerances_are_those_of_the_signal() -> None:
    assert stated_tolerance(SAFETY, "scores.profanity", whole=False) == SAFETY.tolerance
    assert stated_tolerance(TRANSCRIPT, "words_per_minute", whole=False) == 10
    speech = SPECS["audio.speech"]
    assert stated_tolerance(speech, "speech_ms", whole=True) == 100
    assert stated_tolerance(speech, "segments.count", whole=True) == 0


def test_score_shifts_are_added_up_over_the_pairs_that_have_both() -> None:
    pairs = [paired(safety(n / 100), safety(n / 100 + 0.1)) for n in range(50)]
    found = tallied(*pairs, paired(safety(None), safety(0.1)), paired(safety(0.1), safety(None)))
    (score,) = [number for number in found.numbers if number.name == "scores.profanity"]
    assert (score.pairs, score.appeared, score.vanished) == (50, 1, 1)
    assert score.mean_live == pytest.approx(0.245)
    assert score.mean_difference == pytest.approx(0.1)
    assert score.interval is not None
    assert score.interval.low <= 0.1 + 1e-9
    assert score.interval.high >= 0.1 - 1e-9
    assert score.shift == pytest.approx(0.1 / math.sqrt((50**2 - 1) / 12) * 100)
    assert score.beyond.value == 1
    assert score.live is not None
    assert sum(score.live.counts) == 50


def test_outcomes_makers_and_label_flips_are_counted() -> None:
    flipped = [paired(safety(0.8), safety(0.6, config="two"))] * 5
    found = tallied(*flipped, paired(safety(None), safety(0.9)), paired(safety(0.1), safety(0.1)))
    assert [(it.live, it.run, it.pairs) for it in found.outcomes] == [
        ("ABSTAINED", "OK", 1),
        ("OK", "OK", 6),
    ]
    assert [(it.config_hash, it.answers) for it in found.run_makers] == [("two", 5), ("one", 2)]
    assert (found.same_configuration, found.pairs, found.changed.count) == (2, 7, 6)
    profanity = next(label for label in found.labels if label.label == "profanity")
    assert (profanity.live, profanity.run) == (5, 1)
    assert (profanity.lost.count, profanity.gained.count) == (5, 1)
    assert profanity.p == pytest.approx(14 / 64)
    assert profanity.lost.value == pytest.approx(5 / 7)


def test_the_items_that_changed_most_come_first_and_no_more_than_asked() -> None:
    runs = [0.25, 0.3, 0.9, 0.2, None, 0.6, 0.3]
    pairs = [paired(safety(0.2), safety(score)) for score in runs]
    found = tallied(*pairs, most=4)
    assert [item.content_id for item in found.most_changed] == [f"item-{n}" for n in (2, 4, 5, 1)]
    assert [round(it.distance, 3) for it in found.most_changed] == [2, 2, 0.4, 0.1]
    assert tallied(*pairs, most=0).most_changed == ()


def test_word_error_and_cosine_distance_are_summarised() -> None:
    spoken = [
        paired(transcript("a b c d"), transcript(said), "audio.transcript")
        for said in ("a b c d", "a b c x", "w x y z")
    ]
    (error,) = tallied(*spoken, name="audio.transcript").gaps
    assert (error.kind, error.pairs, error.largest) == ("word error", 3, 1)
    assert error.mean == pytest.approx(1.25 / 3)
    turned = paired(embedding(1, 0), embedding(0, 1), "text.embedding")
    broken = paired(embedding(1, 0), embedding(math.inf, 0), "text.embedding")
    (cosine,) = tallied(turned, broken, name="text.embedding").gaps
    assert (cosine.kind, cosine.pairs, cosine.mean) == ("cosine distance", 1, 1)


def test_labels_without_end_are_not_all_told_apart() -> None:
    many = [f"label-{number}" for number in range(LABELS + 30)]
    found = tallied(paired(safety(0.1), safety(0.1) | {"labels": many}))
    assert len(found.labels) == LABELS
    assert found.left_out == 31  # with the type of input


def hostile() -> Diff:
    """A comparison in which everything that can come from strangers is hostile."""
    live = safety(0.2) | {"labels": [HOSTILE]}
    run = safety(0.9, config=HOSTILE) | {"labels": [HOSTILE + "$\\frac$"]}
    tally = SignalTally(SAFETY, most=5)
    tally.add(HOSTILE * 99, paired(live, run | {"outcome": HOSTILE}))
    tally.count(Standing.UNDECODABLE)
    heard = SignalTally(TRANSCRIPT, most=5)
    said = paired(transcript("a b"), transcript(f"a {HOSTILE}"), "audio.transcript")
    heard.add(HOSTILE, said)
    found = (tally.diff(knows_only_live=True), heard.diff(knows_only_live=True))
    return Diff(run="r", signals=found)


def test_a_page_escapes_what_strangers_wrote() -> None:
    written = diff_page(hostile())
    assert "<script" not in written
    assert "&lt;script&gt;alert" in written
    assert not {"\x1b", "\u202e"} & set(written)


def test_a_terminal_is_not_steered_by_what_strangers_wrote() -> None:
    console = Console(width=200, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(diff_text(hostile()))
    assert "[2J" in captured.get()
    assert "\x1b[2J" not in captured.get()
    assert "[red]" in captured.get()


def test_on_80_columns_no_signal_number_or_id_is_broken() -> None:
    flipped = [paired(safety(0.8), safety(0.2, config="two")) for _ in range(12)]
    quality = SignalTally(load_specs(["audio.speech_quality"])["audio.speech_quality"], most=0)
    quality.count(Standing.ONLY_RUN)
    found = Diff(run="r", signals=(tallied(*flipped), quality.diff(knows_only_live=True)))
    console = Console(width=80, color_system=None)
    with console.capture() as captured:
        console.print(diff_text(found))
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in captured.get()
    assert lines[1].split() == ["signal", "pairs", "changed", "compared", "run", "live", "config"]
    assert lines[2].split() == ["text.safety", "12", "12", "(100.0%)", "0", "0", "–", "other"]
    assert lines[3].split()[0] == "audio.speech_quality"
    assert ["scores.profanity", "0.8", "0.2"] in [line.split()[:3] for line in lines]
    assert ["profanity", "12", "0", "12", "(100.0%)"] in [line.split()[:5] for line in lines]


def test_the_same_comparison_gives_the_same_bytes() -> None:
    assert diff_page(hostile()) == diff_page(hostile())


def test_everything_is_in_the_object() -> None:
    pairs = [paired(safety(0.2), safety(0.9)), paired(safety(0.2), safety(0.2))]
    found = Diff(run="r", signals=(tallied(*pairs),))
    told: Mapping[str, Any] = json.loads(json.dumps(jsonable(found.as_object)))
    (signal,) = told["signals"]
    assert (told["run"], signal["signal"], signal["pairs"]) == ("r", "text.safety", 2)
    assert signal["standings"]["CHANGED"] == 1
    assert signal["standings"]["ONLY_LIVE"] is None
    assert signal["changed"]["interval"]["high"] > 0.5
    assert signal["most_changed"][0]["changes"][0]["run"] == "profanity"
    assert signal["numbers"][0]["live"]["counts"]


def test_a_page_says_where_nothing_changed_or_could_be_compared() -> None:
    same = tallied(paired(safety(0.2), safety(0.2)))
    tally = SignalTally(SPECS["audio.speech"], most=20)
    for standing in (Standing.ONLY_RUN, Standing.ONLY_RUN, Standing.LIVE_NEWER):
        tally.count(standing)
    none = tally.diff(knows_only_live=False)
    written = diff_page(Diff(run="r", signals=(same, none)))
    assert "1 of 1 answers are the same." in written
    left = "1 with a newer live answer, 2 without a live answer."
    assert f"No two answers could be compared. Left out: {left}" in written
