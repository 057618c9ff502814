"""The table of music tags is total."""

from collections import Counter

import pytest

from earmark.models.store import ModelStore
from earmark.processors.taxonomy.music import NETWORKS, in_our_words, music_tags
from earmark.processors.threshold import shipped_thresholds


@pytest.mark.parametrize("network", NETWORKS)
def test_each_tag_of_a_network_has_one_place(network: str) -> None:
    placed = Counter(name for tag in music_tags() for name in tag.theirs[network])
    assert placed == Counter(ModelStore().card(f"musicnn-{network}").labels)


def test_each_name_stands_once() -> None:
    names = [tag.name for tag in music_tags()]
    assert len(set(names)) == len(names)


def test_each_group_has_a_threshold() -> None:
    thresholds = shipped_thresholds("audio.music").values
    assert {f"{tag.group}_probability" for tag in music_tags()} < thresholds.keys()


def test_of_several_names_the_likeliest_counts() -> None:
    theirs = ModelStore().card("musicnn-mtt").labels
    known = {"man": 0.4, "male voice": 0.1, "guitar": 0.2}
    said = in_our_words(theirs, [known.get(name, 0.0) for name in theirs], network="mtt")
    assert said["male voice"] == 0.4
    assert said["guitar"] == 0.2
    assert "jazz" not in said
