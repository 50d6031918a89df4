"""What surrounds a state's body in its text, so that damage is found and nothing is misread.

A text is the mark U+6CB3 (river) and then, fifteen bits a character (`text.py`):

| bytes | what |
|-------|------|
| 1 | format it was written in |
| 1 | oldest format whose readers may go on from it |
| 1 | packing: 0 the body as it is, 1 deflated (RFC 1951); whichever is shorter is written |
| 2 | length of the packed body, the high byte first |
| n | the packed body |
| 4 | CRC-32 of all before, the low byte first |

The frame never changes under this mark. The checksum stands last because there it finds every error
that is confined to 32 bits in a row, and so every single changed character, wherever it is.
"""

from __future__ import annotations

import zlib
from typing import Final, NamedTuple

from streamgauge.core.state.errors import NotOurStateError, StateDamagedError
from streamgauge.core.state.limits import TEXT_UNITS
from streamgauge.core.state.text import length, to_bytes, to_text

MARK: Final = "\u6cb3"
PLAIN: Final = 0
DEFLATED: Final = 1
HEAD: Final = 5
CHECKSUM: Final = 4
BODY_MAX: Final = 1 << 15
"""Bytes of a body, thrice what a full state has: no text can unfold without end."""


class Framed(NamedTuple):
    """What a frame holds."""

    format_version: int
    """The format it was written in."""
    reader: int
    """The oldest format whose readers may go on from it."""
    body: bytes


def framed(content: Framed) -> str | None:
    """The text; None if it would be too long."""
    deflated = _deflate(content.body)
    packing, packed = DEFLATED, deflated
    if len(content.body) <= len(deflated):
        packing, packed = PLAIN, content.body
    if len(content.body) > BODY_MAX or _units(len(packed)) > TEXT_UNITS:
        return None
    head = bytes((content.format_version, content.reader, packing))
    data = head + len(packed).to_bytes(2, "big") + packed
    return MARK + to_text(data + zlib.crc32(data).to_bytes(CHECKSUM, "little"))


def unframed(text: str) -> Framed:
    """What the text holds.

    Raises:
        NotOurStateError: if there is no text, or something else wrote it.
        StateDamagedError: if it is not whole.
    """
    if not text:
        raise NotOurStateError("the commit has no metadata")
    if not text.startswith(MARK):
        raise NotOurStateError(f"the metadata begins with {text[:16]!a}, which is not our mark")
    data = to_bytes(text[len(MARK) :])
    size = int.from_bytes(data[HEAD - 2 : HEAD], "big")
    if len(data) < HEAD or len(text) != _units(size):
        raise StateDamagedError(
            f"the state has {len(text)} characters and should have {_units(size)}: cut or grown"
        )
    end = HEAD + size
    stored = int.from_bytes(data[end : end + CHECKSUM], "little")
    if zlib.crc32(data[:end]) != stored or any(data[end + CHECKSUM :]):
        raise StateDamagedError("the checksum of the state is wrong")
    format_version, reader, packing = data[: HEAD - 2]
    return Framed(format_version, reader, _unpacked(packing, data[HEAD:end]))


def _units(packed_size: int) -> int:
    """Characters of a text with so many bytes of packed body."""
    return len(MARK) + length(HEAD + packed_size + CHECKSUM)


def _deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(level=9, wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def _unpacked(packing: int, packed: bytes) -> bytes:
    if packing == PLAIN:
        return packed
    if packing != DEFLATED:
        raise StateDamagedError(f"the state is packed in the unknown way {packing}")
    unpacker = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        body = unpacker.decompress(packed, BODY_MAX)
    except zlib.error as error:
        raise StateDamagedError(f"the state cannot be unpacked: {error}") from error
    if not unpacker.eof or unpacker.unused_data:
        raise StateDamagedError("the state unpacks to more than any, or to less than it was")
    return body
