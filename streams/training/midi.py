"""Tunes as General MIDI files, and FluidSynth to play them."""

import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from earmark.models.error import ServiceError
from earmark.streams.training.composition import DRUMS, Note

TICKS_PER_SECOND = 960  # 480 a beat at 120 beats a minute, whatever the tune's own tempo

_DRUM_CHANNEL = 9
_PROGRAMS = 120  # of the 128; the rest are sound effects


def midi_file(pieces: Sequence[tuple[float, Sequence[Note]]], random: np.random.Generator) -> bytes:
    """Pieces that begin at so many seconds, each in instruments of its own, as one MIDI file."""
    events: list[tuple[int, int, bytes]] = []  # tick, order within the tick, message
    for start_s, notes in pieces:
        channels = _channels(notes)
        for channel in channels.values():
            program = int(random.integers(_PROGRAMS)) if channel != _DRUM_CHANNEL else 0
            events.append((_tick(start_s), 0, bytes((0xC0 | channel, program))))
        for note in notes:
            channel, strength = channels[note.part], int(np.clip(127 * note.strength, 1, 127))
            on, off = _tick(start_s + note.at_s), _tick(start_s + note.at_s + note.length_s)
            events.append((on, 2, bytes((0x90 | channel, note.pitch, strength))))
            events.append((max(off, on + 1), 1, bytes((0x80 | channel, note.pitch, 0))))
    return _header() + _track(sorted(events))


def play(midi: Path, sound_font: Path, wav: Path, *, rate_hz: int = 16_000) -> None:
    """Have FluidSynth play the file into a WAV file; raises ServiceError."""
    command = ["fluidsynth", "-niq", "-r", str(rate_hz), "-F", str(wav), str(sound_font), str(midi)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        raise ServiceError(f"fluidsynth did not play {midi.name}: {error}") from error


def _channels(notes: Sequence[Note]) -> dict[str, int]:
    pitched = sorted({note.part for note in notes} - {DRUMS})
    return {DRUMS: _DRUM_CHANNEL} | {part: number for number, part in enumerate(pitched)}


def _tick(seconds: float) -> int:
    return round(seconds * TICKS_PER_SECOND)


def _header() -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480)


def _track(events: Sequence[tuple[int, int, bytes]]) -> bytes:
    body = bytearray()
    now = 0
    for tick, _, message in events:
        body += _variable_length(tick - now) + message
        now = tick
    body += _variable_length(TICKS_PER_SECOND) + b"\xff\x2f\x00"
    return b"MTrk" + struct.pack(">I", len(body)) + bytes(body)


def _variable_length(number: int) -> bytes:
    septets = [number & 0x7F]
    while number := number >> 7:
        septets.append(0x80 | number & 0x7F)
    return bytes(reversed(septets))
