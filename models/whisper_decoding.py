"""Greedy decoding of Whisper for many clips at once: tokens, their probabilities, and segments.

The rules are those of OpenAI's decoder (Radford et al. 2022, section 4.5, without its fallback to
sampling, which would make answers depend on chance): no annotations, no blank beginning, and
timestamps in pairs that never go back.

Shapes. B: clips, V: vocabulary, N: tokens in one call
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from earmark.models.whisper import DecoderState, Encoded, Whisper, compact
from earmark.models.whisper_graph import Steps
from earmark.models.whisper_tokens import TIMESTAMP_S, TIMESTAMPS, Vocabulary, primary

LATEST_BEGIN = 51  # the first text of a clip begins before this step: within 1 s
TOKENS_PER_S = 8.0  # fast speech has 6, timestamps included: more is a loop
SPARE_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What was decoded of one clip: its tokens after the prompt, and the log-probability of each.

    `language` is the one declared or found, by Whisper's code; `no_speech_prob` is Whisper's own.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    language: str
    no_speech_prob: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedText:
    """Text between two seconds of a clip; `avg_logprob` is the mean over its tokens."""

    start_s: float
    end_s: float
    text: str
    avg_logprob: float


@torch.inference_mode()
def decode(
    model: Whisper,
    vocabulary: Vocabulary,
    encoded: Encoded,
    languages: Sequence[str | None],
    *,
    timestamps: bool = True,
) -> list[Decoded]:
    """Decode encoded clips, each in its declared language or, at None, in the likeliest one."""
    state = model.listen(encoded)
    start_B1 = encoded.positions_B.new_full((len(languages), 1), vocabulary.start)
    states_BW = model.decoder.states(start_B1, state)[:, -1]
    first_BV = states_BW @ model.decoder.token_embedding.weight.T
    no_speech = first_BV.softmax(dim=-1)[:, vocabulary.no_speech].tolist()
    spoken = _languages(first_BV, vocabulary, languages)
    prompt_BN = _prompt(vocabulary, spoken, timestamps=timestamps)
    if prompt_BN.shape[1]:
        states_BW = model.decoder.states(prompt_BN.to(first_BV.device), state)[:, -1]
    rules = Rules(vocabulary, encoded.positions_B, timestamps=timestamps)
    limits = [_token_limit(model, positions) for positions in encoded.positions_B.tolist()]
    texts = _greedy(model, state, states_BW, rules, limits)
    return [
        Decoded(
            tokens=tokens,
            logprobs=logprobs,
            language=language,
            no_speech_prob=silent,
        )
        for (tokens, logprobs), language, silent in zip(texts, spoken, no_speech, strict=True)
    ]


def _greedy(
    model: Whisper, state: DecoderState, states_BW: Tensor, rules: "Rules", limits: Sequence[int]
) -> list[tuple[tuple[int, ...], tuple[float, ...]]]:
    """The likeliest token, again and again until each clip has ended; ended clips are dropped."""
    texts: list[tuple[list[int], list[float]]] = [([], []) for _ in limits]
    alive = list(range(len(limits)))
    steps = Steps(model, state)
    while alive:
        logits_BV = rules.apply(model.head.logits(states_BW))
        tokens_B, logprobs_B = model.head.best(states_BW, logits_BV)
        rules.advance(tokens_B)
        rows = []
        chosen = zip(alive, tokens_B.tolist(), logprobs_B.tolist(), strict=True)
        for row, (clip, token, logprob) in enumerate(chosen):
            texts[clip][0].append(token)
            texts[clip][1].append(logprob)
            if token != rules.vocabulary.end and len(texts[clip][0]) < limits[clip]:
                rows.append(row)
        if len(rows) < len(alive):
            rows = compact(rows)
            alive = [alive[row] for row in rows]
            tokens_B = tokens_B[rows]
            steps.keep(rows)
            rules.keep(rows)
        if alive:
            states_BW = steps.states(tokens_B)
    return [(tuple(tokens), tuple(logprobs)) for tokens, logprobs in texts]


class Rules:
    """What may come next in each clip: no annotations; times in pairs, forward, inside the clip."""

    def __init__(self, vocabulary: Vocabulary, positions_B: Tensor, *, timestamps: bool) -> None:
        self.vocabulary = vocabulary
        self._timestamps = timestamps
        self._first = True
        self._never_V = _never(vocabulary, positions_B.device)
        self._step_S = torch.arange(TIMESTAMPS, device=positions_B.device)
        self._end_B1 = positions_B[:, None]
        self._latest_B1 = torch.zeros_like(self._end_B1)  # time of the latest timestamp, in steps
        self._time_B1 = torch.zeros_like(self._end_B1, dtype=torch.bool)  # the last token was one
        self._before_B1 = torch.ones_like(self._time_B1)  # and the token before it

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all clips but those at the indices `rows`."""
        self._end_B1, self._latest_B1 = self._end_B1[rows], self._latest_B1[rows]
        self._time_B1, self._before_B1 = self._time_B1[rows], self._before_B1[rows]

    def apply(self, logits_BV: Tensor) -> Tensor:
        """The logits, changed to minus infinity where a token may not follow."""
        logits_BV += self._never_V
        if not self._timestamps:
            if self._first:
                logits_BV[:, list(self.vocabulary.blanks)] = -torch.inf
            logits_BV[:, self.vocabulary.timestamps :] = -torch.inf
        elif self._first:
            logits_BV[:, : self.vocabulary.timestamps] = -torch.inf
            logits_BV[:, self.vocabulary.timestamps + LATEST_BEGIN :] = -torch.inf
        else:
            self._order(logits_BV)
        return logits_BV

    def advance(self, tokens_B: Tensor) -> None:
        """Take note of the tokens that were chosen."""
        steps_B1 = tokens_B[:, None] - self.vocabulary.timestamps
        self._before_B1 = self._time_B1 if not self._first else torch.ones_like(self._time_B1)
        self._time_B1 = steps_B1 >= 0
        self._latest_B1 = torch.where(self._time_B1, steps_B1, self._latest_B1)
        self._first = False

    def _order(self, logits_BV: Tensor) -> None:
        text_BV = logits_BV[:, : self.vocabulary.timestamps]
        time_BS = logits_BV[:, self.vocabulary.timestamps :]
        opened_B1 = self._time_B1 & self._before_B1
        closed_B1 = self._time_B1 & ~self._before_B1
        earliest_B1 = self._latest_B1 + ~closed_B1
        outside_BS = (self._step_S < earliest_B1) | (self._step_S > self._end_B1)
        time_BS.masked_fill_(outside_BS | opened_B1, -torch.inf)
        text_BV[:, : self.vocabulary.end].masked_fill_(closed_B1, -torch.inf)
        # a time is due when times together are likelier than any one token of text
        due_B = time_BS.logsumexp(dim=-1) > text_BV.amax(dim=-1)
        text_BV.masked_fill_(due_B[:, None], -torch.inf)


