"""What a search makes of answers that real brokers give once in a blue moon."""

import struct

import pytest
from aiokafka.protocol.fetch import FetchResponse_v4, FetchResponse_v6, FetchResponse_v11
from aiokafka.protocol.metadata import MetadataResponse_v5
from aiokafka.protocol.offset import OffsetResponse_v3
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import RecordRule
from streamgauge.kafka.cluster import Cluster
from streamgauge.kafka.connection import Connection
from streamgauge.kafka.first_records import Deleted, FirstRecordFound, NoRecord
from streamgauge.model import UNKNOWN

BY_TIMESTAMP = RecordReader([RecordRule()])
GZIP = 1
LATIN_1 = b"gr\xf6\xdfe"
END = 100


class Leader:
    """A broker that leads two partitions and serves what it is given to serve.

    Attributes:
        fetch_version: The newest version of Fetch it speaks.
        answers: By partition, what each fetch is answered with: an error code, the bytes it
            brings, or None to leave the partition out. The last one is repeated.
        led: Whether it has found a leader for the partitions.
        metadata_requests: How often it was asked who leads.
        fetches: How often it was asked for records.
    """

    def __init__(self):
        self.fetch_version = 11
        self.answers = {0: [b""], 1: [b""]}
        self.led = True
        self.metadata_requests = 0
        self.fetches = 0
        self.address = None

    @property
    def script(self):
        """The answers."""
        return {
            1: (self.fetch_version, lambda version, _: self.fetched(version)),
            2: (3, lambda *_: OffsetResponse_v3(0, [("orders", [(1, 0, -1, 7)])])),
            3: (5, lambda *_: self.metadata()),
        }

    def metadata(self):
        """This broker alone, with its two partitions."""
        self.metadata_requests += 1
        host, _, port = self.address.partition(":")
        leader = 1 if self.led else -1
        partitions = [(0, number, leader, [1], [1], []) for number in self.answers]
        topic = (0, "orders", False, partitions)
        return MetadataResponse_v5(0, [(1, host, int(port), None)], "c", 1, [topic])

    def fetched(self, version):
        """The next answer of each partition."""
        self.fetches += 1
        rows = []
        for number, answers in self.answers.items():
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, int):
                rows.append(self.row(version, number, answer, b""))
            elif answer is not None:
                rows.append(self.row(version, number, 0, answer))
        topics = [("orders", rows)]
        if version == 4:
            return FetchResponse_v4(0, topics)
        if version == 6:
            return FetchResponse_v6(0, topics)
        return FetchResponse_v11(0, 0, 0, topics)

    def row(self, version, number, code, records):
        """One partition as that version has it."""
        end = -1 if code else END
        return (
            *(number, code, end, end),
            *((-1 if code else 0,) if version > 4 else ()),
            [],
            *((-1,) if version == 11 else ()),
            records,
        )


@pytest.fixture
async def ask(scripted_broker):
    """Ask a leader for the first records from offset 5 on of both partitions."""
    clusters = {}

    async def first_records(leader):
        if leader not in clusters:
            leader.address = (await scripted_broker(leader.script)).address
            connection = Connection(bootstrap_servers=(leader.address,), request_timeout_ms=1_000)
            clusters[leader] = Cluster(connection)
        offsets = dict.fromkeys(leader.answers, 5)
        return await clusters[leader].first_records(
            "orders", offsets, "read_committed", BY_TIMESTAMP
        )

    yield first_records
    for cluster in clusters.values():
        await cluster.close()


@pytest.mark.parametrize("version", [4, 6, 11])
async def test_fields_by_version_of_the_broker(ask, build_batch, version):
    """Newer versions have more fields between those that are needed."""
    leader = Leader()
    leader.fetch_version = version
    leader.answers = {0: [build_batch([b"a", b"b", b"c"], base_offset=4)], 1: [1]}
    assert await ask(leader) == {0: FirstRecordFound(5, 1_001), 1: Deleted(7)}


@pytest.mark.parametrize("code", [3, 5, 6, 9, 29, 56, 74, 75, 76, 77, -1])
async def test_a_partition_with_an_error_is_absent_and_its_leader_looked_up_anew(
    ask, build_batch, code
):
    """The others of the same answer are told; the next call has it again."""
    leader = Leader()
    batch = build_batch([b"a"], base_offset=5)
    leader.answers = {0: [code, batch], 1: [batch]}
    first = FirstRecordFound(5, 1_000)
    assert await ask(leader) == {1: first}
    before = leader.metadata_requests
    assert await ask(leader) == {0: first, 1: first}
    assert leader.metadata_requests == before + 1
    assert await ask(leader) == {0: first, 1: first}
    assert leader.metadata_requests == before + 1


async def test_a_partition_without_a_leader_is_absent_until_it_has_one(ask, build_batch):
    """Nobody is asked for its records."""
    leader = Leader()
    batch = build_batch([b"a"], base_offset=5)
    leader.answers = {0: [batch], 1: [batch]}
    leader.led = False
    assert await ask(leader) == {}
    assert leader.fetches == 0
    leader.led = True
    assert len(await ask(leader)) == 2


