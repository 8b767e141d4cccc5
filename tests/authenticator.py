"""An authenticator in software (WebAuthn, ES256, attestation "none"), whose answers tests can bend."""

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_PRESENT, _VERIFIED, _NEW = 0x01, 0x04, 0x40


def letters(raw: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    """The bytes of base64url."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """One passkey. `count` is its signature counter."""

    def __init__(self, origin: str) -> None:
        self.origin, self.rp = origin, origin.split("://")[1].split(":")[0]
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id, self.count, self.user = os.urandom(32), 0, b""

    def _client(self, kind: str, options: dict[str, Any], **bent: Any) -> bytes:
        data = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(data | bent).encode()

    def _head(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def register(self, options: dict[str, Any], **bent: Any) -> str:
        """The answer to creation options, as the browser gives it."""
        self.user = raw(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})
        head = self._head(_PRESENT | _VERIFIED | _NEW) + bytes(16) + len(self.id).to_bytes(2) + self.id + public
        answer = {
            "clientDataJSON": letters(self._client("webauthn.create", options, **bent)),
            "attestationObject": letters(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": head})),
            "transports": ["internal"],
        }
        return self._answer(answer)

    def show(self, options: dict[str, Any], **bent: Any) -> str:
        """The answer to request options."""
        self.count += 1
        client, head = self._client("webauthn.get", options, **bent), self._head(_PRESENT | _VERIFIED)
        signature = self.key.sign(head + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        answer = {
            "clientDataJSON": letters(client), "authenticatorData": letters(head), "signature": letters(signature),
            "userHandle": letters(self.user),
        }  # fmt: skip
        return self._answer(answer)

    def _answer(self, response: dict[str, Any]) -> str:
        return json.dumps(
            {
                "id": letters(self.id), "rawId": letters(self.id), "type": "public-key", "response": response,
                "clientExtensionResults": {}, "authenticatorAttachment": "platform",
            }
        )  # fmt: skip
