"""Every command of the guide does what its page says, on a real stack with content in it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from earmark.streams.local.environment import environment
from earmark.streams.local.stack import Stack
from earmark.streams.settings import MediaSettings, load_settings, with_worker
from earmark.streams.subscriber import subscribe

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "deploy" / "guide"
MADE = ("commands.md", "reference.md")  # from the code: test_reference
PAGES = sorted(page.name for page in GUIDE.glob("*.md") if page.name not in MADE)
SIGNALS = ("audio.loudness", "audio.speech", "text.language", "text.safety")
NOT_RUN = 5  # blocks; more is a page that nobody proves
PAGE_S = 600.0

_FENCE = re.compile(r"^```(?P<language>\w+) ?(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.M | re.S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a page; `info` is what stands after its language."""

    language: str
    info: str
    body: str

    @property
    def is_run(self) -> bool:
        return self.language in {"bash", "console"} and not self.info

    def told(self, word: str) -> str | None:
        """What the block says under that word, such as the reason for `no-run`."""
        head, _, rest = self.info.partition(":")
        return rest.strip() if head == word else None


def blocks(page: str) -> list[Block]:
    text = (GUIDE / page).read_text(encoding="utf-8")
    return [Block(**found.groupdict()) for found in _FENCE.finditer(text)]


ALL = [(page, block) for page in PAGES for block in blocks(page)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where the pages are followed: a folder, and what reaches the stack from it."""

    folder: Path
    environment: dict[str, str]

    def follow(self, page: str) -> subprocess.CompletedProcess[str]:
        """Write the page's files and run its commands, up to the first that fails."""
        for block in blocks(page):
            if name := block.told("file"):
                (self.folder / name).write_text(block.body, encoding="utf-8")
        shown = "set -o errexit -o nounset -o pipefail -o xtrace\n"
        script = shown + "".join(block.body for block in blocks(page) if block.is_run)
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PAGE_S,
            check=False,
        )


def lent_home(home: Path) -> Path:
    """A home with the weights and jars of this machine's, to which cards can be added."""
    (home / "models").mkdir(parents=True)
    cache = load_settings().home
    for model in (cache / "models").iterdir():
        if model.name != "cards":
            (home / "models" / model.name).symlink_to(model)
    (home / "jars").symlink_to(cache / "jars")
    return home


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, tiny: Callable[..., Path]) -> Iterator[Ground]:
    """A stack with its worker, which has answered what the first page sends."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / "recordings").mkdir()
    shutil.copy(ROOT / "streams" / "samples" / "jfk.wav", folder / "recordings" / "talk.wav")
    tiny(
        folder / "toxic-checkpoint",
        "Roberta",
        "ForSequenceClassification",
        vocab_size=400,
        pad_token_id=1,
        max_position_embeddings=34,
        id2label={0: "hate", 1: "spam"},
        problem_type="multi_label_classification",
    )
    home = lent_home(tmp_path_factory.mktemp("home") / "earmark")
    base = load_settings().model_copy(
        update={"home": home, "state": home / "state", "media": MediaSettings(roots=(folder,))}
    )
    with Stack(with_worker(base, signals=SIGNALS, decoders=1), home=home) as stack:
        reaching = environment(with_worker(base, signals=SIGNALS))
        bin_folder = Path(sys.executable).parent
        reaching |= {
            "PATH": os.pathsep.join([str(bin_folder), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT / ".src"),
        }
        made = Ground(folder=folder, environment=reaching)
        done = made.follow("README.md")
        assert done.returncode == 0, done.stderr[-4000:]
        wait_for_answers(stack)
        yield made


def wait_for_answers(stack: Stack) -> None:
    """Until the recording and the comments have all their signals."""
    names = ("audio.loudness", "audio.speech", "text.safety")
    left = {"comment-1", "comment-2", "comment-3", "talk.loudness", "talk.speech"}
    with subscribe(*names, settings=stack.settings, from_beginning=True, timeout_s=120) as read:
        for signal in read:
            recording = f"talk.{signal.name.removeprefix('audio.')}"
            left -= {signal.key} if signal.name == "text.safety" else {recording}
            if not left:
                return
    raise AssertionError(f"no answer for {left}")


@pytest.mark.kafka
@pytest.mark.weights
@pytest.mark.parametrize("page", [page for page in PAGES if page != "README.md"])
def test_the_commands_of_the_page_do_what_it_says(page: str, ground: Ground) -> None:
    done = ground.follow(page)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def test_few_blocks_are_not_run_and_each_says_why() -> None:
    reasons = [reason for _, block in ALL if (reason := block.told("no-run")) is not None]
    assert len(reasons) <= NOT_RUN
    assert all(reasons)


@pytest.mark.parametrize(
    "node", sorted({node for _, block in ALL if (node := block.told("tested")) is not None})
)
def test_a_test_that_a_block_points_to_is_there(node: str) -> None:
    path, _, name = node.partition("::")
    source = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^(?:async )?def {name or 'test_'}", source, re.M), node


def test_a_block_says_nothing_that_is_not_understood() -> None:
    words = {block.info.partition(":")[0] for _, block in ALL if block.info}
    assert words <= {"file", "no-run", "tested"}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_leads_to_pages_that_are_there(page: str) -> None:
    text = (GUIDE / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert (GUIDE / target).is_file(), target


def test_the_java_on_the_page_is_that_of_the_tested_reader() -> None:
    reader = (ROOT / "tests" / "streams" / "java" / "SignalReader.java").read_text()
    lines = {line.strip() for line in reader.splitlines()}
    shown = [block for block in blocks("subscribe-java.md") if block.language == "java"]
    assert shown
    for block in shown:
        assert {line.strip() for line in block.body.splitlines()} <= lines | {""}
