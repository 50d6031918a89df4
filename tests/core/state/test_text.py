"""Fifteen bits a character: the alphabet, and bytes that become text and come back."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.state.errors import StateDamagedError
from streamgauge.core.state.text import BITS, RUNS, length, to_bytes, to_text

ALPHABET = [chr(code) for first, last in RUNS for code in range(first, last + 1)]


def test_the_alphabet_is_what_a_unit_can_hold():
    """32,768 different letters of one UTF-16 unit and three bytes of UTF-8."""
    assert len(set(ALPHABET)) == 2**BITS
    assert all(len(letter.encode("utf-16-le")) == 2 for letter in ALPHABET)
    assert all(len(letter.encode()) == 3 for letter in ALPHABET)


def test_nothing_on_the_way_has_reason_to_change_a_letter():
    """Letters without case, mark or space, and the normal form C leaves any row of them alone."""
    assert {unicodedata.category(letter) for letter in ALPHABET} == {"Lo"}
    assert not any(unicodedata.combining(letter) for letter in ALPHABET)
    text = "".join(ALPHABET) + "".join(reversed(ALPHABET))
    assert unicodedata.normalize("NFC", text) == text
    assert unicodedata.normalize("NFKC", text) == text
    assert text.strip() == text.lower() == text.upper() == text


def test_the_letters_stand_in_the_order_of_their_bits():
    """The first of the alphabet is 0, the last all ones; the rest of a letter is zeros."""
    assert to_text(b"") == ""
    assert to_text(bytes(2)) == ALPHABET[0] * 2
    assert to_text(b"\xff" * 15) == ALPHABET[-1] * 8
    assert to_text(b"\x00\x02\x80") == ALPHABET[1] + ALPHABET[1 << 13]


@given(st.binary(max_size=200))
def test_bytes_come_back(data):
    """With less than a character of zeros behind them."""
    text = to_text(data)
    assert len(text) == length(len(data))
    back = to_bytes(text)
    assert back[: len(data)] == data
    assert len(back) <= len(data) + 2
    assert not any(back[len(data) :])


@pytest.mark.parametrize(
    "stranger", ["A", "\0", " ", "\ufeff", "\ud800", "\uffff", "😀", "䷀", "á"]
)
def test_a_character_that_is_not_of_the_alphabet_is_named(stranger):
    """Whatever it is, and wherever it stands."""
    code = int.from_bytes(stranger.encode("utf-16-be", "surrogatepass")[:2], "big")
    for text in (stranger, ALPHABET[5] * 3 + stranger + ALPHABET[9]):
        with pytest.raises(StateDamagedError, match=rf"^U\+{code:04X} is not a character"):
            to_bytes(text)
