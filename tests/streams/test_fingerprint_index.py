"""The index of fingerprints: what is found in it, and what is left of a change that was cut off."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from earmark.models.error import ConfigurationError
from earmark.models.fingerprint import Fingerprint
from earmark.streams.fingerprint_index import FingerprintIndex, IndexedItem


def fingerprint(seed: int, count: int = 600) -> Fingerprint:
    """Landmarks at random over 30 seconds."""
    random = np.random.default_rng(seed)
    return Fingerprint(
        hashes_H=random.integers(0, 2**23, count).astype(np.uint32),
        times_H=np.sort(random.integers(0, 940, count)).astype(np.uint32),
        share=1.0,
    )


def part(whole: Fingerprint, first: int, last: int) -> Fingerprint:
    """What an excerpt between two frames has, of which half was lost."""
    inside_H = (whole.times_H >= first) & (whole.times_H < last)
    return Fingerprint(
        hashes_H=whole.hashes_H[inside_H][::2], times_H=whole.times_H[inside_H][::2] - first
    )


def item(content_id: str, seed: int, *, from_topic: bool = False) -> IndexedItem:
    return IndexedItem(
        content_id=content_id,
        fingerprint=fingerprint(seed),
        duration_ms=30_000,
        pcm_digest=f"{seed:032x}",
        from_topic=from_topic,
    )


def found(index: FingerprintIndex, asked: Fingerprint) -> list[str]:
    return [match.content_id for match in index.match(asked)]


def postings(path: Path) -> int:
    with sqlite3.connect(path) as database:
        (count,) = database.execute("SELECT count(*) FROM postings").fetchone()
    database.close()
    return int(count)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index.sqlite"


@pytest.fixture
def index(path: Path) -> Iterator[FingerprintIndex]:
    with FingerprintIndex(path) as made:
        made.write(item(f"item-{seed}", seed) for seed in range(20))
        yield made


def test_an_excerpt_is_found_with_its_place(index: FingerprintIndex) -> None:
    (match,) = index.match(part(fingerprint(7), 300, 620), pcm_digest=f"{7:032x}")
    assert match.content_id == "item-7"
    assert match.offset_ms == 300 * 32
    assert match.score == pytest.approx(1)
    assert match.matched_ms == pytest.approx(320 * 32, abs=1_000)
    assert match.same_pcm


def test_what_is_not_there_is_not_found(index: FingerprintIndex) -> None:
    assert found(index, fingerprint(99)) == []
    nothing = Fingerprint(hashes_H=np.zeros(0, np.uint32), times_H=np.zeros(0, np.uint32))
    assert found(index, nothing) == []


def test_a_new_fingerprint_of_an_item_takes_the_place_of_the_old(
    index: FingerprintIndex, path: Path
) -> None:
    index.write([item("item-7", 50)])
    assert found(index, fingerprint(50)) == ["item-7"]
    assert found(index, fingerprint(7)) == []
    assert len(index) == 20
    with FingerprintIndex(path.with_name("other.sqlite")) as other:
        other.write(item(f"item-{seed}", 50 if seed == 7 else seed) for seed in range(20))
    assert postings(path) == postings(path.with_name("other.sqlite"))


def test_a_removed_item_leaves_nothing_in_the_file(path: Path) -> None:
    with FingerprintIndex(path) as index:
        index.write([item("secret-name", 1), item("other", 2)])
        assert index.forget(["secret-name", "never there"]) == 1
        assert found(index, fingerprint(1)) == []
        assert not any(b"secret-name" in it.read_bytes() for it in path.parent.iterdir())
        index.forget(["other"])
    assert postings(path) == 0


def test_hashes_that_many_items_have_do_not_stand_in_the_way(index: FingerprintIndex) -> None:
    hum = Fingerprint(
        hashes_H=np.arange(100, dtype=np.uint32).repeat(30),
        times_H=np.arange(3_000, dtype=np.uint32),
    )
    humming = IndexedItem(content_id="", fingerprint=hum, duration_ms=96_000, pcm_digest="")
    index.write(
        IndexedItem(content_id=f"hum-{n}", fingerprint=hum, duration_ms=96_000, pcm_digest="")
        for n in range(80)
    )
    assert found(index, humming.fingerprint) == []
    mixed_up = Fingerprint(
        hashes_H=np.concatenate((hum.hashes_H, fingerprint(7).hashes_H)),
        times_H=np.concatenate((hum.times_H, fingerprint(7).times_H)),
    )
    assert found(index, mixed_up) == ["item-7"]


def test_places_and_items_are_written_together_or_not_at_all(path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from test_fingerprint_index import item\n"
        "from earmark.streams.fingerprint_index import FingerprintIndex\n"
        "index = FingerprintIndex(Path(sys.argv[1]))\n"
        "index.write([item('kept', 1)], places={('t', 0): 5})\n"
        "class Deadly(dict):\n"
        "    def items(self):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "index.write([item('lost', 2), item('kept', 3)], places=Deadly({('t', 0): 9}))\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}",
    }
    done = subprocess.run([sys.executable, "-c", code, path], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    with FingerprintIndex(path, make=False) as index:
        assert index.places("t") == {0: 5}
        assert found(index, fingerprint(1)) == ["kept"]
        assert found(index, fingerprint(2)) == []
        index.write([item("lost", 2)], places={("t", 0): 9})
        assert index.places("t") == {0: 9}


def test_beginning_again_keeps_what_came_from_files(index: FingerprintIndex) -> None:
    index.write([item("published", 30, from_topic=True)], places={("t", 0): 5})
    index.begin_again()
    assert "published" not in index
    assert len(index) == 20
    assert index.places("t") == {}


@pytest.mark.parametrize("content", [b"ID3 a song that someone likes" * 40, b""])
def test_a_file_that_is_no_index_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    if content:
        with pytest.raises(ConfigurationError, match="no index"):
            FingerprintIndex(path)
        assert path.read_bytes() == content
    else:
        FingerprintIndex(path).close()


def test_another_database_is_no_index(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE songs (name TEXT)")
    database.close()
    with pytest.raises(ConfigurationError, match="no index"):
        FingerprintIndex(path)


def test_an_index_that_is_missing_is_only_made_on_demand(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--add"):
        FingerprintIndex(path, make=False)
    assert not path.exists()
