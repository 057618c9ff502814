"""Claims about the measures of form, each by the texts that it must tell apart."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.processors.quality.damage import disguise, markup, mojibake, template
from earmark.processors.quality.prose import Prose, prose, word_count
from earmark.processors.quality.readability import readability, syllables
from earmark.processors.quality.spam import spam
from earmark.processors.quality.style import repetition, shouting

Measure = Callable[[Prose], float | None]

PLAIN = [
    "The choir sings on Sunday morning, and the whole village comes to listen.",
    "Der Chor singt am Sonntag. Ganz schön für 5 €!",
    "Ça c’est l’été à Besançon — où êtes-vous ?",
    "合唱团星期天早上唱歌，全村的人都来听。",
    "הַמַּקְהֵלָה שָׁרָה ביום ראשון",
    "می‌خواهم این آهنگ را بشنوم",
    "गाना बजानेवालों ने रविवार को गाया",
    "I ❤️ this 👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 <3 :)",
    "Хор поёт в воскресенье утром",
    "5 kΩ, 3 µm, 20 °C & more [live]",
]


@pytest.mark.parametrize("measure", [template, mojibake, markup, disguise])
@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_text_in_any_script_is_undamaged(measure: Measure, text: str) -> None:
    assert measure(prose(text)) == 0


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_text_does_not_shout_repeat_or_advertise(text: str) -> None:
    assert (shouting(prose(text)) or 0) < 0.3
    assert (repetition(prose(text)) or 0) < 0.1
    assert (spam(prose(text)) or 0) < 0.3


@pytest.mark.parametrize(
    ("measure", "text", "at_least"),
    [
        (shouting, "THIS SONG IS THE BEST EVER", 1.0),
        (shouting, "ЭТА ПЕСНЯ ЛУЧШАЯ В МИРЕ", 1.0),
        (repetition, "sooooooooooooo", 0.5),
        (repetition, "buy buy buy buy buy", 1.0),
        (repetition, "first! subscribe to me " * 6, 0.6),
        (repetition, "我爱你我爱你" * 12, 0.6),
        (spam, "CLICK HERE to WIN $1000 FREE cash!!! http://x.example", 0.8),
        (spam, "check out my channel and follow me, link in bio https://x.example", 0.6),
        (spam, "Jetzt kaufen! 50% Rabatt, kostenlos testen: www.x.example", 0.6),
        (template, "{name} by {artist}", 0.7),
        (template, "Dear [First Name], welcome", 0.7),
        (template, "Lorem ipsum dolor sit amet", 1.0),
        (template, "TBD", 1.0),
        (template, "No description available.", 1.0),
        (mojibake, "CafÃ© del Mar", 0.5),
        (mojibake, "itâ€™s a song", 0.5),
        (mojibake, "ÐŸÑ€Ð¸Ð²ÐµÑ‚ Ð¼Ð¸Ñ€", 0.9),
        (mojibake, "Bj\ufffdrk", 0.9),
        (markup, "<p>Hello <b>you</b></p>", 0.9),
        (markup, "Rock &amp; Roll &quot;live&quot;", 0.9),
        (disguise, "buy v\u200bi\u200ba\u200bgra", 0.9),
        (disguise, "раураl is your friend", 0.9),
        (disguise, "𝓯𝓻𝓮𝓮 money", 0.9),
    ],
)
def test_what_is_poor_is_told(measure: Measure, text: str, at_least: float) -> None:
    assert (measure(prose(text)) or 0) >= at_least


@pytest.mark.parametrize(
    "text", ["YMCA", "HUMBLE.", "GB59NAWV77136867049356 B-52", "AC/DC", "", "99 🔥"]
)
def test_a_few_capitals_do_not_shout(text: str) -> None:
    assert not shouting(prose(text))


def test_links_handles_and_hashtags_are_counted_and_not_read() -> None:
    read = prose("see https://x.example/Y @jo #SONG jo@example.org WWW.X.EXAMPLE nice")
    assert (read.links, read.emails, read.tags) == (2, 1, 2)
    assert read.words == ("see", "nice")


def test_words_are_counted_where_there_are_no_spaces() -> None:
    assert word_count("The choir sings – 🔥 !") == 3
    assert word_count("गाना बजानेवालों ने") == 3
    assert word_count("我爱音乐") == 2
    assert word_count("") == 0


@pytest.mark.parametrize(
    ("language", "word", "count"),
    [
        ("en", "readability", 5),
        ("en", "the", 1),
        ("en", "table", 2),
        ("en", "wanted", 2),
        ("en", "makes", 1),
        ("de", "Donaudampfschiff", 4),
        ("es", "poesía", 4),
        ("es", "canción", 2),
        ("fr", "parole", 2),
        ("fr", "politique", 3),
        ("pt", "condição", 3),
        ("it", "musica", 3),
        ("nl", "vrijheid", 2),
        ("ru", "свобода", 3),
        ("tr", "özgürlük", 3),
    ],
)
def test_syllables_follow_the_vowels_of_the_language(language: str, word: str, count: int) -> None:
    assert syllables([word], language) == count


def test_long_words_and_sentences_read_harder() -> None:
    easy = readability(prose("The cat sat on the mat. It was a fat cat. "), "en", 2)
    hard = readability(
        prose("Notwithstanding contractual considerations, beneficiaries relinquish entitlements."),
        "en",
        1,
    )
    assert easy.flesch_reading_ease is not None
    assert hard.flesch_reading_ease is not None
    assert hard.flesch_reading_ease < 0
    assert easy.flesch_reading_ease > 90
    assert easy.lix is not None
    assert hard.lix is not None
    assert easy.lix < 10
    assert hard.lix > 60


def test_a_language_without_formula_has_no_readability() -> None:
    read = readability(prose("Kuimba kwaya Jumapili asubuhi"), "sw", 1)
    assert (read.flesch_reading_ease, read.lix) == (None, None)


MEASURES: list[Measure] = [shouting, repetition, spam, template, mojibake, markup, disguise]


@given(st.text(max_size=200))
def test_every_measure_is_between_0_and_1_or_unsaid(text: str) -> None:
    read = prose(text)
    assert all(0 <= (measure(read) or 0) <= 1 for measure in MEASURES)


@pytest.mark.parametrize(
    "unit", ["a@", "7", "<", "<a", "{", "&a", "[", "!", "www.", "http://", "É", "\u200b", "a\u200b"]
)
def test_a_huge_hostile_text_is_measured(unit: str) -> None:
    text = unit * (500_000 // len(unit))
    read = prose(text)
    assert word_count(text) <= 1
    assert all(0 <= (measure(read) or 0) <= 1 for measure in MEASURES)
