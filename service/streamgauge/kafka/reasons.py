"""What the failure of one connection means: the error, in plain words, and what to do about it."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Final, NamedTuple

from aiokafka.errors import (
    IllegalSaslStateError,
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    NoBrokersAvailable,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from streamgauge.kafka.errors import TokenUnavailableError, Unreachable, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgauge.kafka.connection import Connection


class _Rule(NamedTuple):
    """What one kind of failure means; the first rule that fits is taken."""

    fits: Callable[[BaseException], bool]
    why: str
    remedy: str


def _is(*kinds: type[BaseException]) -> Callable[[BaseException], bool]:
    return lambda error: isinstance(error, kinds)


def _certificate(*verify_codes: int) -> Callable[[BaseException], bool]:
    """The broker's certificate was refused for one of these reasons (X509_V_ERR_* of OpenSSL)."""
    return lambda error: (
        isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in verify_codes
    )


def _alert(error: BaseException) -> bool:
    """The broker ended the TLS handshake with an alert about our certificate."""
    return isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or "")


_RULES: Final = (
    _Rule(
        _is(socket.gaierror),
        "its name cannot be resolved",
        "correct the name in bootstrap_servers, or let DNS know it",
    ),
    _Rule(
        _is(ConnectionRefusedError),
        "nothing listens there",
        "start the broker, or correct the address in bootstrap_servers",
    ),
    _Rule(
        _is(TimeoutError),
        "it does not answer in time",
        "correct the address, or open the firewall; a listener for another security_protocol can "
        "be silent as well",
    ),
    _Rule(
        _is(SaslAuthenticationFailed),
        "it refuses user {user} with {mechanism}: {text}",
        "correct username and password, or create the user for this mechanism",
    ),
    _Rule(
        _is(UnsupportedSaslMechanismError),
        "it does not offer {mechanism} there",
        "set sasl_mechanism to one of its sasl.enabled.mechanisms",
    ),
    _Rule(
        _is(IllegalSaslStateError),
        "its listener wants no SASL",
        "set security_protocol to PLAINTEXT or SSL, or use the port of its SASL listener",
    ),
    _Rule(
        _is(TokenUnavailableError),
        "{text}",
        "see to the token file or the token endpoint",
    ),
    _Rule(
        _is(IncompatibleBrokerVersion),
        "{text}",
        "run Kafka 0.11 or later",
    ),
    _Rule(
        _is(NoBrokersAvailable),
        "it knows of no broker",
        "wait until the cluster has started",
    ),
    _Rule(
        _certificate(62, 64),
        "its certificate is for another name: {text}",
        "use a name in the certificate, or set ssl_check_hostname to false",
    ),
    _Rule(
        _certificate(9, 10),
        "its certificate is not valid at this time",
        "renew the broker's certificate, or set the clock of this machine",
    ),
    _Rule(
        _certificate(2, 18, 19, 20, 21),
        "its certificate was signed by an authority that is not trusted here",
        "set ssl_ca_file to the certificate of that authority",
    ),
    _Rule(
        _is(ssl.SSLCertVerificationError),
        "its certificate is refused: {text}",
        "correct the broker's certificate",
    ),
    _Rule(
        _alert,
        "it wants a client certificate and does not accept ours: {text}",
        "set ssl_certificate_file and ssl_key_file to a pair that the broker trusts",
    ),
    _Rule(
        _is(ssl.SSLError, ConnectionResetError, ConnectionAbortedError, BrokenPipeError),
        "its listener does not speak TLS",
        "set security_protocol to {plain}, or use the port of its TLS listener",
    ),
)
_CLOSED: Final = {
    "PLAINTEXT": _Rule(
        _is(KafkaConnectionError),
        "it closes the connection, as listeners for TLS or SASL do",
        "set security_protocol to what the listener wants, or use the port of a plain listener",
    ),
    "SSL": _Rule(
        _is(KafkaConnectionError),
        "it closes the connection after the TLS handshake",
        "set security_protocol to SASL_SSL if it wants SASL, or ssl_certificate_file if it wants a "
        "client certificate",
    ),
    "SASL_PLAINTEXT": _Rule(
        _is(KafkaConnectionError),
        "it closes the connection, as listeners for TLS do",
        "set security_protocol to SASL_SSL, or use the port of a listener without TLS",
    ),
    "SASL_SSL": _Rule(
        _is(KafkaConnectionError),
        "it closes the connection after the TLS handshake",
        "set ssl_certificate_file if it wants a client certificate",
    ),
}
# It answers a bad token with a challenge, which aiokafka takes for consent; what is asked next is
# answered with nothing in it, and then it closes the connection.
_TOKEN_REFUSED: Final = _Rule(
    _is(KafkaConnectionError, NoBrokersAvailable),
    "it refuses the token",
    "check the token's issuer, audience, scope and expiry against what the broker wants",
)
_UNFORESEEN: Final = _Rule(_is(BaseException), "{text}", "see the broker's log")


def explain(connection: Connection, what: str, error: BaseException) -> Unreachable:
    """Put the failure of one connection into plain words without secrets.

    Args:
        connection: Its settings.
        what: What was to be reached.
        error: What connecting, or the first request, raised.
    """
    if isinstance(error, KafkaConnectionError) and isinstance(error.__cause__, ssl.SSLError):
        error = error.__cause__  # TLS 1.3 tells what it thinks of our certificate with the answer
    closed = _CLOSED[connection.security_protocol]
    if connection.security_protocol.startswith("SASL") and connection.token is not None:
        closed = _TOKEN_REFUSED
    rule = next(rule for rule in (closed, *_RULES, _UNFORESEEN) if rule.fits(error))
    words = {
        "user": repr(connection.username),
        "mechanism": connection.sasl_mechanism,
        "plain": connection.security_protocol.replace("SASL_SSL", "SASL_PLAINTEXT").replace(
            "SSL", "PLAINTEXT"
        ),
        "text": _text_of(error, connection),
    }
    return Unreachable(what, rule.why.format(**words), rule.remedy.format(**words))


def _text_of(error: BaseException, connection: Connection) -> str:
    text = text_of(error)
    for secret in (connection.password, connection.ssl_key_password):
        if secret:
            text = text.replace(secret, "***")
    return text[:300]
