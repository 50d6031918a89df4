"""Searches what has gone out for what must not: as it was written, or however it was encoded."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GRAM = 8
"""Bytes of the shortest fragment that is found."""
DEPTH = 4
"""Encodings within each other that are undone."""
MOST_UNPACKED = 32 << 20
ZLIB_AUTO = 47
"""`wbits`: the window of the data, with a header of gzip or zlib."""
_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{11,}")
_HEX = re.compile(rb"[0-9A-Fa-f]{16,}")
_BYTE = re.compile(rb"\\x([0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb'(?:\\(?:u[0-9A-Fa-f]{4}|["\\/bfnrt]))+')


class Secret(NamedTuple):
    """Something that must not leave."""

    text: str
    place: str
    """Where it was planted."""
    fragment: int = GRAM
    """So many bytes of it in a row are not there by chance."""


class Leak(NamedTuple):
    """A secret, or a fragment of one, that has gone out."""

    secret: Secret
    found: str
    encodings: tuple[str, ...]
    """The outermost first; empty where it went out as it is."""
    around: str


class Wanted:
    """Secrets to look for; case does not matter.

    Args:
        secrets: each at least `GRAM` bytes long.
    """

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._grams: dict[int, list[tuple[Secret, bytes, int]]] = {}
        for secret in secrets:
            text = secret.text.encode().lower()
            assert len(text) >= secret.fragment >= GRAM, secret
            for at in range(len(text) - GRAM + 1):
                word = int.from_bytes(text[at : at + GRAM], "little")
                self._grams.setdefault(word, []).append((secret, text, at))
        self._sorted = np.array(sorted(self._grams), dtype="<u8")

    def leaks(self, data: bytes) -> list[Leak]:
        """Each secret that is in the data, once: where the fewest encodings hide it."""
        found: dict[Secret, Leak] = {}
        for encodings, layer in layers(data):
            lower = layer.lower()
            for at, gram in self._hits(lower):
                for secret, text, position in self._grams[gram]:
                    if secret in found and len(found[secret].encodings) <= len(encodings):
                        continue
                    start, end = _common(lower, at, text, position)
                    if end - start < secret.fragment:
                        continue
                    told = layer[start:end].decode(errors="replace")
                    around = layer[max(0, start - 60) : end + 20].decode(errors="replace")
                    found[secret] = Leak(secret, told, encodings, around)
        return list(found.values())

    def _hits(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Positions and grams that are those of secrets."""
        if not self._sorted.size:
            return
        for shift in range(min(GRAM, len(data) - GRAM + 1)):
            words = np.frombuffer(data, "<u8", (len(data) - shift) // GRAM, shift)
            nearest = np.searchsorted(self._sorted, words)
            nearest[nearest == self._sorted.size] = 0
            for row in np.flatnonzero(self._sorted[nearest] == words).tolist():
                yield row * GRAM + shift, int(words[row])


def layers(data: bytes, depth: int = DEPTH) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """The data, and all that it may be an encoding of, with the encodings undone to get there."""
    yield (), data
    if not depth:
        return
    for name, undo in _UNDOING.items():
        inner = b"\n".join(undo(data))
        if inner.strip() and inner != data:
            for further, layer in layers(inner, depth - 1):
                yield (name, *further), layer


def _common(data: bytes, at: int, text: bytes, position: int) -> tuple[int, int]:
    """Start and end in the data of the longest match around a gram."""
    start, end = at, at + GRAM
    first, last = position, position + GRAM
    while start and first and data[start - 1] == text[first - 1]:
        start, first = start - 1, first - 1
    while end < len(data) and last < len(text) and data[end] == text[last]:
        end, last = end + 1, last + 1
    return start, end


def _unpacked(data: bytes) -> Iterator[bytes]:
    end = 0
    for magic in _PACKED.finditer(data):
        if magic.start() < end:
            continue
        unpacker = zlib.decompressobj(ZLIB_AUTO)
        try:
            inner = unpacker.decompress(data[magic.start() :], MOST_UNPACKED)
        except zlib.error:
            continue
        if unpacker.eof:
            end = len(data) - len(unpacker.unused_data)
        yield inner


def _from_base64(data: bytes) -> Iterator[bytes]:
    """Standard and for URLs, begun at each of four characters: what stands before may be text."""
    for run in sorted(set(_BASE64.findall(data))):
        standard = run.translate(bytes.maketrans(b"-_", b"+/"))
        for begin in range(4):
            rest = standard[begin:]
            rest = rest[: len(rest) - (len(rest) % 4 == 1)]
            yield b64decode(rest + b"=" * (-len(rest) % 4))


def _from_hex(data: bytes) -> Iterator[bytes]:
    for run in sorted(set(_HEX.findall(data))):
        for begin in range(2):
            rest = run[begin:]
            yield bytes.fromhex(rest[: len(rest) // 2 * 2].decode())


def _from_bytes_shown(data: bytes) -> Iterator[bytes]:
    """As languages show bytes that are no letters."""
    if _BYTE.search(data):
        yield _BYTE.sub(lambda shown: bytes.fromhex(shown[1].decode()), data)


def _from_url(data: bytes) -> Iterator[bytes]:
    if b"%" in data:
        yield unquote_to_bytes(data.replace(b"+", b" "))


def _from_json(data: bytes) -> Iterator[bytes]:
    if _ESCAPE.search(data):
        yield _ESCAPE.sub(_unescaped, data)


def _unescaped(escapes: re.Match[bytes]) -> bytes:
    text: str = json.loads(b'"' + escapes[0] + b'"')
    return text.encode("utf-8", "surrogatepass")


_UNDOING = {
    "gzip or zlib": _unpacked,
    "base64": _from_base64,
    "hexadecimal": _from_hex,
    "bytes as shown": _from_bytes_shown,
    "URL": _from_url,
    "JSON": _from_json,
}
