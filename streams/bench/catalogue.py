"""All rows of the benchmark by name, in the order in which they are measured and shown."""

from collections.abc import Callable

from earmark.streams.bench.codec_rows import codec_decode, codec_encode
from earmark.streams.bench.decode_rows import decode, decode_metered
from earmark.streams.bench.loudness_row import loudness
from earmark.streams.bench.memory_row import memory
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.row import Row
from earmark.streams.bench.transcript_row import transcript
from earmark.streams.bench.voice_row import vad
from earmark.streams.bench.worker_rows import text_only, worker

ROWS: dict[str, Callable[[Plan], Row]] = {
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
