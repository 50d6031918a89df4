"""Finding the groups that patterns mean."""

from __future__ import annotations

import asyncio

import pytest

from streamgauge.app.search import ASKED_MAX, GroupSearch
from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.errors import BrokersUnavailableError
from streamgauge.kafka.groups import Groups
from streamgauge.model import CommittedOffsets

from .jumping import START_MS, at_once

AWAY = BrokersUnavailableError("nobody lets the gauge in")


def listing(*followed, unsupported=()):
    """What a listing has brought."""
    return Groups(frozenset(followed), frozenset(unsupported))


def committed(*groups):
    """Groups that have committed something on `orders`."""
    return {group: CommittedOffsets(group, "orders", {0: 5}, START_MS) for group in groups}


@pytest.fixture
def search(context):
    """Makes searches for these groups and patterns: `search("a-*").search()`."""

    def make(*groups):
        made = context(*groups)
        made.gauge.assigned("orders", {0: 0})
        search = GroupSearch(made)
        search.watched = lambda: made.gauge.watched
        search.blind = lambda: {
            blind.what: blind.reason
            for blind in made.gauge.tick(START_MS).snapshot.blind
            if blind.what.startswith("group ")
        }
        return search

    return make


@at_once
async def test_groups_are_watched_that_match_and_have_committed(search, cluster):
    """A group that never committed on this topic is another topic's."""
    cluster.listing = listing("a-1", "a-2", "b-1")
    cluster.commits = committed("a-1", "b-1")
    found = search("a-*", "named")
    await found.search()
    assert found.watched() == ("named", "a-1")
    cluster.commits |= committed("a-2")
    await found.search()
    assert found.watched() == ("named", "a-1", "a-2")
    assert ("committed", "b-1") not in cluster.asked


@at_once
async def test_until_groups_are_listed_the_pattern_is_unknown(search, cluster):
    """That no group matches would be a claim that nobody has made."""
    found = search("a-*")
    reason = {"group a-*": "no broker has listed any group yet"}
    assert found.blind() == reason
    await found.search()
    assert found.blind() == reason
    cluster.listing = listing("z")
    await found.search()
    assert found.blind() == {}


@at_once
async def test_a_listing_that_fails_again_and_again_is_told(search, cluster, lines):
    """Once, with the reason, and once when it is over."""
    found = search("a-*", "b-*")
    cluster.listing = listing("z")
    await found.search()
    cluster.listing = AWAY
    for _ in range(4):
        await asyncio.sleep(10)
        await found.search()
    assert found.blind() == dict.fromkeys(
        ("group a-*", "group b-*"), "groups are not listed: nobody lets the gauge in"
    )
    cluster.listing = listing("z")
    await found.search()
    assert [line["event"] for line in lines] == ["group_unanswered", "group_seen"]


@at_once
async def test_share_groups_are_named_once(search, cluster, lines):
    """Whether a pattern or a name means them."""
    cluster.listing = listing(unsupported=("a-share", "named-share", "z-share"))
    found = search("a-*", "named-share")
    for _ in range(3):
        await found.search()
    assert [(line["event"], line["group"]) for line in lines] == [
        ("group_unsupported", "a-share"),
        ("group_unsupported", "named-share"),
    ]


@pytest.mark.parametrize(
    ("most", "rows", "limit"),
    [(50, 1_000_000, 50), (150, 1_000_000, 150), (150, 120, 120), (150, 50, 100)],
)
@at_once
async def test_more_groups_than_the_limit_are_told_once(
    most, rows, limit, search, cluster, lines, monkeypatch
):
    """Groups by name count too; what is left out is not asked again and again.

    On many partitions fewer groups are followed, but a hundred always are.
    """
    monkeypatch.setattr("streamgauge.app.search.GROUPS_MAX", most)
    monkeypatch.setattr("streamgauge.app.search.ROWS_MAX", rows)
    names = [f"a-{number:03}" for number in range(limit + 20)]
    cluster.listing = listing(*names)
    cluster.commits = committed(*names)
    found = search("a-*", "named")
    await found.search()
    assert len(found.watched()) == limit
    asked = len(cluster.asked)
    await found.search()
    assert cluster.asked[asked:] == [("groups",)]
    assert [(line["event"], line["limit"], line["group"]) for line in lines] == [
        ("groups_beyond_limit", limit, names[limit - 1])
    ]


@at_once
async def test_thousands_of_groups_are_asked_in_turn(search, cluster):
    """Each listing costs a bounded number of questions, and nobody is left out for ever."""
    names = [f"a-{number:04}" for number in range(ASKED_MAX * 2 + 50)]
    cluster.listing = listing(*names)
    found = search("a-*")
    await found.search()
    assert cluster.asked.count(("groups",)) == 1
    assert len(cluster.asked) - 1 == ASKED_MAX
    for _ in range(2):
        await asyncio.sleep(10)
        await found.search()
    assert {question[1] for question in cluster.asked if question[0] == "committed"} == set(names)
    cluster.asked.clear()
    cluster.listing = listing(*names, "a-new")
    await asyncio.sleep(10)
    await found.search()
    assert cluster.asked[1] == ("committed", "a-new")


@at_once
async def test_brokers_in_trouble_are_not_pressed(search, cluster):
    """The search stops at the first broker that does not answer; the next listing goes on."""
    names = [f"a-{number:02}" for number in range(40)]
    cluster.listing = listing(*names)
    cluster.commits = dict.fromkeys(names[:1], AWAY) | committed(*names[1:])
    found = search("a-*")
    await found.search()
    assert len(cluster.asked) < 12
    await asyncio.sleep(10)
    await found.search()
    assert set(names[1:]) <= set(found.watched())


@at_once
async def test_an_answer_that_says_nothing_is_no_commit(search, cluster):
    """The group is asked again after the next listing."""
    cluster.listing = listing("a-1")
    cluster.commits = {"a-1": [Retry("14 loading"), committed("a-1")["a-1"]]}
    found = search("a-*")
    await found.search()
    assert found.watched() == ()
    await found.search()
    assert found.watched() == ("a-1",)


@at_once
async def test_it_searches_on_by_itself(search, cluster):
    """Every few seconds."""
    task = asyncio.create_task(search("a-*").run())
    await asyncio.sleep(35)
    task.cancel()
    assert cluster.asked.count(("groups",)) == 4


@at_once
async def test_a_group_that_is_gone_is_let_go_and_makes_room(search, cluster, monkeypatch, lines):
    """It leaves no ghost, and a group that is named stays whatever the listing says."""
    monkeypatch.setattr("streamgauge.app.search.GROUPS_MAX", 2)
    cluster.listing = listing("a-1", "a-2")
    cluster.commits = committed("a-1", "a-2", "a-3")
    found = search("a-*", "named")
    await found.search()
    assert found.watched() == ("named", "a-1")
    assert [line["event"] for line in lines] == ["groups_beyond_limit"]
    cluster.listing = listing("a-3")
    for refusal in (Forbidden("DESCRIBE on group a-1"), AWAY, committed("a-1")["a-1"]):
        cluster.commits["a-1"] = refusal
        await found.search()
        assert found.watched() == ("named", "a-1"), "nobody says that it is gone"
    del cluster.commits["a-1"]
    await found.search()
    await found.search()
    assert found.watched() == ("named", "a-3")
    assert "a-1" not in found.blind()
    assert [line["group"] for line in lines if line["event"] == "group_gone"] == ["a-1"]
