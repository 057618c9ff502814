"""The crash ledger, on processes that are killed: who did it is found, who was near goes free."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from earmark.streams.crash_ledger import CrashLedger, Place, ledger_path
from earmark.streams.log import configure_logging
from earmark.streams.settings import load_settings

# A worker in small: takes suspects up alone and the others together; event 3 kills it.
WORKER = """
import os, signal, sys
from pathlib import Path
from earmark.streams.crash_ledger import CrashLedger, Place
from earmark.streams.log import configure_logging

def work(places):
    ledger.take_up(places)
    if any(place.offset == 3 for place in places):
        os.kill(os.getpid(), signal.SIGKILL)
    ledger.settle(places)
    print(*(f"answered-{place.offset}" for place in places), flush=True)

configure_logging()
ledger = CrashLedger(Path(sys.argv[1]))
places = [Place("events", 0, offset) for offset in range(int(sys.argv[2]), 6)]
if condemned := [place for place in places if ledger.condemned(place)]:
    print(*(f"condemned-{place.offset}" for place in condemned))
    ledger.settle(condemned)
    places = [place for place in places if place not in condemned]
for suspect in sorted(ledger.suspects()):
    work([suspect])
    places.remove(suspect)
work(places)
ledger.close()
"""
PLACES = [Place("events", 0, offset) for offset in range(6)]
CULPRIT = PLACES[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crashes" / "earmark-0.sqlite"


def life(path: Path, *, from_offset: int = 0) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", WORKER, str(path), str(from_offset)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


def killed_with(path: Path, *places: Place) -> None:
    """A process that takes these up and dies."""
    code = (
        "import os, sys; from pathlib import Path;"
        "from earmark.streams.crash_ledger import CrashLedger, Place;"
        f"CrashLedger(Path(sys.argv[1])).take_up({list(places)!r}); os.kill(os.getpid(), 9)"
    )
    died = subprocess.run([sys.executable, "-c", code, str(path)], timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL


def test_an_event_that_kills_three_times_is_condemned_and_those_beside_it_are_cleared(
    path: Path,
) -> None:
    first = life(path)
    assert (first.returncode, first.stdout) == (-signal.SIGKILL, "")
    second = life(path)  # alone now: those before the culprit are answered
    assert second.stdout.split() == ["answered-0", "answered-1", "answered-2"]
    third = life(path, from_offset=3)
    assert (third.returncode, third.stdout) == (-signal.SIGKILL, "")
    fourth = life(path, from_offset=3)
    assert fourth.returncode == 0
    assert fourth.stdout.split() == ["condemned-3", "answered-4", "answered-5"]
    assert suspects(path) == set()


def suspects(path: Path) -> set[Place]:
    ledger = CrashLedger(path)
    found = set(ledger.suspects())
    ledger.close()
    return found


def test_all_that_was_in_flight_at_a_death_is_suspect_and_nothing_else(path: Path) -> None:
    ledger = CrashLedger(path)
    ledger.take_up(PLACES[:2])
    ledger.settle(PLACES[:2])
    ledger.close()
    killed_with(path, *PLACES[2:5])
    ledger = CrashLedger(path)
    assert ledger.suspects() == set(PLACES[2:5])
    assert not any(ledger.suspected(place) for place in PLACES)  # any of them may have done it
    assert not any(ledger.condemned(place) for place in PLACES)
    ledger.close()
    killed_with(path, *PLACES[2:4])
    ledger = CrashLedger(path)
    assert [ledger.suspected(place) for place in PLACES[2:5]] == [True, True, False]
    ledger.close()


def test_a_death_counts_once_however_often_the_ledger_is_opened_after_it(path: Path) -> None:
    killed_with(path, CULPRIT)
    for _ in range(3):
        ledger = CrashLedger(path, crashes=2)
        assert not ledger.condemned(CULPRIT)
        ledger.close()


def test_the_number_of_deaths_is_a_setting(path: Path) -> None:
    killed_with(path, CULPRIT)
    ledger = CrashLedger(path, crashes=1)
    assert ledger.condemned(CULPRIT)
    assert not ledger.condemned(PLACES[2])
    ledger.close()


def test_a_clean_stop_leaves_no_suspects(path: Path) -> None:
    ledger = CrashLedger(path)
    ledger.take_up(PLACES)
    ledger.settle(PLACES[:2])
    ledger.abandon()
    ledger.close()
    assert suspects(path) == set()


def test_a_stop_in_good_order_neither_adds_to_a_suspicion_nor_lifts_it(path: Path) -> None:
    killed_with(path, CULPRIT)
    ledger = CrashLedger(path, crashes=2)
    ledger.take_up([CULPRIT])
    ledger.abandon([CULPRIT])
    ledger.close()
    ledger = CrashLedger(path, crashes=2)
    assert ledger.suspects() == {CULPRIT}
    assert not ledger.condemned(CULPRIT)
    ledger.close()


def test_a_suspect_that_is_settled_begins_anew(path: Path) -> None:
    killed_with(path, CULPRIT)
    ledger = CrashLedger(path)
    ledger.take_up([CULPRIT])
    ledger.settle([CULPRIT])
    assert ledger.suspects() == frozenset()
    ledger.close()
    killed_with(path, CULPRIT)
    ledger = CrashLedger(path, crashes=2)
    assert not ledger.condemned(CULPRIT)
    ledger.close()


def test_suspects_that_the_commits_have_passed_by_are_forgotten(path: Path) -> None:
    """They were committed in the moment before the death, or by another worker."""
    elsewhere = Place("events", 1, 0)
    killed_with(path, *PLACES[:3], elsewhere)
    ledger = CrashLedger(path)
    ledger.take_up([PLACES[1]])
    ledger.settle([PLACES[4]])
    assert ledger.suspects() == {PLACES[1], elsewhere}  # the one is in flight
    ledger.abandon()
    ledger.close()
    assert suspects(path) == {PLACES[1], elsewhere}


def test_the_file_does_not_grow_with_what_passes_through(path: Path) -> None:
    ledger = CrashLedger(path)
    for batch in range(200):
        places = [Place("events", 0, 256 * batch + number) for number in range(256)]
        ledger.take_up(places)
        ledger.settle(places)
    assert ledger.in_flight == 0
    ledger.close()
    assert sum(file.stat().st_size for file in path.parent.iterdir()) < 200_000


def test_the_least_suspected_are_forgotten_when_there_are_too_many(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_with(path, PLACES[0])
    killed_with(path, PLACES[0])
    killed_with(path, *PLACES[1:])
    monkeypatch.setattr("earmark.streams.crash_ledger.MOST_SUSPECTS", 3)
    assert suspects(path) == {PLACES[0], PLACES[4], PLACES[5]}


@pytest.fixture(params=["noise", "torn", "hot", "index", "other"])
def damaged(path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file that is no database, half of one, one without its index, or somebody else's.

    The hot one has a write-ahead log beside it, which a new file must not inherit.
    """
    killed_with(path, *(Place("events", 0, offset) for offset in range(2_000)))
    CrashLedger(path).close()  # brings it all into the one file
    if request.param == "noise":
        path.write_bytes(os.urandom(8_192))
    elif request.param == "index":
        _tear_index(path)
    elif request.param in ("torn", "hot"):
        if request.param == "hot":
            killed_with(path, Place("events", 9, 9))
        content = path.read_bytes()
        path.write_bytes(content[:4096] + os.urandom(len(content) - 4096))
    else:
        for file in path.parent.iterdir():
            file.unlink()
        sqlite3.connect(path).executescript("CREATE TABLE places (street TEXT)").close()
    return path


