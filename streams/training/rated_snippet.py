"""The rated snippets that come with vaderSentiment, as a manifest to train text.sentiment on.

    python -m earmark.streams.training.rated_snippet FOLDER OUT.jsonl --leave-out MANIFEST

FOLDER is `hutto_ICWSM_2014`, unpacked from `additional_resources` of the source distribution
vaderSentiment 3.3.2 (MIT; the snippets are by third parties). What a manifest holds already is left
out, so that it can be measured on.
"""

import json
from collections.abc import Collection, Iterator
from pathlib import Path

import click

from earmark.models.error import ConfigurationError
from earmark.streams.evaluation.manifest import read_manifest
from earmark.streams.training.sentiment import rated_as

DOMAINS = {
    "tweets": "tweet",
    "amazonReviewSnippets": "product review",
    "movieReviewSnippets": "film review",
    "nytEditorialSnippets": "news editorial",
}
SOURCE = "vaderSentiment 3.3.2, hutto_ICWSM_2014"
LICENCE = "MIT (repository); snippets from third parties"


def snippets(folder: Path, leave_out: Collection[str] = ()) -> Iterator[dict[str, object]]:
    """The rows of a manifest, one per snippet; raises ConfigurationError."""
    for name, domain in DOMAINS.items():
        file = folder / f"{name}_GroundTruth.txt"
        try:
            lines = file.read_text("utf-8", errors="replace").split("\n")
        except OSError as error:
            raise ConfigurationError(f"{file}: {error.strerror}") from error
        for line in filter(None, lines):
            try:
                number, mean, text = line.rstrip("\r").split("\t", 2)
                row = _row(f"{name}-{number}", domain, float(mean), text.strip())
            except ValueError as error:
                raise ConfigurationError(f"{file}: {line[:80]!r} is no rated snippet") from error
            if text.strip() not in leave_out:
                yield row


def _row(name: str, domain: str, mean: float, text: str) -> dict[str, object]:
    labels = {"sentiment": rated_as(mean), "human_mean": mean, "domain": domain, "language": "en"}
    return {
        "id": name,
        "kind": "sentiment",
        "path": None,
        "labels": labels,
        "source": f"{SOURCE}, {domain}",
        "licence": LICENCE,
        "text": text,
    }


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--leave-out", multiple=True, type=click.Path(exists=True, path_type=Path))
def main(folder: Path, out: Path, leave_out: tuple[Path, ...]) -> None:
    """Write the snippets in FOLDER to the manifest OUT."""
    try:
        held = {(row.text or "").strip() for path in leave_out for row in read_manifest(path).rows}
        lines = [json.dumps(row, ensure_ascii=False) for row in snippets(folder, held)]
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from error
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    click.echo(f"{len(lines)} snippets in {out}")


if __name__ == "__main__":
    main()
