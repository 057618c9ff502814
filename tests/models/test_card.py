import pytest

from earmark.models.card import cards_in, read_card, shipped_cards
from earmark.models.convert import conversion_id
from earmark.models.error import ConfigurationError

CARD = """
name = "tiny"
version = "1"
task = "nothing"
licence = "MIT"
[[files]]
name = "model.safetensors"
sha256 = "{sha256}"
sources = ["{source}"]
"""
SHA256 = "0123456789abcdef" * 4


def card_text(*, sha256: str = SHA256, source: str = "https://example.org/model") -> str:
    return CARD.format(sha256=sha256, source=source)


def test_a_card_is_read_as_it_is_written():
    card = read_card(card_text(), where="tiny.toml")
    assert (card.name, card.artefact, card.sha256) == ("tiny", "model.safetensors", SHA256)
    assert card.files[0].sources == ("https://example.org/model",)
    assert card.pinned


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name = ", "not a model card"),
        ('name = "tiny"', "not a model card"),
        (card_text() + 'colour = "red"', "colour"),
        (card_text() + "[[evaluation]]\nn = 3", "not a model card"),
        (
            card_text()
            + '[[evaluation]]\nsignal = "a"\ndata = "b"\nn = 3\nlimits = ""\nmetrics = {}',
            "evaluation of a on b: needs metrics, limits and n",
        ),
        (card_text(sha256="ABC"), "64 lower-case hex digits"),
        (card_text(source="ftp://example.org/model"), "begins with none of"),
        (card_text().replace('"tiny"', '"../tiny"'), "cannot be the name"),
        (card_text().replace('"model.safetensors"', '"../../model"'), "cannot be the name"),
        (
            card_text(source="http://example.org/model").replace(f'sha256 = "{SHA256}"', ""),
            "http source needs a sha256",
        ),
    ],
)
def test_what_is_wrong_with_a_card_is_said_with_its_place(text, complaint):
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        read_card(text, where="here/tiny.toml")
    assert str(caught.value).startswith("here/tiny.toml: ")


def test_only_toml_files_of_a_folder_are_cards(tmp_path):
    (tmp_path / "tiny.toml").write_text(card_text())
    (tmp_path / "README.md").write_text("no card")
    assert [card.name for card in cards_in(tmp_path)] == ["tiny"]


def test_the_default_set_is_shipped_with_every_hash_and_size():
    default = {card.name: card for card in shipped_cards() if card.default}
    assert set(default) == {
        "distillmos",
        "iab-content",
        "musicnn-msd",
        "musicnn-mtt",
        "letter-surprise",
        "lid-176",
        "spoken-english",
        "profanity-check",
        "scene",
        "py3langid",
        "silero-vad",
        "text-harm",
        "text-sentiment",
        "vader",
        "whisper-tiny.en",
        "wordllama-l2-supercat-256",
    }
    assert all(file.sha256 and file.size_bytes for card in default.values() for file in card.files)


def test_every_shipped_card_says_its_origin_and_names_a_conversion_that_exists():
    for card in shipped_cards():
        assert card.licence
        assert card.paper
        assert card.training_data
        assert conversion_id(card.conversion)
