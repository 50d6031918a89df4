"""The properties of a one-node Kafka for tests and the demo, whatever runs it."""

from __future__ import annotations

from typing import Final

NODE_ID: Final = 1
CONTROLLER: Final = "CONTROLLER"
PLAINTEXT: Final = "PLAINTEXT"


def one_node_properties(controller_port: int) -> dict[str, str]:
    """Give all but listeners and folders: broker defaults, cut down to one node.

    What differs from the defaults: no second replica anywhere, one partition for each of Kafka's
    own topics, no wait for more members before a group's first rebalance, a small log cleaner, and
    a session of 3 s between broker and controller: so long a killed broker waits at its return.
    Topics are created by any client that asks for them, since that is Kafka's default.
    """
    return {
        "process.roles": "broker,controller",
        "node.id": str(NODE_ID),
        "controller.quorum.voters": f"{NODE_ID}@127.0.0.1:{controller_port}",
        "controller.listener.names": CONTROLLER,
        "inter.broker.listener.name": PLAINTEXT,
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "3000",
        "group.initial.rebalance.delay.ms": "0",
        "log.cleaner.dedupe.buffer.size": str(4 << 20),
    }
