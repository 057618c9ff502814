"""Claims about `text.language`."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors.content import ContentEvent, Text
from earmark.processors.outcome import OutcomeKind
from earmark.processors.signal import ItemView
from earmark.processors.signals.text_language import LanguageScorer, text_language
from earmark.processors.threshold import shipped_thresholds
from earmark.streams.evaluation.language import canonical

pytestmark = pytest.mark.weights

LABELLED = Path(__file__).parents[4] / "shared/evaldata/text_langid/manifest.jsonl"
SPANISH = "Toda persona tiene derecho a la propiedad, individual y colectivamente."
ENGLISH = "Everyone has the right to own property alone as well as in association with others."

# of our own, each as long as a line of a song or the name of a video
LINES = {
    "af": "Ek weet nie waarom hulle so laat kom nie",
    "am": "ዛሬ ወደ ገበያ ሄጄ ነበር",
    "ar": "ذهبت إلى السوق مع أخي",
    "be": "Сёння я не хачу ісці дадому",
    "bg": "Не знам какво да правя с това",
    "bn": "আমি আজ বাজারে যাব",
    "cs": "Nevím, proč jsem ještě tady",
    "da": "Jeg ved ikke, hvad der blev af mig",
    "el": "Δεν ξέρω τι να σου πω",
    "fa": "نمی‌دانم چرا او به خانه نرفت",
    "fo": "Eg veit ikki, hvør tað er sum kemur",
    "gl": "Non sei onde deixei a miña casa",
    "gu": "મને ખબર નથી તે ક્યાં છે",
    "he": "אני לא יודע מה לעשות היום",
    "hi": "मुझे नहीं पता वह कहाँ है",
    "hr": "Ne znam tko je ovdje lijepo pjevao",
    "hu": "Nem tudom, hol van a házam",
    "hy": "Ես չգիտեմ, թե որտեղ է նա",
    "id": "Aku tidak bisa pergi karena hujan",
    "ig": "Ọ bụ ezigbo nwa, anyị hụrụ ya n'anya",
    "is": "Ég veit ekki hvað það er sem þú vilt",
    "ja": "今日はどこへ行きますか",
    "ka": "არ ვიცი სად არის ჩემი სახლი",
    "kk": "Мен бүгін үйге қайтып бара жатырмын",
    "km": "ខ្ញុំមិនដឹងថាគាត់នៅទីណាទេ",
    "ko": "나는 오늘 집에 가고 싶어요",
    "mk": "Не знам што ќе правам со ова",
    "ms": "Saya tidak tahu kerana wang itu sahaja",
    "my": "ကျွန်တော် ဒီနေ့ အိမ်ပြန်မယ်",
    "ne": "मलाई थाहा छैन ऊ कहाँ छ",
    "nl": "Ik weet niet waar zij naar toe gaat",
    "no": "Jeg vet ikke hva som ble av meg",
    "nn": "Eg veit ikkje kva dei gjer no",
    "pt": "Eu não sei onde ela mora",
    "ru": "Я не знаю, что это было",
    "si": "මම අද ගෙදර යනවා",
    "sk": "Neviem, prečo som ešte tu s tebou",
    "sr": "Не знам где је моја кућа",
    "sv": "Jag vet inte vad som hände med mig",
    "ta": "நான் இன்று வீட்டிற்குச் செல்கிறேன்",
    "te": "నేను ఈ రోజు ఇంటికి వెళ్తున్నాను",
    "th": "ฉันไม่รู้ว่าเขาอยู่ที่ไหน",
    "tr": "Bugün eve gitmek istemiyorum",
    "uk": "Я не знаю, що це було",
    "ur": "مجھے نہیں معلوم وہ کہاں ہے",
    "vi": "Tôi không biết anh ấy ở đâu",
    "yi": "איך ווייס ניט וואו ער איז געגאנגען",
    "zh": "我不知道他在哪里",
    "zu": "Angazi ukuthi uphi umntwana wami namhlanje",
}
HOSTILE = [
    "\0" * 40,
    "</s>" * 40,
    "__label__en " * 9,
    "\ud800" * 40,
    "a" * 300_000,
    "\u202e\u0301" * 400,
]
TEXTS = [SPANISH, ENGLISH, "", "🔥🔥", "Hola", "愛してるよ、ずっと", "WTF 2:34", ENGLISH.upper()]


@pytest.fixture(scope="module")
def scorer() -> LanguageScorer:
    made = text_language.load(
        store=ModelStore(), device=Device(), thresholds=shipped_thresholds("text.language")
    )
    assert isinstance(made, LanguageScorer)
    return made


def item(*texts: str) -> ItemView:
    named = tuple(Text(field=f"text_{i}", text=text) for i, text in enumerate(texts))
    return ItemView(event=ContentEvent(event_id="e", content_id="c", texts=named))


def test_each_text_and_the_item_get_a_language(scorer: LanguageScorer) -> None:
    (result,) = scorer.score([item(ENGLISH, SPANISH * 3)])
    assert result.fields["language"] == "es"
    assert [entry["language"] for entry in result.fields["fields"]] == ["en", "es"]
    assert all(entry["probability"] > 0.9 for entry in result.fields["fields"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello",
        "🔥 🔥 🔥",
        "https://example.org/una/palabra/mas",
        "@una_amiga 99",
        "La la la la la la la",
    ],
)
def test_too_little_text_abstains(scorer: LanguageScorer, text: str) -> None:
    (result,) = scorer.score([item(text)])
    assert (result.outcome, result.reason) == (OutcomeKind.ABSTAINED, "TOO_LITTLE_TEXT")
    assert result.fields["fields"] == [{"field": "text_0", "language": None, "probability": None}]


def test_a_name_that_could_be_any_language_abstains(scorer: LanguageScorer) -> None:
    (result,) = scorer.score([item("Bohemian Rhapsody")])
    assert (result.outcome, result.reason) == (OutcomeKind.ABSTAINED, "LOW_CONFIDENCE")


@pytest.mark.parametrize(("language", "line"), LINES.items())
def test_a_short_line_is_enough(scorer: LanguageScorer, language: str, line: str) -> None:
    (result,) = scorer.score([item(line)])
    assert result.fields.get("language") == language


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("ne", "तिमी कहाँ छौ"),
        ("ti", "ናይ መን እዩ እዚ ኣብ ገዛ"),
        ("yi", "דער מאן און די פרוי"),
        ("hr", "Tko je otvorio prozor"),
    ],
)
def test_a_word_that_the_neighbour_lacks_makes_it_sure(
    scorer: LanguageScorer, language: str, line: str
) -> None:
    (result,) = scorer.score([item(line)])
    assert result.fields.get("language") == language
    assert result.fields["probability"] > 0.75


def test_names_are_of_bcp_47_and_no_two_mean_one_language(scorer: LanguageScorer) -> None:
    (result,) = scorer.score([item("Ọ bụ ezigbo nwa", "Nĩ wega mũno, nĩ ndakena gũkuona")])
    assert [entry["language"] for entry in result.fields["fields"]] == ["ig", "ki"]


@pytest.mark.parametrize("text", ["xqzt vrrk plmf wqzz", "OMG LOL WTF BRB"])
def test_what_is_no_language_has_no_sure_answer(scorer: LanguageScorer, text: str) -> None:
    (result,) = scorer.score([item(text)])
    assert (result.fields.get("probability") or 0.0) < 0.7


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_answered_and_changes_nothing_for_others(
    scorer: LanguageScorer, text: str
) -> None:
    hostile, honest = scorer.score([item(text), item(SPANISH)])
    assert hostile.outcome in (OutcomeKind.OK, OutcomeKind.ABSTAINED)
    assert honest == scorer.score([item(SPANISH)])[0]


@pytest.mark.skipif(not LABELLED.exists(), reason="the labelled sets are not beside the checkout")
@pytest.mark.parametrize("longest", [10_000, 60])
def test_labelled_texts_in_eighty_languages_are_named_right(
    scorer: LanguageScorer, longest: int
) -> None:
    rows = [json.loads(line) for line in LABELLED.read_text("utf-8").splitlines()]
    rows = [row for row in rows if len(row["text"]) <= longest]
    found = [
        result.fields.get("language") for result in scorer.score([item(r["text"]) for r in rows])
    ]
    named = [canonical(row["labels"].get("bcp47") or row["labels"]["language"]) for row in rows]
    right = [each == truth for each, truth in zip(found, named, strict=True)]
    assert sum(right) / len(right) >= 0.95


def test_links_handles_and_emojis_do_not_change_the_language(scorer: LanguageScorer) -> None:
    noisy = f"🔥 @some_english_name {SPANISH} https://example.org/the/english/word #song 🔥"
    (result,) = scorer.score([item(noisy)])
    assert result.fields["language"] == "es"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.lists(st.sampled_from(TEXTS), max_size=3), min_size=1, max_size=6))
def test_batches_do_not_change_outcomes(scorer: LanguageScorer, items: list[list[str]]) -> None:
    views = [item(*texts) for texts in items]
    for result, view in zip(scorer.score(views), views, strict=True):
        (alone,) = scorer.score([view])
        assert (result.outcome, result.reason) == (alone.outcome, alone.reason)
        assert result.fields.get("language") == alone.fields.get("language")
        assert result.fields.get("probability") == pytest.approx(alone.fields.get("probability"))
