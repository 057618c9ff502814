"""What decoding yields: blocks of samples, and at the end of each event what is known of the whole.

T: samples, 16 kHz, mono, float32 in [-1, 1]
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError
from earmark.processors.outcome import Result

if TYPE_CHECKING:  # it knows signals, and these know blocks
    from earmark.processors.plan import Plan

SAMPLE_RATE_HZ = 16_000  # what speech models read
SAMPLE_BYTES = 4
BLOCK_SAMPLES = 10 * SAMPLE_RATE_HZ  # largest block: 10 s, 640 kB

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Everything that decoding knows once the last sample has passed.

    `audio_sha256` is the digest of the media bytes, None for an event without audio or with audio
    that could not be fetched. `duration_ms` is what was decoded. `readings` holds the results of
    the meters, by signal name. `error` is set when the audio cannot be used.
    """

    audio_sha256: str | None = None
    duration_ms: int = 0
    readings: Mapping[str, Result] = field(default_factory=dict)
    error: ContentError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The next samples of one event; the last one carries `end` (and perhaps no samples).

    Blocks of one event come in order; those of several events may interleave. The first one may
    carry a `plan`; without it all that is expected of the event is computed.
    """

    event: ContentEvent
    samples_T: Samples
    end: End | None = None
    plan: "Plan | None" = None


NO_SAMPLES: Samples = np.zeros(0, np.float32)


class Stir(Enum):
    """What may stand among blocks beside them; see `Pipeline.answer`."""

    STIR = "batches that were computed meanwhile are through"


STIR = Stir.STIR
