"""`earmark bench` as it is called."""

import json

from click.testing import CliRunner

from earmark.streams.commands.bench import bench


def test_json_names_the_machine_and_each_row_asked_for():
    result = CliRunner().invoke(bench, ["--json", "--quick", "--only", "codec_encode"])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["machine"]["cores"] >= 1
    assert [row["name"] for row in said["rows"]] == ["codec_encode"]


def test_a_row_that_is_not_known_is_a_usage_error():
    result = CliRunner().invoke(bench, ["--only", "nothing"])
    assert result.exit_code == 2
    assert "codec_encode" in result.stderr


def test_a_row_of_another_group_is_a_usage_error():
    result = CliRunner().invoke(bench, ["delivery", "--only", "decode"])
    assert result.exit_code == 2
    assert "transactions" in result.stderr
