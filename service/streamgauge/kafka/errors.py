"""What can go wrong between the gauge and Kafka, as one tree.

```
KafkaAccessError
├── ConnectionSettingError    a setting of the connection cannot be used
├── TokenUnavailableError     no OAuth token was to be had (also an OSError)
├── UnsupportedClientError    the installed aiokafka lacks a seam the gauge relies on
├── BrokersUnavailableError   no broker answered within the time allowed
├── UnexpectedAnswerError     a broker answered with an error the gauge has no rule for
│   └── UnknownRequestError   a broker is too old for the request
├── MembershipError           the gauge is no member of its own group
│   └── GroupRefusedError     a right on the group is missing
├── TopicRefusedError         a topic is absent or may not be read
└── TailStalledError          a tail hears nothing more and has to be built anew
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Why one thing the gauge needs cannot be reached, in plain words without secrets."""

    what: str
    """The thing: a broker with its address, or the setting that cannot be used."""
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}; {self.remedy}"


class KafkaAccessError(Exception):
    """The gauge cannot get from Kafka what it needs."""


class ConnectionSettingError(KafkaAccessError):
    """A setting of the connection cannot be used; trying again does not help."""

    def __init__(self, unreachable: Unreachable) -> None:
        super().__init__(str(unreachable))
        self.unreachable = unreachable


class TokenUnavailableError(KafkaAccessError, OSError):
    """No OAuth token was to be had.

    It is an OSError as well because aiokafka treats exactly those as a connection that failed;
    anything else would end its background tasks without a word.
    """


class UnsupportedClientError(KafkaAccessError):
    """The installed aiokafka lacks a seam the gauge relies on."""


class BrokersUnavailableError(KafkaAccessError):
    """No broker answered within the time allowed; trying again later may help."""

    def __init__(self, message: str, unreachable: Iterable[Unreachable] = ()) -> None:
        self.unreachable = tuple(unreachable)
        super().__init__("\n  ".join([message, *map(str, self.unreachable)]))


class UnexpectedAnswerError(KafkaAccessError):
    """A broker answered with an error the gauge has no rule for."""


class UnknownRequestError(UnexpectedAnswerError):
    """A broker does not know the request, or not in a version that the gauge can use."""


class MembershipError(KafkaAccessError):
    """The gauge is no member of its own group and cannot become one as things are."""


class GroupRefusedError(MembershipError):
    """A right on the gauge's own group is missing."""


class TailStalledError(KafkaAccessError):
    """A tail hears nothing more from its brokers; build a new one at the same positions."""


def text_of(error: BaseException) -> str:
    """The words of an error, its name where it has none."""
    return str(error) or type(error).__name__
