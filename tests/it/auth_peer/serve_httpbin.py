"""Serves httpbin on loopback: prints its port, and ends when its standard input does."""

import logging
import os
import sys
import threading

from werkzeug.serving import make_server

# It warns when it is loaded.
logging.disable(logging.WARNING)

from httpbin import app  # noqa: E402

# Digest is for GET only there, which has no body to be protected.
for rule in app.url_map.iter_rules():
    if rule.rule.startswith("/digest-auth/"):
        rule.methods.add("POST")

server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
