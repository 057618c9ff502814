"""The vocabulary of Whisper: tokens to text, and which tokens mean something else than text.

The byte pairs are the files that ship with openai-whisper. They are read directly: importing that
package would bring a JIT compiler along for a feature that is not used here.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.models.error import ModelError

if TYPE_CHECKING:
    import tiktoken

# In the order of their tokens; the 100th, Cantonese, came with large-v3.
_CODES = """
en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr
bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn
yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw
su yue
"""
LANGUAGES = tuple(_CODES.split())
_WHISPER_CODES = {"nb": "no", "jv": "jw", "fil": "tl", "iw": "he", "eng": "en", "cmn": "zh"}
ENGLISH_SIZE = 51_864  # tokens of a checkpoint of English alone
TIMESTAMP_S = 0.02  # what one timestamp token adds to the last
TIMESTAMPS = 1501  # 0.00 to 30.00

# Not spoken: brackets, music notes and other marks of annotation. Hyphens and apostrophes are
# allowed inside a word only. The list is that of OpenAI's decoder.
_ANNOTATIONS = [
    *'"#()*+/:;<=>@[\\]^_`{|}~「」『』',
    *[
        "<<",
        ">>",
        "<<<",
        ">>>",
        "--",
        "---",
        "-(",
        "-[",
        "('",
        '("',
        "((",
        "))",
        "(((",
        ")))",
        "[[",
        "]]",
        "{{",
        "}}",
        "♪♪",
        "♪♪♪",
    ],
]
_NOTES = "♩♪♫♬♭♮♯"  # several tokens each: suppressing the first is enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The tokens of one checkpoint; `languages` is empty where it knows English alone.

    Tokens below `end` are text; those from `timestamps` on are times in steps of 0.02 s.
    """

    encoding: "tiktoken.Encoding" = field(repr=False)
    end: int
    start: int
    languages: dict[str, int] = field(repr=False)
    transcribe: int
    no_speech: int
    no_timestamps: int
    timestamps: int
    blanks: tuple[int, ...]
    suppressed: tuple[int, ...] = field(repr=False)

    def text(self, tokens: Sequence[int]) -> str:
        """What the tokens spell, without those that are not text."""
        return self.encoding.decode([token for token in tokens if token < self.end])

    def knows(self, language: str) -> bool:
        """Whether the checkpoint transcribes a language, given by its BCP-47 tag."""
        return primary(language) in (self.languages or {"en": 0})


def primary(language: str) -> str:
    """The language of a BCP-47 tag by Whisper's code: `en` of `en-US`, `no` of `nb`."""
    code = language.replace("_", "-").split("-")[0].lower()
    return _WHISPER_CODES.get(code, code)


def bcp47(code: str) -> str:
    """The BCP-47 tag of Whisper's code: `jv` of `jw`."""
    return "jv" if code == "jw" else code


@cache
def vocabulary(size: int) -> Vocabulary:
    """The vocabulary of a checkpoint with `size` tokens: `ENGLISH_SIZE`, or more if multilingual.

    Raises ModelError for another number, or where the files of openai-whisper are missing.
    """
    import tiktoken  # here: signals are known where nothing is transcribed

    multilingual = size > ENGLISH_SIZE
    languages = LANGUAGES[: 99 + size - ENGLISH_SIZE - 1] if multilingual else LANGUAGES[:99]
    ranks = _ranks("multilingual" if multilingual else "gpt2")
    special = _special_tokens(len(ranks), languages)
    if len(ranks) + len(special) != size:
        raise ModelError(f"no Whisper vocabulary has {size:,} tokens")
    encoding = tiktoken.Encoding(
        name=f"whisper-{size}",
        pat_str=r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""",
        mergeable_ranks=ranks,
        special_tokens=special,
    )
    task = ("transcribe", "translate", "startoftranscript", "startofprev", "startoflm", "nospeech")
    return Vocabulary(
        encoding=encoding,
        end=special["<|endoftext|>"],
        start=special["<|startoftranscript|>"],
        languages={code: special[f"<|{code}|>"] for code in languages} if multilingual else {},
        transcribe=special["<|transcribe|>"],
        no_speech=special["<|nospeech|>"],
        no_timestamps=special["<|notimestamps|>"],
        timestamps=special["<|0.00|>"],
        blanks=(*encoding.encode(" "), special["<|endoftext|>"]),
        suppressed=(*_annotations(encoding), *(special[f"<|{name}|>"] for name in task)),
    )


def _special_tokens(first: int, languages: Sequence[str]) -> dict[str, int]:
    names = [
        *("endoftext", "startoftranscript", *languages, "translate", "transcribe", "startoflm"),
        *("startofprev", "nospeech", "notimestamps"),
        *(f"{step * TIMESTAMP_S:.2f}" for step in range(TIMESTAMPS)),
    ]
    return {f"<|{name}|>": first + index for index, name in enumerate(names)}


def _annotations(encoding: "tiktoken.Encoding") -> list[int]:
    found = {encoding.encode(" -")[0], encoding.encode(" '")[0]}
    for mark in (*_ANNOTATIONS, *_NOTES):
        for tokens in (encoding.encode(mark), encoding.encode(f" {mark}")):
            if len(tokens) == 1 or mark in _NOTES:
                found.add(tokens[0])
    return sorted(found)


def _ranks(name: str) -> dict[bytes, int]:
    package = find_spec("whisper")
    if package is None or not package.submodule_search_locations:
        raise ModelError("openai-whisper is not installed: its vocabulary is needed")
    path = Path(package.submodule_search_locations[0]) / "assets" / f"{name}.tiktoken"
    lines = [line.split() for line in path.read_bytes().splitlines() if line]
    return {base64.b64decode(token): int(rank) for token, rank in lines}
