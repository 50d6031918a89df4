"""Dead letters that real frameworks wrote, made to be about records of another topic."""

from __future__ import annotations

import base64
import json
import re
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_ORIGIN: Final = re.compile(r"(?:original[-_]|errors\.|dead-letter-)(topic|partition|offset)$")
"""Names of headers that say where the record lay that failed, or lay before."""
_MESSAGE: Final = re.compile(r"(?:exception-message|exception\.message|errors\.message|-reason)$")


class RecordedLetter(NamedTuple):
    """What is appended to a dead letter topic."""

    framework: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def size(self) -> int:
        """Bytes of key, value, and names and values of the headers."""
        headers = sum(len(name) + len(value or b"") for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers

    def about(self, topic: str, partition: int, offset: int) -> RecordedLetter:
        """The same failure of another record, whose offset its error message names.

        What is said in the value stays as it is.
        """
        number = b" (record %d of %d)" % (offset, partition)
        message = next((v for name, v in self.headers if v and _MESSAGE.search(name)), None)
        headers = []
        for name, value in self.headers:
            origin = _ORIGIN.search(name)
            if value and origin:
                value = _origin(origin[1], value, topic, partition, offset)  # noqa: PLW2901
            elif value and message:  # in stack traces, too
                value = value.replace(message, message + number)  # noqa: PLW2901
            headers.append((name, value))
        key = self.key and self.key + b"-%d-%d" % (partition, offset)
        return RecordedLetter(self.framework, key, self.value, tuple(headers))


def recorded_letters(folder: Path) -> list[RecordedLetter]:
    """Those of all files in a folder, without any that went through a retry topic.

    Those tell by the time at which they are appended whether they are dead.

    Raises:
        FileNotFoundError: there are none.
    """
    rows = [
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    if not rows:
        raise FileNotFoundError(f"no recorded dead letters in {folder}")
    return [
        RecordedLetter(
            row["framework"],
            _bytes(row["key_b64"]),
            _bytes(row["value_b64"]),
            tuple((name, _bytes(value)) for name, value in row["headers"]),
        )
        for row in rows
        if "retry" not in row["scenario"].lower()
    ]


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def _origin(what: str, was: bytes, topic: str, partition: int, offset: int) -> bytes:
    """Numbers are written as they were: decimal, or binary."""
    if what == "topic":
        return topic.encode()
    number = partition if what == "partition" else offset
    if was.isdigit():
        return b"%d" % number
    return struct.pack(">i" if len(was) == 4 else ">q", number)
