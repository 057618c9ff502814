import json
from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.evaluation.gate import pass_gates, read_gates
from earmark.streams.evaluation.how import How
from earmark.streams.settings import load_settings

SHIPPED = Path(__file__).resolve().parents[2] / "data" / "evaluation" / "gate.toml"
ENTRY = '[[gate]]\nsignal = "text.language"\ndata = "set"\nmetric = "accuracy"\n'


def gates(folder: Path, text: str):
    file = folder / "gate.toml"
    file.write_text(text)
    return read_gates(file)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", r"holds \[\[gate\]\] tables"),
        ("[[gate", "gate.toml"),
        ('[[gate]]\nsignal = "x"', "gate 1: needs signal, data and metric"),
        (ENTRY, "gate 1: needs at_least or at_most"),
        (ENTRY + 'at_least = "much"', "at_least must be a number"),
        (ENTRY + "at_least = 1\nat_best = 2", "'at_best' is not known"),
    ],
)
def test_what_is_wrong_with_a_gate_file_is_named(tmp_path, text, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        gates(tmp_path, text)


def test_data_that_is_not_there_is_passed_over_and_said(tmp_path):
    (passage,) = pass_gates(gates(tmp_path, ENTRY + "at_least = 1"), load_settings(), How())
    assert passage.passed
    assert passage.line == f"skipped: text.language on set: accuracy: no {tmp_path / 'set'}"


@pytest.mark.weights
def test_a_figure_within_its_bounds_passes_and_one_beyond_them_does_not(tmp_path):
    (tmp_path / "set").mkdir()
    texts = ["The ship leaves the harbour at dawn.", "Das Schiff verlässt den Hafen im Morgen."]
    rows = [
        {"id": str(i), "kind": "text", "labels": {"language": "en"}, "text": text}
        for i, text in enumerate(texts)
    ]
    (tmp_path / "set" / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = pass_gates(
        gates(tmp_path, f"{ENTRY}at_most = 0.5\n{ENTRY}at_least = 0.6\n"), load_settings(), How()
    )
    assert [(it.passed, it.value) for it in found] == [(True, 0.5), (False, 0.5)]
    assert found[1].line == "text.language on set: accuracy is 0.5, not at least 0.6"
    with pytest.raises(ConfigurationError, match="no such figure; there are accuracy"):
        pass_gates(
            gates(tmp_path, ENTRY.replace('"accuracy"', '"acuracy"') + "at_least = 0"),
            load_settings(),
            How(),
        )


@pytest.mark.weights
def test_the_shipped_models_reach_the_figures_that_are_asked_of_them():
    passages = pass_gates(read_gates(SHIPPED), load_settings(), How(device="cpu"))
    assert [it.line for it in passages if not it.passed] == []
    assert any(it.value is not None for it in passages)
