"""The folder of policies in force: put there whole, or taken out, one file at a time.

Agents read it when they start and when it changes.
"""

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from earmark.models.error import ConfigurationError
from earmark.processors.policy.policy import Policy
from earmark.processors.policy.shelf import (
    SHIPPED,
    SUFFIX,
    packaged_files,
    policy_files,
    read_policies,
    read_policy,
    shipped_policies,
)
from earmark.streams.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A file of the folder that is to be written, or removed where `text` is None."""

    policy: str
    path: Path
    text: str | None
    diff: str  # unified, "" where nothing changes


def policy_folder(settings: Settings) -> Path:
    """The user's folder; raises ConfigurationError where the settings name none."""
    if settings.policies is None:
        raise ConfigurationError(
            "no folder of policies: set EARMARK_POLICIES to one (the shipped policies are in force)"
        )
    return settings.policies


def found_file(name: str) -> Path:
    """The file that is named: a path, or the name of a shipped policy."""
    path = Path(name)
    if path.is_file():
        return path
    for policy in shipped_policies():
        if policy.name == name:
            return Path(policy.file)
    shipped = ", ".join(policy.name for policy in shipped_policies())
    raise ConfigurationError(f"{name} is neither a file nor a shipped policy ({shipped})")


def changes_of(folder: Path, files: Sequence[Path]) -> tuple[Change, ...]:
    """What putting the files would change; raises PolicyError for faults, also of all together."""
    policies = [read_policy(file) for file in files]
    _check_together(folder, files, policies)
    return tuple(_put(folder, file, it) for file, it in zip(files, policies, strict=True))


def removal_of(folder: Path, name: str) -> Change:
    """What retiring the policy changes; raises ConfigurationError where the folder has none."""
    for file in policy_files(folder):
        if read_policy(file).name == name:
            path = folder / file.name
            text = path.read_text(encoding="utf-8")
            return Change(policy=name, path=path, text=None, diff=_diff(path.name, text, ""))
    raise ConfigurationError(f"{folder} has no policy {name}")


def apply(change: Change) -> None:
    """Make the change: readers see the old file or the new one, never a part."""
    try:
        if change.text is None:
            change.path.unlink()
            return
        with NamedTemporaryFile(
            "w", encoding="utf-8", dir=change.path.parent, suffix=".part", delete=False
        ) as part:
            part.write(change.text)
            part.flush()
            os.fsync(part.fileno())
        Path(part.name).chmod(0o644)
        Path(part.name).replace(change.path)
    except OSError as error:
        raise ConfigurationError(f"{change.path}: {error.strerror}") from error


def with_files(in_force: Sequence[Policy], files: Sequence[Path]) -> tuple[Policy, ...]:
    """The policies in force with those of the files in place of theirs, by name."""
    own = read_policies(files)
    names = {policy.name for policy in own}
    kept = [policy for policy in in_force if policy.name not in names]
    return tuple(sorted((*kept, *own), key=lambda policy: policy.name))


def is_shipped(policy: Policy) -> bool:
    """Whether it comes with Earmark."""
    return Path(policy.file).parent == SHIPPED


def _check_together(folder: Path, files: Sequence[Path], policies: Sequence[Policy]) -> None:
    """Raises PolicyError where the folder would hold a policy twice."""
    names = {policy.name for policy in policies}
    standing = [it for it in _standing(folder) if read_policy(it).name not in names]
    read_policies([*standing, *files, *packaged_files()])


def _standing(folder: Path) -> list[Path]:
    return [folder / file.name for file in policy_files(folder)] if folder.is_dir() else []


def _put(folder: Path, file: Path, policy: Policy) -> Change:
    text = file.read_text(encoding="utf-8")
    path = next(
        (it for it in _standing(folder) if read_policy(it).name == policy.name),
        folder / f"{policy.name}{SUFFIX}",
    )
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    return Change(policy=policy.name, path=path, text=text, diff=_diff(path.name, before, text))


def _diff(name: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        fromfile=f"{name} in force" if before else "nothing",
        tofile=name if after else "nothing",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
