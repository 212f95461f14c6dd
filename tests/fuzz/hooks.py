"""Names that are there, in half of what is generated: else most requests would end at the first look."""

import schemathesis


@schemathesis.hook
def map_body(ctx, body):
    """A broadcast to a route or a target of fanfare.yaml."""
    operation = ctx.operation.definition.raw.get("operationId")
    if operation != "sendBroadcast" or not isinstance(body, dict):
        return body
    if isinstance(body.get("route"), str):
        if len(body["route"]) % 2 == 0:
            body["route"] = "signup"
            body.pop("to", None)
    elif isinstance(body.get("to"), list) and len(body["to"]) % 2 == 1:
        body["to"] = ["crm", {"target": "audit", "optional": True}]
    return body


@schemathesis.hook
def map_path_parameters(ctx, path_parameters):
    """A route or a target of fanfare.yaml."""
    if not path_parameters:
        return path_parameters
    for name, known in (("name", "crm"), ("route", "signup")):
        value = path_parameters.get(name)
        if isinstance(value, str) and len(value) % 2 == 0:
            path_parameters[name] = known
    return path_parameters


@schemathesis.hook
def map_headers(ctx, headers):
    """An event in binary mode."""
    operation = ctx.operation.definition.raw.get("operationId")
    if operation == "sendEvent" and headers and len(headers) % 2 == 0:
        headers.update({"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/fuzz", "ce-type": "fuzz"})
    return headers
