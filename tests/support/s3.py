"""A real S3 server on 127.0.0.1, which is moto behind Python's own HTTP server; it can be made to fail.

It also answers as the other services of AWS that moto knows: whom a request is for is in its signature.

`python s3.py` serves, prints its URL, and ends when its standard input does.
"""

from __future__ import annotations

import re
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSALS = {
    "AccessDenied": 403,
    "NoSuchBucket": 404,
    "ExpiredToken": 400,
    "InvalidAccessKeyId": 403,
    "SlowDown": 503,
    "ServiceUnavailable": 503,
    "InternalError": 500,
    "PermanentRedirect": 301,  # a wrong region
    "AuthorizationHeaderMalformed": 400,  # the same, of newer buckets
}
"""HTTP's status of S3's errors."""
_SCOPE = re.compile(r"/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")


class S3Server:
    """What it was asked, and how it fails.

    `fault` is None, one of `REFUSALS`, or `black hole` (never an answer), `half a body` (hangs up in the middle of the
    request), `lost answer` (does what it is asked, and hangs up), `half an answer`. Each applies to PUT only.
    """

    def __init__(self) -> None:
        self.fault: str | None = None
        self.faults = 0
        self.requests: list[tuple[str, str]] = []
        self.held = threading.Event()
        """Set while a request is in the black hole."""
        self._freed = threading.Event()
        self._lock = threading.Lock()
        self._port = 0
        self.listen()

    @property
    def url(self) -> str:
        """Where it listens, or did."""
        return f"http://127.0.0.1:{self._port}"

    def puts(self) -> list[str]:
        """The paths of all PUTs of objects that were done."""
        return [path for method, path in self.requests if method == "PUT" and path.count("/") > 1]

    def listen(self) -> None:
        """Answer, on the same port as before."""
        self.fault = None
        state = self

        class Handler(_Handler):
            s3 = state

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def refuse(self) -> None:
        """Refuse connections, and close those that are open, until it listens again."""
        self.fault = "refused"
        self.free()
        self._server.shutdown()
        self._server.server_close()

    def free(self) -> None:
        """Hang up on what is in the black hole, and wait for more."""
        self._freed.set()
        self._freed = threading.Event()
        self.held.clear()

    def swallow(self) -> None:
        """Be a black hole, for one request."""
        freed = self._freed
        self.held.set()
        freed.wait()

    def ask_moto(self, command: str, path: str, headers: HTTPHeaders, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """What S3 answers, or the service that is asked."""
        signed = _SCOPE.search(headers.get("Authorization", ""))
        host = f"{signed['service']}.{signed['region']}" if signed and signed["service"] != "s3" else "s3"
        request = AWSPreparedRequest(command, f"http://{host}.amazonaws.com{path}", headers, body, stream_output=False)
        with self._lock:  # moto's models are not made for threads
            self.requests.append((command, path))
            answer = BotocoreStubber().process_request(request)
        assert answer is not None
        status, told, content = answer
        return status, told, content.encode() if isinstance(content, str) else content


class _Handler(BaseHTTPRequestHandler):
    """Gives each request to moto, as if it had been sent to S3."""

    protocol_version = "HTTP/1.1"
    s3: S3Server

    def _answer(self) -> None:
        fault = self.s3.fault if self.command == "PUT" else None
        self.s3.faults += fault is not None
        size = int(self.headers.get("Content-Length", 0))
        if fault == "black hole":
            self.s3.swallow()
        # A connection that was open before is closed too.
        if fault == "half a body":
            self.rfile.read(size // 2)
        if fault in {"refused", "black hole", "half a body"}:
            self.close_connection = True
            return
        body = self.rfile.read(size)
        if fault in REFUSALS:
            self._send(REFUSALS[fault], {}, f"<Error><Code>{fault}</Code><Message>so it is</Message></Error>".encode())
            return
        headers = HTTPHeaders()
        for name, value in self.headers.items():
            headers[name] = value
        status, told, content = self.s3.ask_moto(self.command, self.path, headers, body)
        if fault is None:
            self._send(status, told, content)
        elif fault == "half an answer":
            self.wfile.write(b"HTTP/1.1 200 O")
        self.close_connection = self.close_connection or fault is not None

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer  # noqa: N815 - http.server's names

    def handle_expect_100(self) -> bool:
        """No server says that it is ready, and then is none."""
        return self.s3.fault == "black hole" or super().handle_expect_100()

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"content-length", "date", "server", "connection"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A server without buckets."""
    with mock_aws():
        server = S3Server()
        try:
            yield server
        finally:
            server.refuse()


if __name__ == "__main__":
    with s3_server() as served:
        sys.stdout.write(f"{served.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
