"""What a folder of schemas changes of the one that is released, in words, before it is merged."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources.abc import Traversable

from earmark.processors.release import LEDGER, findings, ledger
from earmark.processors.schema import Schema, fields_of, newest, read_schemas
from earmark.processors.schema_change import comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing that a branch does to the file at `path`; `breaks` where it may not."""

    path: str
    words: str
    breaks: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.words}"


def review(folder: Traversable, released: Traversable) -> list[Remark]:
    """What `folder` changes of `released`, and every rule that it breaks; none: nothing.

    What stands in the ledger of `released` is what others read. Raises ConfigurationError where
    one of them holds no ledger or no Avro.
    """
    remarks = [*_of_released(folder, released), *_of_new(folder, released)]
    told = {remark.path for remark in remarks if remark.breaks}
    for finding in findings(folder):
        path, _, words = finding.partition(": ")
        if path not in told:
            remarks.append(Remark(path=path, words=words, breaks=True))
    return remarks


def _of_released(folder: Traversable, released: Traversable) -> Iterator[Remark]:
    """Each released file that is not as it was, and each line of the ledger."""
    kept = ledger(folder)
    for path, digest in ledger(released).items():
        file = folder.joinpath(*path.split("/"))
        if not file.is_file():
            yield Remark(path=path, words="released, and gone", breaks=True)
        elif sha256(file.read_bytes()).hexdigest() != digest:
            words = f"released, and edited: {_edit(folder, released, path)}"
            yield Remark(path=path, words=words, breaks=True)
        elif kept.get(path) != digest:
            words = f"does not hold the digest of {path} any more"
            yield Remark(path=LEDGER, words=words, breaks=True)


def _edit(folder: Traversable, released: Traversable, path: str) -> str:
    before, after = _by_path(released).get(path), _by_path(folder).get(path)
    if before is None or after is None:
        return "what it must go on being read as is another record"
    told = [change.words for change in comparison(before, after).changes]
    return "; ".join(told) or "its layout only"


def _of_new(folder: Traversable, released: Traversable) -> Iterator[Remark]:
    """Each schema that is not released yet: what it adds, and what it lacks."""
    before, kept = ledger(released), ledger(folder)
    known = newest([schema for schema in read_schemas(released) if schema.path in before])
    for schema in read_schemas(folder):
        if schema.path not in before:
            yield _told(schema, known)
            yield from _lacking(schema, folder, kept)


def _told(schema: Schema, known: Mapping[str, Schema]) -> Remark:
    older = known.get(schema.topic)
    if older is None:
        count = len(list(fields_of(schema.definition)))
        return Remark(path=schema.path, words=f"a new topic, {schema.topic}, with {count} fields")
    found = comparison(older, schema)
    told = "; ".join(change.words for change in found.changes) or "nothing that one can tell"
    unread = [*found.newer_cannot_read, *found.older_cannot_read]
    words = "; ".join([f"a new version of {schema.topic}: {told}", *unread])
    return Remark(path=schema.path, words=words, breaks=found.breaks)


def _lacking(schema: Schema, folder: Traversable, kept: Mapping[str, str]) -> Iterator[Remark]:
    golden = f"{schema.golden}.json"
    if not folder.joinpath(*golden.split("/")).is_file():
        yield Remark(path=golden, words=f"no golden record of {schema.path}", breaks=True)
    elif schema.path not in kept:
        words = f"not released; `earmark schemas release` enters it in {LEDGER}"
        yield Remark(path=schema.path, words=words, breaks=True)


def _by_path(folder: Traversable) -> dict[str, Schema]:
    return {schema.path: schema for schema in read_schemas(folder)}
