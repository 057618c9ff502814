import hashlib
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from earmark.models import convert
from earmark.models.error import (
    ConfigurationError,
    ModelError,
    WeightsCorruptError,
    WeightsMissingError,
)
from earmark.models.store import ModelStore, default_home


@pytest.fixture
def published(tmp_path) -> Path:
    path = tmp_path / "published.safetensors"
    save_file({"weight": np.arange(4, dtype=np.float32)}, path)
    return path


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "models"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_card(
    root: Path,
    *sources: str,
    file: str = "model.safetensors",
    sha256: str | None,
    conversion: str = "identity",
) -> None:
    (root / "cards").mkdir(parents=True, exist_ok=True)
    pin = f'sha256 = "{sha256}"' if sha256 else ""
    (root / "cards" / "tiny.toml").write_text(
        f"""
        name = "tiny"
        version = "1"
        task = "nothing"
        licence = "MIT"
        conversion = "{conversion}"
        [[files]]
        name = "{file}"
        {pin}
        sources = {list(sources)}
        """
    )


def test_pull_brings_the_weights_and_path_finds_them(root, published):
    write_card(root, published.as_uri(), sha256=sha256(published))
    path = ModelStore(root).pull("tiny")
    assert path == ModelStore(root).path("tiny") == root / "tiny" / "1" / "model.safetensors"
    assert load_file(path)["weight"].tolist() == [0, 1, 2, 3]


def test_a_second_pull_asks_no_source(root, published):
    write_card(root, published.as_uri(), sha256=sha256(published))
    ModelStore(root).pull("tiny")
    published.unlink()
    reports = []
    ModelStore(root).pull("tiny", lambda *report: reports.append(report))
    assert reports == []


def test_progress_ends_at_the_size_of_the_file(root, published):
    write_card(root, published.as_uri(), sha256=sha256(published))
    reports = []
    ModelStore(root).pull("tiny", lambda *report: reports.append(report))
    size = published.stat().st_size
    assert ("tiny: model.safetensors", size, size) in reports


def test_other_bytes_than_the_card_states_are_refused_and_leave_nothing_behind(root, published):
    write_card(root, published.as_uri(), sha256="0" * 64)
    with pytest.raises(WeightsCorruptError, match="the card states 0000"):
        ModelStore(root).pull("tiny")
    assert not ModelStore(root).is_present("tiny")
    assert [path.name for path in (root / "tiny").iterdir()] == [".lock"]


def test_the_next_source_is_asked_when_one_fails_or_lies(root, published, tmp_path):
    liar = tmp_path / "liar.safetensors"
    liar.write_bytes(b"something else")
    gone = tmp_path / "gone.safetensors"
    sources = (gone.as_uri(), liar.as_uri(), published.as_uri())
    write_card(root, *sources, sha256=sha256(published))
    assert sha256(ModelStore(root).pull("tiny")) == sha256(published)


def test_when_no_source_gives_the_file_one_line_says_why_of_each(root, tmp_path):
    sources = ((tmp_path / "one").as_uri(), "package://models/weights/two")
    write_card(root, *sources, sha256="0" * 64)
    with pytest.raises(WeightsMissingError) as caught:
        ModelStore(root).pull("tiny")
    assert all(source in str(caught.value) for source in sources)
    assert "\n" not in str(caught.value)


def test_missing_weights_name_card_file_and_command(root, published):
    write_card(root, published.as_uri(), sha256=sha256(published))
    with pytest.raises(WeightsMissingError, match=r"tiny: model.safetensors .*models pull tiny"):
        ModelStore(root).path("tiny")


def test_a_file_that_no_conversion_makes_is_missing(root, published):
    write_card(root, published.as_uri(), sha256=sha256(published))
    ModelStore(root).pull("tiny")
    with pytest.raises(WeightsMissingError, match=r"vocabulary\.json"):
        ModelStore(root).path("tiny", "vocabulary.json")


def test_one_changed_byte_is_noticed_and_pull_mends_it(root, published):
    write_card(root, published.as_uri(), sha256=sha256(published))
    store = ModelStore(root)
    path = store.pull("tiny")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsCorruptError, match="models pull tiny"):
        store.path("tiny")
    assert not store.is_present("tiny")
    assert sha256(store.pull("tiny")) == sha256(published)


def test_a_damaged_manifest_is_noticed_and_pull_mends_it(root, published):
    write_card(root, published.as_uri(), sha256=sha256(published))
    store = ModelStore(root)
    store.pull("tiny").with_name("manifest.json").write_text("{")
    with pytest.raises(WeightsCorruptError, match=r"manifest.json"):
        store.verify("tiny")
    store.pull("tiny")
    assert store.is_present("tiny")


