"""Fits the scene network to examples, always in the same way for the same seed.

Shapes. N: examples, M: mel bins, F: frames, L: classes
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from earmark.models.scene_net import MELS, SceneNet, scene_mel
from earmark.streams.training.mixture import Mixer

Watch = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How long and how fast to learn."""

    examples: int = 8_000
    epochs: int = 14
    batch: int = 64
    rate: float = 3e-3
    decay: float = 1e-2
    smoothing: float = 0.02  # targets are so far from 0 and 1
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Log-mel frames in half precision, and targets: 1, 0 or `UNKNOWN`."""

    mel_NMF: Tensor
    targets_NL: Tensor


def examples(mixer: Mixer, count: int, seed: int) -> Examples:
    """So many examples, drawn by the seed."""
    random = np.random.default_rng(seed)
    mels, targets = [], []
    for _ in range(0, count, 64):
        drawn = [mixer.draw(random) for _ in range(64)]
        mels.append(scene_mel(torch.from_numpy(np.stack([e.window_T for e in drawn]))).half())
        targets.append(torch.from_numpy(np.stack([e.targets_L for e in drawn])))
    return Examples(mel_NMF=torch.cat(mels), targets_NL=torch.cat(targets))


def fit(data: Examples, recipe: Recipe, watch: Watch) -> SceneNet:
    """The network after the recipe, ready to use: AdamW, one cycle of the learning rate."""
    torch.manual_seed(recipe.seed)
    network = SceneNet().train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    steps = len(data.mel_NMF) // recipe.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.rate, total_steps=steps * recipe.epochs
    )
    for epoch in range(recipe.epochs):
        order = torch.randperm(len(data.mel_NMF))[: steps * recipe.batch].view(steps, recipe.batch)
        total = 0.0
        for rows in order:
            mel_BMF = _masked(data.mel_NMF[rows].float())
            loss = _loss(network(mel_BMF), data.targets_NL[rows], recipe.smoothing)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
            optimiser.step()
            schedule.step()
            total += loss.item()
        watch(f"epoch {epoch + 1} of {recipe.epochs}: loss {total / steps:.4f}")
    return network.eval().requires_grad_(False)


def _loss(logits_BL: Tensor, targets_BL: Tensor, smoothing: float) -> Tensor:
    known_BL = (targets_BL >= 0).float()
    soft_BL = targets_BL.clamp(min=0) * (1 - 2 * smoothing) + smoothing
    loss_BL = binary_cross_entropy_with_logits(logits_BL, soft_BL, reduction="none")
    return (loss_BL * known_BL).sum() / known_BL.sum()


def _masked(mel_BMF: Tensor) -> Tensor:
    """Frames with a random band and a random time erased; after Park et al. 2019."""
    batch, _, frames = mel_BMF.shape
    for size, most, dimension in ((MELS, 10, 1), (frames, 16, 2)):
        width_B = torch.randint(0, most + 1, (batch,))
        start_B = (torch.rand(batch) * (size - width_B)).long()
        place = torch.arange(size)
        hit = (place >= start_B[:, None]) & (place < (start_B + width_B)[:, None])
        mel_BMF = mel_BMF.masked_fill(hit[:, :, None] if dimension == 1 else hit[:, None, :], -1.0)
    return mel_BMF
