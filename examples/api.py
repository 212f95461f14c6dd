"""An API to try fanfare on: prints what it gets and answers 201.

usage: python3 examples/api.py PORT
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        if "Content-Length" not in self.headers:
            return self.send_error(411)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(f"{self.server.server_port} {self.path} {body.decode(errors='replace')}", flush=True)
        reply = b'{"accepted": true}'
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()
