"""A profile takes from a signal's record what its schema marks, and nothing that is long."""

import pytest

from earmark.processors.profile import Profile, profile_of, profile_signal, summary_of
from earmark.processors.release import golden_record
from earmark.processors.schema import avro_folder, newest, schema_of, schemas

SIGNALS = sorted(schema.name for schema in newest(schemas()).values() if schema.is_signal)


def of_golden(name: str) -> dict[str, object]:
    schema = schema_of(f"signals.{name}.v1")
    return dict(golden_record(avro_folder(), schema))


@pytest.mark.parametrize("name", [name.removeprefix("signals.") for name in SIGNALS])
def test_every_signal_fits_a_profile(name: str) -> None:
    record = of_golden(name)
    said = profile_signal(name, record)
    assert said.signal_id == record["signal_id"]
    assert all(isinstance(number, float) for number in said.numbers.values())
    assert sum(map(len, said.words.values())) < 100


def test_maps_and_labels_and_listed_words_are_taken() -> None:
    safety, music = of_golden("text.safety"), of_golden("audio.music")
    said = profile_signal("text.safety", safety)
    assert {f"scores.{label}": score for label, score in safety["scores"].items()}.items() <= (  # type: ignore[attr-defined]
        said.numbers.items()
    )
    assert said.labels == tuple(safety["labels"])  # type: ignore[arg-type]
    assert profile_signal("audio.music", music).words == {"voice": music["voice"]}


def test_what_was_said_never_gets_into_a_profile() -> None:
    assert summary_of("audio.transcript").words == ()
    assert summary_of("text.pii").words == ()


def test_a_profile_is_read_back_with_its_signals_in_order() -> None:
    record = dict(golden_record(avro_folder(), schema_of("content.profile.v1")))
    turned = {**record, "signals": record["signals"][::-1], "expected": ["b", "text.safety"]}
    profile = profile_of(turned)
    assert isinstance(profile, Profile)
    assert [signal.signal for signal in profile.signals] == ["text.language", "text.safety"]
    assert profile.missing == ("b",)
    assert profile.signal("text.safety") == profile.signals[1]
