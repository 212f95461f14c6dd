"""Reads CloudEvents over HTTP, one JSON object a line, with the SDK of the CloudEvents project."""

import base64
import json
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_http_event

for line in sys.stdin:
    case = json.loads(line)
    body = base64.b64decode(case["body"])
    if "secret" in case:
        from standardwebhooks import Webhook

        Webhook(case["secret"]).verify(body.decode(), case["headers"])
    event = from_http_event(HTTPMessage(headers=case["headers"], body=body))
    attributes = {name: str(value) for name, value in event.get_attributes().items()}
    if "ce-time" not in case["headers"] and b'"time"' not in body:
        # The SDK puts in the time at which it reads.
        attributes.pop("time", None)
    data = event.get_data()
    if isinstance(data, bytes):
        data = {"bytes": base64.b64encode(data).decode()}
    print(json.dumps({"attributes": attributes, "data": data}))
