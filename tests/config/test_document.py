"""YAML is read strictly and within bounds; whatever else a file holds is told in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamgauge.config import ConfigError, load
from streamgauge.config.document import DEEPEST, parse

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Configure, Refuse

GOOD = "kafka: {bootstrap_servers: 'k:9092'}\nstreams: {orders: {topic: orders}}\n"


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("no", "no"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("12", 12),
        ("-007", -7),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        (".", "."),
        ("-.inf", float("-inf")),
        ("=", "="),
        ("'12'", "12"),
        ('"true"', "true"),
        ("9" * 301, "9" * 301),
    ],
)
def test_plain_scalars(plain: str, value: object):
    """Plain scalars mean what YAML 1.2 says, so YAML 1.1 turns nothing into something else."""
    read = parse(f"key: {plain}").value
    assert read == {"key": value}
    assert isinstance(read, dict)
    assert type(read["key"]) is type(value)


@pytest.mark.parametrize("key", ["on", "yes", "null", "1", "1.0", "2026-01-31", "~"])
def test_keys_are_text(key: str):
    """A key is what it looks like, `on` too."""
    assert parse(f"{key}: 1").value == {key: 1}


def test_lines():
    """Every key and list entry has its line; what an alias repeats has the line it stands on."""
    document = parse("a: &x\n  b:\n    - 1\n    - 2\nc: *x\n")
    assert document.value == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}
    assert document.lines == {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "b", 0): 3,
        ("a", "b", 1): 4,
        ("c",): 5,
        ("c", "b"): 2,
        ("c", "b", 0): 3,
        ("c", "b", 1): 4,
    }


LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
LADDER = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 100))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ": is empty: it needs at least kafka: and streams:"),
        ("# nothing\n", ": is empty: it needs at least kafka: and streams:"),
        ("---\n...\n", ": is empty: it needs at least kafka: and streams:"),
        ("- a\n- b\n", ": must be a mapping that begins with keys such as kafka: and streams:"),
        ("hello", ": must be a mapping that begins with keys such as kafka: and streams:"),
        ("kafka:\n\tclient_id: x\n", " (line 2): there is a tab: YAML is indented with spaces"),
        ("a: b: c\n", " (line 1): there is a colon too many: check the indentation or quote"),
        ("a: 1\nb\n", " (line 3): a key has no colon after it"),
        ("a:\n   b: 1\n  c: 2\n", " (line 3): the indentation does not fit the lines before"),
        ("a: 'b\n", " (line 2): a quotation mark is not closed"),
        ("a: [b\n", " (line 2): a bracket is not closed or a comma is missing"),
        ("a: *b\n", " (line 1): an alias (*name) has no anchor (&name) before it"),
        ("a: &a [*a]\n", " (line 1): an alias (*name) has no anchor (&name) before it"),
        ("a: @b\n", " (line 1): this is not valid YAML"),
        ("a: 1\n---\nb: 1\n", " (line 2): a second document (---) begins: only one is read"),
        ("a: !!python/name:os.system x\n", " (line 1): tags (!) are refused: put text in quotes"),
        ("a: !!str 1\n", " (line 1): tags (!) are refused: put text in quotes"),
        (
            "a: &b {c: 1}\nd:\n  <<: *b\n",
            " (line 3): merge keys (<<) are refused: write the keys out",
        ),
        ("? [a]\n: b\n", " (line 1): a key must be text"),
        ('a: "\\ud800"\n', " (line 1): half of a surrogate pair is no character"),
        ("a: 1\nb: \x07\n", " (line 2): there is a control character: this is no text"),
        (b"a: \xff\n", ": is not UTF-8 text (byte 4)"),
        (GOOD.encode("utf-16"), ": is not UTF-8 text (byte 1)"),
        (b"\x7fELF\x02\x01\x01\x00", " (line 1): there is a control character: this is no text"),
        ("a: " + "[" * 500_000, f" (line 1): is nested deeper than {DEEPEST} levels"),
        ("- " * 500_000, f" (line 1): is nested deeper than {DEEPEST} levels"),
        (LADDER, f" (line {DEEPEST - 1}): is nested deeper than {DEEPEST} levels"),
        (LAUGHS, " (line 5): has more than 20000 keys and values"),
        ("a: 1\n" * 100_000, " (line 10000): has more than 20000 keys and values"),
        (
            "a: " + "x" * (1024 * 1024),
            ": is larger than 1 MiB: this is no configuration of streamgauge",
        ),
        ("#" * 10_000_000, ": is larger than 1 MiB: this is no configuration of streamgauge"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str | bytes) else None,
)
def test_refuses(refuse: Refuse, text: str | bytes, told: str):
    """What is no document that could be a configuration is one problem, told with its line."""
    assert refuse(text) == [f"streamgauge.yaml{told}"]


def test_byte_order_mark(configure: Configure):
    """A byte order mark at the beginning, as some editors write it, is no content."""
    assert list(configure(b"\xef\xbb\xbf" + GOOD.encode()).streams) == ["orders"]


def test_alias(configure: Configure):
    """Streams can share what one of them says."""
    config = configure(
        "kafka: {bootstrap_servers: 'k:9092'}\n"
        "streams:\n"
        "  a: {topic: a, checks: &checks {fresh: {warn: {above: 1h}}}}\n"
        "  b: {topic: b, checks: *checks}\n"
    )
    assert config.streams["a"].checks == config.streams["b"].checks


def test_unreadable_files(tmp_path: Path):
    """A file that cannot be opened is told with the reason."""
    for name, reason in (
        ("missing.yaml", "No such file or directory"),
        (".", "Is a directory"),
        ("a\0b", "this is not the name of a file"),
    ):
        path = tmp_path / name
        with pytest.raises(ConfigError) as raised:
            load(path, {})
        assert raised.value.problems == (f"{path}: cannot be read: {reason}",)
