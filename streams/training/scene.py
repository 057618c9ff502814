"""Trains the network of `audio.scene`: manifests of labelled recordings in, weights and report out.

    python -m earmark.streams.training.scene OUT --data MANIFEST... [--test MANIFEST...]

Rows are labelled `class`: speech, music or noise (in tests silence too). OUT gets
`scene.safetensors` and `report.json`, whose figures go into the card.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import click
import torch

from earmark.models.device import Device
from earmark.models.error import EarmarkError
from earmark.models.scene_net import CLASSES, SceneNet, SceneTrunk
from earmark.processors.signals.audio_scene import SceneScorer
from earmark.processors.threshold import shipped_thresholds
from earmark.streams.training.fitting import Recipe, Watch, examples, fit
from earmark.streams.training.manifest import Row, read_manifest, recording
from earmark.streams.training.measurement import hear, report
from earmark.streams.training.mixture import Mixer, Recording

DEFAULT = Recipe()


def train(rows: Sequence[Row], recipe: Recipe, watch: Watch) -> SceneNet:
    """A network fitted to mixtures of the recordings."""
    recordings = [_recording(row) for row in rows]
    watch(f"{len(recordings)} recordings; drawing {recipe.examples} examples")
    return fit(examples(Mixer(recordings), recipe.examples, recipe.seed), recipe, watch)


def _recording(row: Row) -> Recording:
    label = str(row.labels["class"])
    return Recording(samples_T=recording(Path(row.path)), label=label, source=row.source)


def scorer_with(network: SceneNet) -> SceneScorer:
    """The signal's scorer with this network and the shipped thresholds."""
    return SceneScorer(network, SceneTrunk(Device()), shipped_thresholds("audio.scene"))


@click.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--data", "data", multiple=True, required=True, type=click.Path(path_type=Path))
@click.option("--test", "tests", multiple=True, type=click.Path(path_type=Path))
@click.option("--without", multiple=True, help="Leave out what comes from this source.")
@click.option("--examples", "count", default=DEFAULT.examples, show_default=True)
@click.option("--epochs", default=DEFAULT.epochs, show_default=True)
@click.option("--seed", default=DEFAULT.seed, show_default=True)
def main(
    out: Path,
    data: tuple[Path, ...],
    tests: tuple[Path, ...],
    without: tuple[str, ...],
    count: int,
    epochs: int,
    seed: int,
) -> None:
    """Train the network on the recordings of --data and measure it on those of --test."""
    torch.set_num_threads(1)
    recipe = Recipe(examples=count, epochs=epochs, seed=seed)
    try:
        rows = [row for path in data for row in read_manifest(path)]
        rows = [
            row for row in rows if row.labels.get("class") in CLASSES and row.source not in without
        ]
        network = train(rows, recipe, lambda line: click.echo(line, err=True))
        measured = {
            str(path.parent.name): [hear(scorer_with(network), row) for row in read_manifest(path)]
            for path in tests
        }
    except EarmarkError as error:
        raise click.UsageError(str(error)) from error
    out.mkdir(parents=True, exist_ok=True)
    network.save(out / "scene.safetensors")
    digest = sha256((out / "scene.safetensors").read_bytes()).hexdigest()
    body = {
        "sha256": digest,
        "recipe": asdict(recipe),
        "trained_on": dict(Counter(f"{row.labels['class']} {row.source}" for row in rows)),
        "all": report([each for answers in measured.values() for each in answers]),
        "sets": {name: report(answers) for name, answers in measured.items()},
    }
    (out / "report.json").write_text(json.dumps(body, indent=2), encoding="utf-8")
    click.echo(json.dumps(body["all"], indent=2))


if __name__ == "__main__":
    main()
