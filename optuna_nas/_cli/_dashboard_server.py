"""optuna-dashboard, served to this machine and to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
import errno
from pathlib import Path
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import make_server
from wsgiref.simple_server import WSGIRequestHandler
from wsgiref.simple_server import WSGIServer

from optuna.artifacts import FileSystemArtifactStore
from optuna.storages import BaseStorage

from optuna_nas._cli._errors import BadInput


HOST = "127.0.0.1"
"""optuna-dashboard has no password: whoever reaches it may delete the study."""

NAMES = (HOST, "localhost")


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing of each request."""


@contextmanager
def serving(storage: BaseStorage, artifacts: Path, port: int) -> Iterator[int]:
    """Serves as long as the context lasts.

    Args:
        storage:
            What holds the studies.
        artifacts:
            The folder of the drawings.
        port:
            Of this machine; 0 for any that is free.

    Yields:
        The port.

    Raises:
        BadInput:
            If the port is taken, or none.
    """
    from optuna_dashboard import wsgi

    if not 0 <= port <= 65535:
        raise BadInput(f"--port must be between 0 and 65535, not {port}.")
    app = _for_this_machine(wsgi(storage, artifact_store=FileSystemArtifactStore(artifacts)))
    try:
        server = make_server(HOST, port, app, _Server, _Silent)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        why = "is in use" if error.errno == errno.EADDRINUSE else "is not for everyone"
        raise BadInput(f"port {port} {why}. Give another, or 0 for any: --port.") from error
    with server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _for_this_machine(app: Any) -> Any:
    """Refuses requests by another name: a web page could have its name lead to this machine."""

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "").rpartition(":")[0] or environ.get("HTTP_HOST", "")
        if host not in NAMES:
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"Open this page as 127.0.0.1 or localhost."]
        answer: Iterable[bytes] = app(environ, start_response)
        return answer

    return guarded
