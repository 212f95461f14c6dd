"""Verifies signed webhooks, one JSON object a line, with the vendors' own libraries."""

import json
import sys

import stripe
from slack_sdk.signature import SignatureVerifier
from svix.webhooks import Webhook, WebhookVerificationError


def stripe_accepts(case):
    try:
        stripe.WebhookSignature.verify_header(
            case["body"], case["headers"]["stripe-signature"], case["secret"], tolerance=300
        )
        return True
    except stripe.SignatureVerificationError:
        return False


def svix_accepts(case):
    try:
        Webhook(case["secret"]).verify(case["body"], case["headers"])
        return True
    except WebhookVerificationError:
        return False


def slack_accepts(case):
    return SignatureVerifier(case["secret"]).is_valid_request(case["body"], case["headers"])


ACCEPTS = {"stripe": stripe_accepts, "svix": svix_accepts, "slack": slack_accepts}

for line in sys.stdin:
    case = json.loads(line)
    print("accepted" if ACCEPTS[case["preset"]](case) else "refused")
