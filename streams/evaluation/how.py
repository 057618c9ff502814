"""What an evaluation is asked for beside its rows; light, so that a command can read it first."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What a run is asked for beside its rows; None leaves the model to the signal."""

    model: str | None = None
    device: str = "auto"
    precision: str = "auto"
    declares_language: bool = False
