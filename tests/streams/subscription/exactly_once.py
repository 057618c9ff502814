"""An example: what was read, and how far, in one transaction of the reader's own database.

Whatever ends it, each signal counts once. Run as `exactly_once.py DATABASE TOPIC`.
"""

import json
import sqlite3
import sys

import earmark

database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.executescript(
    """
    CREATE TABLE IF NOT EXISTS seen (item TEXT PRIMARY KEY, times INTEGER);
    CREATE TABLE IF NOT EXISTS place (only_one INTEGER PRIMARY KEY, position TEXT);
    """
)
row = database.execute("SELECT position FROM place").fetchone()
start = json.loads(row[0]) if row else {}  # nothing stored: from the beginning
with earmark.subscribe(sys.argv[2], start=start, timeout_s=5) as signals:
    for number, signal in enumerate(signals):
        if number % 100 == 0:  # a hundred signals in a transaction
            database.execute("BEGIN")
        database.execute(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1",
            (signal.key,),
        )
        if number % 100 == 99:
            position = json.dumps(signals.position())
            database.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", (position,))
            database.execute("COMMIT")
            print(number + 1, flush=True)
    if database.in_transaction:
        position = json.dumps(signals.position())
        database.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", (position,))
        database.execute("COMMIT")
