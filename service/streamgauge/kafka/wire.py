"""Single requests to brokers, each answered, refused or given up within a time limit."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError

from streamgauge.kafka.bootstrap import bootstrap
from streamgauge.kafka.creation import never_create_topics
from streamgauge.kafka.errors import (
    BrokersUnavailableError,
    UnexpectedAnswerError,
    UnknownRequestError,
    text_of,
)
from streamgauge.kafka.patience import MetadataLimiter, close_within

if TYPE_CHECKING:
    from streamgauge.kafka.connection import Connection


class Wire:
    """A client of its own for single requests, so that none of them waits behind a long poll.

    It bootstraps anew, and so resolves names anew, when none of the brokers it knows answers.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._limit_seconds = 2 * connection.request_timeout_ms / 1000
        self._session: _Session | None = None
        self._opening: asyncio.Task[_Session] | None = None
        self._topics: set[str] = set()

    async def open(self) -> _Session:
        """Connect, unless connected; those who ask at the same time share one attempt.

        Raises:
            BrokersUnavailableError: If no bootstrap server lets the gauge in.
            ConnectionSettingError: If a setting cannot be used.
        """
        if self._session is not None:
            return self._session
        if self._opening is None:
            self._opening = asyncio.create_task(self._bootstrap())
            self._opening.add_done_callback(self._opened)
        return await asyncio.shield(self._opening)

    async def close(self) -> None:
        """Close all connections; a later request opens new ones."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        if self._session is not None:
            await self._drop(self._session)

    def watch(self, topic: str) -> None:
        """Keep this topic's brokers known; without any topic all topics would be asked for."""
        self._topics.add(topic)
        if self._session is not None:
            self._session.client.set_topics(self._topics)

    async def node_ids(self) -> list[int]:
        """Ids of the brokers known at present, in random order.

        Raises:
            BrokersUnavailableError: As `open`.
        """
        return (await self.open()).node_ids()

    async def send(self, node_id: int, request: Any) -> Any:  # noqa: ANN401 - untyped aiokafka
        """Send to one broker and return its response.

        Raises:
            BrokersUnavailableError: If it does not answer in time.
            UnknownRequestError: If it does not know the request.
            UnexpectedAnswerError: If it answers what cannot be understood.
        """
        session = await self.open()
        try:
            async with asyncio.timeout(self._limit_seconds):
                return await session.client.send(node_id, request)
        except (IncompatibleBrokerVersion, NotImplementedError) as error:  # nothing has been sent
            raise UnknownRequestError(f"broker {node_id}: {text_of(error)}") from error
        except (KafkaError, OSError, TimeoutError) as error:
            raise BrokersUnavailableError(
                f"broker {node_id} does not answer: {text_of(error)}"
            ) from error
        except Exception as error:  # aiokafka's login code raises anything at an odd answer
            raise UnexpectedAnswerError(f"broker {node_id}: {text_of(error)}") from error
        finally:
            if session is not self._session:
                await session.close()  # it may have connected after it was closed

    async def send_to_any(self, request: Any) -> Any:  # noqa: ANN401 - untyped aiokafka
        """Send to one broker after the other until one answers, and return its response.

        Raises:
            BrokersUnavailableError: If none answers; the next call bootstraps anew.
            UnknownRequestError: As `send`.
            UnexpectedAnswerError: As `send`.
        """
        session = await self.open()
        failures = []
        for node_id in session.node_ids():
            try:
                return await self.send(node_id, request)
            except BrokersUnavailableError as error:
                failures.append(str(error))
        await self._drop(session)
        raise BrokersUnavailableError("; ".join(failures) or "no broker is known")

    async def _bootstrap(self) -> _Session:
        never_create_topics()
        session = _Session(self._connection)
        try:
            await bootstrap(session.client, session.client.bootstrap(), self._connection)
        except BaseException:
            await session.close()
            raise
        if self._topics:
            session.client.set_topics(self._topics)
        self._session = session
        return session

    def _opened(self, opening: asyncio.Task[_Session]) -> None:
        self._opening = None
        if not opening.cancelled():
            opening.exception()  # those who waited have it; if all were cancelled nobody has

    async def _drop(self, session: _Session) -> None:
        if self._session is session:
            self._session = None
        await session.close()


class _Session:
    """One client from its bootstrap to its end."""

    def __init__(self, connection: Connection) -> None:
        self.client = AIOKafkaClient(**connection.client_arguments())
        self._limiter = MetadataLimiter(self.client)

    def node_ids(self) -> list[int]:
        nodes = [broker.nodeId for broker in self.client.cluster.brokers()]
        random.shuffle(nodes)
        return nodes

    async def close(self) -> None:
        """Close all connections within seconds."""
        await self._limiter.close()
        await close_within(self.client)
