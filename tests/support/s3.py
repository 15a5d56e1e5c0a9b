"""A real S3 server on 127.0.0.1, which is moto behind Python's own HTTP server; and faults in front of it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Handler(BaseHTTPRequestHandler):
    """Gives each request to moto, as if it had been sent to S3."""

    protocol_version = "HTTP/1.1"
    server: S3Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = HTTPHeaders()
        for name, value in self.headers.items():
            headers[name] = value
        url = f"http://s3.amazonaws.com{self.path}"
        request = AWSPreparedRequest(self.command, url, headers, body, stream_output=False)
        with self.server.lock:  # moto's models are not made for threads
            self.server.requests.append((self.command, self.path))
            answer = BotocoreStubber().process_request(request)
        assert answer is not None
        status, told, content = answer
        content = content.encode() if isinstance(content, str) else content
        self.send_response(status)
        for name, value in told.items():
            if name.lower() not in {"content-length", "date", "server", "connection"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer  # noqa: N815 - http.server's names

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class S3Server(ThreadingHTTPServer):
    """What it was asked, as method and path."""

    daemon_threads = True
    lock: Any
    requests: list[tuple[str, str]]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def puts(self) -> list[str]:
        """The paths of all PUTs of objects."""
        return [path for method, path in self.requests if method == "PUT" and path.count("/") > 1]


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A server without buckets."""
    with mock_aws():
        server = S3Server(("127.0.0.1", 0), _Handler)
        server.lock, server.requests = threading.Lock(), []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
