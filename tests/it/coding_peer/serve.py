"""Takes bodies off their coding: answers 200 where it then has the SHA-256 that the path says, 400 otherwise, and 415 to a coding
that it does not know. Prints its port, and ends when its standard input does."""

import gzip
import hashlib
import os
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import brotlicffi
import zstandard

READ = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "br": brotlicffi.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompress(body, max_output_size=1 << 24),
}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        read = READ.get(self.headers["Content-Encoding"])
        self.send_response(415 if read is None else self.judge(read, body))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def judge(self, read, body):
        try:
            return 200 if self.path == "/" + hashlib.sha256(read(body)).hexdigest() else 400
        except Exception:
            return 400

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