def _never(vocabulary: Vocabulary, device: torch.device) -> Tensor:
    """Minus infinity for tokens that never follow, else 0: adding takes a tenth of masking."""
    never_V = torch.zeros(vocabulary.timestamps + TIMESTAMPS, device=device)
    never_V[
        [*vocabulary.suppressed, vocabulary.no_timestamps, *vocabulary.languages.values()]
    ] = -torch.inf
    return never_V


def timed_texts(decoded: Decoded, vocabulary: Vocabulary, seconds: float) -> list[TimedText]:
    """The text between each pair of timestamps; what is left open lasts to the clip's end."""
    texts: list[TimedText] = []
    start_s, tokens, logprobs = 0.0, list[int](), list[float]()
    for token, logprob in zip(decoded.tokens, decoded.logprobs, strict=True):
        if token < vocabulary.end:
            tokens.append(token)
            logprobs.append(logprob)
        elif token >= vocabulary.timestamps:
            end_s = min((token - vocabulary.timestamps) * TIMESTAMP_S, seconds)
            texts += _timed(start_s, end_s, vocabulary.text(tokens), logprobs)
            start_s, tokens, logprobs = end_s, [], []
    return texts + _timed(start_s, seconds, vocabulary.text(tokens), logprobs)


def _timed(start_s: float, end_s: float, text: str, logprobs: list[float]) -> list[TimedText]:
    if not text.strip():
        return []
    mean = sum(logprobs) / len(logprobs)
    return [TimedText(start_s=start_s, end_s=end_s, text=text.strip(), avg_logprob=mean)]


def _prompt(vocabulary: Vocabulary, codes: Sequence[str], *, timestamps: bool) -> Tensor:
    """What follows the start token in each clip, [B, N]; N may be 0."""
    ending = [] if timestamps else [vocabulary.no_timestamps]
    if not vocabulary.languages:
        return torch.tensor([ending for _ in codes], dtype=torch.long)
    return torch.tensor(
        [[vocabulary.languages[code], vocabulary.transcribe, *ending] for code in codes]
    )


def _token_limit(model: Whisper, positions: int) -> int:
    seconds = positions * TIMESTAMP_S
    return min(int(SPARE_TOKENS + TOKENS_PER_S * seconds), model.dims.n_text_ctx // 2)


def _languages(
    first_BV: Tensor, vocabulary: Vocabulary, declared: Sequence[str | None]
) -> list[str]:
    """The declared languages by Whisper's codes, and the likeliest where none is declared."""
    if not vocabulary.languages:
        return ["en"] * len(declared)
    codes = list(vocabulary.languages)
    likeliest_B = first_BV[:, list(vocabulary.languages.values())].argmax(dim=-1)
    return [
        codes[index] if tag is None else primary(tag)
        for tag, index in zip(declared, likeliest_B.tolist(), strict=True)
    ]
