"""The Whisper network: log-mel frames of speech in, logits over text tokens out.

Written after Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022),
with a change for speed. The encoder reads each clip for as long as it is, instead of in a window of
30 s filled up with silence; the decoder then hears, after the clip, the states that the encoder has
of silence, which are the same for all clips and kept ready.

Shapes. B: clips, M: mel bins, F: frames of 10 ms, P: encoder positions of 20 ms, W: width,
H: heads, D: width of a head, N: tokens in one call, V: vocabulary
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from earmark.models.device import Device
from earmark.models.error import ModelError
from earmark.models.own_attention import own_attention, token_attention
from earmark.models.whisper_checkpoint import Dimensions, openai_names
from earmark.models.whisper_head import Head, head_for

SILENCE_LOG_MEL = -1.5  # what every bin of digital silence becomes: (log10(1e-10) + 4) / 4

KeysValues = tuple[Tensor, Tensor]


class Attention(nn.Module):
    """Multi-head attention with Whisper's biases: none on the keys."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def split(self, x_BNW: Tensor) -> Tensor:
        """The heads apart: [B, H, N, D]."""
        batch, tokens, width = x_BNW.shape
        return x_BNW.reshape(batch, tokens, self.heads, width // self.heads).transpose(1, 2)

    def keys(self, x_BNW: Tensor) -> Tensor:
        """What others find it by, [B, H, N, D]."""
        return self.split(self.key(x_BNW))

    def values(self, x_BNW: Tensor) -> Tensor:
        """What they find, [B, H, N, D]."""
        return self.split(self.value(x_BNW))

    def keys_values(self, x_BNW: Tensor) -> KeysValues:
        """What others attend to."""
        return self.keys(x_BNW), self.values(x_BNW)

    def merge(self, x_BHND: Tensor) -> Tensor:
        """The heads together again and projected: [B, N, W]."""
        merged: Tensor = self.out(x_BHND.transpose(1, 2).flatten(2))
        return merged

    def forward(self, x_BNW: Tensor, keys_values: KeysValues, mask: Tensor | None) -> Tensor:
        """[B, N, W] from attention to the keys that `mask` (True: look) allows."""
        queries_BHND = self.split(self.query(x_BNW))
        return self.merge(token_attention(queries_BHND, *keys_values, mask))


class EncoderBlock(nn.Module):
    """Self-attention and a two-layer perceptron, each on normalised input and added."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = Attention(width, heads)
        self.attn_ln = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.mlp_ln = nn.LayerNorm(width)

    def forward(self, x_BPW: Tensor, lengths: Sequence[int]) -> Tensor:
        """[B, P, W] to [B, P, W]; each clip is `lengths` long."""
        normed_BPW = self.attn_ln(x_BPW)
        queries_BHPD = self.attn.split(self.attn.query(normed_BPW))
        attended_BHPD = own_attention(queries_BHPD, *self.attn.keys_values(normed_BPW), lengths)
        x_BPW = x_BPW + self.attn.merge(attended_BHPD)
        mixed_BPW: Tensor = x_BPW + self.mlp(self.mlp_ln(x_BPW))
        return mixed_BPW


class Encoder(nn.Module):
    """Two convolutions, the second halving the rate, fixed positions, and blocks of attention."""

    positional_embedding: Tensor

    def __init__(self, dims: Dimensions) -> None:
        super().__init__()
        width = dims.n_audio_state
        self.conv1 = nn.Conv1d(dims.n_mels, width, kernel_size=3, padding=1)
        self.conv2 = nn.Conv1d(width, width, kernel_size=3, stride=2, padding=1)
        self.register_buffer("positional_embedding", torch.zeros(dims.n_audio_ctx, width))
        self.blocks = nn.ModuleList(
            EncoderBlock(width, dims.n_audio_head) for _ in range(dims.n_audio_layer)
        )
        self.ln_post = nn.LayerNorm(width)

    def forward(self, mel_BMF: Tensor, frames_B: Tensor) -> Tensor:
        """States [B, P, W] of clips of `frames_B` frames (even), zero beyond; P is F / 2.

        A clip's states do not depend on the clips beside it; those beyond its end mean nothing.
        """
        frame_mask_B1F = (
            torch.arange(mel_BMF.shape[2], device=mel_BMF.device) < frames_B[:, None, None]
        )
        x_BWF = functional.gelu(self.conv1(mel_BMF)) * frame_mask_B1F
        x_BPW = functional.gelu(self.conv2(x_BWF)).transpose(1, 2)
        x_BPW = x_BPW + self.positional_embedding[: x_BPW.shape[1]]
        lengths = (frames_B // 2).tolist()
        for block in self.blocks:
            x_BPW = block(x_BPW, lengths)
        normed_BPW: Tensor = self.ln_post(x_BPW)
        return normed_BPW


@dataclass(slots=True, kw_only=True)
class Hearing:
    """What one decoder block heard of each clip: keys and values [B, H, P, D] of cross-attention.

    `silence` holds those of the positions after P, [H, rest, D]: the same for all clips.
    """

    own: KeysValues
    silence: KeysValues

    def attend(self, queries_BHND: Tensor) -> Tensor:
        """[B, H, N, D]: attention to the whole window, as if each clip lay in one of its own."""
        queries_BHND = queries_BHND * queries_BHND.shape[-1] ** -0.5
        own_BHNP = queries_BHND @ self.own[0].mT
        silence_BHNR = _shared(queries_BHND, self.silence[0].mT)
        scores = torch.cat((own_BHNP, silence_BHNR), dim=-1).float()
        weights = scores.softmax(dim=-1).to(queries_BHND.dtype)
        own = own_BHNP.shape[-1]
        heard_BHND: Tensor = weights[..., :own] @ self.own[1]
        return heard_BHND + _shared(weights[..., own:], self.silence[1])


def _shared(x_BHNK: Tensor, matrix_HKD: Tensor) -> Tensor:
    """One matrix per head for all clips: read once instead of once per clip."""
    clips, heads, tokens, _ = x_BHNK.shape
    x_HTK = x_BHNK.permute(1, 0, 2, 3).flatten(1, 2)
    product_HTD = x_HTK @ matrix_HKD
    return product_HTD.reshape(heads, clips, tokens, matrix_HKD.shape[-1]).transpose(0, 1)


class DecoderBlock(nn.Module):
    """Self-attention over the tokens so far, cross-attention to the clip, a perceptron."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = Attention(width, heads)
        self.attn_ln = nn.LayerNorm(width)
        self.cross_attn = Attention(width, heads)
        self.cross_attn_ln = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.mlp_ln = nn.LayerNorm(width)

    def forward(
        self, x_BNW: Tensor, past: "KeyValueCache", hearing: Hearing, mask: Tensor | None
    ) -> Tensor:
        """[B, N, W] to [B, N, W]; the tokens' keys and values are added to `past`."""
        normed_BNW = self.attn_ln(x_BNW)
        keys_values = past.append(*self.attn.keys_values(normed_BNW))
        x_BNW = x_BNW + self.attn(normed_BNW, keys_values, mask)
        queries_BHND = self.cross_attn.split(self.cross_attn.query(self.cross_attn_ln(x_BNW)))
        x_BNW = x_BNW + self.cross_attn.merge(hearing.attend(queries_BHND))
        mixed_BNW: Tensor = x_BNW + self.mlp(self.mlp_ln(x_BNW))
        return mixed_BNW


@dataclass(slots=True, kw_only=True)
class KeyValueCache:
    """Keys and values [B, H, n_text_ctx, D] of one block, the first `length` of them filled."""

    keys: Tensor
    values: Tensor
    length: int = 0

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all clips but those at the indices `rows`; what is not filled is not touched."""
        for each_BHND in (self.keys, self.values):
            in_place(each_BHND[:, :, : self.length], rows)
        self.keys, self.values = self.keys[: len(rows)], self.values[: len(rows)]

    def append(self, keys_BHND: Tensor, values_BHND: Tensor) -> KeysValues:
        """All so far, with these at the end."""
        end = self.length + keys_BHND.shape[2]
        self.keys[:, :, self.length : end] = keys_BHND
        self.values[:, :, self.length : end] = values_BHND
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


@dataclass(slots=True, kw_only=True)
class DecoderState:
    """All that decoding carries from token to token, per block."""

    past: list[KeyValueCache]
    hearing: list[Hearing]

    @property
    def length(self) -> int:
        """Tokens read so far."""
        return self.past[0].length

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all clips but those at the indices `rows`, which are in the order of `compact`."""
        for past in self.past:
            past.keep(rows)
        for hearing in self.hearing:
            hearing.own = in_place(hearing.own[0], rows), in_place(hearing.own[1], rows)


def compact(rows: Sequence[int]) -> list[int]:
    """The same rows, as many as fit staying where they are, the last ones in the gaps between."""
    known, late = set(rows), [row for row in rows if row >= len(rows)]
    return [row if row in known else late.pop() for row in range(len(rows))]


def in_place(x_BX: Tensor, rows: Sequence[int]) -> Tensor:
    """`x_BX[rows]` for rows in the order of `compact`, of which only those that move are copied."""
    moved = [to for to, row in enumerate(rows) if to != row]
    if moved:
        x_BX[moved] = x_BX[[rows[to] for to in moved]]
    return x_BX[: len(rows)]


class Decoder(nn.Module):
    """Token and position embeddings, blocks of attention, and the embedding again as the head.

    Embedding and head stay in fp32 whatever the precision of the blocks.
    """

    def __init__(self, dims: Dimensions) -> None:
        super().__init__()
        width = dims.n_text_state
        # a table of its own is filled with random numbers, which imports for a second on meta
        table_VW = torch.empty(dims.n_vocab, width)
        self.token_embedding = nn.Embedding(dims.n_vocab, width, _weight=table_VW)
        self.positional_embedding = nn.Parameter(torch.zeros(dims.n_text_ctx, width))
        self.blocks = nn.ModuleList(
            DecoderBlock(width, dims.n_text_head) for _ in range(dims.n_text_layer)
        )
        self.ln = nn.LayerNorm(width)

    def forward(self, tokens_BN: Tensor, state: DecoderState) -> Tensor:
        """Logits [B, N, V], fp32, of the tokens that follow each of these."""
        return self.states(tokens_BN, state) @ self.token_embedding.weight.T

    def states(self, tokens_BN: Tensor, state: DecoderState) -> Tensor:
        """What the head makes logits of, [B, N, W], fp32."""
        begin, tokens = state.length, tokens_BN.shape[1]
        positions_NW = self.positional_embedding[begin : begin + tokens]
        mask = _earlier(begin, tokens, tokens_BN.device) if tokens > 1 else None
        x_BNW = self.token_embedding(tokens_BN).to(positions_NW.dtype) + positions_NW
        for block, past, hearing in zip(self.blocks, state.past, state.hearing, strict=True):
            x_BNW = block(x_BNW, past, hearing, mask)
        states_BNW: Tensor = self.ln(x_BNW).float()
        return states_BNW


def _earlier(begin: int, tokens: int, device: torch.device) -> Tensor:
    """Which of all tokens so far each of the last `tokens` may look at, [N, all]."""
    return torch.ones(tokens, begin + tokens, dtype=torch.bool, device=device).tril(begin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Encoder states [B, P, W] of clips that are `positions_B` long."""

    states_BPW: Tensor = field(repr=False)
    positions_B: Tensor

    @classmethod
    def joined(cls, parts: Sequence["Encoded"], rows: Sequence[NDArray[np.int64]]) -> "Encoded":
        """The clips of all parts as one batch, those of each part at its `rows`; zero beyond."""
        like = parts[0].states_BPW
        clips, longest = sum(map(len, rows)), max(part.states_BPW.shape[1] for part in parts)
        states_BPW = like.new_zeros(clips, longest, like.shape[2])
        positions_B = parts[0].positions_B.new_zeros(clips)
        for part, numbers in zip(parts, rows, strict=True):
            at = torch.from_numpy(numbers).to(like.device)
            states_BPW[at, : part.states_BPW.shape[1]] = part.states_BPW
            positions_B[at] = part.positions_B
        return cls(states_BPW=states_BPW, positions_B=positions_B)

    def select(self, rows: Tensor) -> "Encoded":
        """Only the clips at the indices `rows`, in ascending order."""
        if len(rows) == len(self.positions_B):
            return self
        return Encoded(states_BPW=self.states_BPW[rows], positions_B=self.positions_B[rows])


def _cross_attention(block: nn.Module) -> "Attention":
    return cast(DecoderBlock, block).cross_attn


class Whisper(nn.Module):
    """A Whisper checkpoint, any size, in evaluation mode on its device."""

    def __init__(self, dims: Dimensions) -> None:
        super().__init__()
        self.dims = dims
        self.encoder = Encoder(dims)
        self.decoder = Decoder(dims)
        self._silence: list[KeysValues] = []
        self.head: Head

    @torch.inference_mode()
    def encode(self, mel_BMF: Tensor, frames_B: Tensor) -> Encoded:
        """States of clips of `frames_B` frames (even); see `Encoder.forward`."""
        dtype = self.encoder.conv1.weight.dtype
        states_BPW = self.encoder(mel_BMF.to(dtype), frames_B)
        return Encoded(states_BPW=states_BPW, positions_B=frames_B // 2)

    @torch.inference_mode()
    def listen(self, encoded: Encoded) -> DecoderState:
        """The state from which decoding of the clips begins."""
        positions_B = encoded.positions_B
        longest = int(positions_B.max())
        states_BPW = encoded.states_BPW[:, :longest]
        index_P = torch.arange(longest, device=states_BPW.device)
        own_BP = index_P < positions_B[:, None]
        hearing = [
            _hearing(_cross_attention(block), states_BPW, silence, own_BP)
            for block, silence in zip(self.decoder.blocks, self._silence, strict=True)
        ]
        return DecoderState(past=[self._cache(len(positions_B)) for _ in hearing], hearing=hearing)

    @torch.inference_mode()
    def prepare(self) -> None:
        """Compute what silence sounds like, [H, P, D] per decoder block, and the head's form.

        Once after loading.
        """
        self.head = head_for(self.decoder.token_embedding.weight)
        frames = 2 * self.dims.n_audio_ctx
        device = self.decoder.positional_embedding.device
        mel_1MF = torch.full((1, self.dims.n_mels, frames), SILENCE_LOG_MEL, device=device)
        states_1PW = self.encode(mel_1MF, torch.tensor([frames], device=device)).states_BPW
        pairs = [_cross_attention(block).keys_values(states_1PW) for block in self.decoder.blocks]
        self._silence = [(keys[0].contiguous(), values[0].contiguous()) for keys, values in pairs]

    def _cache(self, clips: int) -> KeyValueCache:
        heads, like = self.dims.n_text_head, self.decoder.positional_embedding
        shape = (clips, heads, self.dims.n_text_ctx, self.dims.n_text_state // heads)
        return KeyValueCache(keys=like.new_empty(shape), values=like.new_empty(shape))


def _hearing(
    cross_attn: Attention, states_BPW: Tensor, silence: KeysValues, own_BP: Tensor
) -> Hearing:
    clips, longest = own_BP.shape
    states_1NW = states_BPW[own_BP][None]  # of all clips, what lies beyond their ends left out

    def own(mine_1HND: Tensor, still_HPD: Tensor) -> Tensor:
        own_BHPD = still_HPD[:, :longest].repeat(clips, 1, 1, 1)
        own_BHPD.transpose(1, 2)[own_BP] = mine_1HND[0].transpose(0, 1)
        return own_BHPD

    # one after the other: these are the largest tensors of a batch
    keys_BHPD = own(cross_attn.keys(states_1NW), silence[0])
    values_BHPD = own(cross_attn.values(states_1NW), silence[1])
    return Hearing(
        own=(keys_BHPD, values_BHPD), silence=(silence[0][:, longest:], silence[1][:, longest:])
    )


def load_whisper(
    config: Mapping[str, object], tensors: Mapping[str, Tensor], device: Device
) -> Whisper:
    """The network of a checkpoint with OpenAI's or transformers' names, ready on `device`.

    Raises ModelError where config and tensors do not describe one Whisper network.
    """
    dims = Dimensions.from_config(config)
    with torch.device("meta"):
        model = Whisper(dims)
    try:
        model.load_state_dict(dict(openai_names(tensors)), strict=True, assign=True)
    except RuntimeError as error:
        raise ModelError(f"not a Whisper checkpoint of the stated size: {error}") from error
    if device.kind == "cuda":  # cuDNN's attention takes 9 ms to plan for each shape that is new
        torch.backends.cuda.enable_cudnn_sdp(enabled=False)
    model = model.to(device.torch, device.dtype)
    model.decoder.token_embedding.float()
    model.requires_grad_(requires_grad=False).eval().prepare()
    return model
