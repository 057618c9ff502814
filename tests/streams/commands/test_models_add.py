"""`earmark models add`: a card for a checkpoint, which then serves like the shipped ones."""

import json
import shutil
from pathlib import Path

import pytest

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.models.text_classifier import load_text_classifier
from earmark.streams.cli import main


@pytest.fixture(scope="module")
def roberta(tiny, tmp_path_factory) -> Path:
    return tiny(
        tmp_path_factory.mktemp("made") / "my model",
        "Roberta",
        "ForSequenceClassification",
        vocab_size=400,
        pad_token_id=1,
        max_position_embeddings=34,
        id2label={0: "Self-Harm", 1: "spam"},
        problem_type="multi_label_classification",
    )


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["models", *arguments])
    printed = capsys.readouterr()
    return int(str(ended.value.code)), printed.out, printed.err


def changed(folder: Path, place: Path, **config: object) -> Path:
    shutil.copytree(folder, place)
    table = json.loads((place / "config.json").read_text())
    (place / "config.json").write_text(json.dumps(table | config))
    return place


def test_a_folder_becomes_a_model_that_serves(home, capsys, roberta):
    options = ("--licence", "MIT", "--language", "en", "--json")
    code, out, err = run(capsys, "add", str(roberta), *options)
    assert (code, json.loads(out)["name"]) == (0, "my-model"), err
    assert run(capsys, "pull", "my-model")[0] == 0
    store = ModelStore(home / "models", offline=True)
    card = store.card("my-model")
    assert card.pinned
    assert (card.licence, card.languages) == ("MIT", ("en",))
    assert card.checkpoint is not None
    assert card.checkpoint.activation == "sigmoid"
    classifier = load_text_classifier(store, "my-model", Device())
    assert classifier.labels == ("self_harm", "spam")
    assert classifier.probabilities(["a lovely song"]).shape == (1, 2)


def test_labels_that_are_not_ours_are_left_open(home, capsys, roberta, tmp_path):
    folder = changed(roberta, tmp_path / "rude", id2label={0: "rude", 1: "spam"})
    assert run(capsys, "add", str(folder))[0] == 0
    text = (home / "models" / "cards" / "rude.toml").read_text()
    assert '# "rude" = # none of ours' in text
    assert '"spam" = "spam"' in text


@pytest.mark.parametrize(
    ("architecture", "labels", "kind"),
    [
        ("ASTForAudioClassification", ["Speech"], "audio-classification"),
        ("BertModel", [], "embedding"),
        ("DebertaV2ForSequenceClassification", ["entailment", "not_entailment"], "entailment"),
    ],
)
def test_the_kind_is_what_the_config_says(
    home, capsys, roberta, tmp_path, architecture, labels, kind
):
    config = {"architectures": [architecture], "id2label": dict(enumerate(labels))}
    folder = changed(roberta, tmp_path / "other", **config)
    assert run(capsys, "add", str(folder))[0] == 0
    card = ModelStore(home / "models").card("other")
    assert card.checkpoint is not None
    assert card.checkpoint.kind == kind


def test_a_repository_is_not_asked_before_the_pull(home, capsys):
    place = "someone/some-model@v2"
    assert run(capsys, "add", place, "--task", "sequence-classification", "--json")[0] == 0
    card = ModelStore(home / "models").card("some-model")
    assert not card.pinned
    assert card.version == "v2"
    assert card.files[0].sources == ("hf://someone/some-model@v2/model.safetensors",)


def test_pickles_alone_are_refused(home, capsys, roberta, tmp_path):
    folder = changed(roberta, tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    code, _, err = run(capsys, "add", str(folder))
    assert code == 2
    assert "pickled (pytorch_model.bin)" in err
    assert len(err.splitlines()) == 1


def test_code_of_its_own_is_refused(home, capsys, roberta, tmp_path):
    folder = changed(roberta, tmp_path / "remote", auto_map={"AutoModel": "m.M"})
    code, _, err = run(capsys, "add", str(folder))
    assert (code, "auto_map" in err, len(err.splitlines())) == (2, True, 1)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nowhere",), "neither a folder nor a repository"),
        (("someone/some-model",), "say --task"),
        (
            ("someone/profanity-check", "--task", "embedding"),
            "there is a card 'profanity-check' already",
        ),
    ],
)
def test_what_cannot_be_added_is_one_line(home, capsys, arguments, complaint):
    code, _, err = run(capsys, "add", *arguments)
    assert code == 2
    assert complaint in err
    assert len(err.splitlines()) == 1
