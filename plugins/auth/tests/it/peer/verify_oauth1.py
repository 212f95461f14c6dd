"""Verifies requests signed by OAuth 1.0a, one JSON object a line, with PyPI oauthlib."""

import json
import sys

from oauthlib.oauth1 import RequestValidator, ResourceEndpoint, SignatureOnlyEndpoint


class Validator(RequestValidator):
    enforce_ssl = False
    client_key_length = token_length = (1, 100)
    nonce_length = (20, 100)
    dummy_client = dummy_access_token = "dummy"
    seen = set()

    def __init__(self, case):
        super().__init__()
        self.case = case

    @property
    def allowed_signature_methods(self):
        return ("HMAC-SHA1", "HMAC-SHA256")

    def check_client_key(self, client_key):
        return True

    check_access_token = check_client_key

    def validate_client_key(self, client_key, request):
        return client_key == self.case["consumer_key"]

    def validate_access_token(self, client_key, token, request):
        return token == self.case["token"]

    def validate_timestamp_and_nonce(self, client_key, timestamp, nonce, request, **tokens):
        is_new = (timestamp, nonce) not in self.seen
        self.seen.add((timestamp, nonce))
        return is_new

    def validate_realms(self, *args, **kwargs):
        return True

    def get_client_secret(self, client_key, request):
        return self.case["consumer_secret"]

    def get_access_token_secret(self, client_key, token, request):
        return self.case["token_secret"]


def accepts(case):
    validator = Validator(case)
    request = dict(http_method=case["method"], body=case["body"], headers=case["headers"])
    if case["token"]:
        endpoint = ResourceEndpoint(validator).validate_protected_resource_request
    else:
        endpoint = SignatureOnlyEndpoint(validator).validate_request
    valid, _ = endpoint(case["url"], **request)
    return valid


for line in sys.stdin:
    print("accepted" if accepts(json.loads(line)) else "refused")
