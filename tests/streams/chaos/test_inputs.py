"""Inputs follow from the seed and their number, and are of all the kinds that there are."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from earmark.processors.codec import decode_event
from earmark.processors.content import INLINE_AUDIO_BYTES, validated
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.schema import CONTENT_EVENTS, schema_of
from earmark.streams.chaos.inputs import SHARES, Family, Inputs, Material
from earmark.streams.chaos.inputs_event import Ids
from earmark.streams.chaos.inputs_schema import WriterSchema
from earmark.streams.chaos.inputs_seed import Seed, recordings

NUMBERS = range(400)


@pytest.fixture(scope="module")
def material() -> Material:
    ours = WriterSchema(schema_id=1, definition=schema_of(CONTENT_EVENTS).definition)
    return Material(
        seed=1,
        recordings=recordings(),
        ids=Ids(events=1, others=(2, 3)),
        writers=(ours,),
        folder=Path("/media"),
    )


def test_an_input_is_the_same_each_time_and_another_for_another_seed(material: Material) -> None:
    inputs, again = Inputs(material), Inputs(material)
    other = Inputs(replace(material, seed=2))
    for number in reversed(range(40)):
        assert again.input(number) == inputs.input(number)
    assert sum(other.input(number) == inputs.input(number) for number in range(40)) == 0


def test_every_family_has_its_share(material: Material) -> None:
    inputs = Inputs(material)
    found = Counter(inputs.input(number).family for number in NUMBERS)
    assert found.keys() == SHARES.keys()
    assert found[Family.MEDIA] == pytest.approx(SHARES[Family.MEDIA] * len(NUMBERS), rel=0.2)


def test_recordings_lie_where_their_events_say(material: Material) -> None:
    inputs = Inputs(material)
    made = [one for one in map(inputs.input, NUMBERS) if one.family is Family.MEDIA]
    assert {one.path is None for one in made} == {True, False}
    for one in made:
        audio = validated(decode_event(one.value or b"")).audio
        assert audio is not None
        assert one.media is not None
        if one.path is None:
            assert audio.data == one.media
            assert len(one.media) <= INLINE_AUDIO_BYTES
        else:
            assert audio.uri == one.path.as_uri()
            assert one.path.parent == material.folder


def test_damage_to_the_avro_leaves_some_records_readable_and_others_not(
    material: Material,
) -> None:
    inputs, found = Inputs(material), Counter[str]()
    for one in map(inputs.input, NUMBERS):
        if one.family in (Family.RECORD, Family.FRAME) and one.value is not None:
            try:
                found[validated(decode_event(one.value)).source[:2]] += 1
            except ContentError as error:
                found[error.rejection_class] += 1
    assert found.keys() >= {"ea", RejectionClass.RECORD_UNDECODABLE}


def test_files_of_ones_own_are_mutated_as_often_as_recordings(material: Material) -> None:
    own = Seed(name="own", data=b"of one's own " * 100)
    inputs = Inputs(replace(material, files=(own,)))
    stories = [one.story for one in map(inputs.input, NUMBERS) if one.family is Family.MEDIA]
    share = sum(story.startswith("own: ") for story in stories) / len(stories)
    assert share == pytest.approx(0.5, abs=0.12)


def test_controls_are_good_events(material: Material) -> None:
    inputs = Inputs(material)
    controls = [inputs.control(number) for number in range(inputs.controls)]
    assert [one.media for one in controls] == [seed.data for seed in recordings()]
    assert len({validated(decode_event(one.value or b"")).content_id for one in controls}) == 35


def test_an_input_can_be_written_down(material: Material, tmp_path: Path) -> None:
    one = next(o for o in map(Inputs(material).input, NUMBERS) if o.family is Family.MEDIA)
    record, media = one.write(tmp_path)
    assert (record.read_bytes(), media.read_bytes()) == (one.value, one.media)
    assert record.name == f"{one.item}.record"
    assert replace(one, value=None, media=None).write(tmp_path) == []
