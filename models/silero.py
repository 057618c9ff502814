"""The Silero voice activity network (v6, 16 kHz) in torch, stepping many recordings at once.

The layers are those of the package silero-vad (MIT), whose `tinygrad_model.py` documents them. Only
the LSTM carries state over frames, so the rest runs on all frames of all recordings in one batch,
and on none that is padding.

The weights are those of the package's TorchScript file, which its ONNX files share. Its safetensors
file holds another training of the same layers (release 6.2.3: probabilities differ by up to 0.3).

Shapes. B: recordings, T: samples at 16 kHz, F: frames of `FRAME_SAMPLES`, N: B x F frames,
K: `CONTEXT_SAMPLES` samples before a frame, W: K + frame samples, S: spectrogram columns,
C: channels, H: hidden units
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from earmark.models.device import Device
from earmark.models.error import ModelError

FRAME_SAMPLES = 512  # 32 ms
CONTEXT_SAMPLES = 64  # 4 ms of the frame before
HIDDEN_UNITS = 128

_BINS = 129  # n_fft 256
_FFT_SAMPLES = 256
_HOP_SAMPLES = 128
_SLAB_FRAMES = 2_000  # bounds the memory of the convolutions: about 8 MB a layer

# names in the safetensors file -> those in the TorchScript file
_JIT_NAMES = {
    "stft_conv.weight": "_model.stft.forward_basis_buffer",
    "final_conv.weight": "_model.decoder.decoder.2.weight",
    "final_conv.bias": "_model.decoder.decoder.2.bias",
}
for _kind in ("weight", "bias"):
    for _gate in ("ih", "hh"):
        _JIT_NAMES[f"lstm_cell.{_kind}_{_gate}"] = f"_model.decoder.rnn.{_kind}_{_gate}"
    for _layer in range(4):
        _JIT_NAMES[f"conv{_layer + 1}.{_kind}"] = f"_model.encoder.{_layer}.reparam_conv.{_kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceState:
    """What the network remembers of one recording: its last samples and the LSTM's state."""

    context_K: Tensor
    hidden_H: Tensor
    cell_H: Tensor


