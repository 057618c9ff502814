"""Known good input, one for each kind of scorer: it proves that a model works, and warms it up.

T: samples (16 kHz, mono, float32)
"""

import numpy as np

from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.processors.clip import Clip, Piece
from earmark.processors.content import ContentEvent, Text
from earmark.processors.signal import ItemView
from earmark.processors.window import Window

TEXT = "The choir sings on Sunday morning, and the whole village comes to listen."
EVENT = ContentEvent(
    event_id="canary", content_id="canary", texts=(Text(field="title", text=TEXT),)
)


def canary_view() -> ItemView:
    """An item with an ordinary title."""
    return ItemView(event=EVENT)


def canary_clip() -> Clip:
    """A second of a quiet tone, declared English so that no model passes it over."""
    samples_T = tone(SAMPLE_RATE_HZ)
    pieces = (Piece(at=0, source=0, length=len(samples_T)),)
    return Clip(samples_T=samples_T, pieces=pieces, language="en")


def canary_window(samples: int) -> Window:
    """A window of a quiet tone."""
    return Window(samples_T=tone(samples), length=samples)


def tone(samples: int) -> Samples:
    """A sine of 220 Hz at -20 dBFS."""
    seconds_T = np.arange(samples, dtype=np.float32) / SAMPLE_RATE_HZ
    wave_T: Samples = np.float32(0.1) * np.sin(np.float32(2 * np.pi * 220) * seconds_T)
    return wave_T
