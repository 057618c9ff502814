"""The shipped topics are those of the IAB Content Taxonomy, and their card says which bytes."""

import tomllib
from hashlib import sha256

from earmark.models.card import shipped_cards
from earmark.processors.taxonomy.harm import FOLDER

FILE = FOLDER / "iab_topics.toml"


def test_the_card_pins_the_topics_as_they_are() -> None:
    (card,) = [card for card in shipped_cards() if card.name == "iab-content"]
    table = tomllib.loads(FILE.read_text("utf-8"))
    assert card.sha256 == sha256(FILE.read_bytes()).hexdigest()
    assert card.version == table["version"]


def test_every_tier_1_topic_is_there_once_but_the_sensitive_ones() -> None:
    topics = tomllib.loads(FILE.read_text("utf-8"))["topic"]
    assert len(topics) == len({topic["id"] for topic in topics}) == 36
    assert len({topic["name"] for topic in topics}) == 36
    assert "Sensitive Topics" not in {topic["name"] for topic in topics}
    assert all(len(topic["phrases"]) >= 4 for topic in topics)
