"""The command `earmark`: names its commands, loads the one that is called, ends errors in one line.

A command lives in `streams/commands/`; its module is imported only when it runs, so that
`earmark --help` needs neither torch nor Kafka.
"""

import os
import sys
from importlib import import_module
from typing import NoReturn

import click

from earmark import __version__
from earmark.models.error import ConfigurationError, EarmarkError

# name -> (module in earmark.streams.commands, one line for --help)
COMMANDS = {
    "demo": ("demo", "Start everything, send the sample content, watch the signals arrive."),
    "up": ("up", "Start the local stack (broker, registry, worker) and keep it running."),
    "down": ("down", "Stop the local stack."),
    "broker": ("broker", "Run the local Kafka broker alone, in the foreground."),
    "worker": ("worker", "Run the worker: content events in, signals out."),
    "agents": ("agents", "Judge items by policies: signals in, verdicts and questions out."),
    "produce": ("produce", "Make content events from files and send them."),
    "subscribe": ("subscribe", "Print signals as they arrive."),
    "export": ("export", "Write signals to Parquet files."),
    "serve": ("serve", "Serve signals over HTTP: events as they come, an item's latest."),
    "web": ("web", "Open the inspector: items, live signals, rejections, quality, try-outs."),
    "dlq": ("dlq", "List, show, redrive and purge dead letters."),
    "audit": ("audit", "List events that lack signals which they should have."),
    "erase": ("erase", "Erase items, and prove that nothing of them stands."),
    "replay": ("replay", "Answer past events again, compare, and promote what is better."),
    "relabel": ("relabel", "Put new thresholds on stored scores, compare, and promote."),
    "policy": ("policy", "Check, try, show and put live the policies that verdicts go by."),
    "flink": ("flink", "Keep profiles of items with Flink, and rebuild them from history."),
    "score": ("score", "Score files here and now, without Kafka."),
    "match": ("match", "Find copies of recordings, by their fingerprints."),
    "review": ("review", "Put questions to people, and take their decisions back."),
    "eval": ("eval", "Measure how right a signal is, on labelled rows."),
    "drift": ("drift", "Compare signals with those of a time before."),
    "train": ("train", "Train a model for a signal, on labelled rows of your own."),
    "models": ("models", "List, fetch and verify model weights."),
    "signals": ("signals", "Show what there is to subscribe to: owners, access, limits, figures."),
    "new-signal": ("new_signal", "Make a package with a signal of your own."),
    "topics": ("topics", "Create and list Earmark's topics; print rules of access."),
    "schemas": ("schemas", "Check, register and show the Avro schemas."),
    "config": ("config", "Show every setting and where it comes from; check them."),
    "bench": ("bench", "Measure speed and memory on this machine."),
    "chaos": ("chaos", "Kill workers and broker amid work; prove that nothing is lost."),
}

# Read when torch is loaded, so set before. Threads that spin while they wait take the cores from
# the decode processes and from whatever else runs here: a batch that takes 0.2 s then takes 3.5 s.
# oneDNN and torch's layer over it each keep what they made for the last 1,024 shapes of a matrix
# product, of which clips of every length have many: 200 MB, for no time that could be measured.
# numpy's products are small: a second thread took a third more of the processor, and no less time.
TORCH_ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "32",
    "LRU_CACHE_CAPACITY": "32",
    "OPENBLAS_NUM_THREADS": "1",
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called and knows its help line before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command `cmd_name` of the module that `COMMANDS` names for it."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"earmark.streams.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, COMMANDS[cmd_name][0])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Help lines from the table: `earmark --help` imports no command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="earmark")
def earmark() -> None:
    """Content events in, content-intelligence signals out.

    Settings come from EARMARK_* variables and from earmark.toml in the working directory;
    `earmark config show` lists them.
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 it could not be done, 2 it was asked wrongly."""
    for name, value in TORCH_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        earmark.main(args=arguments, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2 if isinstance(error, click.UsageError) else error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("earmark: interrupted", err=True)
        sys.exit(130)
    except EarmarkError as error:
        click.echo(f"earmark: {error}", err=True)
        status = 2 if isinstance(error, ConfigurationError) else 1
        sys.exit(getattr(error, "exit_status", status))
    except BrokenPipeError:
        # the reader of our output (head, less) is gone: what it did not read is not missed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(0)
