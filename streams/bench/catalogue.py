"""All rows of the benchmark by name, in the order in which they are measured and shown.

Those of a group are measured when the group is asked for, `ROWS` when none is.
"""

from collections.abc import Callable

from earmark.streams.bench.codec_rows import codec_decode, codec_encode
from earmark.streams.bench.decode_rows import decode, decode_metered
from earmark.streams.bench.live_rows import live_clips, live_texts
from earmark.streams.bench.loudness_row import loudness
from earmark.streams.bench.memory_row import memory
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.recovery_rows import (
    recovery_classic_other,
    recovery_classic_same,
    recovery_consumer_other,
    recovery_consumer_same,
)
from earmark.streams.bench.row import Row
from earmark.streams.bench.transactions_row import transactions
from earmark.streams.bench.transcript_row import transcript
from earmark.streams.bench.voice_row import vad
from earmark.streams.bench.worker_rows import text_only, worker

Measure = Callable[[Plan], Row]

ROWS: dict[str, Measure] = {
    "decode": decode,
    "decode_metered": decode_metered,
    "codec_encode": codec_encode,
    "codec_decode": codec_decode,
    "loudness": loudness,
    "vad": vad,
    "transcript": transcript,
    "worker": worker,
    "text_events": text_only,
    "memory": memory,
}

DELIVERY: dict[str, Measure] = {
    "transactions": transactions,
    "live_texts": live_texts,
    "live_clips": live_clips,
    "recovery_classic_other": recovery_classic_other,
    "recovery_classic_same": recovery_classic_same,
    "recovery_consumer_other": recovery_consumer_other,
    "recovery_consumer_same": recovery_consumer_same,
}

GROUPS = {"delivery": DELIVERY}
