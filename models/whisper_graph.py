"""The decoder's step in fixed places, so that a GPU replays it as one recorded graph.

Token by token, a small decoder spends its time on starting kernels. Here all it reads and writes
lies where it lay before: caches as long as they can get, whole windows of what was heard (clip,
then silence), and the position as a tensor. CUDA records the step once for each number of rows in
`GRID`, and replays it. Clips that go on are moved to the front when others end, so that a smaller
graph takes over: it reads the first rows of the same places. Without CUDA the step is never used
by itself, but computes the same.

Shapes. R: rows, B: clips that go on, H: heads, P: positions of a window, C: tokens at most,
D: width of a head, W: width, N: tokens in one call
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from earmark.models.whisper import DecoderBlock, DecoderState, Hearing, Whisper, in_place

GRID = (1, 2, 4, 8, 16, 32, 64, 128, 256)
PLACES_BYTES = 1 << 30  # for all places: 64 rows of the smallest checkpoint take 0.8 GB
PLACES_SHARE = 16  # or one part in so many of a GPU's memory, where that is more


class Steps:
    """The decoder's state from token to token; in fixed places as soon as that is faster."""

    def __init__(self, model: Whisper, state: DecoderState) -> None:
        self._model = model
        self._state = state
        self._fixed: FixedDecoder | None = None

    def states(self, tokens_B: Tensor) -> Tensor:
        """What the head makes logits of, [B, W], after the next token of each clip."""
        if self._fixed is None and tokens_B.is_cuda and len(tokens_B) <= rows_for(self._model):
            self._fixed = fixed_decoder(self._model)
            self._fixed.begin(self._state)
        if self._fixed is not None:
            return self._fixed.states(tokens_B)
        return self._model.decoder.states(tokens_B[:, None], self._state)[:, -1]

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all clips but those at the indices `rows`, which are in the order of `compact`."""
        (self._state if self._fixed is None else self._fixed).keep(rows)


class FixedDecoder:
    """Places for `rows` clips on the model's device, and one recorded step per size in `GRID`."""

    def __init__(self, model: Whisper, rows: int) -> None:
        dims, like = model.dims, model.decoder.positional_embedding
        heads, width = dims.n_text_head, dims.n_text_state // dims.n_text_head

        def pair(length: int) -> tuple[Tensor, Tensor]:
            shape = (rows, heads, length, width)
            return like.new_zeros(shape), like.new_zeros(shape)  # what is masked must be a number

        self._decoder = model.decoder
        self._past = [pair(dims.n_text_ctx) for _ in range(dims.n_text_layer)]
        self._heard = [pair(dims.n_audio_ctx) for _ in range(dims.n_text_layer)]
        self._tokens_R1 = torch.zeros(rows, 1, dtype=torch.long, device=like.device)
        self._position = torch.zeros(1, dtype=torch.long, device=like.device)
        self._index_C = torch.arange(dims.n_text_ctx, device=like.device)
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, Tensor]] = {}

    def begin(self, state: DecoderState) -> None:
        """Take over what was read and heard so far."""
        self._position.fill_(state.length)
        for past, fixed in zip(state.past, self._past, strict=True):
            for read_BHCD, place_RHCD in zip((past.keys, past.values), fixed, strict=True):
                filled = place_RHCD[: len(read_BHCD), :, : state.length]
                filled.copy_(read_BHCD[:, :, : state.length])
        for hearing, fixed in zip(state.hearing, self._heard, strict=True):
            for heard_BHPD, place_RHPD in zip(_windows(hearing), fixed, strict=True):
                place_RHPD[: len(heard_BHPD)].copy_(heard_BHPD)

    def states(self, tokens_B: Tensor) -> Tensor:
        """[B, W] after the next token of each clip."""
        clips = len(tokens_B)
        size = next(size for size in GRID if size >= clips)
        self._tokens_R1[:clips, 0] = tokens_B
        states_RW = self._replayed(size) if tokens_B.is_cuda else self._step(size)
        self._position += 1
        return states_RW[:clips].clone()

    def keep(self, rows: Sequence[int]) -> None:
        """Move the clips at the indices `rows`, in the order of `compact`, to the front."""
        for place_RHND in (place for pair in (*self._past, *self._heard) for place in pair):
            in_place(place_RHND, rows)

    def _replayed(self, size: int) -> Tensor:
        if size not in self._graphs:
            self._graphs[size] = self._recorded(size)
        graph, states_RW = self._graphs[size]
        graph.replay()
        return states_RW

    def _recorded(self, size: int) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        """Recorded after two runs beside it, as CUDA asks; they write what the replay writes."""
        beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # as torch publishes it
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(2):
                self._step(size)
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        # other threads of the process go on asking CUDA for memory meanwhile
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            states_RW = self._step(size)
        return graph, states_RW

    def _step(self, size: int) -> Tensor:
        decoder, mask_C = self._decoder, self._index_C <= self._position
        place_1W = decoder.positional_embedding.index_select(0, self._position)
        x_RNW = decoder.token_embedding(self._tokens_R1[:size]).to(place_1W.dtype) + place_1W
        for block, past, heard in zip(decoder.blocks, self._past, self._heard, strict=True):
            first_past = past[0][:size], past[1][:size]
            first_heard = heard[0][:size], heard[1][:size]
            x_RNW = self._block(cast(DecoderBlock, block), x_RNW, first_past, first_heard, mask_C)
        states_RNW: Tensor = decoder.ln(x_RNW)
        return states_RNW[:, -1].float()

    def _block(
        self,
        block: DecoderBlock,
        x_RNW: Tensor,
        past: tuple[Tensor, Tensor],
        heard: tuple[Tensor, Tensor],
        mask_C: Tensor,
    ) -> Tensor:
        normed_RNW = block.attn_ln(x_RNW)
        for place_RHCD, new_RHND in zip(past, block.attn.keys_values(normed_RNW), strict=True):
            place_RHCD.index_copy_(2, self._position, new_RHND)
        x_RNW = x_RNW + block.attn(normed_RNW, past, mask_C[None, None, None])
        cross = block.cross_attn
        queries_RHND = cross.split(cross.query(block.cross_attn_ln(x_RNW)))
        x_RNW = x_RNW + cross.merge(functional.scaled_dot_product_attention(queries_RHND, *heard))
        mixed_RNW: Tensor = x_RNW + block.mlp(block.mlp_ln(x_RNW))
        return mixed_RNW


