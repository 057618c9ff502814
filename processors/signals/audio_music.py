"""What music sounds like: genres, instruments, moods and voices, in tags of listeners.

Method: two trainings of musicnn (Pons and Serra 2019), on tags of last.fm and of TagATune, over
windows of 3 s without overlap; a tag's probability is its mean over the windows, those of silence
left out and the last one by its length. `processors/taxonomy/music.toml` says what our tags are
made of, and which group each belongs to.

The probabilities are not calibrated: listeners tag what comes to mind, so that even what is surely
there is seldom above 0.7. The networks know no other music than these tags name (no trumpet, no
organ), and level is sound to them: in a copy at -12 dB the five likeliest tags move by 0.08 on
average. They hear tags in everything: speech is hip-hop, noise is techno. So this signal has
nothing to say of what `audio.scene` finds to be no music, where that is among its `needs`.

Shapes. B: windows, K: tags of one network
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from earmark.models.musicnn import Musicnn, load_musicnn
from earmark.processors.music import (
    MusicTrunk,
    MusicWindow,
    Vector,
    mels,
    music_trunk,
    weighted_mean,
)
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import ItemView, Loading, Part, Relabelling, Takes, signal
from earmark.processors.taxonomy.music import in_our_words, music_tags, music_taxonomy
from earmark.processors.threshold import Thresholds

MSD = "musicnn-msd"
MTT = "musicnn-mtt"
SCENE = "audio.scene"
UNSURE = "LOW_CONFIDENCE"
_GROUPS = tuple(sorted({tag.group for tag in music_tags()}))
# group of tags -> field of the record that lists those of the group; other groups have none
_FIELDS = {"genre": "genres", "instrument": "instruments", "mood": "moods"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaggedWindow:
    """The probabilities by both networks' tags, `msd_K` and `mtt_K`."""

    msd_K: Vector
    mtt_K: Vector
    seconds: float
    weight: float


class MusicScorer:
    """Tags windows; a `WindowScorer`."""

    def __init__(
        self,
        trunk: MusicTrunk,
        mtt: Musicnn,
        labels: Mapping[str, Sequence[str]],
        thresholds: Thresholds,
    ) -> None:
        self.trunk = trunk
        self._mtt = mtt
        self._labels = labels  # of the networks, by name
        self._thresholds = thresholds

    def score(self, features: Sequence[MusicWindow]) -> Sequence[TaggedWindow]:
        """The tags of each window."""
        if not features:
            return []
        mtt_BK = self._mtt.hear(mels(features)).tags_BK.cpu().numpy()
        return [
            TaggedWindow(
                msd_K=window.tags_K,
                mtt_K=mtt_K,
                seconds=window.seconds,
                weight=window.weight,
            )
            for window, mtt_K in zip(features, mtt_BK, strict=True)
        ]

    def conclude(self, item: ItemView, scores: Sequence[TaggedWindow]) -> Result:
        """The tags of the recording, or why there are none."""
        if _is_no_music(item.results.get(SCENE), self._thresholds["min_music_share"]):
            return Result.skipped("NO_MUSIC")
        if sum(window.seconds for window in scores) < self._thresholds["min_seconds"]:
            return Result.abstained("TOO_SHORT")
        if not any(window.weight for window in scores):
            return Result.abstained("SILENT")
        return _said(self._probabilities(scores), self._thresholds)

    def _probabilities(self, scores: Sequence[TaggedWindow]) -> dict[str, float]:
        """Our tags with the mean over the windows, in the order of the table."""
        weights = [window.weight for window in scores]
        msd_K = weighted_mean(np.stack([window.msd_K for window in scores]), weights)
        mtt_K = weighted_mean(np.stack([window.mtt_K for window in scores]), weights)
        msd = in_our_words(self._labels[MSD], msd_K.tolist(), network="msd")
        mtt = in_our_words(self._labels[MTT], mtt_K.tolist(), network="mtt")
        return {
            tag.name: max(msd.get(tag.name, 0.0), mtt.get(tag.name, 0.0)) for tag in music_tags()
        }


def music_labels(scores: Mapping[str, float], thresholds: Thresholds) -> dict[str, object]:
    """What follows from the scores by the thresholds alone: `labels` and the fields by group.

    All lists are by falling probability.
    """
    over = [
        tag for tag in music_tags() if scores[tag.name] >= thresholds[f"{tag.group}_probability"]
    ]
    over.sort(key=lambda tag: -scores[tag.name])
    by_group = {
        field: [tag.name for tag in over if tag.group == group] for group, field in _FIELDS.items()
    }
    voices = [tag.name for tag in over if tag.group == "voice"]
    return {"labels": [tag.name for tag in over], **by_group, "voice": _voice(voices)}


def _said(scores: Mapping[str, float], thresholds: Thresholds) -> Result:
    fields = music_labels(scores, thresholds)
    if not fields["labels"]:
        return Result.abstained(UNSURE, scores=scores)
    return Result.ok(scores=scores, **fields)


def _relabelled(result: Result, old: Thresholds, new: Thresholds) -> Result:
    """All but the scores follows from the thresholds, where there are scores."""
    del old
    if result.outcome == OutcomeKind.OK or result.reason == UNSURE:
        fields: dict[str, Any] = dict(result.fields)
        return _said(fields["scores"], new)
    return result


def _voice(voices: Sequence[str]) -> str | None:
    """By the strongest tag about voices; None where there is none."""
    if not voices:
        return None
    return "instrumental" if voices[0] == "instrumental" else "vocal"


def _is_no_music(scene: Result | None, least: float) -> bool:
    """Whether the scene says that too little of the recording is music."""
    if scene is None or scene.outcome != OutcomeKind.OK:
        return False
    share = scene.fields.get("music_share")
    return isinstance(share, float | int) and share < least


@signal(
    name="audio.music",
    takes=Takes.WINDOWS,
    reads=frozenset({Part.AUDIO}),
    needs=(SCENE,),
    models=(MSD, MTT),
    taxonomy=music_taxonomy(),
    record_name="AudioMusic",
    relabelling=Relabelling(
        thresholds=tuple(f"{group}_probability" for group in _GROUPS), apply=_relabelled
    ),
    tolerance=5e-3,
)
def audio_music(loading: Loading) -> MusicScorer:
    """The scorer with both networks."""
    store, device = loading.store, loading.device
    msd, mtt = loading.models
    return MusicScorer(
        music_trunk(store.path(msd), device),
        load_musicnn(store.path(mtt), device),
        {MSD: store.card(msd).labels, MTT: store.card(mtt).labels},
        loading.thresholds,
    )
