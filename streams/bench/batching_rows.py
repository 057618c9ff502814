"""What batching by length is worth, against the same rows in order of arrival: `padding[...]`, the
share of what a network is given that is padding, and `bucketed[...]`, its rate, on one core where
there is no GPU.

Lengths are lognormal: the texts of the mix, four code points taken for a token, and voice clips of
1 to 30 s (mu ln 6, sigma 0.8), as many at a time as the pipeline gathers. In order of arrival is
how a loop does it: `LOOP_ROWS` at a time, made up to the longest of them. The third policy, in the
details, is to sort those at hand by length and cut where a batch is full.

`bucketed[texts]` runs an encoder of transformers, random weights, 4 layers of 256: no card of the
default set pads texts (they are bags of words and n-grams), a checkpoint that a card names does.
`bucketed[speech]` runs the encoder of Whisper tiny; what its decoder does is the same for both.

What bounds them: the network's own arithmetic, so the ratio is about that of the padding; attention
costs more for padding than its share, short rows in small batches gain less.

What pads in the default set, and what is left of it on voice clips: the encoder of
`audio.transcript`, in buckets, 10 %, with silence up to the next half second; the convolutions of
`audio.speech_quality`, in buckets, 8 % (without them 56 %; the layers behind see whole windows, as
they were trained); `audio.speech` none but in its LSTM, a tenth of its time; the last windows of
`audio.scene`, 7 %, and of `audio.music` and `audio.embedding`, 23 %, which are filled with what is
there again: a shorter window would be heard otherwise. The pipeline as a whole is bound by its
scorers: on voice clips all but 2 % of its processor time is theirs, on texts all but 8 %.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from earmark.models.bucket import Buckets
from earmark.models.device import Device
from earmark.models.recogniser import BATCH_S, ENCODE_S
from earmark.models.recogniser import BUCKETS as OF_CLIPS
from earmark.models.token_batch import BATCH_TOKENS
from earmark.models.token_batch import BUCKETS as OF_TOKENS
from earmark.models.whisper import Whisper, load_whisper
from earmark.models.whisper_features import HOP_SAMPLES, SAMPLE_RATE_HZ, padded_samples
from earmark.processors.budget import CLIP_S, PASSAGE_ITEMS
from earmark.processors.signals.audio_transcript import DEFAULT_CARD, audio_transcript
from earmark.streams.bench.mix import texts
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, rates, torch_threads
from earmark.streams.bench.row import Goal, Row, row_of_turns
from earmark.streams.bench.series import Series

LOOP_ROWS = 16  # a usual size of batches
CLIP_MU, CLIP_SIGMA, CLIP_RANGE_S = np.log(6.0), 0.8, (1.0, 30.0)
CODE_POINTS_A_TOKEN = 4
TOKENS = (3, 512)
CLIPS = 32  # measured; about what is gathered on a CPU
TEXTS = 128
SEED = 8
PADDING_LENGTHS = 4_000
LAYERS, WIDTH, VOCABULARY = 4, 256, 30_000

Lengths = NDArray[np.int64]
Batches = list[NDArray[np.int64]]
Policies = Mapping[str, Callable[[Lengths], Batches]]


def padding_texts(plan: Plan) -> Row:
    """The share of padding of texts in tokens."""
    lengths = _token_lengths(plan.scaled(PADDING_LENGTHS))
    policies: Policies = {
        "arrival": _in_order,
        "sorted": partial(_sorted, BATCH_TOKENS[plan.device.kind]),
        "bucketed": partial(_text_batches, plan.device),
    }
    return _padding("texts", lengths, lengths, PASSAGE_ITEMS, policies)


def padding_speech(plan: Plan) -> Row:
    """The share of padding of voice clips, silence up to the next half second with it."""
    used = _clip_samples(plan.scaled(PADDING_LENGTHS))
    gathered = round(CLIP_S[plan.device.kind] * SAMPLE_RATE_HZ / used.mean())
    policies: Policies = {
        "arrival": _in_order,
        "sorted": partial(_sorted, BATCH_S[plan.device.kind] * SAMPLE_RATE_HZ),
        "bucketed": partial(_clip_batches, plan.device),
    }
    return _padding("speech", used, _made_up(used), gathered, policies)


def bucketed_texts(plan: Plan) -> Row:
    """Texts read per second by a small encoder."""
    lengths = _token_lengths(plan.scaled(TEXTS))
    network = _encoder(plan.device)
    return _bucketed("texts", "texts/s", len(lengths), lengths, _text_batches, network, plan)


def bucketed_speech(plan: Plan) -> Row:
    """Seconds of voice clips that the encoder of the transcript hears per second."""
    used = _clip_samples(plan.scaled(CLIPS))
    plan.pull([audio_transcript.name])
    seconds = float(used.sum() / SAMPLE_RATE_HZ)
    hear = _hearing(plan)
    return _bucketed("speech", "x real time", seconds, _made_up(used), _clip_batches, hear, plan)


def _padding(
    name: str,
    used: Lengths,
    made_up: Lengths,
    gathered: int,
    policies: Policies,
) -> Row:
    """Over all gatherings of so many rows; of each `used` is real, `made_up` what it is alone."""
    whole = dict.fromkeys(policies, 0)
    for begin in range(0, len(used), gathered):
        here = made_up[begin : begin + gathered]
        for policy, cut in policies.items():
            whole[policy] += sum(len(rows) * int(here[rows].max()) for rows in cut(here))
    shares = {policy: 1 - float(used.sum()) / total for policy, total in whole.items()}
    return Row(
        name=f"padding[{name}]",
        value=shares["bucketed"],
        unit="share of the batch",
        baseline=shares["arrival"],
        against="batches in order of arrival",
        goal=Goal(on="value", op="<=", x=0.12),
        details={"sorted_share": shares["sorted"], "rows_gathered": gathered},
        series=[
            Series(
                kind="bars",
                title=f"padding of {name} by policy",
                x="",
                y="share of the batch",
                lines={policy: [(share,)] for policy, share in shares.items()},
            )
        ],
    )


def _bucketed(
    name: str,
    unit: str,
    amount: float,
    lengths: Lengths,
    cut: Callable[[Device, Lengths], Batches],
    read: Callable[[int, int], object],
    plan: Plan,
) -> Row:
    """The rate of `read(rows, length)` over batches of both policies."""

    def run(batches: Batches) -> None:
        for rows in batches:
            read(len(rows), int(lengths[rows].max()))

    ours, theirs = cut(plan.device, lengths), _in_order(lengths)
    # on one core for as long as that is ours: what else runs there does not matter then
    clock = time.process_time if plan.device.kind == "cpu" else time.perf_counter
    with torch_threads(1), torch.inference_mode():
        figures = rates(
            Work(run=lambda: run(ours), amount=amount),
            Work(run=lambda: run(theirs), amount=amount),
            repetitions=plan.repetitions,
            clock=clock,
        )
    return row_of_turns(
        f"bucketed[{name}]",
        *figures,
        unit=unit,
        against=f"{LOOP_ROWS} at a time in order of arrival",
        goal=Goal(on="ratio", op=">=", x=2.5),
        details={"batches": len(ours), "baseline_batches": len(theirs)},
    )


def _in_order(lengths: Lengths) -> Batches:
    """As they come, so many at a time."""
    return np.split(np.arange(len(lengths)), range(LOOP_ROWS, len(lengths), LOOP_ROWS))


def _sorted(limit: float, lengths: Lengths) -> Batches:
    """By length, as if there were one bucket."""
    return list(Buckets(first=int(lengths.max())).batches(lengths, limit))


def _text_batches(device: Device, lengths: Lengths) -> Batches:
    return list(OF_TOKENS[device.kind].batches(lengths, BATCH_TOKENS[device.kind]))


def _clip_batches(device: Device, lengths: Lengths) -> Batches:
    return list(OF_CLIPS.batches(lengths, ENCODE_S[device.kind] * SAMPLE_RATE_HZ))


def _token_lengths(count: int) -> Lengths:
    """Of the texts of the mix, in its order."""
    found = [text.text for of_item in texts(count) for text in of_item][:count]
    tokens = [len(text) // CODE_POINTS_A_TOKEN for text in found]
    return np.clip(np.array(tokens, np.int64), *TOKENS)


def _clip_samples(count: int) -> Lengths:
    random = np.random.default_rng(SEED)
    seconds = np.clip(random.lognormal(CLIP_MU, CLIP_SIGMA, count), *CLIP_RANGE_S)
    return (seconds * SAMPLE_RATE_HZ).astype(np.int64)


def _made_up(samples: Lengths) -> Lengths:
    longest = int(CLIP_RANGE_S[1] * SAMPLE_RATE_HZ)
    return np.array([padded_samples(int(each), longest) for each in samples], np.int64)


def _encoder(device: Device) -> Callable[[int, int], Sequence[float]]:
    """Reads so many rows of so many tokens, whatever they are."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(SEED)
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=WIDTH // 64,
        intermediate_size=4 * WIDTH,
    )
    network: Any = BertModel(config, add_pooling_layer=False)  # type: ignore[no-untyped-call]  # it has none
    network.eval().to(device.torch, device.dtype)

    def read(rows: int, tokens: int) -> Sequence[float]:
        ids_BT = torch.randint(VOCABULARY, (rows, tokens), device=device.torch)
        mask_BT = torch.ones_like(ids_BT)
        states_BTW = network(input_ids=ids_BT, attention_mask=mask_BT).last_hidden_state
        return [float(states_BTW[-1, -1, 0])]  # so that it is through

    return read


def _hearing(plan: Plan) -> Callable[[int, int], Sequence[float]]:
    """Encodes so many clips of so many samples, whatever they are."""
    store, device = plan.store, plan.device
    config = json.loads(store.path(DEFAULT_CARD, "config.json").read_text())
    network: Whisper = load_whisper(config, load_file(store.path(DEFAULT_CARD)), device)

    def hear(clips: int, samples: int) -> Sequence[float]:
        frames = samples // HOP_SAMPLES
        mel_BMF = torch.zeros(clips, network.dims.n_mels, frames, device=device.torch)
        encoded = network.encode(mel_BMF, torch.full((clips,), frames, device=device.torch))
        return [float(encoded.states_BPW[-1, -1, 0])]

    return hear
