"""The shipped speech as samples, without any package that decodes.

T: samples, 16 kHz, mono, float32
"""

import wave
from functools import cache
from importlib.resources import as_file, files

import numpy as np

from earmark.processors.block import Samples


@cache
def speech() -> Samples:
    """The shipped speech, 11 s, [T]; every caller gets the same array."""
    shipped = files("earmark") / "streams" / "samples" / "jfk.wav"
    with as_file(shipped) as path, wave.open(str(path)) as file:
        frames = file.readframes(file.getnframes())
    return np.frombuffer(frames, np.int16).astype(np.float32) / 32_768
