"""`earmark bench` as it is called."""

import json
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from earmark.models.error import ConfigurationError
from earmark.streams.bench.catalogue import GPU, GROUPS, ROWS, ByMix, asked, by_mix, every
from earmark.streams.bench.mix import Mix
from earmark.streams.bench.plan import Plan
from earmark.streams.commands.bench import bench


def called(*arguments: object) -> Result:
    return CliRunner().invoke(bench, [str(each) for each in arguments])


def test_json_names_the_machine_and_each_row_asked_for() -> None:
    result = called("--json", "--quick", "--only", "codec_encode")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["machine"]["cores"] >= 1
    assert said["machine"]["versions"]["torch"]
    assert said["machine"]["settings"]["quick"] is True
    (row,) = said["rows"]
    assert row["name"] == "codec_encode"
    assert row["details"]["value_min"] <= row["value"] <= row["details"]["value_max"]


def test_a_row_that_is_not_known_is_a_usage_error() -> None:
    result = called("--only", "nothing")
    assert result.exit_code == 2
    assert "codec_encode" in result.stderr


def test_a_row_of_another_group_is_a_usage_error() -> None:
    result = called("delivery", "--only", "decode")
    assert result.exit_code == 2
    assert "transactions" in result.stderr


def test_options_before_the_group_hold_for_it() -> None:
    result = called("--json", "--quick", "codec", "--only", "codec_decode")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["machine"]["settings"]["quick"] is True


def test_a_signal_without_a_model_is_a_usage_error() -> None:
    assert called("model", "audio.loudness").exit_code == 2
    assert called("model", "audio.nothing").exit_code != 0


def test_a_row_that_needs_a_gpu_is_skipped_on_a_cpu(tmp_path: Path) -> None:
    arguments = ("--only", "music_on_gpu", "--device", "cpu", "--json")
    result = called("all", *arguments, "--out", tmp_path / "out.json")
    assert result.exit_code == 0, result.output
    (skipped,) = json.loads(result.stdout)["skipped"]
    assert skipped["name"] == "music_on_gpu"
    assert "GPU" in skipped["reason"]


def test_a_result_is_compared_resumed_and_drawn(tmp_path: Path) -> None:
    out, page = tmp_path / "out.json", tmp_path / "page"
    assert called("codec", "--quick", "--only", "codec_decode", "--out", out).exit_code == 0
    first = out.read_text()
    again = called("codec", "--quick", "--only", "codec_decode", "--out", out, "--resume")
    assert again.exit_code == 0
    assert json.loads(out.read_text())["rows"] == json.loads(first)["rows"]

    whole = called("codec", "--only", "codec_decode", "--out", out, "--resume")
    assert isinstance(whole.exception, ConfigurationError)  # not the same amount of work

    slower = json.loads(first)
    slower["rows"][0]["value"] *= 3
    better = tmp_path / "better.json"
    better.write_text(json.dumps(slower))
    arguments = ("--only", "codec_decode", "--out", out, "--resume", "--against", better)
    worse = called("codec", "--quick", *arguments, "--report", page)
    assert worse.exit_code == 1
    assert "worse" in worse.output
    assert "codec_decode" in (page / "index.html").read_text()


def test_two_files_are_compared(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert called("--quick", "--only", "codec_decode", "--out", out).exit_code == 0
    same = called("compare", out, out, "--json")
    assert same.exit_code == 0
    assert {each["verdict"] for each in json.loads(same.stdout)["changes"]} == {"same"}
    (tmp_path / "odd.json").write_text("{}")
    assert called("compare", out, tmp_path / "odd.json").exit_code != 0


def test_corpus_makes_recordings_and_texts_and_names_them(tmp_path: Path) -> None:
    arguments = ("corpus", "--out", tmp_path, "--mix", "voice", "--mix", "text", "--count", 2)
    result = called(*arguments, "--json")
    assert result.exit_code == 0, result.output
    made = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["mix"] for each in made] == ["voice", "voice"]
    assert all(Path(each["path"]).is_file() for each in made)
    assert len((tmp_path / "texts.jsonl").read_text().splitlines()) == 2


def test_a_row_by_mix_is_measured_once_for_each_mix_asked_for() -> None:
    row = by_mix("worker_rows", "worker", (Mix.MUSIC, Mix.VOICE))
    assert isinstance(row, ByMix)
    assert list(asked({"w": row}, tuple(Mix), ())) == ["w[music]", "w[voice]"]
    assert list(asked({"w": row}, (Mix.VOICE, Mix.TEXT), ())) == ["w[voice]"]
    assert list(asked({"w": row}, tuple(Mix), ("w[music]",))) == ["w[music]"]
    assert list(asked({"w": row}, tuple(Mix), ("w",))) == ["w[music]", "w[voice]"]


def test_all_has_every_row_of_every_group() -> None:
    rows = every()
    assert rows.keys() >= ROWS.keys() | GPU.keys() | {"model[audio.music]", "model[text.safety]"}
    assert all(rows.keys() >= group.keys() for group in GROUPS.values())


def test_the_recordings_are_those_of_the_corpus_where_there_is_one(plan: Plan) -> None:
    assert plan.recordings.is_relative_to(plan.folder)
    assert plan.mixes == tuple(Mix)


@pytest.mark.parametrize("name", [name for name in every() if not name.startswith("model[")])
def test_what_the_catalogue_names_is_there(name: str) -> None:
    entry = every()[name]
    measure = entry.measure if isinstance(entry, ByMix) else entry
    assert isinstance(measure, partial)
    module, function = measure.args
    assert callable(getattr(import_module(f"earmark.streams.bench.{module}"), function))


def test_each_group_says_what_is_in_it() -> None:
    for group, rows in GROUPS.items():
        said = called(group, "--help").output if rows else ""
        assert all(name in " ".join(said.split()) for name in rows)
