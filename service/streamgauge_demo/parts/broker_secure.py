"""A real Kafka node that demands identity and rights, for tests of every way to log in."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any, Final, Literal, Self, cast

import trustme
from confluent_kafka.admin import (  # type: ignore[attr-defined] # re-exported without a word
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from streamgauge_demo.parts.broker_contract import Broker, admin_client
from streamgauge_demo.parts.broker_java import Listener, launch_java_broker
from streamgauge_demo.parts.kafka_properties import PLAINTEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future
    from pathlib import Path

SASL: Final = "SASL"
SASL_TLS: Final = "SASL_TLS"
TLS: Final = "TLS"
MUTUAL_TLS: Final = "MUTUAL_TLS"

PLAIN_USERS: Final[Mapping[str, str]] = {
    "plain": "plain-secret",
    "$ConnectionString": (
        "Endpoint=sb://name.servicebus.windows.net/;SharedAccessKeyName=k;SharedAccessKey=abc+/="
    ),
}
"""Names and passwords of mechanism PLAIN, which are fixed when the node starts."""

Scram = Literal["SCRAM-SHA-256", "SCRAM-SHA-512"]

_ADMIN_TIMEOUT_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.02
_SCRAM_ITERATIONS: Final = 4_096
"""The fewest that Kafka accepts (RFC 7677 names the same number)."""


class SecureBroker(Broker):
    """A node that grants nothing that was not allowed before, and creates no topics by itself.

    Listeners, by name in `addresses`:
        `PLAINTEXT`: everything is allowed, for the tests' own preparations (`bootstrap_servers`).
        `SASL`: SASL_PLAINTEXT with PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER.
        `SASL_TLS`: the same over TLS.
        `TLS`: TLS without identity. Kafka names such a client ANONYMOUS, as on `PLAINTEXT`, and
            so everything is allowed to it: use another listener to test rights.
        `MUTUAL_TLS`: TLS with a client certificate, whose common name is the user.

    A token of OAUTHBEARER and a client certificate may name any user, unknown ones too: a test
    that takes a name of its own meets nobody else's rights.
    """

    def __init__(
        self, addresses: Mapping[str, str], ca: trustme.CA, on_stop: Callable[[], None] | None
    ) -> None:
        super().__init__("java", addresses[PLAINTEXT], on_stop=on_stop)
        self.addresses: Final = dict(addresses)
        self._ca: Final = ca
        self._admin: Final = admin_client(self.bootstrap_servers)

    def description(self) -> dict[str, Any]:
        """Give what another process needs to use this node, as plain JSON values."""
        return {
            "addresses": self.addresses,
            "ca_certificate": self._ca.cert_pem.bytes().decode(),
            "ca_key": self._ca.private_key_pem.bytes().decode(),
        }

    @classmethod
    def described(cls, description: Mapping[str, Any], on_stop: Callable[[], None]) -> Self:
        """Use the node of another process that has given its `description()`."""
        ca = trustme.CA.from_pem(
            description["ca_certificate"].encode(), description["ca_key"].encode()
        )
        return cls(description["addresses"], ca, on_stop)

    def write_ca_certificate(self, folder: Path) -> Path:
        """Write the certificate that a client has to trust (PEM)."""
        path = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(path)
        return path

    def write_client_certificate(self, folder: Path, user: str) -> tuple[Path, Path]:
        """Write a new certificate for `user` and its key (PEM)."""
        certificate, key = folder / f"{user}.pem", folder / f"{user}.key"
        leaf = self._ca.issue_cert(f"{user}@client.invalid", common_name=user)
        leaf.cert_chain_pems[0].write_to_path(certificate)
        leaf.private_key_pem.write_to_path(key)
        return certificate, key

    def create_scram_user(self, user: str, password: str, mechanism: Scram) -> None:
        """Create a user, or give it a new password, and return when it can log in.

        Raises:
            confluent_kafka.KafkaException: the broker refused it.
        """
        scram = ScramMechanism[mechanism.replace("-", "_")]
        credential = UserScramCredentialUpsertion(
            user, ScramCredentialInfo(scram, _SCRAM_ITERATIONS), password.encode()
        )
        for altered in self._admin.alter_user_scram_credentials([credential]).values():
            altered.result(_ADMIN_TIMEOUT_SECONDS)

        def known() -> bool:
            # called without names it gives one future for all users, not one for each
            described = cast(
                "Future[dict[str, Any]]", self._admin.describe_user_scram_credentials()
            )
            users = described.result(_ADMIN_TIMEOUT_SECONDS)
            found = users[user].scram_credential_infos if user in users else ()
            return any(info.mechanism == scram for info in found)

        _wait_until(known)

    def allow(self, user: str, operation: str, resource: str, name: str) -> None:
        """Allow `operation` (`READ`, `DESCRIBE`, ...) and return when it is in force.

        Args:
            user: without Kafka's prefix `User:`.
            operation: a name of `AclOperation`.
            resource: `TOPIC`, `GROUP` or `BROKER` (the cluster, whose name is `kafka-cluster`).
            name: the resource's literal name.

        Raises:
            confluent_kafka.KafkaException: the broker refused it.
        """
        binding = AclBinding(
            ResourceType[resource],
            name,
            ResourcePatternType.LITERAL,
            f"User:{user}",
            "*",
            AclOperation[operation],
            AclPermissionType.ALLOW,
        )
        for created in self._admin.create_acls([binding]).values():
            created.result(_ADMIN_TIMEOUT_SECONDS)
        _wait_until(lambda: binding in self._rights(user))

    def revoke_all(self, user: str) -> None:
        """Take back everything that was allowed to `user` and return when it is in force.

        Raises:
            confluent_kafka.KafkaException: the broker refused it.
        """
        for deleted in self._admin.delete_acls([_rights_filter(user)]).values():
            deleted.result(_ADMIN_TIMEOUT_SECONDS)
        _wait_until(lambda: not self._rights(user))

    def _rights(self, user: str) -> list[AclBinding]:
        described = self._admin.describe_acls(_rights_filter(user))
        return list(described.result(_ADMIN_TIMEOUT_SECONDS))


def launch_secure_broker() -> SecureBroker:
    """Start a `SecureBroker` in a Java process.

    Raises:
        BrokerUnavailableError: no Java, no jars, or the node did not start.
    """
    ca = trustme.CA()
    server = ca.issue_cert("127.0.0.1", "localhost")
    key = load_pem_private_key(server.private_key_pem.bytes(), password=None)
    sasl = _sasl_properties()
    node = launch_java_broker(
        (
            Listener(PLAINTEXT, "PLAINTEXT"),
            Listener(SASL, "SASL_PLAINTEXT", sasl),
            Listener(SASL_TLS, "SASL_SSL", sasl),
            Listener(TLS, "SSL"),
            Listener(MUTUAL_TLS, "SSL", {"ssl.client.auth": "required"}),
        ),
        {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "auto.create.topics.enable": "false",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.key": key.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ).decode(),
            "ssl.keystore.certificate.chain": "".join(
                certificate.bytes().decode() for certificate in server.cert_chain_pems
            ),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.certificates": ca.cert_pem.bytes().decode(),
            "ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/$1/",
        },
    )
    return SecureBroker(node.addresses, ca, node.stop)


def unsecured_token(user: str, lifetime_seconds: int = 3_600) -> str:
    """Give an unsigned JSON Web Token (RFC 7519 section 6) as Kafka's test validator takes it."""
    now = int(time.time())
    claims = {"sub": user, "iat": now, "exp": now + lifetime_seconds}
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    header, payload = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    return f"{header}.{payload}."


