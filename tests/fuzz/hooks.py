"""Names that are there, in half of what is generated: else most requests would end at the first look.

What was made wrong on purpose is left as it is. To put a good value in its place would make it right, and the answer to it
a finding that is none.
"""

import schemathesis
from schemathesis.core.parameters import ParameterLocation


@schemathesis.hook
def map_case(ctx, case):
    """Routes and targets of fanfare.yaml, and events in binary mode."""
    operation = ctx.operation.definition.raw.get("operationId")
    if operation == "sendBroadcast" and right(case, ParameterLocation.BODY) and isinstance(case.body, dict):
        name_recipients(case.body)
    if case.path_parameters and right(case, ParameterLocation.PATH):
        name_path(case.path_parameters)
    if operation == "sendEvent" and case.headers and right(case, ParameterLocation.HEADER):
        if len(case.headers) % 2 == 0:
            case.headers.update({"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/fuzz", "ce-type": "fuzz"})
    return case


def right(case, location):
    """Whether this part of the request was made to fit the description."""
    return case.meta is None or not case.meta.is_negative_at(location)


def name_recipients(body):
    """A broadcast to a route or to targets."""
    if isinstance(body.get("route"), str):
        if len(body["route"]) % 2 == 0:
            body["route"] = "signup"
            body.pop("to", None)
    elif isinstance(body.get("to"), list) and len(body["to"]) % 2 == 1:
        body["to"] = ["crm", {"target": "audit", "optional": True}]


def name_path(parameters):
    """A route or a target in the path."""
    for name, known in (("name", "crm"), ("route", "signup")):
        value = parameters.get(name)
        if isinstance(value, str) and len(value) % 2 == 0:
            parameters[name] = known
