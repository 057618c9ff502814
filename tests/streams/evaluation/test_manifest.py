import json

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.evaluation.language import canonical
from earmark.streams.evaluation.manifest import datasets, event_of, read_manifest

ROW = {"id": "a", "kind": "text", "path": None, "labels": {"language": "en"}, "text": "Words."}


def manifest(folder, *rows):
    folder.mkdir(exist_ok=True)
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / "manifest.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_rows_become_events_that_declare_no_language_unless_asked(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.wav").write_bytes(b"RIFF")
    folder = manifest(tmp_path / "set", ROW, {**ROW, "id": "b", "path": "a.wav", "text": None})
    text, sound = read_manifest(folder).rows
    event = event_of(text)
    assert (event.content_id, event.language, event.texts[0].text) == ("set/a", None, "Words.")
    assert event_of(text, declares_language=True).language == "en"
    assert event_of(sound).audio.data == b"RIFF"
    assert not event_of(sound).texts


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{", "line 2: not JSON: .* at column 2"),
        ('{"id": "b", "kind": }', "line 2: not JSON: Expecting value at column 21"),
        ("[]", "line 2: not a JSON object"),
        ({"id": "b"}, "line 2: a row without kind"),
        ({**ROW, "id": "b", "text": None}, "line 2: neither path nor text"),
        ({**ROW, "id": "b", "path": "gone.wav"}, "line 2: no file"),
        (ROW, "line 2: a second row 'a'"),
        ({**ROW, "id": "b", "labels": 3}, "line 2: labels are not a JSON object"),
    ],
)
def test_a_line_that_is_no_row_is_named(tmp_path, row, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        read_manifest(manifest(tmp_path / "set", ROW, row))


def test_a_line_separator_within_a_text_ends_no_row(tmp_path):
    text = json.dumps({**ROW, "text": "one\u2028two"}, ensure_ascii=False)
    assert read_manifest(manifest(tmp_path / "set", text)).rows[0].text == "one\u2028two"


def test_two_sets_of_one_name_are_refused(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "y").mkdir()
    paths = [manifest(tmp_path / "x" / "set", ROW), manifest(tmp_path / "y" / "set", ROW)]
    with pytest.raises(ConfigurationError, match="two data sets are called 'set'"):
        datasets(paths)


@pytest.mark.parametrize(
    ("tag", "name"), [("deu", "de"), ("zh-Hant", "zh"), ("nb", "no"), ("cmn", "zh"), ("xyz", "xyz")]
)
def test_one_language_has_one_name(tag, name):
    assert canonical(tag) == name