def _tear_index(path: Path) -> None:
    database = sqlite3.connect(path)
    (root,) = database.execute("SELECT rootpage FROM sqlite_master WHERE type = 'index'").fetchone()
    database.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(os.urandom(4096))


def test_a_damaged_ledger_is_set_aside_and_a_new_one_begun(
    damaged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging()  # as a worker does, whatever a command before it has set
    ledger = CrashLedger(damaged)
    assert ledger.suspects() == frozenset()
    ledger.take_up([CULPRIT])
    ledger.close()
    assert damaged.with_name(damaged.name + ".corrupt").exists()
    assert "set aside" in "".join(capsys.readouterr())
    assert suspects(damaged) == {CULPRIT}


def test_a_folder_that_cannot_be_made_stops_no_worker(tmp_path: Path) -> None:
    (tmp_path / "crashes").write_text("a file where the folder should be")
    ledger = CrashLedger(tmp_path / "crashes" / "earmark-0.sqlite")
    ledger.take_up(PLACES)
    ledger.settle(PLACES)
    ledger.close()


def test_a_disk_that_fails_while_it_works_stops_no_worker(path: Path) -> None:
    ledger = CrashLedger(path)
    other = sqlite3.connect(path)
    other.execute("DROP TABLE places")
    other.close()
    ledger.take_up(PLACES)
    ledger.settle(PLACES)
    ledger.close()


def test_a_second_process_on_the_same_slot_accuses_nobody(path: Path) -> None:
    ledger = CrashLedger(path)
    ledger.take_up(PLACES)
    second = life(path, from_offset=4)
    assert second.stdout.split() == ["answered-4", "answered-5"]
    ledger.settle(PLACES)
    ledger.close()
    assert suspects(path) == set()


def test_each_slot_of_each_group_has_a_ledger_of_its_own(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, kafka={"group_id": "../a/b", "slot": "3"})
    assert ledger_path(settings) == tmp_path / "state" / "crashes" / "..%2Fa%2Fb-3.sqlite"
