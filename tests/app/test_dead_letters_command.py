"""Dead letters counted by what they have in common, and how that reads."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from streamgauge.app import dead_letters_text, letter_groups
from streamgauge.app.dead_letters_command import Findings, last_offsets
from streamgauge.app.letter_groups import LetterGroups
from streamgauge.app.settings import dead_letter_rules
from streamgauge.app.topic_rules import topic_rules
from streamgauge.config.loading import of_values
from streamgauge.core.dead_letters.dead_letter import DeadLetter, Dialect, Kind, Letter
from streamgauge.core.dead_letters.rules import ReadingRules
from streamgauge.core.event_time import HeaderRule

HOUR_MS = 3_600_000


def letter(offset, *, partition=0, at_ms=None, **said):
    """A dead letter at an offset, stamped so many hours after the epoch."""
    said = {"dialect": Dialect.SPRING, "consumer_group": "g", "error_class": "a.Bad"} | said
    stamped = offset * HOUR_MS if at_ms is None else at_ms
    return Letter(DeadLetter(**said), partition, offset, stamped, offset, None, None)


def findings(*letters, by="cause", retrying=(), **more):
    """What the command would have found."""
    dead, again = LetterGroups(by), LetterGroups(by)
    for each in letters:
        dead.add(each)
    for each in retrying:
        again.add(each)
    found = Findings(
        topic="orders.dlq", servers="k-1:9092,k-2:9092", isolation_level="read_committed",
        since_ms=None, offsets=9, read_offsets=9, undecodable=0, dead=dead, retrying=again,
    )  # fmt: skip
    return replace(found, **more)


@pytest.mark.parametrize(
    ("begin", "end", "most", "expected"),
    [
        ({0: 0, 1: 0}, {0: 10, 1: 10}, 20, {0: 0, 1: 0}),
        ({0: 0, 1: 0}, {0: 10, 1: 10}, 8, {0: 6, 1: 6}),
        ({0: 0, 1: 5, 2: 3}, {0: 100, 1: 7, 2: 3}, 12, {0: 90, 1: 5, 2: 3}),
        ({0: 0, 1: 50, 2: 0}, {0: 90, 1: 52, 2: 80}, 22, {0: 80, 1: 50, 2: 70}),
        ({0: 7}, {0: 5}, 1, {0: 7}),
        ({0: 0, 1: 0}, {0: 10, 1: 10}, 1, {0: 10, 1: 9}),
        ({}, {}, 5, {}),
    ],
)
def test_the_last_offsets_are_read(begin, end, most, expected):
    """Long partitions give up most; short ones are read as a whole."""
    assert last_offsets(begin, end, most) == expected


def test_no_more_offsets_are_read_than_allowed():
    """And no fewer, where there are as many."""
    begin, end = dict.fromkeys(range(5), 3), {0: 3, 1: 4, 2: 20, 3: 33, 4: 1_003}
    for most in range(1, 1_100):
        limited = last_offsets(begin, end, most)
        assert all(limited[number] >= begin[number] for number in begin)
        read = sum(end[number] - limited[number] for number in begin)
        assert read == min(most, 1_048)


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("cause", [("g", "Bad", "m"), ("g", "Bad", None), ("h", "Bad", "m")]),
        ("group", [("g", None, None), ("h", None, None)]),
        ("class", [(None, "Bad", None)]),
    ],
)
def test_what_counts_as_equal(by, names):
    """The largest group comes first."""
    letters = [letter(1, message="m"), letter(2, message="m"), letter(3, message="m")]
    letters += [letter(4), letter(5), letter(6, message="m", consumer_group="h")]
    listed = findings(*letters, by=by).dead.listed()
    assert [each.name[:3] for each in listed] == names
    assert sum(each.count for each in listed) == 6


def test_groups_by_origin_tell_first_and_last():
    """By the time of the records, in whatever order they are read."""
    read = [letter(5, original_topic="a"), letter(2, original_topic="a"), letter(9)]
    one, other = findings(*read, by="origin").dead.listed()
    assert (one.name.origin, one.first.offset, one.last.offset, one.count) == ("a", 2, 5, 2)
    assert (other.name.origin, other.first, other.count) == (None, other.last, 1)


def test_groups_beyond_the_bound_are_counted_together(monkeypatch):
    """Nothing is lost."""
    monkeypatch.setattr(letter_groups, "MOST", 3)
    found = findings(*(letter(number, message=f"m{'x' * number}") for number in range(8)))
    assert (len(found.dead.listed()), found.dead.other, found.dead.count) == (3, 5, 8)
    assert "and 5 of more than 0 other causes" in dead_letters_text.as_text(found)


def test_a_cause_is_judged_by_its_pattern_and_other_groups_by_their_letters():
    """Six keys within a moment look like an outage, though no letter says so."""
    letters = [letter(number, at_ms=1_000 + number) for number in range(0, 12, 2)]
    (cause,) = findings(*letters).dead.listed()
    kind, reason = cause.verdict()
    assert kind is Kind.OUTAGE
    assert "6" in reason
    poison = [letter(number, kind=Kind.POISON) for number in range(3)]
    (group,) = findings(*poison, letter(9), by="group").dead.listed()
    assert group.verdict() == (Kind.POISON, None)
    (group,) = findings(*poison[:1], letter(9), by="group").dead.listed()
    assert group.verdict() == (Kind.UNKNOWN, None)


def test_the_text_tells_what_to_look_at():
    """What happened, where, and the command that shows the last record."""
    origin = {"original_topic": "orders", "original_partition": 2, "original_offset": 4711}
    found = findings(
        letter(1, message="no <text>"),
        letter(2, message="no <text>", **origin),
        retrying=[letter(3, consumer_group="again")],
    )
    text = dead_letters_text.as_text(found)
    assert text.splitlines()[0] == ("orders.dlq: 2 dead letters, and 1 record being tried again")
    dead, again = text.split("being tried again, and not dead:")
    assert "  0@1 1970-01-01T01:00:00Z  0@2 1970-01-01T02:00:00Z\n" in dead
    assert "no <text>" in dead
    assert "the last one came from orders-2@4711" in dead
    assert "kcat -C -b k-1:9092,k-2:9092 -t orders.dlq -p 0 -o 2 -c 1 -J" in dead
    assert "again" in again
    assert "-o 3" in again


def test_nothing_found_is_one_line():
    """With the time from when on."""
    text = dead_letters_text.as_text(findings(since_ms=HOUR_MS))
    assert text == "orders.dlq since 1970-01-01T01:00:00Z: no dead letters"


def test_what_was_not_read_is_told():
    """What a limit has cut off, and what cannot be decoded."""
    text = dead_letters_text.as_text(findings(letter(1), offsets=2_000, undecodable=4))
    assert "only the last 9 of 2,000 offsets were read" in text
    assert "cannot be decoded, and are not counted: 4" in text


def test_names_from_headers_cannot_take_over_a_terminal():
    """Control characters are replaced, long names are cut and words of a shell are quoted."""
    evil = "x\x1b]0;title\x07\n" + "y" * 300
    found = findings(letter(1, consumer_group=evil, original_topic=evil), topic="a b; reboot")
    text = dead_letters_text.as_text(found)
    assert all(each.isprintable() for each in text.replace("\n", ""))
    assert max(map(len, text.splitlines())) < 200
    assert "-t 'a b; reboot' -p" in text


def test_a_long_list_is_cut_in_the_text_alone():
    """JSON has all groups; both tell how many letters there are."""
    found = findings(*(letter(number, consumer_group=f"g{number}") for number in range(40)))
    assert "and 10 of 10 other causes; --json lists them" in dead_letters_text.as_text(found)
    told = json.loads(json.dumps(dead_letters_text.as_json(found)))
    assert (told["dead_letters"]["count"], len(told["dead_letters"]["groups"])) == (40, 40)
    assert told["retrying"] == {"count": 0, "groups": [], "other": 0}


def test_json_has_addresses_and_times_as_numbers():
    """For scripts; what is not known is null."""
    origin = {"original_topic": "orders", "failed_at": 7}
    (group,) = dead_letters_text.as_json(findings(letter(1, **origin)))["dead_letters"]["groups"]
    place = {
        "partition": 0, "offset": 1, "timestamp_ms": HOUR_MS, "failed_ms": 7,
        "origin": {"topic": "orders", "partition": None, "offset": None},
    }  # fmt: skip
    assert group["first"] == group["last"] == place
    assert (group["consumer_group"], group["error_class"], group["message"]) == ("g", "Bad", None)


def configured(**streams):
    """A configuration with these streams."""
    return of_values({"kafka": {"bootstrap_servers": "k:1"}, "streams": streams})


def test_what_is_configured_of_a_topic_is_how_it_is_read():
    """Header names in lower case; what is not configured is as usual."""
    entry = {
        "topic": "d", "source_topics": ["x"], "consumer_group": "g", "retries": True,
        "headers": {"error_class": "X-Error"}, "requeue_headers": ["X-Again"],
    }  # fmt: skip
    config = configured(a={"topic": "a", "dead_letters": [entry, {"topic": "e"}]})
    assert dead_letter_rules(config.streams["a"]) == {
        "d": ReadingRules(
            source_topics=("x",),
            consumer_group="g",
            headers={"error_class": "x-error"},
            is_retry_topic=True,
            requeue_headers=("x-again",),
        ),
        "e": ReadingRules(requeue_headers=()),
    }


def test_nobody_guesses_an_origin_in_a_topic_that_streams_share():
    """Each stream has one source topic there: both would take the same record for theirs."""
    config = configured(
        a={"topic": "a", "dead_letters": [{"topic": "d", "source_topics": ["x"]}]},
        b={"topic": "b", "dead_letters": [{"topic": "d", "source_topics": ["y"]}]},
    )
    for stream in config.streams.values():
        assert dead_letter_rules(stream)["d"].source_topics == ()


@pytest.mark.parametrize(
    ("topic", "header", "is_dead_letters"),
    [("a", "at", False), ("d", "at", True), ("b", "when", False), ("other", None, False)],
)
def test_the_rules_of_a_topic(topic, header, is_dead_letters):
    """By the stream that names it first; of any other topic nothing is known."""
    config = configured(
        a={"topic": "a", "event_time": [{"header": "at"}], "dead_letters": [{"topic": "d"}]},
        b={"topic": "b", "event_time": [{"header": "when"}], "dead_letters": [{"topic": "d"}],
           "isolation_level": "read_uncommitted"},
    )  # fmt: skip
    rules = topic_rules(config, topic)
    headers = [each.name for each in rules.event_time if isinstance(each, HeaderRule)]
    assert headers == ([header] if header else ["event-time", "ce_time"])
    assert (rules.dead_letters is not None) == is_dead_letters
    assert rules.isolation_level == ("read_uncommitted" if topic == "b" else "read_committed")
