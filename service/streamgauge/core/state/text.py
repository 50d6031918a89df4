"""How bytes become text: fifteen bits a character, in letters that nothing on the way changes.

The alphabet is three runs of letters, 32,768 in all: U+3400 to U+4DBF, U+4E00 to U+9FFF (both
Chinese) and U+AC00 to U+C03F (Korean syllables). Each is one UTF-16 unit and three bytes of UTF-8.
None is a control, a mark, a space, a surrogate or a noncharacter, none has a case or a second form
in the normal form C, and any two stay two, so that no program along the way has reason to touch
them. The highest bit comes first; the last character is filled up with zeros.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from streamgauge.core.state.errors import StateDamagedError

BITS: Final = 15
RUNS: Final = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xC03F))
"""First and last code point of each run."""

_ALPHABET: Final = np.concatenate([np.arange(a, z + 1, dtype="<u2") for a, z in RUNS])
_CODES: Final = np.full(1 << 16, -1, dtype=np.int32)
_CODES[_ALPHABET] = np.arange(1 << BITS)


def length(size: int) -> int:
    """Number of characters for so many bytes."""
    return -(-8 * size // BITS)


def to_text(data: bytes) -> str:
    """The bytes as text."""
    count = length(len(data))
    bits = np.zeros(count * BITS, dtype=np.uint8)
    bits[: 8 * len(data)] = np.unpackbits(np.frombuffer(data, dtype=np.uint8))
    units = np.zeros((count, 16), dtype=np.uint8)
    units[:, 1:] = bits.reshape(count, BITS)
    codes = np.packbits(units).view(">u2")
    return bytes(_ALPHABET.take(codes)).decode("utf-16-le")


def to_bytes(text: str) -> bytes:
    """The bytes of a text, with zeros at the end from what fills up its last character.

    Raises:
        StateDamagedError: naming the first character that is not of the alphabet.
    """
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), dtype="<u2")
    codes = _CODES.take(units)
    if codes.min(initial=0) < 0:
        where = int(np.argmin(codes))
        raise StateDamagedError(f"U+{units[where]:04X} is not a character of a state's text")
    bits = np.unpackbits(codes.astype(">u2").view(np.uint8)).reshape(-1, 16)[:, 1:]
    return np.packbits(bits).tobytes()
