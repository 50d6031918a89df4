"""How histograms become few bits: by halves, each in no more bits than its whole has.

Of a histogram the total is known first. Neighbouring buckets pair up, then neighbouring pairs, and
so on until one node holds the total: a tree. From the top down each node that has two children says
how much of it lies in the left one, in as many bits as its own number has.

What is empty costs nothing, so a usual histogram takes less than with varints and zlib. And none of
fewer than 2**b ages can take more than 225 * (b + 1) - 1313 bits, because a level costs most when
all its nodes hold the same: 1.6 bits per bucket above what any code needs for the worst of them.

Layout: for each level from the top, for each node from the left, for each histogram: the left
child's count in bit_length(node) bits, highest bit first. The last byte is filled up with zeros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from streamgauge.core.histogram import SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _level_sizes() -> list[int]:
    sizes = [SIZE]
    while sizes[-1] > 1:
        sizes.append((sizes[-1] + 1) // 2)
    return sizes[-2::-1]


LEVELS: Final = tuple(_level_sizes())
"""Number of nodes on each level below the top; where it is odd the last has no sibling."""


def _nodes() -> NDArray[np.intp]:
    """Of each node with two children: its first bucket, the right child's first, and its end."""
    edges = list(range(SIZE + 1))
    levels = []
    for size in reversed(LEVELS):
        levels.append([edges[at : at + 3] for at in range(0, size - 1, 2)])
        edges = edges[0:size:2] + edges[-1:]
    return np.array([node for level in reversed(levels) for node in level]).T


_FIRST, _MIDDLE, _END = _nodes()

_IS_LOW_BIT: Final = 64 - np.arange(65)[:, None] <= np.arange(64)
"""bool[65, 64]: by number of bits, where they are in 64 of them, the highest first."""
_EXPONENT_OF_0: Final = 1022
"""What a number of no bits would have in a float's exponent; 1 has one more."""


def _bit_lengths(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Exact below 2**53, where a float holds every integer: its exponent tells. 0 below 1."""
    exponents = numbers.astype(np.float64).view(np.int64) >> 52
    lengths: NDArray[np.int64] = np.maximum(exponents, _EXPONENT_OF_0) - _EXPONENT_OF_0
    return lengths


def written(counts: NDArray[np.int64]) -> bytes:
    """The splits of histograms.

    Args:
        counts: int64[h, SIZE], not negative, each row less than 2**53 in all.
    """
    before = np.zeros((SIZE + 1, len(counts)), dtype=np.int64)
    np.cumsum(counts.T, axis=0, out=before[1:])
    first = before.take(_FIRST, axis=0)
    whole = (before.take(_END, axis=0) - first).ravel()
    left = (before.take(_MIDDLE, axis=0) - first).ravel()
    some = whole.nonzero()[0]  # the others take no bits
    bits = np.unpackbits(left.take(some).astype(">u8").view(np.uint8)).reshape(-1, 64)
    return np.packbits(bits[_IS_LOW_BIT.take(_bit_lengths(whole.take(some)), axis=0)]).tobytes()


def read(totals: NDArray[np.int64], data: bytes) -> NDArray[np.int64]:
    """The counts of histograms, int64[h, SIZE].

    Args:
        totals: int64[h], each at least 0 and less than 2**53.
        data: their splits as `written` gave them.

    Raises:
        ValueError: if these are no splits of these totals.
    """
    windows = _windows(data)
    h = len(totals)
    nodes, at = totals, 0
    for size in LEVELS:
        whole = nodes[: size // 2 * h]
        widths = _bit_lengths(whole)
        ends = widths.cumsum()
        ends += at
        at = int(ends[-1])
        if at > 8 * len(data):
            break
        starts = ends - widths
        window = windows.take(starts >> 3) << (starts & 7).view(np.uint64)
        left = (window >> (64 - widths).view(np.uint64)).view(np.int64)
        below = np.empty((size, h), dtype=np.int64)
        below[0 : size - 1 : 2] = left.reshape(-1, h)
        below[1::2] = (whole - left).reshape(-1, h)
        if size % 2:
            below[-1] = nodes[-h:]
        nodes = below.ravel()
    if -(-at // 8) != len(data):
        raise ValueError(f"there are {len(data)} bytes of splits where it takes {-(-at // 8)}")
    if nodes.min() < 0:
        raise ValueError("a part is greater than its whole")
    return nodes.reshape(SIZE, h).T.copy()


def _windows(data: bytes) -> NDArray[np.uint64]:
    """The eight bytes from each byte on as one number, highest first: uint64[len(data) + 1]."""
    padded = data + bytes(8)
    return np.ndarray(len(data) + 1, ">u8", padded, strides=(1,)).astype(np.uint64)
