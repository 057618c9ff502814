"""`earmark signals` and `earmark topics acl` as people run them."""

import json
from pathlib import Path

import pytest

from earmark.processors.loader import load_specs
from earmark.streams.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    printed = capsys.readouterr()
    return int(str(ended.value.code)), printed.out, printed.err


def test_list_has_a_line_for_every_signal(capsys):
    code, out, _ = run(capsys, "signals", "list")
    assert code == 0
    assert all(name in out for name in load_specs())
    _, out, _ = run(capsys, "signals", "list", "--json")
    assert [json.loads(line)["signal"] for line in out.splitlines()] == sorted(load_specs())


def test_show_says_who_answers_for_it_and_how_right_it_is(capsys):
    code, out, _ = run(capsys, "signals", "show", "transcript")
    said = " ".join(out.split())
    assert code == 0
    assert "access: personal data" in said
    assert "95 % within 5 min" in said
    assert "word_error" in said
    _, out, _ = run(capsys, "signals", "show", "audio.transcript", "--json")
    figure = json.loads(out)["evaluation"][-1]["metrics"]["word_error"]
    assert figure["low"] <= figure["value"] <= figure["high"]


def test_the_catalogue_is_written_as_a_page_and_printed_as_json(capsys, tmp_path: Path):
    page = tmp_path / "signals.html"
    code, out, _ = run(capsys, "signals", "catalogue", "--html", str(page), "--json")
    assert code == 0
    assert {it["signal"] for it in json.loads(out)} == set(load_specs())
    assert "<h1>Signals</h1>" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("signals", "show", "nix"), "unknown signal 'nix'"),
        (("signals", "catalogue"), "say --html FILE"),
        (("signals", "catalogue", "--html", "gone/x.html"), "gone/x.html: No such file"),
        (("topics", "acl", "--principal", "x"), "a subscriber needs --read"),
        (("topics", "acl", "--principal", "User:", "--role", "worker"), "no principal"),
    ],
)
def test_what_was_asked_wrongly_ends_in_one_line(capsys, arguments, complaint):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert complaint in err
    assert "Traceback" not in err


def test_rules_of_access_are_printed_for_a_shell_and_as_json(capsys, monkeypatch):
    monkeypatch.setenv("EARMARK_KAFKA__BOOTSTRAP_SERVERS", "broker:9092")
    asked = ("topics", "acl", "--principal", "reports", "--read", "pii", "--group", "rep-")
    code, out, _ = run(capsys, *asked)
    assert code == 0
    assert out.splitlines()[0] == (
        "kafka-acls.sh --bootstrap-server broker:9092 --add --allow-principal User:reports "
        "--operation Read --operation Describe --topic signals.text.pii.v1"
    )
    _, out, _ = run(capsys, *asked, "--json")
    named = {(it["resource_type"], it["name"]) for it in map(json.loads, out.splitlines())}
    assert ("GROUP", "rep-") in named
