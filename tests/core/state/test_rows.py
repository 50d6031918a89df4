"""Rows of numbers: as wide as the widest, and refused where bytes are missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.state.errors import StateDamagedError
from streamgauge.core.state.rows import Reader, Writer

numbers = st.lists(st.one_of(st.integers(0, 300), st.integers(0, 2**117)), max_size=8)


@pytest.mark.parametrize(
    ("row", "written"),
    [
        ([], "00"),
        ([0, 0, 0], "00"),
        ([1, 0, 255], "01 01 00 ff"),
        ([1, 256], "02 01 00 00 01"),
        ([2**63 - 1], "08 ff ff ff ff ff ff ff 7f"),
    ],
)
def test_a_row_is_as_wide_as_its_widest_number(row, written):
    """One byte of width, then the low bytes first."""
    out = Writer()
    out.row(row)
    assert out.hex(" ") == written


@given(st.lists(numbers, max_size=4))
def test_rows_come_back(rows):
    """One after the other, and nothing is left."""
    out = Writer()
    for row in rows:
        out.row(row)
    data = Reader(bytes(out), "it")
    assert [data.row(len(row)) for row in rows] == rows
    assert data.at_end


@given(st.lists(st.one_of(st.none(), st.integers(0, 2**63)), max_size=8))
def test_unknown_is_not_zero(row):
    """0 and unknown are told apart."""
    out = Writer()
    out.maybe_row(row)
    assert Reader(bytes(out), "it").maybe_row(len(row)) == row


def test_missing_bytes_are_told():
    """By how many; never is a shorter number read."""
    out = Writer()
    out.row([1, 2, 70_000])
    for size in range(len(out)):
        with pytest.raises(StateDamagedError, match=r"^it ends \d bytes too early$"):
            Reader(bytes(out[:size]), "it").row(3)
    data = Reader(bytes(out), "it")
    assert data.raw(4) == bytes(out[:4])
    assert data.rest() == bytes(out[4:])
    assert data.rest() == b""
