"""`vad`: speech found in many recordings, 16 kHz mono in, spans out.

Ours is the scorer of `audio.speech`, which steps as many recordings together as the pipeline does.
The baseline is the package silero-vad as its README has it, one recording after the other, on as
many threads.

What bounds it: the network's convolutions, which run on all frames of all recordings at once, take
half of the time, its LSTM, frame after frame, a quarter. The baseline calls it once per frame.
"""

import warnings
from collections.abc import Callable

import numpy as np
import torch

from earmark.models.device import available_cores
from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.processors.budget import STREAM_WIDTH
from earmark.processors.signals.audio_speech import SpeechScorer, audio_speech
from earmark.processors.threshold import shipped_thresholds
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, rates, torch_threads
from earmark.streams.bench.row import Row, row_of_turns
from earmark.streams.bench.shipped_speech import speech

CHUNKS = 10  # of each recording, 4 s each
BASELINE_RECORDINGS = 2


def vad(plan: Plan) -> Row:
    """Seconds of audio listened to per second."""
    scorer, width = _scorer(plan), STREAM_WIDTH[plan.device.kind]
    recording_T = np.resize(speech(), plan.scaled(CHUNKS) * scorer.chunk_samples)
    seconds = len(recording_T) / SAMPLE_RATE_HZ
    theirs = _package(recording_T)
    with torch_threads(available_cores()):
        figures = rates(
            Work(run=lambda: _step_together(scorer, recording_T, width), amount=width * seconds),
            Work(run=theirs, amount=BASELINE_RECORDINGS * seconds),
            repetitions=plan.repetitions,
        )
    return row_of_turns(
        "vad", *figures, unit="x real time", against="silero-vad, one recording at a time"
    )


def _scorer(plan: Plan) -> SpeechScorer:
    plan.pull([audio_speech.name])
    thresholds = shipped_thresholds(audio_speech.name)
    scorer: SpeechScorer = audio_speech.load(
        store=plan.store, device=plan.device, thresholds=thresholds
    )
    return scorer


def _step_together(scorer: SpeechScorer, recording_T: Samples, width: int) -> None:
    streams = [scorer.start() for _ in range(width)]
    for chunk_T in np.split(recording_T, len(recording_T) // scorer.chunk_samples):
        chunks_BT = np.tile(chunk_T, (width, 1))
        scorer.step(streams, chunks_BT, [len(chunk_T)] * width)
    for stream in streams:
        scorer.finish(stream, len(recording_T) * 1000 // SAMPLE_RATE_HZ)


def _package(recording_T: Samples) -> Callable[[], None]:
    with torch_threads(torch.get_num_threads()), warnings.catch_warnings():
        # importing it sets torch to one thread, and loading it warns of TorchScript's future
        warnings.simplefilter("ignore")
        from silero_vad import (  # type: ignore[import-untyped]  # it ships no types
            get_speech_timestamps,
            load_silero_vad,
        )

        model = load_silero_vad()
    samples_T = torch.from_numpy(recording_T)

    def run() -> None:
        for _ in range(BASELINE_RECORDINGS):
            get_speech_timestamps(samples_T, model, sampling_rate=SAMPLE_RATE_HZ)

    return run
