"""One YAML document read strictly: each key once, no YAML 1.1 surprises, everything bounded.

Plain scalars mean what the core schema of YAML 1.2 says (section 10.3.2), so `on`, `yes`, `1:30`
and `2026-01-01` are text; keys are always text. Tags and merge keys are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from streamgauge.config.errors import ConfigError, Problem

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from streamgauge.config.errors import KeyPath

LONGEST_FILE: Final = 1024 * 1024
"""Bytes that a file may have."""
DEEPEST: Final = 20
"""Levels of lists and mappings."""
MOST_VALUES: Final = 20_000
"""Keys and values; an alias counts as all that it repeats."""

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

_QUESTION: Final = "a ? stands where YAML takes it for more than text: put the value in quotes"
_WORDS: Final = (
    ("found character '\\t'", "there is a tab: YAML is indented with spaces"),
    ("mapping values are not allowed", "there is a colon too many: check the indentation or quote"),
    ("could not find expected ':'", "a key has no colon after it"),
    ("expected <block end>", "the indentation does not fit the lines before"),
    ("found unexpected end of stream", "a quotation mark is not closed"),
    ("mapping keys are not allowed", _QUESTION),
    ("expected the node content, but found '?'", _QUESTION),
    ("expected ',' or '}', but got '?'", _QUESTION),
    ("expected ',' or ']', but got '?'", _QUESTION),
    ("expected ',' or", "a bracket is not closed or a comma is missing"),
    ("found undefined alias", "an alias (*name) has no anchor (&name) before it"),
)
"""How PyYAML begins to say what is wrong, and how it is told; its own words may quote the file."""


@dataclass(frozen=True, slots=True)
class Document:
    """What stands in a YAML text, and on which line, from 1, each part of it begins."""

    value: object
    lines: Mapping[KeyPath, int]
    problems: Sequence[Problem]
    """Keys that stand twice; their later values are left out."""


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A value that has a name: what an alias repeats."""

    value: object
    lines: list[tuple[KeyPath, int]]
    """Of its parts, with paths that begin at the value."""
    height: int


class YamlError(Exception):
    """The text is not the YAML that is asked for; says why and, where known, on which line."""

    def __init__(self, text: str, line: int | None = None) -> None:
        self.text = text
        self.line = line
        super().__init__(text)


