"""Receipts on disk: what was put is there, and what is damaged is made again."""

import pytest

from earmark.streams.receipt import Receipt, ReceiptCodec
from earmark.streams.receipt_store import ReceiptStore

CODEC = ReceiptCodec(1, group="g")


@pytest.fixture
def store(tmp_path):
    store = ReceiptStore(tmp_path, CODEC)
    yield store
    store.close()


def payloads(*receipts: Receipt) -> dict[str, bytes]:
    return {each.content_id: CODEC.encode(each) for each in receipts}


def receipt(item: str, revision: int = 1) -> Receipt:
    return Receipt(content_id=item, event_id="e", revision=revision)


def test_what_was_put_is_found_after_a_restart(store, tmp_path):
    store.put(3, payloads(receipt("a"), receipt("b", 2)))
    store.put(3, payloads(receipt("a", 5)))
    store.close()
    again = ReceiptStore(tmp_path, CODEC)
    assert again.get(3, "a") == receipt("a", 5)
    assert again.get(3, "b") == receipt("b", 2)
    assert again.get(3, "c") is None
    assert again.get(4, "a") is None
    again.close()


def test_what_is_restored_says_how_far(store):
    partition = store.open(0)
    assert partition.restored_offset == 0
    partition.restore({"a": CODEC.encode(receipt("a")), "b": None}, offset=17)
    partition.put(payloads(receipt("c")))
    assert partition.restored_offset == 17
    partition.restore({"a": None}, offset=19)
    assert (partition.get("a"), partition.get("c")) == (None, receipt("c"))
    partition.clear()
    assert (partition.get("c"), partition.restored_offset) == (None, 0)


def test_a_damaged_file_is_made_again(store, tmp_path):
    store.put(0, payloads(receipt("a")))
    store.close()
    (tmp_path / "0.sqlite").write_bytes(b"no database at all" * 100)
    again = ReceiptStore(tmp_path, CODEC)
    assert again.get(0, "a") is None
    again.put(0, payloads(receipt("a")))
    assert again.get(0, "a") == receipt("a")
    again.close()
