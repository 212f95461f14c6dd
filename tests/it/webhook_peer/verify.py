"""Verifies webhooks, one JSON object a line, with the library of the Standard Webhooks project."""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

for line in sys.stdin:
    case = json.loads(line)
    try:
        Webhook(case["secret"]).verify(case["body"], case["headers"])
        print("accepted")
    except WebhookVerificationError:
        print("refused")
