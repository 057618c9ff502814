"""Claims about sentences."""

from hypothesis import given
from hypothesis import strategies as st

from earmark.processors.sentence import LONGEST_SENTENCE, sentences


def texts_of(text: str) -> list[str]:
    return [text[sentence.start : sentence.end] for sentence in sentences(text)]


@given(st.text(alphabet=st.sampled_from("aB .!?…\"'\n\t。愛🔥")) | st.text())
def test_sentences_hold_the_whole_text_but_white_space(text: str) -> None:
    assert "".join("".join(texts_of(text)).split()) == "".join(text.split())


@given(st.text(alphabet=st.sampled_from("a .!\n")))
def test_sentences_are_in_order_and_do_not_overlap(text: str) -> None:
    borders = [border for sentence in sentences(text) for border in (sentence.start, sentence.end)]
    assert borders == sorted(borders)


@given(st.integers(1, 3_000), st.integers(1, 900))
def test_no_sentence_outgrows_the_limit(length: int, word: int) -> None:
    text = " ".join(["a" * word] * (length // word + 1))
    assert all(len(sentence) <= LONGEST_SENTENCE for sentence in texts_of(text))


def test_a_text_falls_into_its_sentences() -> None:
    text = "Stop! Who goes there? \n\n“It is I.” We met Dr. J. Doe at 5 p.m. today. End"
    assert texts_of(text) == [
        "Stop!",
        "Who goes there?",
        "“It is I.”",
        "We met Dr. J. Doe at 5 p.m. today.",
        "End",
    ]


def test_full_stops_of_chinese_and_japanese_need_no_space() -> None:
    assert texts_of("我爱你。你好吗？好") == ["我爱你。", "你好吗？", "好"]


def test_numbers_and_addresses_are_not_cut() -> None:
    assert texts_of("Version 2.11 is at example.org now") == ["Version 2.11 is at example.org now"]
