"""The unit for systemd says what the worker's exit statuses mean, and gives it time to drain."""

import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from earmark.streams.breaker import EXIT_STATUS
from earmark.streams.cli import earmark
from earmark.streams.settings import Settings
from earmark.streams.supervisor import HOPELESS, LONGEST_PAUSE_S, STOP_GRACE_S
from earmark.streams.watchdog import EXIT_STALLED
from earmark.streams.worker import DRAIN_S

UNIT = Path(__file__).parents[2] / "deploy" / "earmark-worker.service"


def directives() -> dict[str, dict[str, list[str]]]:
    """Section -> directive -> its values, in order: systemd lets one stand several times."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in UNIT.read_text(encoding="ascii").splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            found = sections.setdefault(header[1], {})
        elif line and not line.startswith("#"):
            name, value = line.split("=", 1)
            found.setdefault(name, []).append(value)
    return sections


SERVICE = directives()["Service"]


def test_it_is_started_again_but_where_that_cannot_help() -> None:
    assert SERVICE["Restart"] == ["on-failure"]
    statuses = {int(status) for status in SERVICE["RestartPreventExitStatus"][0].split()}
    assert statuses == set(HOPELESS) == {2, EXIT_STATUS}
    assert EXIT_STALLED not in statuses


def test_it_never_gives_up_and_pauses_as_our_own_supervisor_does() -> None:
    assert directives()["Unit"]["StartLimitIntervalSec"] == ["0"]
    assert float(SERVICE["RestartMaxDelaySec"][0]) == LONGEST_PAUSE_S


def test_it_has_time_to_drain_and_its_decode_processes_are_left_to_it() -> None:
    assert float(SERVICE["TimeoutStopSec"][0]) == STOP_GRACE_S > DRAIN_S
    assert SERVICE["KillSignal"] == ["SIGTERM"]
    assert SERVICE["KillMode"] == ["mixed"]


def test_the_command_and_its_options_are_ours() -> None:
    program, command, *options = shlex.split(SERVICE["ExecStart"][0])
    assert Path(program).is_absolute()
    assert Path(program).name == "earmark"
    shown = CliRunner().invoke(earmark, [command, "--help"])
    assert shown.exit_code == 0
    assert all(option in shown.output for option in options if option.startswith("--"))


def test_its_environment_names_settings_and_the_folder_that_it_may_write() -> None:
    variables = dict(line.split("=", 1) for line in SERVICE["Environment"])
    ours = {name for name in variables if name.startswith("EARMARK_")}
    assert {name.removeprefix("EARMARK_").lower() for name in ours} <= set(Settings.model_fields)
    assert variables["EARMARK_HOME"] == f"/var/lib/{SERVICE['StateDirectory'][0]}"
