"""What `audio.scene` says of a labelled recording with a network that is no model yet."""

from pathlib import Path

import numpy as np

from earmark.processors.block import Samples
from earmark.processors.content import ContentEvent
from earmark.processors.outcome import Result
from earmark.processors.signal import ItemView
from earmark.processors.signals.audio_scene import SceneScorer
from earmark.processors.window import WindowCutter
from earmark.streams.training.manifest import recording

_VIEW = ItemView(event=ContentEvent(event_id="measured", content_id="measured"))


def hear(scorer: SceneScorer, path: Path) -> Result:
    """The signal's answer to a recording, heard whole."""
    return heard(scorer, recording(path))


def heard(scorer: SceneScorer, samples_T: Samples) -> Result:
    """The signal's answer to samples."""
    cutter = WindowCutter(size=scorer.trunk.window_samples, hop=scorer.trunk.hop_samples)
    windows = [*cutter.cut(samples_T), *cutter.flush()]
    features = scorer.trunk.features(
        np.stack([window.samples_T for window in windows]), [window.length for window in windows]
    )
    return scorer.conclude(_VIEW, scorer.score(features))