def _sasl_properties() -> dict[str, str]:
    """Give a listener's JAAS configuration by mechanism."""
    security = "org.apache.kafka.common.security"
    users = " ".join(f'user_{name}="{password}"' for name, password in PLAIN_USERS.items())
    scram = f"{security}.scram.ScramLoginModule required;"
    modules = {
        "plain": f"{security}.plain.PlainLoginModule required {users};",
        "scram-sha-256": scram,
        "scram-sha-512": scram,
        "oauthbearer": (
            f"{security}.oauthbearer.OAuthBearerLoginModule required"
            ' unsecuredLoginStringClaim_sub="broker";'
        ),
    }
    return {f"{mechanism}.sasl.jaas.config": module for mechanism, module in modules.items()}


def _rights_filter(user: str) -> AclBindingFilter:
    return AclBindingFilter(
        ResourceType.ANY,
        None,  # type: ignore[arg-type] # means any name; declared as str only
        ResourcePatternType.ANY,
        f"User:{user}",
        None,  # type: ignore[arg-type] # means any host; declared as str only
        AclOperation.ANY,
        AclPermissionType.ANY,
    )


def _wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what the controller has decided to reach the broker."""
    deadline = time.monotonic() + _ADMIN_TIMEOUT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not in force after {_ADMIN_TIMEOUT_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