def read_document(
    path: str | os.PathLike[str],
    *,
    holds: str = "configuration",
    keys: str = "kafka: and streams:",
) -> Document:
    """The mapping that the file holds.

    Args:
        path: of the file.
        holds: what it should be, as a noun.
        keys: that it should have, in words.

    Raises:
        ConfigError: it cannot be opened, is no UTF-8, too large, empty, no mapping or no such YAML.
    """
    try:
        with Path(path).open("rb") as file:
            return _document(file.read(LONGEST_FILE + 1), holds, keys)
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 text (byte {error.start + 1})"]) from None
    except YamlError as error:
        where = path if error.line is None else f"{path} (line {error.line})"
        raise ConfigError([f"{where}: {error.text}"]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this is not the name of a file"
        raise ConfigError([f"{path}: cannot be read: {reason}"]) from None


def _document(content: bytes, holds: str, keys: str) -> Document:
    if len(content) > LONGEST_FILE:
        raise YamlError(f"is larger than 1 MiB: this is no {holds} of streamgauge")
    document = parse(content.decode("utf-8-sig"))
    if document.value is None:
        raise YamlError(f"is empty: it needs at least {keys}")
    if not isinstance(document.value, dict):
        raise YamlError(f"must be a mapping that begins with keys such as {keys}")
    return document


def parse(text: str) -> Document:
    """What stands in a YAML text; None if nothing does.

    Raises:
        YamlError: it is not one document, or has what is refused.
    """
    try:
        return _Builder(yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError("there is a control character: this is no text", line) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or ""
        told = (words for beginning, words in _WORDS if problem.startswith(beginning))
        line = mark.line + 1 if mark else 1
        raise YamlError(next(told, "this is not valid YAML"), line) from None


def scalar(text: str) -> object:
    """What a plain scalar stands for: nothing, a truth value, a number, else its text."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.fullmatch(text):
        return int(text)
    if len(text) <= 300 and _FLOAT.fullmatch(text):
        return float(text)
    return float(text.replace(".", "")) if _NOT_FINITE.fullmatch(text) else text


@dataclass(slots=True)
class _Builder:
    """Builds the value from PyYAML's events, which come without recursion."""

    events: Iterator[yaml.Event]
    lines: list[tuple[KeyPath, int]] = field(default_factory=list)
    anchors: dict[str, _Anchored] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    values: int = 0
    height: int = 0
    """Levels of the value built last."""

    def document(self) -> Document:
        next(self.events)  # the stream begins
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            return Document(None, {}, ())
        value = self._value(next(self.events), (), 1)
        next(self.events)  # the document ends
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise YamlError("a second document (---) begins: only one is read", _line(event))
        return Document(value, dict(self.lines), self.problems)

    def _value(self, event: yaml.Event, path: KeyPath, depth: int) -> object:
        self._bound(event, depth)
        first = len(self.lines)
        value: object = None
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path, depth)
        if isinstance(event, yaml.ScalarEvent):
            text = _text(event)
            value, self.height = scalar(text) if event.style is None else text, 0
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._list(path, depth)
        else:
            value = self._mapping(path, depth)
        if anchor := getattr(event, "anchor", None):
            below = [(at[len(path) :], line) for at, line in self.lines[first:]]
            self.anchors[anchor] = _Anchored(value, below, self.height)
        return value

    def _list(self, path: KeyPath, depth: int) -> list[object]:
        values: list[object] = []
        height = 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            at = (*path, len(values))
            self.lines.append((at, _line(event)))
            values.append(self._value(event, at, depth + 1))
            height = max(height, self.height)
        self.height = height + 1
        return values

    def _mapping(self, path: KeyPath, depth: int) -> dict[str, object]:
        values: dict[str, object] = {}
        lines: dict[str, int] = {}
        height = 0
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event)
            at = (*path, key)
            self.lines.append((at, _line(event)))
            value = self._value(next(self.events), at, depth + 1)
            if key in values:
                told = f"stands on line {lines[key]} already: keep one of the two"
                self.problems.append(Problem(at, told))
            values.setdefault(key, value)
            lines.setdefault(key, _line(event))
            height = max(height, self.height)
        self.height = height + 1
        return values

    def _key(self, event: yaml.Event) -> str:
        self._bound(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise YamlError("a key must be text", _line(event))
        if event.value == "<<" and event.style is None:
            raise YamlError("merge keys (<<) are refused: write the keys out", _line(event))
        return _text(event)

    def _alias(self, event: yaml.AliasEvent, path: KeyPath, depth: int) -> object:
        anchored = self.anchors.get(event.anchor or "")
        if anchored is None:
            raise YamlError("an alias (*name) has no anchor (&name) before it", _line(event))
        self.values += len(anchored.lines)
        self._bound(event, depth + anchored.height)
        self.lines.extend((path + below, line) for below, line in anchored.lines)
        self.height = anchored.height
        return anchored.value

    def _bound(self, event: yaml.Event, depth: int = 0) -> None:
        """Counts a key or a value and refuses what is too much and what has a tag."""
        self.values += 1
        if self.values > MOST_VALUES:
            raise YamlError(f"has more than {MOST_VALUES} keys and values", _line(event))
        if depth > DEEPEST:
            raise YamlError(f"is nested deeper than {DEEPEST} levels", _line(event))
        if getattr(event, "tag", None) is not None:
            raise YamlError("tags (!) are refused: put text in quotes", _line(event))


def _text(event: yaml.ScalarEvent) -> str:
    text: str = event.value
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise YamlError("half of a surrogate pair is no character", _line(event))
    return text


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1
