"""Verifies HTTP message signatures, one JSON object a line, with PyPI http-message-signatures."""

import base64
import json
import sys
from types import SimpleNamespace

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)

ALGORITHMS = {
    "hmac-sha256": algorithms.HMAC_SHA256,
    "ed25519": algorithms.ED25519,
    "ecdsa-p256-sha256": algorithms.ECDSA_P256_SHA256,
    "rsa-pss-sha512": algorithms.RSA_PSS_SHA512,
}


class Headers(dict):
    """Names of headers ignore case."""


class Resolver(HTTPSignatureKeyResolver):
    def __init__(self, key):
        self.key = key

    def resolve_public_key(self, key_id):
        if self.key.startswith("-----"):
            return load_pem_public_key(self.key.encode())
        return base64.b64decode(self.key)


def accepts(case):
    message = SimpleNamespace(method=case["method"], url=case["url"], headers=Headers(case["headers"]))
    verifier = HTTPMessageVerifier(
        signature_algorithm=ALGORITHMS[case["algorithm"]], key_resolver=Resolver(case["key"])
    )
    try:
        results = verifier.verify(message, expect_tag=case["tag"], body=case["body"].encode())
        return len(results) == 1
    except HTTPMessageSignaturesException:
        return False


for line in sys.stdin:
    print("accepted" if accepts(json.loads(line)) else "refused")
