"""Texts read aloud by espeak-ng and flite, in random voices."""

import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from earmark.models.error import ServiceError

Random = np.random.Generator

FLITE_VOICES = ("awb", "kal", "kal16", "rms", "slt")
_VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5", "croak")
_TRIES = 10
_PROMPTS = 0.35


def read_by_espeak(random: Random, texts: Mapping[str, Sequence[str]], wav: Path) -> str:
    """Have a text read in its language by a random voice; the voice's name.

    `texts` are by BCP-47 code. What crashes espeak-ng (1.51 does on some voices and scripts) is
    given up for another text; raises ServiceError after ten, or where it knows no language of them.
    """
    known = sorted(texts.keys() & _espeak_languages())
    if not known:
        raise ServiceError("espeak-ng knows none of the languages of the texts")
    for _ in range(_TRIES - 1):
        try:
            return _espeak(random, known, texts, wav)
        except ServiceError:
            continue
    return _espeak(random, known, texts, wav)


def _espeak(
    random: Random, known: Sequence[str], texts: Mapping[str, Sequence[str]], wav: Path
) -> str:
    language = known[int(random.integers(len(known)))]
    variant = _VARIANTS[int(random.integers(len(_VARIANTS)))]
    options = {
        "-v": f"{language}+{variant}",
        "-s": str(int(random.integers(110, 230))),
        "-p": str(int(random.integers(15, 90))),
    }
    flags = [word for pair in options.items() for word in pair]
    _run(["espeak-ng", *flags, "-w", str(wav), "--", _text(random, texts[language])])
    return f"{language}+{variant}"


def read_by_flite(random: Random, texts: Sequence[str], wav: Path) -> str:
    """Have an English text read by a random voice; the voice's name. Raises ServiceError."""
    voice = FLITE_VOICES[int(random.integers(len(FLITE_VOICES)))]
    stretch = f"duration_stretch={random.uniform(0.75, 1.3):.2f}"
    _run(["flite", "-voice", voice, "--setf", stretch, "-t", _text(random, texts), "-o", str(wav)])
    return voice


def _text(random: Random, texts: Sequence[str]) -> str:
    """A text of a few sentences at most; one in three is a few words of it, as prompts are."""
    text = texts[int(random.integers(len(texts)))][:400]
    if random.random() > _PROMPTS:
        return text
    words = text.split()
    start = int(random.integers(len(words)))
    return " ".join(words[start : start + int(random.integers(1, 4))])


@cache
def _espeak_languages() -> frozenset[str]:
    listed = _run(["espeak-ng", "--voices"]).decode()
    return frozenset(line.split()[1] for line in listed.splitlines()[1:])


def _run(command: list[str]) -> bytes:
    try:
        return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise ServiceError(f"{command[0]} failed: {error}") from error