class SileroVad(nn.Module):
    """The network; each frame's probability of speech depends on the frames before it.

    Always fp32: the network is small, and its thresholds were chosen for exact probabilities.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 2 * _BINS, _FFT_SAMPLES, stride=_HOP_SAMPLES, bias=False)
        self.conv1 = nn.Conv1d(_BINS, 128, 3, padding=1)
        self.conv2 = nn.Conv1d(128, 64, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(64, 64, 3, stride=2, padding=1)
        self.conv4 = nn.Conv1d(64, HIDDEN_UNITS, 3, padding=1)
        self.lstm = nn.LSTM(HIDDEN_UNITS, HIDDEN_UNITS, batch_first=True)
        self.final_conv = nn.Conv1d(HIDDEN_UNITS, 1, 1)

    def initial_state(self) -> VoiceState:
        """The state before the first sample: silence."""
        device = self.final_conv.weight.device
        return VoiceState(
            context_K=torch.zeros(CONTEXT_SAMPLES, device=device),
            hidden_H=torch.zeros(HIDDEN_UNITS, device=device),
            cell_H=torch.zeros(HIDDEN_UNITS, device=device),
        )

    @torch.inference_mode()
    def step(
        self,
        samples_BT: Tensor,
        states: Sequence[VoiceState],
        frames_B: Sequence[int] | None = None,
    ) -> tuple[Tensor, list[VoiceState]]:
        """Probability of speech in [0, 1] per frame, `(B, F)`, and the states after the samples.

        T is a multiple of `FRAME_SAMPLES`. Recordings do not influence each other. Of each the
        first `frames_B` frames are read, by default all; one that has fewer than the longest ends
        with them, and its probabilities and state beyond mean nothing.
        """
        frames = list(frames_B or [samples_BT.shape[1] // FRAME_SAMPLES] * len(states))
        samples_BT = samples_BT[:, : max(frames) * FRAME_SAMPLES].to(self.final_conv.weight.device)
        context_BK = torch.stack([state.context_K for state in states])
        windows_BFW = torch.cat((context_BK, samples_BT), dim=1).unfold(
            1, CONTEXT_SAMPLES + FRAME_SAMPLES, FRAME_SAMPLES
        )
        before = (
            torch.stack([state.hidden_H for state in states])[None],
            torch.stack([state.cell_H for state in states])[None],
        )
        hidden_BFH, after = self.lstm(self._encode(windows_BFW, frames), before)
        logits_B1F = self.final_conv(hidden_BFH.relu().transpose(1, 2))
        return logits_B1F[:, 0].sigmoid(), _states(samples_BT[:, -CONTEXT_SAMPLES:], *after)

    def _encode(self, windows_BFW: Tensor, frames: Sequence[int]) -> Tensor:
        """Features of each frame by itself, `(B, F, H)`, zero beyond those of a recording."""
        index_F = torch.arange(windows_BFW.shape[1], device=windows_BFW.device)
        real_BF = index_F < torch.tensor(frames, device=windows_BFW.device)[:, None]
        windows_NW = windows_BFW[real_BF]
        slabs = windows_NW.chunk(-(-len(windows_NW) // _SLAB_FRAMES))
        features_BFH = windows_BFW.new_zeros(*real_BF.shape, HIDDEN_UNITS)
        features_BFH[real_BF] = torch.cat([self._encode_slab(slab_NW) for slab_NW in slabs])
        return features_BFH

    def _encode_slab(self, windows_NW: Tensor) -> Tensor:
        padded_NW = nn.functional.pad(windows_NW, (0, CONTEXT_SAMPLES), mode="reflect")
        real_NCS, imaginary_NCS = self.stft_conv(padded_NW[:, None]).chunk(2, dim=1)
        features_NCS: Tensor = (real_NCS.square() + imaginary_NCS.square()).sqrt()
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            features_NCS = conv(features_NCS).relu()
        return features_NCS[:, :, 0]


def load_silero(path: Path, device: Device) -> SileroVad:
    """The network with the weights of a safetensors file; raises ModelError.

    The file names the tensors as the package's own `silero_vad_16k.safetensors` does.
    """
    network = SileroVad()
    try:
        network.load_state_dict({_ours(name): tensor for name, tensor in load_file(path).items()})
    except RuntimeError as error:
        raise ModelError(f"{path} does not hold the Silero 16 kHz network: {error}") from error
    return network.eval().requires_grad_(False).to(device.torch)


def weights_of_jit(path: Path) -> dict[str, Tensor]:
    """The 16 kHz weights of the package's `silero_vad.jit`, named as `load_silero` expects.

    TorchScript archives are read by torch's C++ reader, which makes tensors and no other objects.
    Raises ModelError where a weight is missing.
    """
    with warnings.catch_warnings():
        # deprecated in favour of torch.export, in whose format this file is not published
        warnings.simplefilter("ignore", DeprecationWarning)
        archive = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]  # torch publishes no annotation
    theirs = archive.state_dict()
    try:
        return {ours: theirs[jit].clone().contiguous() for ours, jit in _JIT_NAMES.items()}
    except KeyError as error:
        raise ModelError(f"{path} does not hold the Silero 16 kHz network: no {error}") from error


def _ours(name: str) -> str:
    """`nn.LSTM` numbers its layers, an LSTM cell does not."""
    return f"lstm.{name.removeprefix('lstm_cell.')}_l0" if name.startswith("lstm_cell.") else name


def _states(context_BK: Tensor, hidden_1BH: Tensor, cell_1BH: Tensor) -> list[VoiceState]:
    """One state per recording, in memory of its own: the chunk that it came with can go."""
    rows = zip(context_BK.clone(), hidden_1BH[0], cell_1BH[0], strict=True)
    return [VoiceState(context_K=k, hidden_H=hidden, cell_H=cell) for k, hidden, cell in rows]
