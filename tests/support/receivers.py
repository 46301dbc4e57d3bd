"""Programs that receive what a run sends, as they would in the field."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage
from pythonosc.osc_server import BlockingOSCUDPServer

Messages = list[tuple[str, tuple[object, ...]]]


class OscServer(BlockingOSCUDPServer):
    """Keeps all `messages`, and counts the datagrams that it has `handled` whole."""

    def __init__(self, port: int) -> None:
        self.messages: Messages = []
        self.handled = 0
        dispatcher = Dispatcher()
        dispatcher.set_default_handler(
            lambda address, *values: self.messages.append((address, values))
        )
        super().__init__(("127.0.0.1", port), dispatcher)

    @property
    def port(self) -> int:
        return self.server_address[1]

    def shutdown_request(self, request: object) -> None:
        super().shutdown_request(request)
        self.handled += 1


@contextmanager
def osc_receiver(port: int = 0) -> Iterator[OscServer]:
    """A server of python-osc on this machine, in a thread."""
    with OscServer(port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def wait_until(is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits for something that another thread does. Raises `AssertionError` after `seconds`."""
    deadline_s = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline_s, "it did not come"
        time.sleep(0.005)


def read_bundle(datagram: bytes) -> list[OscMessage]:
    """The messages of a bundle, as python-osc reads them."""
    return [part for part in OscBundle(datagram) if isinstance(part, OscMessage)]
