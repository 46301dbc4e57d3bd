"""Answers the requests for the page's files and for visitors' recordings."""

import hashlib
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from websockets.datastructures import Headers
from websockets.http11 import Response

from app.events.event import encode_event
from app.types import Json

STATIC = Path(__file__).resolve().parent / "static"
PAGES = {"/": "index.html", "/overlay": "overlay.html"}
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
    ".jsonl": "application/jsonl",
}
# Nothing comes from elsewhere, nothing inline is run, and no other page frames this one. Pictures
# may also be made by the page itself.
POLICY = (
    "default-src 'self'; connect-src 'self' ws://{host} wss://{host}; img-src 'self' blob: data:; "
    "media-src 'self' blob: mediastream:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
SAFE_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # a token must not reach other sites
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def make_response(
    status: int, body: bytes, kind: str, *, host: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Makes an answer with the headers that every answer has. `host` is the request's own."""
    status = HTTPStatus(status)
    return Response(
        status.value,
        status.phrase,
        Headers(
            {
                "Content-Type": kind,
                "Content-Length": str(len(body)),
                "Connection": "close",
                "Cache-Control": "no-store",
                "Content-Security-Policy": POLICY.format(host=host),
                **SAFE_HEADERS,
                **(headers or {}),
            }
        ),
        body,
    )


def make_text_response(status: int, line: str, *, host: str = "localhost") -> Response:
    """Makes an answer of one line."""
    return make_response(status, f"{line}\n".encode(), KINDS[".txt"], host=host)


def make_json_response(value: Json, *, host: str) -> Response:
    """Makes an answer of one JSON object."""
    return make_response(200, f"{encode_event(value)}\n".encode(), KINDS[".json"], host=host)


def find_static(path: str) -> Path | None:
    """Finds the file of a path; None for none. No path leads out of the folder.

    >>> find_static("/static/../page.py") is None, find_static("/static/.hidden") is None
    (True, True)
    """
    name = PAGES.get(path)
    if name is None and path.startswith("/static/"):
        name = path.removeprefix("/static/")
    if name is None or not _NAME.fullmatch(name) or Path(name).suffix not in KINDS:
        return None
    file = STATIC / name
    return file if file.is_file() else None


def make_file_response(file: Path, *, host: str, known_tag: str | None) -> Response:
    """Makes an answer with a file of the page; none of its bytes where the browser has them."""
    body = file.read_bytes()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    kind = KINDS[file.suffix]
    if known_tag == tag:
        return make_response(304, b"", kind, host=host, headers=headers)
    return make_response(200, body, kind, host=host, headers=headers)


def make_download_response(file: Path, *, host: str) -> Response:
    """Makes an answer with a recording, which the browser stores and does not show."""
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}"}
    kind = KINDS.get(file.suffix, "application/octet-stream")
    return make_response(200, file.read_bytes(), kind, host=host, headers=headers)
