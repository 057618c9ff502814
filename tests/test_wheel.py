"""What is installed is whole: the wheel works without the source beside it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def earmark(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # -P and a foreign working directory: nothing of the source is found by accident
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import earmark.streams.cli as c; c.main()"
    )
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],
        cwd=site.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_schemas_thresholds_cards_and_samples_come_along(site: Path) -> None:
    for name in (
        "avro/content.event.v1.avsc",
        "avro/released.sha256",
        "models/cards/whisper-tiny.en.toml",
        "processors/thresholds/text.safety.toml",
        "streams/samples/jfk.wav",
        "streams/web/page/index.html",
        "streams/web/page/js/page/item.js",
        "streams/local/locks/kafka-4.4.0.jars.lock",
        "py.typed",
    ):
        assert (site / "earmark" / name).is_file(), name


def test_commands_run_from_the_wheel(site: Path) -> None:
    checked = earmark(site, "schemas", "check")
    assert checked.returncode == 0, checked.stderr
    text = site.parent / "note.txt"
    text.write_text("A quiet morning by the sea, and the gulls are loud.")
    assert earmark(site, "produce", "--dry-run", str(text)).returncode == 0


def test_help_needs_no_torch_and_no_kafka(site: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "from earmark.streams.cli import earmark\n"
        "earmark.main(['--help'], standalone_mode=False)\n"
        "assert not {'torch', 'confluent_kafka', 'rich'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
