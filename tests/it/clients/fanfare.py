"""Sends a broadcast with the generated client, and reads its report: `fanfare.py URL`. Prints both as lines."""

import sys
from uuid import UUID

import httpx
from fanfare_client import Client
from fanfare_client.api.broadcasts import list_broadcasts, send_broadcast, view_broadcast
from fanfare_client.models import Accepted, Broadcasts, Problem, Report, Send, ViewBroadcastUntil

# Longer than it may wait for the report: a machine may be busy.
client = Client(base_url=sys.argv[1], timeout=httpx.Timeout(120))
accepted = send_broadcast.sync(client=client, body=Send(payload={"from": "python"}, to=["crm"]))
assert isinstance(accepted, Accepted), accepted
report = view_broadcast.sync(
    UUID(accepted.id), client=client, until=ViewBroadcastUntil.SETTLED, prefer="wait=30"
)
assert isinstance(report, Report), report
print("report", report.verdict, report.deliveries[0].target, report.deliveries[0].outcome)
listed = list_broadcasts.sync(client=client, limit=1)
assert isinstance(listed, Broadcasts) and listed.broadcasts[0].id == accepted.id, listed
problem = send_broadcast.sync(client=client, body=Send(payload=1, route="nowhere"))
assert isinstance(problem, Problem), problem
print("problem", problem.status, problem.errors[0].pointer)