@lru_cache(maxsize=2)
def fixed_decoder(model: Whisper) -> FixedDecoder:
    """The one of a model: its places and graphs are used by batch after batch, of one thread."""
    return FixedDecoder(model, rows_for(model))


def rows_for(model: Whisper) -> int:
    """The largest number of the grid for which there is room."""
    dims = model.dims
    positions = dims.n_text_ctx + dims.n_audio_ctx
    numbers = 2 * dims.n_text_layer * dims.n_text_state * positions  # keys and values
    like = model.decoder.positional_embedding
    room = max(PLACES_BYTES, _memory_bytes(like.device) // PLACES_SHARE)
    fitting = (size for size in GRID if size * numbers * like.element_size() <= room)
    return max(fitting, default=GRID[0])


@cache
def _memory_bytes(device: torch.device) -> int:
    if device.type != "cuda":
        return 0
    return int(torch.cuda.get_device_properties(device).total_memory)


def _windows(hearing: Hearing) -> tuple[Tensor, Tensor]:
    """Keys and values [B, H, P, D] of whole windows: each clip, then silence."""
    clips = len(hearing.own[0])
    keys_BHPD, values_BHPD = (
        torch.cat((own_BHPD, silence_HPD.expand(clips, -1, -1, -1)), dim=2)
        for own_BHPD, silence_HPD in zip(hearing.own, hearing.silence, strict=True)
    )
    return keys_BHPD, values_BHPD
