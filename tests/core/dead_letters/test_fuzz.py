"""Whatever a record holds, nothing is raised, every field is what it may be, and no secret leaks.

STREAMGAUGE_FUZZ is the number of mutated records, over all cases.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace

import pytest

from streamgauge.core.dead_letters.dead_letter import Address, DeadLetter, Dialect, Kind
from streamgauge.core.dead_letters.headers import LONGEST_TEXT
from streamgauge.core.dead_letters.message import LONGEST
from streamgauge.core.dead_letters.reading import has_dialect, read_dead_letter
from streamgauge.core.dead_letters.rules import ReadingRules
from streamgauge.core.event_time import YEAR_10000_MS

from .corpora import MS, letter, real_letters

MUTATIONS = int(os.environ.get("STREAMGAUGE_FUZZ", "1000000"))
CASES = 8

SECRETS = (
    "k9X2m7Q4w8Z1p5R3t6",
    "eyJhbGci0iJIUz1NiJ9.eyJ1c2V9ySWQi0iI0Mi5.Zm9v4mFyY8F6cX",
    "4111111111111111",
    "d41d8cd98f00b204e9800998ecf8427e",
    "j4n3d03x@m41lb0x.e9x7",
)
"""With a digit in every eight characters: however they are cut, no part is a word."""
PLANTED = (
    "order of {} was not good",
    "sorry but password={} did not do",
    'could not read {{"name": "{}", "more": [1]}} as an order',
    "there was no entry 'a {}' for it",
    "failed on the payload= {} and more",
)
HUGE = (b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"9" * 40, b"-1", b"", bytes(9), b"\x80" + bytes(7))
BAD = (b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\0", "\u202e\ufeff".encode())
DEEP = b'{"failureMetadata":' + b'{"a":[' * 600
RULES = (
    ReadingRules(),
    ReadingRules(source_topics=("orders",), consumer_group="mine"),
    ReadingRules(
        headers={
            "original_topic": "kafka_dlt-original-topic",
            "original_offset": "x-offset",
            "original_timestamp": "__connect.errors.offset",
            "error_class": "x-fqcn",
            "message": "x-message",
            "stacktrace": "kafka_dlt-exception-stacktrace",
            "stage": "dead-letter-reason",
            "failed_at": "original_offset",
            "attempts": "retry-count",
        }
    ),
)


def planted():
    """Each real record and some more, with one of the secrets in its texts and its value."""
    share = {
        "__dlq.errors.topic": "orders",
        "__dlq.errors.message": "x",
        "__dlq.errors.offset": "1",
    }
    mine = {"x-fqcn": "a.B", "x-message": "m", "x-offset": 4, "retry-count": "1"}
    records = [record for _, record, _ in real_letters()] + [letter(share), letter(mine)]
    found = []
    for number, record in enumerate(records):
        secret = SECRETS[number % len(SECRETS)]
        text = PLANTED[number % len(PLANTED)].format(secret).encode()
        headers = [(name, with_secret(name.lower(), said, text)) for name, said in record.headers]
        value = (record.value or b"").replace(b"item.sku was null", text)[:4096]
        windows = [secret[at : at + 8] for at in range(len(secret) - 7)]
        found.append((replace(record, headers=headers, value=value), windows))
    return found


def with_secret(name, value, text):
    """A message or a stack trace with this text in it."""
    if value is not None and name.endswith(("message", "reason", "cause")):
        return value[:40] + b" " + text
    if value is not None and "stacktrace" in name:
        first = value[:1500].replace(b"\n", b" " + text + b"\n", 1)
        return first + b"\nCaused by: a.B: " + text
    return value


def mutated_value(draw, value):
    """A value that something has happened to."""
    kind = draw.randrange(7)
    if value is None or kind == 0:
        return draw.choice(HUGE)
    at = draw.randrange(len(value) + 1)
    if kind == 1 and value:
        place = min(at, len(value) - 1)
        flipped = value[place] ^ (1 << draw.randrange(8))
        return value[:place] + bytes([flipped]) + value[place + 1 :]
    if kind == 2:
        return value[:at]
    if kind == 3:
        return value[:at] + value[max(0, at - draw.randrange(1, 200)) :]
    if kind == 4:
        return value[:at] + draw.choice(BAD) + value[at:]
    return None if kind == 5 else value * 2


def mutated(draw, record):
    """A record that one to four things have happened to."""
    headers = list(record.headers)
    value, timestamp = record.value, record.timestamp
    for _ in range(draw.randrange(1, 5)):
        kind = draw.randrange(10)
        if kind == 0 or not headers:
            value = DEEP if draw.random() < 0.1 else mutated_value(draw, value)
            continue
        at, other = draw.randrange(len(headers)), draw.randrange(len(headers))
        name, header = headers[at]
        if kind == 1:
            del headers[at]
        elif kind == 2:
            headers.append((name, headers[other][1]))
        elif kind == 3:
            headers[at], headers[other] = headers[other], headers[at]
        elif kind == 4:
            headers[at], headers[other] = (name, headers[other][1]), (headers[other][0], header)
        elif kind == 5:
            headers[at] = (name.swapcase(), header)
        elif kind == 6:
            timestamp = draw.choice((-1, None, 0, MS, 2**63 - 1, -(2**63)))
        else:
            headers[at] = (name, mutated_value(draw, header))
    return replace(record, headers=headers, value=value, timestamp=timestamp)


def assert_within(number, most):
    """Unknown, or a number that counts something."""
    assert number is None or (type(number) is int and 0 <= number <= most)


def assert_name(name, most=LONGEST_TEXT):
    """Unknown, or one that can be printed."""
    assert name is None or (type(name) is str and 0 < len(name) <= most and name.isprintable())


def assert_possible(said):
    """Types and ranges of all fields."""
    assert type(said) is DeadLetter
    assert type(said.dialect) is Dialect
    assert type(said.kind) is Kind
    assert type(said.retrying) is bool
    for address in (said.origin, said.previous_hop or Address(None, None, None)):
        assert_name(address.topic, 249)
        assert_within(address.partition, 2**31 - 1)
        assert_within(address.offset, 2**63 - 1)
    assert_within(said.original_timestamp, YEAR_10000_MS)
    assert_within(said.failed_at, YEAR_10000_MS)
    assert_within(said.hops, 1 << 20)
    assert_within(said.attempts, 2**31 - 1)
    assert_name(said.consumer_group, LONGEST_TEXT + len("connect-"))
    assert_name(said.consumer)
    assert_name(said.stage)
    assert_name(said.error_class)
    assert_name(said.root_cause_class)
    assert_name(said.message, LONGEST)


@pytest.mark.parametrize("case", range(CASES))
def test_any_bytes(case):
    """Seeded, so that a failure comes again."""
    draw = random.Random(case)  # noqa: S311 - no secret is made of it
    records = planted()
    for number in range(MUTATIONS // CASES):
        original, windows = records[number % len(records)]
        record = mutated(draw, original)
        rules = RULES[number % len(RULES)]
        said = read_dead_letter(record, record.topic, rules)
        assert_possible(said)
        told = (
            f"{said.original_topic} {said.previous_hop} {said.consumer_group} {said.consumer} "
            f"{said.error_class} {said.root_cause_class} {said.message} {said.stage}"
        )
        for window in windows:
            assert window not in told, (case, number)
        if number % 64 == 0:
            has_dialect(record.headers)
