"""Claims about `content.explicit`: what decides, what does not, and when nothing is said."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors.content import ContentEvent, Text
from earmark.processors.identity import input_digest
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import ItemView
from earmark.processors.signals.content_explicit import ExplicitRule, content_explicit, lists
from earmark.processors.taxonomy.harm import schemes
from earmark.processors.threshold import shipped_thresholds

RULE = ExplicitRule(shipped_thresholds("content.explicit"))
CLEAN, STRONG = "I drive all night", "I drive and fuck the night"


def item(
    content_type: str = "TRACK",
    *,
    language: str = "en",
    said: str | None = None,
    label: str = "profanity",
    attributes: dict[str, str] | None = None,
    **texts: str,
) -> ItemView:
    """An item whose strong texts text.safety has found, with what its texts and speech say."""
    named = tuple(Text(field=field, text=text) for field, text in texts.items())
    spoken = {"transcript": said} if said else {}
    spans = [
        {"field": field, "start": 0, "end": len(text), "label": label, "score": 0.96}
        for field, text in {**texts, **spoken}.items()
        if "fuck" in text or "filthy" in text
    ]
    is_read = language == "en"
    kinds = [*(["text"] if texts and is_read else []), *(["audio"] if said and is_read else [])]
    results = {
        "text.safety": Result.ok(spans=spans, applied_input_types=kinds)
        if kinds
        else Result.abstained("LANGUAGE_UNSUPPORTED"),
        "audio.transcript": Result.ok(text=said, language=language)
        if said
        else Result.skipped("NO_SPEECH"),
    }
    event = ContentEvent(
        event_id="e",
        content_id="c",
        content_type=content_type,
        language=language,
        attributes=attributes or {},
        texts=named,
    )
    return ItemView(event=event, results=results)


def score(view: ItemView) -> Result:
    (result,) = RULE.score([view])
    return result


def said_of(view: ItemView) -> Any:
    result = score(view)
    assert (result.outcome == OutcomeKind.OK) == (result.fields["parental_warning"] != "Unknown")
    return result.fields["parental_warning"] if result.outcome == OutcomeKind.OK else result.reason


def reasons(result: Result) -> list[str]:
    evidence: Any = result.fields["evidence"]
    return [one["reason"] for one in evidence]


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (item(title="Night", lyrics=STRONG), "Explicit"),
        (item(title="Night", lyrics=CLEAN), "NotExplicit"),
        (item(title="Night"), "NO_WORDS"),
        (item(title="Night", description=STRONG, lyrics=CLEAN), "NotExplicit"),
        (item(title="Night", said=CLEAN), "NO_WORDS"),
        (item(title="Night", said=STRONG), "Explicit"),
        (item("EPISODE", title="Night", said=CLEAN), "NotExplicit"),
        (item("COMMENT", comment=CLEAN), "NotExplicit"),
        (item("COMMENT", comment=STRONG), "Explicit"),
        (item("COMMENT", comment="Toda la noche", language="es"), "LANGUAGE_UNSUPPORTED"),
        (item(title="Noche", lyrics="Toda la noche", language="es"), "LANGUAGE_UNSUPPORTED"),
        (item(title="Night", lyrics="What f*** is it"), "MASKED_WORDS"),
        (item(title="Night", lyrics="You filthy thing"), "LOW_CONFIDENCE"),
        (item(title="Night", lyrics="You filthy thing", label="spam"), "NotExplicit"),
        (item(title="Night", lyrics="You filthy thing", label="sexual"), "LOW_CONFIDENCE"),
        (item("OTHER", said=CLEAN), "NotExplicit"),
        (item("OTHER"), "NO_WORDS"),
    ],
)
def test_the_words_of_the_work_decide(view: ItemView, said: str) -> None:
    assert said_of(view) == said


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Night (Explicit)", "Explicit"),
        ("Night [Explicit Version]", "Explicit"),
        ("Noche (Versión Explícita)", "Explicit"),
        ("Nacht (Unzensiert)", "Explicit"),
        ("Night (Clean)", "ExplicitContentEdited"),
        ("Night [Clean Album Version]", "ExplicitContentEdited"),
        ("Night - Edited Version", "ExplicitContentEdited"),
        ("Nuit (Version censurée)", "ExplicitContentEdited"),
        ("Notte (Versione pulita)", "ExplicitContentEdited"),
        ("Night (Explicit) [Clean]", "CONTRADICTION"),
        ("Depeche Mode - Clean", "NO_WORDS"),
        ("Night (feat. Clean Bandit)", "NO_WORDS"),
        ("Night (Radio Edit)", "NO_WORDS"),
        ("Explicit", "NO_WORDS"),
    ],
)
def test_marks_in_titles_are_read_in_several_languages(title: str, said: str) -> None:
    assert said_of(item(title=title, language="xx")) == said


def test_a_mark_is_evidence_by_its_place() -> None:
    title = "Nacht (Zensiert)"
    (one,) = score(item(title=title)).fields["evidence"]
    assert title[one["start"] : one["end"]] == "Zensiert"
    assert (one["source"], one["field"], one["reason"]) == ("title", "title", "MARKED_EDITED")


@pytest.mark.parametrize(
    ("attributes", "said", "declared"),
    [
        ({"explicit": "true"}, "Explicit", "Explicit"),
        ({"itunes:explicit": "clean"}, "ExplicitContentEdited", "ExplicitContentEdited"),
        ({"parental_warning_type": "NotExplicit"}, "NotExplicit", "NotExplicit"),
        ({"parental_warning_type": "NoAdviceAvailable"}, "NO_WORDS", "Unknown"),
        ({"explicit": "perhaps"}, "NO_WORDS", None),
        ({"mood": "true"}, "NO_WORDS", None),
        ({"explicit": "yes", "itunes:explicit": "clean"}, "CONTRADICTION", "Explicit"),
    ],
)
def test_what_is_declared_decides_where_no_strong_word_does(
    attributes: dict[str, str], said: str, declared: str | None
) -> None:
    view = item(title="Night", attributes=attributes)
    assert said_of(view) == said
    assert score(view).fields["declared"] == declared


def test_strong_words_contradict_a_declaration_and_both_are_told() -> None:
    result = score(item(title="Night", lyrics=STRONG, attributes={"explicit": "no"}))
    assert result.fields["parental_warning"] == "Explicit"
    assert result.fields["declared"] == "NotExplicit"
    assert reasons(result) == ["DECLARED_NOT_EXPLICIT", "STRONG_WORD"]


def test_what_is_heard_is_explicit_whatever_is_declared() -> None:
    assert said_of(item(title="Night (Clean)", said=STRONG)) == "Explicit"


def test_strong_lyrics_of_an_edited_track_are_those_that_were_edited() -> None:
    assert said_of(item(title="Night (Clean)", lyrics=STRONG)) == "ExplicitContentEdited"
    assert said_of(item(title="Night (Radio Edit)", lyrics=STRONG)) == "EDIT_UNCLEAR"


def test_the_evidence_is_the_strong_word_itself() -> None:
    (one,) = score(item(title="Night", lyrics=STRONG)).fields["evidence"]
    assert STRONG[one["start"] : one["end"]] == "fuck"
    assert (one["source"], one["score"]) == ("lyrics", 0.96)


def test_a_strong_word_counts_only_where_text_safety_found_something() -> None:
    view = item("COMMENT", comment="They live in Scunthorpe, filthy old town")
    assert reasons(score(view)) == ["PROFANITY"]


def test_without_words_of_its_own_an_item_is_unknown_and_says_what_was_read() -> None:
    result = score(item(title="Night"))
    assert (result.outcome, result.fields["parental_warning"]) == (OutcomeKind.ABSTAINED, "Unknown")
    assert result.fields["read"] == ["title"]


def test_every_value_it_can_say_or_read_is_one_of_ddex() -> None:
    ddex = {row.code for row in schemes()["ddex"].rows}
    assert set(lists()["declared"].values()) <= ddex
    assert (lists()["version"],) == content_explicit.method[1:]
    assert content_explicit.taxonomy is not None
    assert content_explicit.taxonomy[1] in schemes()["ddex"].version


WORDS = st.sampled_from([CLEAN, STRONG, "f***", "(Clean)", "[Explicit]", "🔥", "filthy"])
ITEMS: st.SearchStrategy[ItemView] = st.builds(
    lambda kind, title, lyrics, said, language: item(
        kind, title=title, lyrics=lyrics, said=said, language=language
    ),
    st.sampled_from(["TRACK", "EPISODE", "COMMENT"]),
    st.lists(WORDS).map(" ".join),
    st.lists(WORDS).map("\n".join),
    st.none() | WORDS,
    st.sampled_from(["en", "es"]),
)


@given(st.lists(ITEMS, max_size=4))
def test_batches_do_not_change_outcomes(items: Sequence[ItemView]) -> None:
    assert RULE.score(items) == [score(view) for view in items]


@given(ITEMS)
def test_evidence_lies_within_its_text(view: ItemView) -> None:
    texts = {text.field: text.text for text in view.event.texts}
    evidence: Any = score(view).fields["evidence"]
    for one in evidence:
        if one["field"] in texts:
            assert texts[one["field"]][one["start"] : one["end"]].strip()


def test_it_loads_without_weights() -> None:
    loaded = content_explicit.load(
        store=ModelStore(), device=Device(), thresholds=shipped_thresholds("content.explicit")
    )
    assert isinstance(loaded, ExplicitRule)


def test_only_attributes_that_declare_advice_change_what_was_read() -> None:
    plain, declared, moody = (
        input_digest(content_explicit, item(title="Night", attributes=attributes).event, None)
        for attributes in ({}, {"explicit": "true"}, {"mood": "calm"})
    )
    assert plain == moody != declared
