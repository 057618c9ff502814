"""`earmark policy`: checks, tries, shows and puts live the policies that verdicts go by."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from earmark.models.error import ConfigurationError
from earmark.processors.quantity import quantity
from earmark.streams.commands.policy_project import project
from earmark.streams.commands.policy_trial import trial
from earmark.streams.printable import printable
from earmark.streams.settings import load_settings

if TYPE_CHECKING:
    from earmark.processors.policy.fault import Fault
    from earmark.processors.policy.policy import Policy, Rule
    from earmark.streams.policy.folder import Change

JSON = click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Show what would change; change nothing.")
FILES = click.argument(
    "paths", nargs=-1, metavar="[FILE|FOLDER]...", type=click.Path(exists=True, path_type=Path)
)
_WRONG = 2  # exit status of what was asked wrongly, as a faulty policy is
_SHORT = 12  # digits of a digest for people


@click.group()
def policy() -> None:
    """Policies: rules in TOML files over what signals say of an item.

    Those in the folder that EARMARK_POLICIES names are in force, or the shipped ones where it names
    none; those of installed packages are in force too. A rule says when it holds and what follows:

    \b
    [[rule]]
    name = "harassment"
    when = ["text.safety scores.harassment >= 0.8", { not = "item language = fr" }]
    effect = "limit"

    \b
    conditions  SIGNAL FIELD OPERATOR VALUE, or `item` and one of its fields
                >= > <= < = !=      numbers, as scores.hate or severity
                = != in, not in     words and languages; en means en-US too
                has, lacks          lists, as labels: one of these, none of these
                [a, b] all of them; { all = [..] }, { any = [..] }, { not = .. }
    effects     label, age-rate, mark-explicit, limit, review, notify; with value
    also        reason, severity (0-7), expires_after ("30 days"), regions,
                fast = true (answers on one signal, before the profile is complete)
    """


policy.add_command(trial)
policy.add_command(project)


@policy.command()
@FILES
@JSON
def check(paths: tuple[Path, ...], as_json: bool) -> None:
    """Say all that is wrong with policies, by file, line and key.

    Without FILES, with those in force.
    Ends with 2 if anything is.
    """
    from earmark.processors.policy.fault import PolicyError
    from earmark.processors.policy.shelf import read_policies

    faults: tuple[Fault, ...] = ()
    policies: tuple[Policy, ...] = ()
    try:
        policies = read_policies(_files(paths)) if paths else _in_force()
    except PolicyError as error:
        faults = error.faults
    if as_json:
        click.echo(json.dumps({"policies": len(policies), "faults": [_fault(it) for it in faults]}))
    for fault in () if as_json else faults:
        click.echo(str(fault))
    if faults:
        sys.exit(_WRONG)
    if not as_json:
        rules = sum(len(it.rules) for it in policies)
        click.echo(_sound(len(policies), rules))


@policy.command("list")
@JSON
def list_policies(as_json: bool) -> None:
    """Show the policies in force."""
    found = _in_force()
    if as_json:
        for each in found:
            click.echo(json.dumps(_as_object(each)))
        return
    for it in found:
        click.echo(_line(it))
        click.echo(f"  {_origin(it)}")


@policy.command()
@click.argument("name")
@JSON
def show(name: str, as_json: bool) -> None:
    """Print the text of a policy in force, or of a shipped one; with --json how it is read."""
    from earmark.processors.policy.shelf import shipped_policies

    known = {it.name: it for it in (*shipped_policies(), *_in_force())}
    if name not in known:
        raise ConfigurationError(f"no policy {name}: there are {', '.join(sorted(known))}")
    if as_json:
        rules = [_rule(rule) for rule in known[name].rules]
        click.echo(json.dumps({**_as_object(known[name]), "rules": rules}))
    else:
        click.echo(Path(known[name].file).read_text(encoding="utf-8"), nl=False)


@policy.command()
@click.argument("names", nargs=-1, required=True, metavar="FILE|SHIPPED...")
@DRY_RUN
@JSON
def put(names: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Put policies into the folder of those in force, each in place of the one of its name.

    Names of shipped policies mean their files. All are checked first, together with those that are
    there; agents take them up within seconds and judge all items anew. See `earmark policy test`
    for what it would change.
    """
    from earmark.streams.policy.folder import changes_of, found_file, policy_folder

    folder = policy_folder(load_settings())
    _make(
        changes_of(folder, [found_file(name) for name in names]), dry_run=dry_run, as_json=as_json
    )


@policy.command()
@click.argument("name")
@DRY_RUN
@JSON
def retire(name: str, dry_run: bool, as_json: bool) -> None:
    """Take a policy out of the folder of those in force; what it ruled is retracted."""
    from earmark.streams.policy.folder import policy_folder, removal_of

    _make([removal_of(policy_folder(load_settings()), name)], dry_run=dry_run, as_json=as_json)


def _line(policy: "Policy") -> str:
    text = " ".join(policy.description.split())
    rules = quantity(len(policy.rules), "rule")
    known = f"{policy.name} {policy.version}, {rules}, {policy.sha256[:_SHORT]}"
    return printable(f"{known}: {text}" if text else known)


def _origin(policy: "Policy") -> str:
    """Where it is from; a path stands on a line of its own, whole, so that it can be copied."""
    from earmark.streams.policy.folder import is_shipped

    return "shipped" if is_shipped(policy) else policy.file


def _sound(policies: int, rules: int) -> str:
    be = "is as it" if policies == 1 else "are as they"
    of_them = quantity(policies, "policy", "policies")
    return f"{of_them} with {quantity(rules, 'rule')} {be} should be"


def _in_force() -> "tuple[Policy, ...]":
    from earmark.processors.policy.shelf import policies_in_force

    return policies_in_force(load_settings().policies)


def _files(paths: Iterable[Path]) -> list[Path]:
    """The files, and those in the folders."""
    from earmark.processors.policy.shelf import policy_files

    found: list[Path] = []
    for path in paths:
        found += [path / it.name for it in policy_files(path)] if path.is_dir() else [path]
    return found


def _make(changes: "Sequence[Change]", *, dry_run: bool, as_json: bool) -> None:
    from earmark.streams.policy.folder import apply

    for change in changes:
        if change.diff and not dry_run:
            apply(change)
        done = bool(change.diff) and not dry_run
        if as_json:
            row = {"policy": change.policy, "file": str(change.path), "diff": change.diff}
            click.echo(json.dumps({**row, "done": done}))
            continue
        click.echo(change.diff, nl=False)
        click.echo(f"{change.path}: {_deed(change, done=done)}")


def _deed(change: "Change", *, done: bool) -> str:
    if not change.diff:
        return "as it is already"
    if change.text is None:
        return "removed" if done else "would be removed"
    return "put" if done else "would be put"


def _fault(fault: "Fault") -> dict[str, object]:
    names = ("file", "line", "key", "message", "hint")
    return {name: getattr(fault, name) for name in names}


def _as_object(policy: "Policy") -> dict[str, object]:
    names = ("content_types", "tenants", "languages", "regions")
    return {
        "name": policy.name,
        "version": policy.version,
        "description": policy.description,
        "sha256": policy.sha256,
        "file": policy.file,
        "scope": {name: list(getattr(policy.scope, name)) for name in names},
        "rules": [rule.name for rule in policy.rules],
    }


def _rule(rule: "Rule") -> dict[str, object]:
    names = ("name", "effect", "value", "severity", "reason", "expires_after_ms", "fast")
    return {**{name: getattr(rule, name) for name in names}, "regions": list(rule.regions)}
