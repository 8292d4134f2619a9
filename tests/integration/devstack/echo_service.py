"""A service for tests: answers every request with its arguments and one variable; `--fail` makes it end at once."""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(
            {"arguments": sys.argv[1:], "greeting": os.environ.get("GREETING"), "secret": "SECRET" in os.environ}
        )
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())


if __name__ == "__main__":
    if "--fail" in sys.argv:
        sys.exit("the echo service was told to fail")
    server = HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Echo)
    sys.stdout.write("echo is listening\n")
    sys.stdout.flush()
    server.serve_forever()
