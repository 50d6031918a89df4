"""The frame: no changed, missing or added character is ever read as a state."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.state.codec import decode, encode
from streamgauge.core.state.errors import NotOurStateError, StateDamagedError, StateError
from streamgauge.core.state.frame import (
    BODY_MAX,
    CHECKSUM,
    DEFLATED,
    HEAD,
    MARK,
    PLAIN,
    Framed,
    framed,
    unframed,
)
from streamgauge.core.state.limits import TEXT_UNITS
from streamgauge.core.state.text import RUNS, to_bytes, to_text

from .conftest import full_of_deaths, full_state, planted, unhurried

ALPHABET = [chr(code) for first, last in RUNS for code in range(first, last + 1)]
STATES = (planted(), full_state(), full_of_deaths())
NOISE = np.random.default_rng(1).bytes(8192)
"""What no packer makes shorter."""


def sealed(head, packed=b"", *, more=b""):
    """A text with a right checksum around anything."""
    data = bytes(head) + len(packed).to_bytes(2, "big") + packed
    return MARK + to_text(data + zlib.crc32(data).to_bytes(CHECKSUM, "little") + more)


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=300))
def test_what_was_framed_comes_back(version, reader, body):
    """Any body, packed or not."""
    content = Framed(version, reader, body)
    text = framed(content)
    assert text.startswith(MARK)
    assert unframed(text) == content


def test_the_shorter_packing_is_chosen():
    """Text deflates, noise stays as it is, and neither costs more than the other would."""
    for body, packing in ((b"abc" * 500, DEFLATED), (NOISE[:1500], PLAIN)):
        text = framed(Framed(2, 2, body))
        assert to_bytes(text[1:])[2] == packing
    assert len(framed(Framed(2, 2, b"abc" * 500))) < 30


def test_a_text_has_at_most_4096_characters():
    """The last body that fits, the first that does not, and one that unpacks to too much."""
    greatest = (TEXT_UNITS - 1) * 15 // 8 - HEAD - CHECKSUM
    assert len(framed(Framed(2, 2, NOISE[:greatest]))) == TEXT_UNITS
    assert framed(Framed(2, 2, NOISE[: greatest + 1])) is None
    assert framed(Framed(2, 2, bytes(BODY_MAX))) is not None
    assert framed(Framed(2, 2, bytes(BODY_MAX + 1))) is None


@pytest.mark.parametrize("state", STATES, ids=["planted", "full", "deaths"])
def test_every_changed_character_is_found(state):
    """At every place: the next letter, the one before, others of the alphabet, and strangers."""
    text = encode(state).text
    others = [ALPHABET[0], ALPHABET[-1], ALPHABET[12_345], "A", "\0", "\ud800", "漢"]
    for place, letter in enumerate(text):
        code = ALPHABET.index(letter)
        near = [ALPHABET[code ^ 1], ALPHABET[code ^ 1 << 14], ALPHABET[(code + 1) % 32_768]]
        for other in {*near, *others} - {letter}:
            with pytest.raises(StateError):
                decode(text[:place] + other + text[place + 1 :], state.position)


@pytest.mark.parametrize("state", STATES, ids=["planted", "full", "deaths"])
def test_every_cut_gap_repeat_and_swap_is_found(state):
    """Cut short anywhere, a character lost, doubled, or moved by one."""
    text = encode(state).text
    for place in range(len(text)):
        for wrong in (
            text[:place],
            text[:place] + text[place + 1 :],
            text[: place + 1] + text[place:],
            text[:place] + text[place + 1 : place + 2] + text[place] + text[place + 2 :],
        ):
            if wrong != text:
                with pytest.raises(StateError):
                    decode(wrong, state.position)


@unhurried
@given(st.data())
def test_no_single_change_of_any_text_is_misread(data):
    """The checksum finds every error confined to one character, whatever was in it."""
    text = framed(Framed(2, 2, data.draw(st.binary(max_size=100))))
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET).filter(lambda letter: letter != text[place]))
    with pytest.raises(StateError):
        unframed(text[:place] + other + text[place + 1 :])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the commit has no metadata"),
        ("m848\0", r"the metadata begins with 'm848\\x00', which is not our mark"),
        ('{"host": "worker-7.example.org"}', """begins with '{"host": "worker', which is not"""),
        ("流量", r"begins with '\\u6d41\\u91cf', which is not our mark"),
        ("\ud83c", r"begins with '\\ud83c', which is not our mark"),
    ],
)
def test_what_others_wrote_is_told_apart(text, why):
    """Empty, a consumer's own metadata, other letters, broken ones."""
    with pytest.raises(NotOurStateError, match=why):
        unframed(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (MARK, "has 1 characters and should have 6: cut or grown"),
        (MARK * 4, "has 4 characters and should have"),
        (MARK + "abc", r"U\+0061 is not a character of a state's text"),
        (sealed((2, 2, 7)), "packed in the unknown way 7"),
        (sealed((2, 2, DEFLATED), b"\xff\xff"), "cannot be unpacked: .*invalid block type"),
        (sealed((2, 2, DEFLATED), b""), "unpacks to more than any, or to less than it was"),
        (
            sealed((2, 2, PLAIN), b"abcd", more=b"\x01"),
            "has 9 characters and should have 8|checksum",
        ),
    ],
)
def test_what_is_not_whole_is_refused(text, why):
    """Each with its reason."""
    with pytest.raises(StateDamagedError, match=why):
        unframed(text)


def test_a_text_cannot_unfold_without_end():
    """A bomb is refused after 32 KiB; so is what stands behind the end of the body."""
    for size, ok in ((BODY_MAX, True), (BODY_MAX + 1, False), (10_000_000, False)):
        packer = zlib.compressobj(level=9, wbits=-15)
        packed = packer.compress(bytes(size)) + packer.flush()
        if ok:
            assert unframed(sealed((2, 2, DEFLATED), packed)).body == bytes(size)
            packed += b"\0"
        with pytest.raises(StateDamagedError, match="unpacks to more than any"):
            unframed(sealed((2, 2, DEFLATED), packed))


def test_the_last_character_is_filled_up_with_zeros():
    """Else two texts would be one state."""
    text = framed(Framed(2, 2, b"abc"))
    assert len(text) == 8
    spare = 7 * 15 - 8 * (HEAD + 3 + CHECKSUM)
    assert spare == 9
    other = ALPHABET[ALPHABET.index(text[-1]) + 1]
    with pytest.raises(StateDamagedError, match="checksum"):
        unframed(text[:-1] + other)
