"""`earmark bench corpus`: the recordings and texts that the benchmark measures on, as files."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from earmark.streams.bench.mix import RECORDED, SEED, Mix, recorded_one_by_one, texts
from earmark.streams.progress import loading

TEXTS = 1_000
_HOUR_S = 3_600.0


@click.command()
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder; what is there already is kept.",
)
@click.option(
    "--mix",
    "mixes",
    type=click.Choice([mix.value for mix in Mix]),
    multiple=True,
    help="This mix (repeatable; default: all four).",
)
@click.option("--hours", type=click.FloatRange(min=0, min_open=True), help="Of audio, each mix.")
@click.option("--count", type=click.IntRange(min=1), help="Recordings and texts of each mix.")
@click.option("--seed", type=int, default=SEED, show_default=True, help="Of another series.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per recording.")
def corpus(
    folder: Path,
    mixes: tuple[str, ...],
    hours: float | None,
    count: int | None,
    seed: int,
    as_json: bool,
) -> None:
    """Make the recordings and texts that the benchmark measures on.

    The same for everybody, from a seed: music, podcasts, voice clips, and texts in eight languages.
    Of each mix an hour, unless --hours or --count say otherwise, and 1,000 texts. Recordings go to
    the folder with a manifest, manifest.jsonl, texts to texts.jsonl. What is there is not made
    again.
    """
    chosen = [Mix(mix) for mix in mixes] or [*RECORDED, Mix.TEXT]
    seconds = _HOUR_S * hours if hours is not None else None if count else _HOUR_S
    with loading() as progress:
        for mix in chosen:
            if mix in (Mix.TEXT, Mix.BLEND):
                _write_texts(folder, count or TEXTS, seed)
            if mix is Mix.TEXT:
                continue
            done = 0.0
            for number, each in enumerate(
                recorded_one_by_one(mix, folder, seconds=seconds, count=count, seed=seed), start=1
            ):
                done += each.seconds
                progress(f"{mix}", *_progress(number, done, seconds, count))
                if as_json:
                    click.echo(json.dumps(asdict(each) | {"path": str(each.path)}))
                else:
                    click.echo(f"{each.path}  {each.seconds:,.1f} s")


def _progress(
    number: int, done: float, seconds: float | None, count: int | None
) -> tuple[int, int | None]:
    """What is done, of what: seconds where they are bounded, else files."""
    return (number, count) if seconds is None else (round(done), round(seconds))


def _write_texts(folder: Path, count: int, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "texts.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in _text_lines(count, seed))


def _text_lines(count: int, seed: int) -> Iterator[str]:
    for of_item in texts(count, seed=seed):
        yield json.dumps({"texts": [asdict(text) for text in of_item]}, ensure_ascii=False)
