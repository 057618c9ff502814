"""Audio-classification checkpoints: probabilities of tags for windows of a recording.

Shapes. B: windows, T: samples at 16 kHz, L: labels
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.models.device import Device
from earmark.models.error import ModelError
from earmark.models.reading import Floats
from earmark.models.store import ModelStore
from earmark.models.transformer import Transformer, library, load_transformer, reading_errors

SAMPLE_RATE_HZ = 16_000
WINDOW_S = 10.0  # where the checkpoint's own files do not say; AudioSet's clips have that length
SHORTEST_SAMPLES = 400  # one frame of 25 ms; what is shorter has the window's zeros behind it
BATCH_WINDOWS = {"cpu": 4, "cuda": 64}


class AudioClassifier:
    """A checkpoint as the trunk of signals that read windows: its features are probabilities.

    `window_samples` is the longest input of the checkpoint, and windows do not overlap. The zeros
    behind the real samples of a window are not heard: the checkpoint's own feature extractor pads
    what is there in its own way. `labels` are those of the card's map, all of the checkpoint's
    where it has none.
    """

    def __init__(self, transformer: Transformer) -> None:
        self._transformer = transformer
        self._map = transformer.label_map()
        self._extract = _extractor(transformer)
        self.labels = self._map.labels
        self.window_samples = _window_samples(self._extract)
        self.hop_samples = self.window_samples

    @torch.inference_mode()
    def features(
        self, windows_BT: NDArray[np.float32], lengths_B: Sequence[int]
    ) -> Sequence[Floats]:
        """Probability in [0, 1] per label, `(L,)` for each window. Not calibrated."""
        made: dict[int, Floats] = {}
        limit = BATCH_WINDOWS[self._transformer.device.kind]
        for length, rows in _by_length(lengths_B).items():
            for begin in range(0, len(rows), limit):
                chosen = rows[begin : begin + limit]
                real = windows_BT[chosen, : max(length, SHORTEST_SAMPLES)]
                made.update(zip(chosen, self._probabilities(real), strict=True))
        return [made[row] for row in range(len(lengths_B))]

    def _probabilities(self, samples_BT: NDArray[np.float32]) -> Floats:
        device = self._transformer.device
        inputs = self._extract(list(samples_BT), sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt")
        tensors = {
            name: value.to(device.torch, device.dtype if value.is_floating_point() else None)
            for name, value in inputs.items()
        }
        return self._map.ours(self._transformer.probabilities(tensors))


_loaded: WeakValueDictionary[tuple[Path, str, Device], AudioClassifier] = WeakValueDictionary()


def load_audio_classifier(store: ModelStore, card: str, device: Device) -> AudioClassifier:
    """The classifier of the card; the same object for all who ask while one of them holds it.

    So signals that read the same tags share the work. Raises ConfigurationError and ModelError as
    the loader does.
    """
    key = store.root, store.card(card).identity, device
    found = _loaded.get(key)
    if found is None:
        found = AudioClassifier(load_transformer(store, card, "audio-classification", device))
        _loaded[key] = found
    return found


def _by_length(lengths_B: Sequence[int]) -> dict[int, list[int]]:
    """The windows by how many of their samples are real: padding would change what is heard."""
    rows: dict[int, list[int]] = {}
    for row, length in enumerate(lengths_B):
        rows.setdefault(length, []).append(row)
    return rows


def _extractor(transformer: Transformer) -> Any:
    name = transformer.card.name
    with reading_errors(name):
        settings = json.loads((transformer.folder / "preprocessor_config.json").read_text("utf-8"))
        extract = library().AutoFeatureExtractor.from_pretrained(
            transformer.folder, local_files_only=True, trust_remote_code=False
        )
    if settings.get("sampling_rate", SAMPLE_RATE_HZ) != SAMPLE_RATE_HZ:
        raise ModelError(f"{name}: wants audio at {settings['sampling_rate']} Hz; 16,000 is given")
    return extract


def _window_samples(extract: Any) -> int:
    """The longest input: of spectrograms (AST) `max_length` frames, of waveforms samples."""
    longest = getattr(extract, "max_length", None)
    hop = getattr(extract, "hop_length", SAMPLE_RATE_HZ // 100)
    if isinstance(longest, int) and hasattr(extract, "num_mel_bins"):
        return longest * hop
    return int(WINDOW_S * SAMPLE_RATE_HZ)
