"""What tests of the Kafka shell share: connections to the real broker, and producers of truth."""

import asyncio
import io
import socket
import struct

import pytest
from aiokafka.protocol.admin import ApiVersionResponse_v0
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from confluent_kafka import Producer

from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import RecordRule
from streamgauge.kafka.cluster import Cluster
from streamgauge.kafka.connection import Connection
from streamgauge.kafka.fetching import TailSettings
from streamgauge.kafka.tail import Tail
from streamgauge.kafka.wire import Wire


@pytest.fixture
def connection(broker):
    """A connection to the shared broker."""
    return Connection(bootstrap_servers=(broker.bootstrap_servers,), request_timeout_ms=10_000)


@pytest.fixture
async def cluster(connection):
    """A started cluster on the shared broker."""
    cluster = Cluster(connection)
    await cluster.start()
    yield cluster
    await cluster.close()


@pytest.fixture
async def start_tail():
    """Starts tails from cluster, positions and settings; they are closed after the test."""
    tails = []

    async def start(cluster, positions, **settings):
        reader = RecordReader([RecordRule()])
        tail = await Tail.start(cluster, reader, TailSettings(**settings), positions)
        tails.append(tail)
        return tail

    yield start
    for tail in tails:
        await tail.close()


@pytest.fixture
def produce(broker):
    """Writes values to a topic and waits until they are in the log."""

    def produce_values(topic, values, partition=0, **config):
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers, **config})
        for value in values:
            producer.produce(topic, value, partition=partition)
        assert producer.flush(30) == 0

    return produce_values


class RawName(str):
    """A header name as whatever bytes a careless producer writes."""

    __slots__ = ("raw",)

    def encode(self, *_):
        """Encode it the careless way."""
        return self.raw


@pytest.fixture
def build_batch():
    """Builds one batch; a record is a value, or a value and a header name as str or bytes."""

    def named(name):
        if isinstance(name, str):
            return name
        raw = RawName()
        raw.raw = name
        return raw

    def build(records, codec=0, base_offset=0):
        builder = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, -1, 1 << 20)
        for number, record in enumerate(records):
            value, *names = record if isinstance(record, tuple) else (record,)
            headers = [(named(name), b"h") for name in names]
            builder.append(number, 1_000 + number, b"k", value, headers)
        batch = builder.build()
        batch[0:8] = struct.pack(">q", base_offset)
        return batch

    return build


@pytest.fixture
async def produce_bytes(connection):
    """Writes a batch to a partition as it is."""
    wire = Wire(connection)

    async def produce_batch(topic, partition, batch):
        (leader,) = await wire.node_ids()
        request = ProduceRequest(None, -1, 10_000, [(topic, [(partition, bytes(batch))])])
        ((_, ((_, error_code, *_),)),) = (await wire.send(leader, request)).topics
        assert error_code == 0

    yield produce_batch
    await wire.close()


@pytest.fixture
def poll_until():
    """Polls a tail until a condition on all it has brought holds."""

    async def poll(tail, done, seconds=30.0, into=None):
        brought = [] if into is None else into
        async with asyncio.timeout(seconds):
            while not done(brought):
                brought.append(await tail.poll())
        return brought

    return poll


@pytest.fixture
def eventually():
    """Asks again until an answer is accepted, and returns it."""

    async def ask_again(ask, accept, seconds=30.0):
        async with asyncio.timeout(seconds):
            while True:
                answer = await ask()
                if accept(answer):
                    return answer
                await asyncio.sleep(0.05)

    return ask_again


@pytest.fixture
def offsets_in():
    """All offsets of some polls by partition, in the order in which they came."""

    def collect(brought):
        offsets = {}
        for polled in brought:
            for columns in polled.columns:
                offsets.setdefault(columns.partition, []).extend(columns.offsets.tolist())
        return offsets

    return collect


FLEXIBLE_SINCE = {9: 6, 10: 3}
"""The first version of an API whose headers end in tagged fields, of those that scripts speak."""


class ScriptedBroker:
    """A broker that answers what it is told to, for what real brokers do once in a blue moon.

    Args:
        script: By API key the greatest version it speaks, and a function from the request's
            version and body to the response, or None to say nothing.
    """

    def __init__(self, script):
        self.script = script
        self.address = None
        self.requests = []

    async def serve(self, reader, writer):
        """Answer one client until it leaves."""
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                request = io.BytesIO(await reader.readexactly(size))
                key, version, correlation, length = struct.unpack(">hhih", request.read(10))
                request.read(length)
                no_tags = b"\0" if version >= FLEXIBLE_SINCE.get(key, version + 1) else b""
                request.read(len(no_tags))
                self.requests.append(key)
                response = self.respond(key, version, request)
                if response is not None:
                    answer = struct.pack(">i", correlation) + no_tags + response.encode()
                    writer.write(struct.pack(">i", len(answer)) + answer)
        except asyncio.IncompleteReadError:
            writer.close()

    def respond(self, key, version, request):
        """Look the answer up."""
        if key == ApiVersionResponse_v0.API_KEY:
            versions = [(api, 0, greatest) for api, (greatest, _) in self.script.items()]
            return ApiVersionResponse_v0(0, [(key, 0, 0), *versions])
        return self.script[key][1](version, request)


@pytest.fixture
def free_address():
    """An address where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
async def scripted_broker():
    """Starts brokers that answer from a script."""
    servers = []

    async def start(script):
        broker = ScriptedBroker(script)
        servers.append(await asyncio.start_server(broker.serve, "127.0.0.1", 0))
        broker.address = "{}:{}".format(*servers[-1].sockets[0].getsockname())
        return broker

    yield start
    for server in servers:
        server.close()
