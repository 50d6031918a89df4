"""Each setting that is wrong is told in one plain line: where, what is wrong and what to do.

The cases are in refused/*.txt: what stands in the file, variables after `$`, and what is told after
`>`. The sections `kafka` and `streams` are added to a case that has none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Refuse

ADDED = {"kafka": "{bootstrap_servers: 'k:9092'}", "streams": "{orders: {topic: orders}}"}


FEW = range(51)
MANY = range(101)


def cases() -> Iterator[object]:
    """Every case of the table, with its file and its number as its name."""
    for path in sorted((Path(__file__).parent / "refused").glob("*.txt")):
        _, *blocks = path.read_text().split("\n\n")
        for number, block in enumerate(blocks, 1):
            yield pytest.param(block.splitlines(), id=f"{path.stem}-{number}")


@pytest.mark.parametrize("lines", list(cases()))
def test_told(refuse: Refuse, tmp_path: Path, lines: list[str]):
    """What is wrong is told, in these words and in this order."""
    (tmp_path / "token").write_text("a")
    told = [line[2:] for line in lines if line.startswith("> ")]
    environ = dict(line[2:].split("=", 1) for line in lines if line.startswith("$ "))
    text = [line for line in lines if not line.startswith(("> ", "$ "))]
    text += [f"{key}: {value}" for key, value in ADDED.items() if not has_key(text, key)]
    assert told
    assert refuse("\n".join(text), environ) == told


def has_key(text: list[str], key: str) -> bool:
    """Whether the key stands at the top of the file."""
    return any(line.startswith(f"{key}:") for line in text)


def test_nothing_set(refuse: Refuse):
    """What no configuration can do without."""
    kafka = "kafka: is missing: How the brokers are reached and asked"
    streams = "streams: is missing: The topics that are watched, each under a name of its own"
    assert refuse("{}") == [kafka, streams]
    assert refuse("streams: {a: {topic: a}}") == [kafka]
    assert refuse("kafka: {bootstrap_servers: 'k:1'}") == [streams]


@pytest.mark.parametrize(
    ("section", "told"),
    [
        (
            f"kafka: {{bootstrap_servers: 'k:1', client_id: {'x' * 1001}}}",
            "kafka.client_id (line 1): is too long: text has at most 1000 characters",
        ),
        (
            f"kafka: {{bootstrap_servers: [{'k:1, ' * 101}]}}",
            "kafka.bootstrap_servers (line 1): must name 1 to 100 servers, not 101",
        ),
        (
            f"streams: {{a: {{topic: a, groups: [{', '.join(f'g{n}' for n in MANY)}]}}}}",
            "streams.a.groups (line 1): has more than 100 entries",
        ),
        (
            f"streams: {{a: {{topic: a, asset_key: [{'a, ' * 21}]}}}}",
            "streams.a.asset_key (line 1): has more than 20 parts",
        ),
        (
            f"streams: {{{', '.join(f'a{n}: {{topic: a{n}}}' for n in MANY)}}}",
            "streams (line 1): has more than 100 entries",
        ),
        (
            f"dagster: {{base_url: http://a, headers: {{{', '.join(f'{n}: a' for n in FEW)}}}}}",
            "dagster.headers (line 1): has more than 50 headers",
        ),
    ],
    ids=["text", "servers", "groups", "asset key", "streams", "headers"],
)
def test_bounds(refuse: Refuse, section: str, told: str):
    """Nothing can be longer than is useful."""
    added = [f"{key}: {value}" for key, value in ADDED.items() if not section.startswith(key)]
    assert refuse("\n".join([section, *added])) == [told]


def test_not_without_end(refuse: Refuse):
    """Of very many problems the first hundred are told, and how many there are beside."""
    keys = "".join(f"key{number}: 1\n" for number in range(148))
    told = refuse(keys)
    assert len(told) == 101
    assert told[-1] == "and 50 more"
