"""Trains the network of `audio.scene` on labelled recordings; `earmark train` calls it.

Rows are labelled `class`: speech, music or noise.
"""

from collections.abc import Sequence
from pathlib import Path

from earmark.models.device import Device
from earmark.models.scene_net import SceneNet, SceneTrunk
from earmark.processors.signals.audio_scene import SceneScorer
from earmark.processors.threshold import shipped_thresholds
from earmark.streams.evaluation.manifest import Row
from earmark.streams.training.fitting import Recipe, Watch, examples, fit
from earmark.streams.training.manifest import recording
from earmark.streams.training.mixture import Mixer, Recording


def train(rows: Sequence[Row], recipe: Recipe, watch: Watch) -> SceneNet:
    """A network fitted to mixtures of the recordings."""
    recordings = [_recording(row) for row in rows]
    watch(f"{len(recordings)} recordings; drawing {recipe.examples} examples")
    return fit(examples(Mixer(recordings), recipe.examples, recipe.seed), recipe, watch)


def _recording(row: Row) -> Recording:
    label = str(row.labels["class"])
    return Recording(samples_T=recording(Path(str(row.path))), label=label, source=row.source)


def scorer_with(network: SceneNet) -> SceneScorer:
    """The signal's scorer with this network and the shipped thresholds."""
    return SceneScorer(network, SceneTrunk(Device()), shipped_thresholds("audio.scene"))
