"""The search for secrets finds them in each encoding, and nothing where there is none."""

from __future__ import annotations

import gzip
import itertools
import json
import zlib
from base64 import b64encode, urlsafe_b64encode

import pytest

from .outgoing import GRAM, Secret, Wanted

SECRET = Secret("Kövu>Rimat?Zelop~71x", "a test")
CARD = Secret("4929183877356201", "a test", 12)
TEXT = SECRET.text.encode()

ENCODINGS = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "zlib": lambda data: zlib.compress(data, 1),
    "gzip within bytes": lambda data: b"POST / \r\n\r\n" + gzip.compress(data) + b"POST /",
    "base64": b64encode,
    "base64 for URLs": lambda data: urlsafe_b64encode(data).rstrip(b"="),
    "base64 after one byte": lambda data: b64encode(b"a" + data),
    "base64 after two bytes": lambda data: b64encode(b"ab" + data),
    "base64 after text": lambda data: b"key-" + b"x" * 5 + b64encode(data) + b" rest",
    "hexadecimal": lambda data: data.hex().encode(),
    "HEXADECIMAL after a digit": lambda data: b"f" + data.hex().upper().encode(),
    "bytes as shown": lambda data: b"".join(b"\\x%02x" % byte for byte in data),
    "URL": lambda data: b"".join(b"%%%02X" % byte for byte in data),
    "JSON": lambda data: json.dumps(data.decode("latin-1")).encode(),
    "JSON, all escaped": lambda data: b'{"a":"%b"}' % b"".join(b"\\u%04x" % b for b in data),
    "capitals": bytes.upper,
}
"""JSON tells text: bytes that are none stand in it as the characters of their numbers."""
OF_TEXT = {"JSON", "JSON, all escaped"}
BINARY = {"gzip", "zlib", "gzip within bytes"}
CASELESS = {"plain", "capitals", "hexadecimal"}


def _is_possible(inner, outer):
    """Whether the outer encoding loses nothing of the inner one."""
    if outer in OF_TEXT:
        return inner not in BINARY
    return outer != "capitals" or inner in CASELESS


PAIRS = [
    (inner, outer)
    for inner, outer in itertools.product(ENCODINGS, ENCODINGS)
    if _is_possible(inner, outer)
]


def _told(text, inner, outer):
    ascii_first = text.encode("ascii", "ignore") if {inner, outer} & OF_TEXT else text.encode()
    return ENCODINGS[outer](ENCODINGS[inner](ascii_first))


@pytest.mark.parametrize(("inner", "outer"), PAIRS)
def test_a_secret_is_found_in_every_encoding_and_in_two_within_each_other(inner, outer):
    """Among other data, at the place where it is."""
    told = _told(f"some words, then {SECRET.text} and more", inner, outer)
    leaks = Wanted([SECRET, CARD]).leaks(b"before \x00\xff " + told + b" after")
    assert {leak.secret for leak in leaks} == {SECRET}
    if inner == outer == "plain":
        assert leaks[0].found == SECRET.text
        assert leaks[0].encodings == ()
        assert "then K" in leaks[0].around


@pytest.mark.parametrize(("inner", "outer"), PAIRS)
def test_nothing_is_found_where_there_is_nothing(inner, outer):
    """The same data with another secret in it."""
    told = _told("some words, then Wexal.Porit.Fubas.82y and 4920 4929 3877", inner, outer)
    assert not Wanted([SECRET, CARD]).leaks(told)


def test_a_fragment_is_found_from_its_shortest_length_on():
    """Eight bytes in a row, or as many as are not there by chance."""
    wanted = Wanted([SECRET, CARD])
    for secret in (SECRET, CARD):
        text = secret.text.encode()
        for begin in range(len(text) - secret.fragment + 1):
            fragment = text[begin : begin + secret.fragment]
            for before in range(GRAM):
                (leak,) = wanted.leaks(b"." * before + fragment + b"...")
                assert leak.secret is secret
            shorter = text[begin : begin + secret.fragment - 1]
            assert not wanted.leaks(b"..." + shorter + b"..." + shorter)


def test_a_secret_that_is_there_often_is_told_once_as_it_is_easiest_to_see():
    """By the encodings around it, the outermost first."""
    twice = b64encode(gzip.compress(TEXT)) + b" " + TEXT.hex().encode()
    (leak,) = Wanted([SECRET]).leaks(twice)
    assert leak.encodings == ("hexadecimal",)
    (leak,) = Wanted([SECRET]).leaks(b64encode(gzip.compress(TEXT)))
    assert leak.encodings == ("base64", "gzip or zlib")
    (leak,) = Wanted([SECRET]).leaks(twice + TEXT + TEXT)
    assert leak.encodings == ()


def test_data_may_be_anything():
    """Too short, or what only looks like an encoding."""
    junk = b"\x1f\x8b\x08 \x78\x9c%zz %4 \\u12 \\ud800 \\xg0 " + b"a" * 13 + b" " + b"f" * 17
    for data in (b"", b"a", b"1234567", junk, gzip.compress(TEXT)[:-12], bytes(range(256)) * 9):
        Wanted([SECRET]).leaks(data)
    assert Wanted([SECRET]).leaks(gzip.compress(b"x" * 99 + TEXT * 9)[:-9])
    assert not Wanted([]).leaks(TEXT)
