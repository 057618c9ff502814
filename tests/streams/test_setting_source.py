"""A setting that is wrong is named, with where it stands and what to write instead."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from earmark.models.error import ConfigurationError
from earmark.streams.setting_source import known, section_of, variable_of
from earmark.streams.settings import Settings, load_settings


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the settings, which is not there yet."""
    path = tmp_path / "own.toml"
    monkeypatch.setenv("EARMARK_CONFIG", str(path))
    return path


def fault() -> str:
    with pytest.raises(ConfigurationError) as told:
        load_settings()
    return str(told.value)


def test_a_misspelt_name_in_the_file_is_told_with_the_name_that_was_meant(file: Path) -> None:
    file.write_text('[kafka]\npartitons = 3\n[registry]\nurl = "http://r"\n')
    assert fault() == (
        f"setting kafka.partitons ({file}): there is no such setting; "
        "did you mean kafka.partitions?"
    )


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("EARMARK_HOEM", "EARMARK_HOME"),
        ("EARMARK_WORKER__RETRY__ATEMPTS", "EARMARK_WORKER__RETRY__ATTEMPTS"),
        ("EARMARK_KAFKA_GROUP_ID", "EARMARK_KAFKA__GROUP_ID"),
    ],
)
def test_a_misspelt_variable_is_told_with_the_variable_that_was_meant(
    variable: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "7")
    assert f"({variable})" in fault()
    assert f"did you mean {meant}?" in fault()


def test_a_name_like_no_other_is_told_where_all_names_are(file: Path) -> None:
    file.write_text("[zebra]\nstripes = 3\n")
    assert "setting zebra" in fault()
    assert "`earmark config show` lists all" in fault()


@pytest.mark.parametrize(
    ("variable", "example"),
    [("MEDIA__ROOTS", '["one", "two"]'), ("WORKER__MODELS", '{"name": "value"}')],
)
def test_a_list_that_is_not_json_is_told_how_to_write_one(
    variable: str, example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"EARMARK_{variable}", "/srv/media")
    assert fault().endswith(f"(EARMARK_{variable}): write it as JSON, such as {example}")


def test_a_value_of_the_wrong_kind_is_told_with_its_place_and_how_many_more_there_are(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('[worker]\nfetchers = "many"\n')
    monkeypatch.setenv("EARMARK_KAFKA__PARTITIONS", "x")
    assert fault().startswith("setting kafka.partitions (EARMARK_KAFKA__PARTITIONS): ")
    assert "valid integer" in fault()
    assert fault().endswith("(and 1 more: see `earmark config check`)")


def test_a_variable_comes_before_the_file_and_is_blamed_for_its_own_value(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("[worker]\nfetchers = 3\n")
    monkeypatch.setenv("EARMARK_WORKER__FETCHERS", "x")
    assert "(EARMARK_WORKER__FETCHERS)" in fault()


def test_a_file_that_is_named_must_be_there_and_be_toml(file: Path) -> None:
    assert fault() == f"settings (EARMARK_CONFIG): there is no file {file}"
    file.write_text("home: elsewhere")
    assert fault().startswith(f"settings ({file}): it cannot be read: ")


@pytest.mark.parametrize(
    "name", ["EARMARK_WEB_SERVICE_HOST", "EARMARK_WEB_PORT", "EARMARK_WEB_PORT_80_TCP_ADDR"]
)
def test_the_addresses_of_services_that_kubernetes_adds_are_no_settings(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "tcp://10.0.0.1:80")
    assert load_settings()


def test_names_that_the_user_chooses_are_known_and_their_sections_are_checked(file: Path) -> None:
    file.write_text('[kafka.client]\n"sasl.password" = "x"\n[media.stores.cdn]\nuri = "u"\n')
    assert load_settings().kafka.client["sasl.password"].get_secret_value() == "x"
    file.write_text('[media.stores.cdn]\nuri = "u"\nsecrit = "x"\n')
    assert "setting media.stores.cdn.secrit" in fault()


def test_a_section_as_json_in_one_variable_is_checked_by_its_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EARMARK_KAFKA", json.dumps({"partitions": 3, "slto": "1"}))
    assert "setting kafka.slto (EARMARK_KAFKA)" in fault()


def test_a_message_never_holds_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_KAFKA__CLIENT", "hunter2")
    monkeypatch.setenv("EARMARK_REGISTRY__PASWORD", "hunter2")
    assert "hunter2" not in fault()


class Person(BaseModel):
    user: str


class People(BaseModel):
    people: tuple[Person, ...] = ()
    best: Person | None = None


def test_a_list_of_sections_is_one_setting_and_a_section_that_may_lack_is_its_fields() -> None:
    assert list(known(People)) == [("people",), ("best", "user")]
    assert section_of(People.model_fields["best"].annotation) is Person
    assert section_of(People.model_fields["people"].annotation) is None


def test_every_setting_has_a_variable_of_its_own() -> None:
    names = [variable_of(path) for path in known(Settings)]
    assert len(names) == len(set(names)) > 60
    assert "EARMARK_WORKER__BREAKER__IN_A_ROW" in names
