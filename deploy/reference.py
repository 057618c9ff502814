"""Writes the two pages of the guide that follow from the code: its public names, its commands.

    python deploy/reference.py            # into deploy/guide/
    python deploy/reference.py --check    # ends with 1, and says so, where a page is out of date

Signatures and docstrings are read from the code, help texts from click; nothing of either page is
written by hand.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path

import click

GUIDE = Path(__file__).resolve().parent / "guide"
REGENERATE = "python deploy/reference.py"
WIDTH = 100  # of help texts, whatever the terminal
DOORS = {
    "earmark": "What a program uses.",
    "earmark.testing": "What the tests of a subscriber use.",
    "earmark.processors.signal": "What the module of a signal uses.",
    "earmark.processors.outcome": "What comes out of a pipeline.",
}
MADE = "<!-- Made by `{}` from the code: edit the code. -->"


def reference() -> str:
    """The page of the public names, by the module they are imported from."""
    lines = ["# Reference", "", MADE.format(REGENERATE), ""]
    for door, use in DOORS.items():
        lines += [f"## `{door}`", "", use, ""]
        for name, value in public(door):
            lines += entry(door, name, value)
    return "\n".join(lines).rstrip() + "\n"


def public(door: str) -> Iterator[tuple[str, Callable[..., object]]]:
    """Names in `__all__`; without that, what the module itself defines and does not hide."""
    module = import_module(door)
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == door
    ]
    for name in getattr(module, "__all__", own):
        value = getattr(module, name)
        if callable(value):
            yield name, value


def entry(door: str, name: str, value: Callable[..., object]) -> list[str]:
    """Heading, signature and docstring, and the same of a class's methods."""
    lines = [f"### `{name}`", "", *code(f"{door}.{name}", value), *text(value)]
    if inspect.isclass(value) and issubclass(value, Enum):
        return [*lines, *(f"- `{member.name}`" for member in value), ""]
    if inspect.isclass(value):
        for method, function in vars(value).items():
            if not method.startswith("_") and (found := plain(function)) is not None:
                lines += [f"#### `{name}.{method}`", ""]
                lines += code(method, found) if callable(found) else []
                lines += text(found)
    return lines


def plain(member: object) -> object | None:
    """The function or property behind a member of a class; None of anything else."""
    if isinstance(member, classmethod | staticmethod):
        return member.__func__
    return member if inspect.isfunction(member) or isinstance(member, property) else None


def code(name: str, value: Callable[..., object]) -> list[str]:
    """The signature, one argument a line where it is long."""
    if inspect.isclass(value) and (issubclass(value, Enum) or value.__dict__.get("_is_protocol")):
        return []  # the first has members, the second is made by nobody
    signature = inspect.signature(value)
    returns = signature.return_annotation
    arrow = "" if returns is signature.empty else f" -> {inspect.formatannotation(returns)}"
    arguments = list(written(signature))
    line = f"{name}({', '.join(arguments)}){arrow}"
    if len(line) > WIDTH:
        inner = "".join(f"    {argument},\n" for argument in arguments)
        line = f"{name}(\n{inner}){arrow}"
    return ["```python", cleaned(line), "```", ""]


def written(signature: inspect.Signature) -> Iterator[str]:
    """The arguments as they stand in a definition, the bare * and / among them."""
    kinds = inspect.Parameter
    last = None
    for parameter in signature.parameters.values():
        if last == kinds.POSITIONAL_ONLY and parameter.kind != kinds.POSITIONAL_ONLY:
            yield "/"
        if parameter.kind == kinds.KEYWORD_ONLY and last not in (
            kinds.KEYWORD_ONLY,
            kinds.VAR_POSITIONAL,
        ):
            yield "*"
        if parameter.name not in {"self", "cls"}:
            yield str(parameter)
        last = parameter.kind


def cleaned(line: str) -> str:
    """Without what differs from run to run, and without the long homes of our own names."""
    line = re.sub(
        r"<factory>|<object object at 0x[0-9a-f]+>|<function (\w+) at 0x[0-9a-f]+>",
        lambda found: found[1] or "...",
        line,
    )
    line = re.sub(r"<(\w+\.\w+): [^>]+>", r"\1", line)
    return re.sub(
        r"\b(?:earmark|collections\.abc|pathlib|datetime|typing)(?:\.[a-z_]+)*\.(?=[A-Z])", "", line
    )


def text(value: object) -> list[str]:
    """The docstring; a dataclass without one of its own gives none."""
    found = value.__doc__
    if not found or (is_dataclass(value) and found.startswith(f"{value.__name__}(")):  # type: ignore[union-attr]
        return []
    return [inspect.cleandoc(found), ""]


def commands() -> str:
    """The page of the commands: every help text, groups before what is in them."""
    from earmark.streams.cli import earmark

    lines = ["# Commands", "", MADE.format(REGENERATE), ""]
    for path, command in walk("earmark", earmark):
        lines += [f"## `{path}`", "", "```text", help_of(path, command), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def walk(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """The command, and all below it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            if (below := command.get_command(context, name)) is not None and not below.hidden:
                yield from walk(f"{path} {name}", below)


def help_of(path: str, command: click.Command) -> str:
    """What `--help` prints, as wide as the page."""
    context = click.Context(
        command,
        info_name=path,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
    )
    lines = command.get_help(context).splitlines()
    return "\n".join(line.rstrip() for line in lines)


PAGES = {"reference.md": reference, "commands.md": commands}


def main(arguments: list[str]) -> int:
    """Write the pages, or with --check compare them."""
    old = []
    for name, page in PAGES.items():
        file, made = GUIDE / name, page()
        if file.is_file() and file.read_text(encoding="utf-8") == made:
            continue
        old.append(name)
        if "--check" not in arguments:
            file.write_text(made, encoding="utf-8")
    if "--check" in arguments and old:
        print(f"out of date: {', '.join(old)}; run `{REGENERATE}`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
