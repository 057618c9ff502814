"""`earmark flink backfill`: past events answered on Flink, as a run like those of a replay."""

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from earmark.streams.commands.flink_place import order_at, place_options
from earmark.streams.commands.replay_name import check_name, given_options
from earmark.streams.local.state import resolve_settings
from earmark.streams.progress import loading, reading
from earmark.streams.settings import load_settings

_OF_WHAT = frozenset({"catalogue", "table", "start", "end", "signals", "models"})


@click.command()
@click.option("--run", required=True, help="A name for it; one that was interrupted goes on.")
@click.option("--catalogue", is_flag=True, help="The latest event of every item.")
@click.option(
    "--parquet",
    "table",
    type=click.Path(path_type=Path, exists=True),
    metavar="PATH",
    help="References from a Parquet file, or a folder of them, in place of past events; see above.",
)
@click.option(
    "--from",
    "start",
    metavar="WHEN",
    help="First arrival: ISO 8601, how long ago (2h, 7d), or offsets (0:1200,1:1180).",
)
@click.option("--to", "end", metavar="WHEN", help="Arrivals before it, likewise; none: by now.")
@click.option("--signals", help="Only these, separated by commas.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="SIGNAL=CARD",
    help="Another model for a signal, like transcript=whisper-base; repeatable.",
)
@click.option(
    "--python",
    metavar="PATH",
    help="With --cluster: the Python there in which this Earmark is installed; none: as here.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object: how it went.")
@place_options
@click.pass_context
def backfill(
    ctx: click.Context,
    /,
    run: str,
    catalogue: bool,
    table: Path | None,
    start: str | None,
    end: str | None,
    signals: str | None,
    models: tuple[str, ...],
    python: str | None,
    as_json: bool,
    **where: Any,
) -> None:
    """Answer past events on Flink, beside the live signals.

    For very many items: workers in Python fetch and score, as many as --parallelism says. Of each
    item its last event in the range is answered. Answers go to `replay.<run>.<topic>`, and from
    there as those of `earmark replay` to `diff`, `promote` and `abort`. A run that was interrupted
    goes on where it stood when it is called again by its name alone, which begins none.

    A Parquet file of references has a column content_id and, of each recording, audio_uri and best
    audio_sha256 and audio_size_bytes; texts are in columns text_<field>, other fields of an event
    in columns of their names. Without a revision a row counts as older than whatever stands.
    """
    from earmark.streams.flink.backfill import backfill as answered
    from earmark.streams.flink.backfill import begun, known_run
    from earmark.streams.flink.host import check_flink
    from earmark.streams.local.state import reading_as_stack
    from earmark.streams.model_choice import chosen_models
    from earmark.streams.replay.start import Asked
    from earmark.streams.topic import CONTENT_EVENTS, ITEMS

    if table is not None and (catalogue or start or end):
        raise click.UsageError("--parquet has no --catalogue, --from or --to")
    settings = reading_as_stack(resolve_settings(load_settings()))
    manifest = known_run(settings, run)
    check_name(run, manifest, given_options(ctx, _OF_WHAT))
    order = partial(order_at, python=python, **where)
    if manifest is None:
        with loading(quiet=as_json) as progress:
            check_flink(settings, order(kind="backfill"), progress)
    with reading(quiet=as_json) as progress:
        if manifest is None:
            manifest = begun(
                settings,
                run,
                Asked(
                    topic=ITEMS if catalogue else CONTENT_EVENTS,
                    start=start or "beginning",
                    end=end or "end",
                    signals=tuple(signals.split(",")) if signals else (),
                    models=chosen_models(models),
                ),
                table=table,
                parallelism=where["parallelism"],
                progress=progress,
            )
        done = answered(settings, manifest, order=order, progress=progress)
    if as_json:
        click.echo(json.dumps(asdict(done)))
    else:
        click.echo(_summed(done))


def _summed(done: Any) -> str:
    counts = ", ".join(f"{count:,} {name}" for name, count in asdict(done.tally).items() if count)
    return f"{done.run} is {done.state}: {counts or 'nothing'} in {done.seconds:.1f} s"
