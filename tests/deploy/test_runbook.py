"""Every alert leads to its paragraph in the runbook, and commands in the pages are real."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from earmark.streams.cli import earmark

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
PAGES = ("runbook.md", "upgrade.md")
TEXT = (DEPLOY / "runbook.md").read_text(encoding="utf-8")
CODE = re.compile(r"```\n(.*?)```|`([^`\n]+)`", re.S)


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")


def headings(level: int) -> list[str]:
    return [anchor(each) for each in re.findall(rf"^{'#' * level} (.+)$", TEXT, re.M)]


def links() -> dict[str, str]:
    """Alert -> where its paragraph is said to be."""
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    return {rule["alert"]: rule["annotations"]["runbook"] for rule in rules}


def commands(page: str) -> Iterator[list[str]]:
    text = (DEPLOY / page).read_text(encoding="utf-8")
    for block, inline in CODE.findall(text):
        for line in (block or inline).splitlines():
            if re.match(r"earmark [a-z]", line):
                yield shlex.split(line, comments=True)


@pytest.mark.skipif(not ALERTS.is_file(), reason="a build without alert rules")
def test_every_alert_has_its_paragraph_and_every_paragraph_its_alert() -> None:
    said = {link.partition("#")[2] for link in links().values()}
    assert said == set(headings(3))
    assert {link.partition("#")[0] for link in links().values()} == {"deploy/runbook.md"}
    assert len(headings(3)) == len(set(headings(3)))


def test_every_paragraph_says_what_it_means_what_to_look_at_and_what_to_do() -> None:
    paragraphs = re.split(r"^#{2,3} .+$", TEXT, flags=re.M)
    told = [each for each in paragraphs if "**Means.**" in each]
    assert len(told) == len(headings(3))
    assert all(re.search(r"\*\*Look", each) and re.search(r"\*\*Do", each) for each in told)


def test_every_link_within_the_page_leads_somewhere() -> None:
    found = set(re.findall(r"\]\(#([^)]+)\)", TEXT))
    assert found <= {*headings(2), *headings(3)}


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_ours_with_options_that_it_has(page: str) -> None:
    found = list(commands(page))
    assert found
    for words in found:
        command: click.Command = earmark
        context = click.Context(earmark)
        rest = words[1:]
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            inner = command.get_command(context, rest[0])
            if inner is None:
                assert command.invoke_without_command, shlex.join(words)
                break
            command, rest = inner, rest[1:]
        known = {option for parameter in command.params for option in parameter.opts}
        known |= {"--help", *(it for each in command.params for it in each.secondary_opts)}
        unknown = {word for word in rest if word.startswith("--")} - known
        assert not unknown, shlex.join(words)