def broken_checksum(build_batch):
    """One changed byte."""
    batch = build_batch([b"aaaa"], base_offset=5)
    batch[bytes(batch).index(b"aaaa")] ^= 1
    return batch


def unknown_codec(build_batch):
    """Codec 7 does not exist yet."""
    batch = build_batch([b"a"], base_offset=5)
    batch[22] |= 0x07
    return sealed(batch)


def broken_body(build_batch):
    """It cannot be decompressed."""
    batch = build_batch([b"a", b"b"], GZIP, base_offset=5)
    batch[61:] = bytes(len(batch) - 61)
    return sealed(batch)


def broken_record(build_batch):
    """The first record contradicts itself; the second could be read."""
    batch = build_batch([b"aaaa", b"bbbb"], base_offset=5)
    batch[bytes(batch).index(b"aaaa") - 1] = 2 * 60
    return sealed(batch)


def too_short(_):
    """No batch is so short."""
    return struct.pack(">qii", 5, 4, 0)


def sealed(batch):
    """Make the checksum right again."""
    batch[17:21] = struct.pack(">I", calc_crc32c(bytes(batch[21:])))
    return batch


@pytest.mark.parametrize(
    "damage", [broken_checksum, unknown_codec, broken_body, broken_record, too_short]
)
async def test_what_cannot_be_read_is_not_known(ask, build_batch, damage):
    """Also with a good record behind it, which is not the first; other partitions are told."""
    leader = Leader()
    behind = build_batch([b"c"], base_offset=9)
    leader.answers = {0: [damage(build_batch) + bytes(behind)], 1: [behind]}
    assert await ask(leader) == {1: FirstRecordFound(9, 1_000)}


async def test_damage_before_the_offset_is_nobodys_concern(ask, build_batch):
    """Nor is damage behind the first record."""
    leader = Leader()
    before = broken_checksum(build_batch)
    before[0:8] = struct.pack(">q", 4)
    good = build_batch([b"a"], base_offset=5)
    behind = broken_checksum(build_batch)
    behind[0:8] = struct.pack(">q", 6)
    leader.answers = {0: [bytes(before + good)], 1: [bytes(good + behind)]}
    assert await ask(leader) == dict.fromkeys((0, 1), FirstRecordFound(5, 1_000))


async def test_a_header_name_that_is_not_utf8_hides_no_record(ask, build_batch):
    """It is read as a tail reads it."""
    leader = Leader()
    batch = build_batch([(b"a", LATIN_1), (b"b", LATIN_1)], base_offset=4)
    leader.answers = {0: [batch]}
    assert await ask(leader) == {0: FirstRecordFound(5, 1_001)}


@pytest.mark.parametrize(("magic", "event_ms"), [(0, UNKNOWN), (1, 1_005)])
@pytest.mark.parametrize("codec", [0, GZIP])
async def test_messages_from_before_kafka_0_11(ask, magic, codec, event_ms):
    """The oldest have no timestamp."""
    builder = LegacyRecordBatchBuilder(magic, codec, 1 << 20)
    for number in range(8):
        builder.append(number, 1_000 + number, b"k", b"v")
    messages = bytearray(builder.build())
    if codec:
        messages[0:8] = struct.pack(">q", 7)  # brokers put the last offset on the wrapper
    leader = Leader()
    leader.answers = {0: [messages]}
    assert await ask(leader) == {0: FirstRecordFound(5, event_ms)}


async def test_a_leader_that_gives_nothing_though_it_has_more_leaves_it_unknown(ask, build_batch):
    """As one does whose quota is used up; it is asked alone once more, in case of a large batch."""
    leader = Leader()
    leader.answers = {0: [b""], 1: [None]}
    assert await ask(leader) == {}
    assert leader.fetches == 2
    leader.answers = {0: [b"", build_batch([b"a"], base_offset=5)], 1: [None]}
    assert await ask(leader) == {0: FirstRecordFound(5, 1_000)}


def emptied(build_batch, base_offset, next_offset):
    """A batch all of whose records were compacted away; only its header was kept."""
    batch = build_batch([b"a"], base_offset=base_offset)[:61]
    batch[8:12] = struct.pack(">i", 61 - 12)
    batch[23:27] = struct.pack(">i", next_offset - base_offset - 1)
    batch[57:61] = struct.pack(">i", 0)
    return bytes(sealed(batch))


async def test_batches_that_compaction_has_emptied_are_passed(ask, build_batch):
    """In one answer and over several; at the end of the log no record follows."""
    leader = Leader()
    good = bytes(build_batch([b"a"], base_offset=20))
    leader.answers = {
        0: [emptied(build_batch, 3, 12), emptied(build_batch, 12, 20) + good],
        1: [emptied(build_batch, 3, 50), emptied(build_batch, 50, END)],
    }
    assert await ask(leader) == {0: FirstRecordFound(20, 1_000), 1: NoRecord(END)}
    assert leader.fetches == 2
