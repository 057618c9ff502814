"""What is found of an item on this machine's disk."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from earmark.models.fingerprint import Fingerprint
from earmark.processors.codec import Codec
from earmark.processors.identity import AnswerKey
from earmark.processors.schema import RECEIPTS, schema_of
from earmark.streams.erasure_disk import disk_traces
from earmark.streams.fingerprint_index import FingerprintIndex, IndexedItem
from earmark.streams.receipt import Disposition, Receipt, ReceiptCodec
from earmark.streams.receipt_store import ReceiptStore
from earmark.streams.settings import Settings, load_settings
from earmark.streams.spool import Spool
from earmark.streams.web.index.file import IndexFile, forget_items
from earmark.streams.web.index.place import index_path
from tests.streams.web.held import event, put


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return load_settings(state=tmp_path / "state")


def reasons(settings: Settings, item: str = "item") -> dict[str, str]:
    codec = Codec(schema_of(RECEIPTS))
    return {it.store: it.reason for it in disk_traces(settings, "cluster", codec, item)}


def keep(settings: Settings, receipt: Receipt, *, cluster: str = "cluster") -> None:
    folder = settings.state_folder / cluster / RECEIPTS / "0"
    codec = ReceiptCodec(0, group="earmark")
    store = ReceiptStore(folder, codec)
    store.put(3, {receipt.content_id: codec.encode(receipt)})
    store.close()


STANDING = Receipt(
    content_id="item",
    disposition=Disposition.ANSWERED,
    answers={"signals.x.v1": AnswerKey(input_digest="d", config_hash="c")},
)
COPY = f"<state>/cluster/{RECEIPTS}/0"


def test_a_copy_of_a_receipt_stands_until_it_is_that_of_the_deletion(settings: Settings) -> None:
    keep(settings, STANDING)
    assert "3.sqlite holds a receipt with digests" in reasons(settings)[COPY]
    assert reasons(settings, "another")[COPY] == ""
    keep(settings, Receipt(content_id="item", disposition=Disposition.DELETED))
    assert reasons(settings)[COPY] == ""


def test_what_another_cluster_has_is_of_another_item(settings: Settings) -> None:
    keep(settings, STANDING, cluster="elsewhere")
    assert not any(reasons(settings).values())


@pytest.mark.parametrize("value", ["item", b"\x00item\x01"])
def test_a_database_that_holds_the_id_anywhere_is_named(
    settings: Settings, value: str | bytes
) -> None:
    settings.state_folder.mkdir()
    with sqlite3.connect(settings.state_folder / "answers.sqlite") as database:
        database.execute("CREATE TABLE answers (key TEXT, payload BLOB)")
        database.execute("INSERT INTO answers VALUES ('k', ?)", (value,))
    database.close()
    found = reasons(settings)["<state>/answers.sqlite"]
    assert found.startswith("1 rows of answers.payload hold the id")
    assert reasons(settings, "another")["<state>/answers.sqlite"] == ""


def stored(settings: Settings, columns: str, *values: object, table: str = "kept") -> str:
    """Why the id `item` is said to be held by a database with this row."""
    settings.state_folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(settings.state_folder / "other.sqlite")) as database, database:
        database.execute(f"CREATE TABLE {table} ({columns})")
        places = ", ".join("?" * len(values))
        database.execute(f"INSERT INTO {table} VALUES ({places})", values)  # noqa: S608  # from here
    return reasons(settings)["<state>/other.sqlite"]


@pytest.mark.parametrize("value", ["items", "an-item", "item/2", b"\x0citem-3", "a.item", 7, None])
def test_an_id_within_another_word_is_no_trace_of_it(settings: Settings, value: object) -> None:
    assert stored(settings, "value", value) == ""


@pytest.mark.parametrize("value", ['{"id": "item"}', "of item, again", b"A\x08itemB"])
def test_an_id_by_itself_is_one_also_where_avro_puts_letters_behind_it(
    settings: Settings, value: object
) -> None:
    assert "rows of kept.value hold the id" in stored(settings, "value", value)


def test_a_row_that_says_of_which_item_it_is_is_believed(settings: Settings) -> None:
    assert stored(settings, "content_id, text", "other", "see item") == ""


def test_a_table_that_knows_no_items_is_left_alone(settings: Settings) -> None:
    assert stored(settings, "name, value", "saved_at", "item", table="facts") == ""


@pytest.mark.parametrize("elsewhere", [False, True])
def test_an_index_that_has_the_items_fingerprint_is_named(
    settings: Settings, tmp_path: Path, elsewhere: bool
) -> None:
    if elsewhere:
        settings = settings.model_copy(update={"fingerprints": tmp_path / "prints.sqlite"})
    name = str(tmp_path / "prints.sqlite") if elsewhere else "<state>/fingerprints.sqlite"
    print_ = Fingerprint(hashes_H=np.arange(9, dtype=np.uint32), times_H=np.zeros(9, np.uint32))
    with FingerprintIndex(settings.fingerprint_index) as index:
        index.write(
            [IndexedItem(content_id="item", fingerprint=print_, duration_ms=1, pcm_digest="")]
        )
        assert "match --remove" in reasons(settings)[name]
        assert reasons(settings, "another")[name] == ""
        index.forget(["item"])
    assert reasons(settings)[name] == ""


def test_media_that_a_killed_worker_left_are_told(settings: Settings, tmp_path: Path) -> None:
    spool = Spool()
    media = spool.new_file()
    assert not any(reasons(settings).values())  # its owner lives, and removes it
    dead = spool.folder.with_name("earmark-spool-dead")
    dead.mkdir()
    media.rename(dead / "media")
    (dead / "lock").touch()
    (told,) = filter(None, reasons(settings).values())
    assert str(dead / "media") in told
    spool.close()


def test_the_inspectors_index_counts_by_its_rows_and_not_by_words(settings: Settings) -> None:
    path = index_path(settings, "cluster")
    with closing(IndexFile(path)) as index:
        put(index, event("another", ("title", "an item")))
        assert reasons(settings)["<state>/cluster/inspector.sqlite"] == ""
        put(index, event("item", ("title", "it")))
        found = reasons(settings)["<state>/cluster/inspector.sqlite"]
        assert "items are of the item" in found
    forget_items(path, ["item"])
    assert reasons(settings)["<state>/cluster/inspector.sqlite"] == ""
