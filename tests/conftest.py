"""The real parts that tests meet: brokers, receivers and servers, started when a test asks.

Each fixture loads its part's module itself, so that unit tests wait for none of them.
"""

import os
import socket
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import pytest


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """A folder that all workers of this run have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def broker(run_folder):
    """The best kind of broker that runs here, one for the whole run; not to be killed."""
    with import_module("streamgauge_demo.parts.shared").share_broker(run_folder) as shared:
        yield shared


@pytest.fixture(scope="session")
def secure_broker(run_folder):
    """A real broker that demands identity and rights, one for the whole run."""
    share_secure_broker = import_module("streamgauge_demo.parts.shared").share_secure_broker
    with _java_or_skip(lambda: share_secure_broker(run_folder)) as shared:
        yield shared


@pytest.fixture
def java():
    """Whatever a broker in Java needs, made if it is not there yet."""
    return _java_or_skip(import_module("streamgauge_demo.parts.kafka_node").prepare_kafka_node)


@pytest.fixture
def java_broker():
    """A real broker of this test alone, which may be killed and restarted."""
    with _java_or_skip(
        import_module("streamgauge_demo.parts.broker_java").launch_java_broker
    ) as own:
        yield own


@pytest.fixture
def real_broker(broker):
    """The broker of the run if it is real Apache Kafka."""
    if broker.kind == "mock":
        general = import_module("streamgauge_demo.parts.broker_mock").LIMITS
        pytest.skip(" ".join(limit for limit in broker.limits if limit not in general))
    return broker


@pytest.fixture(autouse=True)
def _real_broker_if_marked(request):
    """Skip a test marked so where only the mock broker runs, and tell why."""
    if request.node.get_closest_marker("real_broker") and "broker" in request.fixturenames:
        request.getfixturevalue("real_broker")


@pytest.fixture
def topic_name():
    """Give names that no other test and no other run has: `topic_name("orders")`."""
    return lambda stem="topic": f"{stem}-{uuid4().hex[:12]}"


@pytest.fixture
def create_topic(broker):
    """Create a topic and wait for its leaders: `create_topic(name, partitions, config)`."""
    return broker.create_topic


@pytest.fixture(scope="session")
def dagster_server(run_folder):
    """A client of a real webserver without definitions, one for the whole run."""
    with import_module("streamgauge_demo.parts.shared").share_dagster_server(run_folder) as shared:
        yield shared


@pytest.fixture(scope="session")
def skip_unless_required():
    """Skip, and tell why, for want of a part; fail where its variable says that it must be there.

    `skip_unless_required("STREAMGAUGE_POSTGRES", "PostgreSQL", error)` within `except`.
    """
    parts = ("COLLECTOR", "OLDEST_DAGSTER", "POSTGRES")
    wanted = {name: os.environ.get(name, "") for name in (f"STREAMGAUGE_{part}" for part in parts)}
    for variable, value in wanted.items():
        assert value in {"", "required"}, f"{variable} is {value!r}; it may be required"

    def skip(variable, what, error):
        if wanted[variable]:
            raise error
        pytest.skip(f"needs {what}: {error}")

    return skip


@pytest.fixture(scope="session")
def collector_binary(skip_unless_required):
    """The OpenTelemetry Collector that `make collector` has built."""
    part = import_module("streamgauge_demo.parts.collector")
    try:
        return part.find_collector()
    except part.CollectorUnavailableError as error:
        skip_unless_required("STREAMGAUGE_COLLECTOR", "the OpenTelemetry Collector", error)


@pytest.fixture
def launch_collector(collector_binary):
    """Starter of collectors that run `otel-collector.yaml`: `launch_collector(NAME="value")`.

    Each is stopped at the end.
    """
    launch = import_module("streamgauge_demo.parts.collector").launch_collector
    shipped = Path(__file__).parents[1] / "otel-collector.yaml"
    with ExitStack() as started:
        yield lambda **environ: started.enter_context(launch(collector_binary, shipped, environ))


@pytest.fixture
def closed_port():
    """A port of this machine on which nobody listens while the test lasts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def mute_port():
    """A port that takes connections and never answers on any."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as mute:
        yield mute.getsockname()[1]


@pytest.fixture
def otlp_receiver():
    """A real OTLP receiver, gRPC and HTTP, of this test alone."""
    with import_module("streamgauge_demo.parts.otlp_receiver").OtlpReceiver() as receiver:
        yield receiver


def _java_or_skip(launch):
    """Launch what runs in Java only, or skip and tell why there is none."""
    if os.environ.get("STREAMGAUGE_BROKER") == "mock":
        pytest.skip("needs Apache Kafka in Java, and STREAMGAUGE_BROKER asks for the mock broker")
    unavailable = import_module("streamgauge_demo.parts.broker_contract").BrokerUnavailableError
    try:
        return launch()
    except unavailable as error:
        pytest.skip(f"needs Apache Kafka in Java: {error}")