def test_weights_of_an_older_conversion_count_as_missing(root, published, monkeypatch):
    write_card(root, published.as_uri(), sha256=sha256(published))
    ModelStore(root).pull("tiny")
    monkeypatch.setitem(convert.CONVERSIONS, "identity", ("identity", 99))
    assert not ModelStore(root).is_present("tiny")


def test_weights_of_another_card_with_the_same_name_count_as_missing(root, published):
    write_card(root, published.as_uri(), sha256=sha256(published))
    ModelStore(root).pull("tiny")
    write_card(root, published.as_uri(), sha256="0" * 64)
    assert not ModelStore(root).is_present("tiny")


def test_offline_takes_what_is_on_this_machine_and_says_what_it_did_not_fetch(root, published):
    store = ModelStore(root, offline=True)
    write_card(root, "https://example.org/tiny", sha256=sha256(published))
    with pytest.raises(WeightsMissingError, match="`offline` is on"):
        store.pull("tiny")
    write_card(root, published.as_uri(), sha256=sha256(published))
    assert ModelStore(root, offline=True).pull("tiny").is_file()


def test_the_hash_of_a_first_pull_is_kept_and_holds(root, published):
    write_card(root, published.as_uri(), sha256=None)
    store = ModelStore(root)
    assert store.card("tiny").sha256 is None
    path = store.pull("tiny")
    assert store.card("tiny").sha256 == sha256(published)
    path.write_bytes(b"damaged")
    save_file({"weight": np.zeros(4, dtype=np.float32)}, published)
    with pytest.raises(WeightsCorruptError):
        store.pull("tiny")


def test_what_a_killed_pull_left_is_cleared(root, published):
    write_card(root, published.as_uri(), sha256=sha256(published))
    left = root / "tiny" / ".pull-killed" / "fetched"
    left.mkdir(parents=True)
    ModelStore(root).pull("tiny")
    assert not left.exists()


def test_pulls_at_the_same_time_convert_once(root, published):
    write_card(root, published.as_uri(), sha256=sha256(published))
    conversions = []

    def report(label: str, done: int, total: int | None) -> None:
        if label.endswith("convert"):
            conversions.append(label)

    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: ModelStore(root).pull("tiny", report), range(8)))
    assert len(set(paths)) == len(conversions) == 1


class Trap:
    """Leaves a mark wherever it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("matches", [False, True])
def test_a_pickle_is_opened_only_when_its_hash_matches(root, tmp_path, matches):
    mark = tmp_path / "opened"
    trap = tmp_path / "trap"
    trap.write_bytes(pickle.dumps(Trap(mark)))
    stated = sha256(trap) if matches else "0" * 64
    write_card(
        root,
        trap.as_uri(),
        file="vectorizer.joblib",
        sha256=stated,
        conversion="profanity-check",
    )
    with pytest.raises(ModelError):
        ModelStore(root).pull("tiny")
    assert mark.exists() == matches


def test_a_checkpoint_runs_no_code_even_when_its_hash_matches(root, tmp_path):
    mark = tmp_path / "opened"
    trap = tmp_path / "trap.pt"
    torch.save({"model": Trap(mark)}, trap)
    write_card(
        root, trap.as_uri(), file="trap.pt", sha256=sha256(trap), conversion="torch-checkpoint"
    )
    with pytest.raises(ModelError, match="conversion torch-checkpoint cannot read"):
        ModelStore(root).pull("tiny")
    assert not mark.exists()


def test_an_unknown_name_is_answered_with_the_known_ones(root):
    with pytest.raises(ConfigurationError, match=r"'nix'; known: .*silero-vad"):
        ModelStore(root).card("nix")


def test_a_card_in_the_store_comes_over_the_shipped_one(root, published):
    write_card(root, published.as_uri(), sha256=sha256(published))
    card = root / "cards" / "tiny.toml"
    card.write_text(card.read_text().replace('"tiny"', '"silero-vad"'))
    assert ModelStore(root).card("silero-vad").task == "nothing"


def test_an_installed_package_brings_its_cards_by_entry_point(root, published, monkeypatch):
    write_card(root, published.as_uri(), sha256=sha256(published))
    site = root.parent / "site"
    metadata = site / "tinycards-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tinycards\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[earmark.models]\ntiny = tinycards\n")
    (site / "tinycards").mkdir()
    (site / "tinycards" / "__init__.py").touch()
    (root / "cards" / "tiny.toml").rename(site / "tinycards" / "tiny.toml")
    monkeypatch.syspath_prepend(site)
    assert ModelStore(root).pull("tiny").is_file()


def test_home_is_in_the_cache_folder_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_home() == tmp_path / "earmark"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert default_home() == Path.home() / ".cache" / "earmark"
