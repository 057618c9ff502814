"""Reads the TOML text of a policy into a `Policy`, or into everything that is wrong with it."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from earmark.processors.content import ContentType
from earmark.processors.policy.condition import AllOf, AnyOf, Condition, Not, comparisons
from earmark.processors.policy.effect import value_of
from earmark.processors.policy.fault import Fault, Lines, PolicyError
from earmark.processors.policy.policy import Policy, Rule, Scope
from earmark.processors.policy.syntax import Misread, comparison
from earmark.processors.policy.verdict import EFFECTS, GRAVEST, HUMAN
from earmark.processors.policy.vocabulary import ITEM, UnknownName, nearest

_POLICY_KEYS = ("name", "version", "description", "scope", "rule")
_SCOPE_KEYS = ("content_types", "tenants", "languages", "regions")
_RULE_KEYS = (
    "name",
    "reason",
    "when",
    "effect",
    "value",
    "severity",
    "expires_after",
    "fast",
    "regions",
)
_COMBINED = ("all", "any", "not")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_DURATION = re.compile(r"(\d{1,9})\s*(minute|hour|day|week)s?")
_MS = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}
_LATEST_MS = 100 * 365 * _MS["day"]  # an expiry is a moment that calendars know
_TOML_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_WHOLE_ONLY = ("complete", "expected", "missing", "signals", "regions")  # known of whole profiles
_DEEPEST = 32
_REGION = re.compile(r"[A-Z]{2}|[0-9]{3}")


def compiled(text: str, file: str) -> Policy:
    """The policy that the text holds; `file` is what its faults name.

    Raises PolicyError, which holds all of its faults.
    """
    compiler = _Compiler(text, file)
    policy = compiler.policy()
    if compiler.faults:
        raise PolicyError(sorted(compiler.faults, key=lambda fault: (fault.line, fault.key)))
    return policy


class _Compiler:
    """Goes on after a fault: what is faulty gets a value that does not matter."""

    def __init__(self, text: str, file: str) -> None:
        self.faults: list[Fault] = []
        self._file = file
        self._text = text
        self._lines = Lines(text)
        self._titles: Mapping[str, Any] = {}  # the rule that is read

    def policy(self) -> Policy:
        table = self._table()
        self._known(table, _POLICY_KEYS, "")
        if not self.faults and not table.get("rule"):
            self._fault("rule", "has no rule", "write [[rule]], with name, when and effect")
        rules = table.get("rule", [])
        if rules and not isinstance(rules, list):
            line = self._lines.of_table("rule")
            self._fault("rule", "is one table, where rules are a list", "write [[rule]]", line=line)
        scope = self._scope(table.get("scope", {}))
        return Policy(
            name=self._name(table, "", 0),
            version=self._text_of(table, "version", "", 0, needed=True),
            description=self._text_of(table, "description", "", 0),
            scope=scope,
            rules=tuple(self._rules(rules if isinstance(rules, list) else [], scope)),
            sha256=sha256(self._text.encode()).hexdigest(),
            file=self._file,
        )

    def _table(self) -> Mapping[str, Any]:
        try:
            return tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            at = _TOML_LINE.search(str(error))
            line = int(at[1]) if at else len(self._text.splitlines())
            message = f"not TOML: {_TOML_LINE.sub('', str(error)).strip()}"
            self.faults.append(Fault(file=self._file, line=line, key="", message=message))
        except ValueError:
            message = "not read: a number in it has thousands of digits"
            self.faults.append(Fault(file=self._file, line=1, key="", message=message))
        except RecursionError:
            message = "not read: lists and tables lie too deep in each other"
            self.faults.append(Fault(file=self._file, line=1, key="", message=message))
        return {"name": "unread", "version": "-"}

    def _scope(self, table: Any) -> Scope:
        if not isinstance(table, Mapping):
            self._fault("scope", "is not a table", "write [scope] and keys under it")
            return Scope()
        self._known(table, _SCOPE_KEYS, "scope")
        lists = {key: self._strings(table, key, "scope", 0) for key in _SCOPE_KEYS}
        kinds = [str(kind) for kind in ContentType]
        for kind in lists["content_types"]:
            if kind not in kinds:
                self._fault(
                    "content_types", f"no content type {kind}", nearest(kind, kinds), "scope"
                )
        for tag in lists["languages"]:
            with self._reading("languages", "scope", 0):
                comparison(f"item language = {tag}")
        return Scope(**lists)

    def _rules(self, tables: Sequence[Any], scope: Scope) -> Iterator[Rule]:
        seen: set[str] = set()
        for index, table in enumerate(tables):
            if not isinstance(table, Mapping):
                self._fault("rule", "is not a table", "write [[rule]] and keys under it")
                continue
            rule = self._rule(table, index)
            if rule.name in seen:
                self._fault("name", f"there is another rule {rule.name}", "", "rule", index)
            if strange := sorted(set(rule.regions) - set(scope.regions or rule.regions)):
                message = f"{strange[0]} lies outside the scope of the policy"
                self._fault("regions", message, "", "rule", index)
            seen.add(rule.name)
            yield rule

    def _rule(self, table: Mapping[str, Any], index: int) -> Rule:
        self._titles = table
        self._known(table, _RULE_KEYS, "rule", index)
        effect = self._effect(table, index)
        when = self._when(table, index)
        fast = self._of_type(table, "fast", bool, "rule", index, default=False)
        if fast:
            self._check_fast(when, index)
        return Rule(
            name=self._name(table, "rule", index),
            when=when,
            effect=effect,
            value=self._value(table, effect, index),
            severity=self._severity(table, index),
            reason=self._text_of(table, "reason", "rule", index) or None,
            expires_after_ms=self._duration(table, index),
            fast=fast,
            regions=self._strings(table, "regions", "rule", index),
        )

    def _when(self, table: Mapping[str, Any], index: int) -> Condition:
        if "when" not in table:
            self._fault("when", "is missing", "say when the rule holds", "rule", index)
            return AllOf(parts=())
        return self._condition(table["when"], index, _DEEPEST)

    def _condition(self, written: Any, index: int, deepest: int) -> Condition:
        if isinstance(written, str):
            with self._reading("when", "rule", index, written):
                return comparison(written)
        elif not deepest:
            self._fault("when", f"lies more than {_DEEPEST} deep", "", "rule", index)
        elif isinstance(written, list) and written:
            return AllOf(parts=tuple(self._condition(it, index, deepest - 1) for it in written))
        elif isinstance(written, Mapping) and written:
            parts = [self._combined(*pair, index, deepest - 1) for pair in written.items()]
            return parts[0] if len(parts) == 1 else AllOf(parts=tuple(parts))
        else:
            hint = (
                "write a condition, a list of them, or { all = [..] }, { any = [..] }, { not = .. }"
            )
            self._fault("when", f"{written!r} is no condition", hint, "rule", index)
        return AllOf(parts=())

    def _combined(self, word: str, written: Any, index: int, deepest: int) -> Condition:
        if word == "not":
            return Not(part=self._condition(written, index, deepest))
        if word not in _COMBINED:
            self._fault(
                "when", f"no {word!r} of conditions", nearest(word, _COMBINED), "rule", index
            )
            return AllOf(parts=())
        if not isinstance(written, list) or not written:
            self._fault("when", f"{word} takes a list of conditions", "", "rule", index)
            return AllOf(parts=())
        parts = tuple(self._condition(it, index, deepest) for it in written)
        return AllOf(parts=parts) if word == "all" else AnyOf(parts=parts)

    def _check_fast(self, when: Condition, index: int) -> None:
        found = list(comparisons(when))
        signals = sorted({it.subject for it in found} - {ITEM})
        if len(signals) > 1:
            message = f"a fast rule reads one signal, not {', '.join(signals)}"
            self._fault("fast", message, "leave fast out, or make two rules", "rule", index)
        for each in found:
            if each.subject == ITEM and each.field in _WHOLE_ONLY:
                message = f"a fast rule cannot ask for {each.field}"
                self._fault("fast", message, "it is known of whole profiles only", "rule", index)

    def _effect(self, table: Mapping[str, Any], index: int) -> str:
        effect = self._text_of(table, "effect", "rule", index, needed=True)
        if effect and effect not in EFFECTS:
            self._fault("effect", f"no effect {effect}", nearest(effect, EFFECTS), "rule", index)
            return ""
        return effect

    def _value(self, table: Mapping[str, Any], effect: str, index: int) -> str | None:
        try:
            return value_of(effect, table.get("value")) if effect else None
        except Misread as error:
            self._fault("value", str(error), error.hint, "rule", index)
            return None

    def _severity(self, table: Mapping[str, Any], index: int) -> int:
        severity: int = self._of_type(table, "severity", int, "rule", index, default=0)
        if not 0 <= severity <= GRAVEST:
            hint = f"0 (none) to {GRAVEST} (gravest)"
            self._fault("severity", f"{severity} is out of range", hint, "rule", index)
        return severity

    def _duration(self, table: Mapping[str, Any], index: int) -> int | None:
        written = self._text_of(table, "expires_after", "rule", index)
        if not written:
            return None
        form = _DURATION.fullmatch(written.strip())
        after = int(form[1]) * _MS[form[2]] if form else 0
        if not 0 < after <= _LATEST_MS:
            hint = "write it as 12 hours, 30 days or 2 weeks"
            self._fault("expires_after", f"{written!r} is no duration", hint, "rule", index)
        return after

    def _name(self, table: Mapping[str, Any], where: str, index: int) -> str:
        name = self._text_of(table, "name", where, index, needed=True)
        if name and not _NAME.fullmatch(name):
            hint = "write it with a-z, 0-9, '.', '-' and '_'"
            self._fault("name", f"{name!r} is no name", hint, where, index)
        if name == HUMAN and not where:
            self._fault("name", f"{HUMAN!r} is what humans' rulings are called", "", where)
        return name

    def _text_of(
        self, table: Mapping[str, Any], key: str, where: str, index: int, *, needed: bool = False
    ) -> str:
        text: str = self._of_type(table, key, str, where, index, default="")
        if needed and key not in table:
            self._fault(key, "is missing", "", where, index)
        elif needed and not text and isinstance(table[key], str):
            self._fault(key, "is empty", "", where, index)
        return text

    def _strings(
        self, table: Mapping[str, Any], key: str, where: str, index: int
    ) -> tuple[str, ...]:
        written = self._of_type(table, key, list, where, index, default=[])
        if not all(isinstance(it, str) and it for it in written):
            self._fault(key, "is not a list of strings", 'write it as ["DE", "US"]', where, index)
            return ()
        if key == "regions":
            for region in written:
                if not _REGION.fullmatch(region):
                    hint = "write ISO 3166, as DE, or UN M.49, as 150"
                    self._fault(key, f"{region!r} is no region", hint, where, index)
        return tuple(written)

    def _of_type(
        self,
        table: Mapping[str, Any],
        key: str,
        kind: type,
        where: str,
        index: int,
        *,
        default: Any,
    ) -> Any:
        value = table.get(key, default)
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        words = {str: "a string", int: "a whole number", bool: "true or false", list: "a list"}
        self._fault(key, f"{value!r} is not {words[kind]}", "", where, index)
        return default

    def _known(
        self, table: Mapping[str, Any], keys: Sequence[str], where: str, index: int = 0
    ) -> None:
        for key in table:
            if key not in keys:
                self._fault(key, "no such key", nearest(key, keys), where, index)

    @contextmanager
    def _reading(
        self, key: str, where: str, index: int, written: str | None = None
    ) -> Iterator[None]:
        """Takes down what is wrong with a condition, at the line where it is written."""
        try:
            yield
        except (Misread, UnknownName) as error:
            line = None
            if written is not None:
                line = self._lines.of_text(written, key, where, index)
            self._fault(key, str(error), error.hint, where, index, line)

    def _fault(
        self,
        key: str,
        message: str,
        hint: str = "",
        where: str = "",
        index: int = 0,
        line: int | None = None,
    ) -> None:
        title = f"{where}, {key}" if where else key
        if where == "rule":
            title = f"rule {self._titles.get('name', index + 1)}, {key}"
        if line is None:
            line = self._lines.of_key(key, where, index)
        self.faults.append(Fault(file=self._file, line=line, key=title, message=message, hint=hint))
