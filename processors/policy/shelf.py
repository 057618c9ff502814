"""Where policies are found: shipped with this module, in a folder of the user's, in packages."""

from collections.abc import Iterable, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path

from earmark.models.error import ConfigurationError, reason_of
from earmark.models.plugin import policy_folders
from earmark.processors.policy.compiler import compiled
from earmark.processors.policy.fault import Fault, PolicyError
from earmark.processors.policy.policy import Policy

SHIPPED = Path(__file__).with_name("shipped")
SUFFIX = ".toml"


def policies_in_force(folder: Path | None) -> tuple[Policy, ...]:
    """Those of the folder, or the shipped ones where none is given, and those of packages.

    Sorted by name. Raises PolicyError with all faults of all files, ConfigurationError for a folder
    that cannot be read.
    """
    return read_policies([*policy_files(folder or SHIPPED), *packaged_files()])


def shipped_policies() -> tuple[Policy, ...]:
    """Those that come with Earmark."""
    return read_policies(policy_files(SHIPPED))


def policy_files(folder: Traversable) -> list[Traversable]:
    """The files of policies in the folder, by name; raises ConfigurationError if there is none."""
    try:
        found = [file for file in folder.iterdir() if file.name.endswith(SUFFIX)]
    except OSError as error:
        raise ConfigurationError(f"policies in {folder}: {error.strerror}") from error
    return sorted(found, key=lambda file: file.name)


def packaged_files() -> list[Traversable]:
    """Those in the folders `policies/` of other people's packages."""
    return [file for folder in policy_folders() for file in policy_files(folder)]


def read_policies(files: Iterable[Traversable]) -> tuple[Policy, ...]:
    """The policies of the files, sorted by name; raises PolicyError with the faults of all."""
    policies: list[Policy] = []
    faults: list[Fault] = []
    for file in files:
        try:
            policies.append(read_policy(file))
        except PolicyError as error:
            faults += error.faults
    faults += _doubled(policies)
    if faults:
        raise PolicyError(faults)
    return tuple(sorted(policies, key=lambda policy: policy.name))


def read_policy(file: Traversable) -> Policy:
    """The policy of one file; raises PolicyError."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fault = Fault(file=str(file), line=1, key="", message=reason_of(error))
        raise PolicyError([fault]) from error
    return compiled(text, str(file))


def _doubled(policies: Sequence[Policy]) -> Iterable[Fault]:
    """A fault for each policy whose name another file has already taken."""
    taken: dict[str, str] = {}
    for policy in policies:
        if (other := taken.setdefault(policy.name, policy.file)) != policy.file:
            message = f"{other} has a policy {policy.name} too"
            yield Fault(file=policy.file, line=1, key="name", message=message)
