"""Which requests come through the gate, by host, origin and token."""

import pytest

from app.server.gate import Gate
from app.server.serve_address import ServeAddress

PROXIED = Gate(ServeAddress(), origins=("https://faces.example.org",), token="s3cret")
OPEN = Gate(ServeAddress("pc.lan", 9000), token="s3cret")


@pytest.mark.parametrize(
    ("gate", "path", "host", "origin", "status"),
    [
        (PROXIED, "/ws", "127.0.0.1:8765", "http://127.0.0.1:8765", None),
        (PROXIED, "/ws", "127.0.0.1:8765", "https://faces.example.org", 403),
        (PROXIED, "/ws", "faces.example.org", "https://faces.example.org", 403),
        (PROXIED, "/ws?token=s3cret", "faces.example.org", "https://faces.example.org", None),
        (PROXIED, "/ws?token=s3cret", "faces.example.org", "https://evil.example", 403),
        (PROXIED, "/ws?token=s3cret", "evil.example", "https://evil.example", 421),
        (PROXIED, "/", "faces.example.org", None, 403),
        (PROXIED, "/static/page.js", "faces.example.org", None, None),
        (PROXIED, "/events", "[::1]:8765", "https://faces.example.org", None),
        (PROXIED, "/ws?token=s3cret", "192.168.1.2:8765", None, 421),
        (OPEN, "/ws?token=s3cret", "PC.lan:9000", "http://pc.lan:9000", None),
        (OPEN, "/ws?token=s3cret", "192.168.1.2:9000", "http://192.168.1.2:9000", None),
        (OPEN, "/ws?token=s3cret&token=x", "pc.lan:9000", None, None),
        (OPEN, "/ws?token=x&token=s3cret", "pc.lan:9000", None, 403),
        (OPEN, "/ws", "localhost:9000", None, 403),
        (OPEN, "/ws?token=s3cret", None, None, 421),
        (OPEN, "/ws?token=s3cret", "pc.lan:x", None, 421),
        (OPEN, "/ws?token=s3cret", "pc.lan:9000", "http://[", 403),
        (OPEN, "//[", "pc.lan:9000", None, 400),
        (OPEN, "/?" + "a=1&" * 40, "pc.lan:9000", None, 400),
    ],
)
def test_the_gate_lets_in_who_belongs_here(
    gate: Gate, path: str, host: str | None, origin: str | None, status: int | None
) -> None:
    refusal = gate.judge(path, host=host, origin=origin, is_socket=path.startswith(("/ws", "/ev")))
    assert (refusal and refusal.status) == status
