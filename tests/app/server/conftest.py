"""A server with the real networks, and a source whose frames the tests give."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from websockets.sync.client import ClientConnection, connect

from app.defaults import find_model
from app.runs.plan import RecognitionSettings, ViewSettings
from app.server.bind import bind_sockets
from app.server.downloads import Downloads
from app.server.gate import Gate
from app.server.page_server import PageServer
from app.server.serve_address import ServeAddress
from app.server.source_feed import SourceFeed
from app.server.visit_session import SharedNetworks, load_shared_networks
from app.server.visitor import Visits
from app.sources.base import Gap, SourceDefaults
from app.types import Frame, FrameResult, Image, Mode, TrackedFace
from tests.support.faces import make_face
from tests.support.page_modules import RunBody, open_modules

WAIT_S = 30.0
GREY = np.full((48, 64, 3), 99, np.uint8)


class NoFrames(SourceDefaults):
    """The source of a feed that tests give frames to. It was without pictures for a while before
    frame 5 and again after it."""

    name = "camera"
    mode = Mode.LIVE
    frame_count = None
    warning = None
    gaps = (Gap(1 / 30, 0.5), Gap(5 / 30, 2.0))

    def __iter__(self) -> Iterator[Frame]:
        return iter(())


@dataclass
class Served:
    """A running server. `url` is that of its sockets, without a path."""

    url: str
    feed: SourceFeed
    server: PageServer
    folder: Path
    labels: tuple[str, ...]
    downloads: Downloads

    def open(self, path: str = "/ws", **options: object) -> ClientConnection:
        return connect(f"{self.url}{path}", **options)

    def show(self, index: int, image: Image = GREY) -> FrameResult:
        """Gives the feed a frame with a face."""
        shares = np.full(len(self.labels), 1 / len(self.labels), np.float32)
        face = TrackedFace(make_face(8, 8, 32), 1, self.labels[0], shares, shares)
        frame = Frame(image, index, index / 30, "camera")
        result = FrameResult(frame, (face,), self.labels)
        self.feed.take(result)
        return result


@pytest.fixture(scope="session")
def networks() -> Iterator[SharedNetworks]:
    settings = RecognitionSettings(model=find_model("small_int8"), device="cpu")
    with load_shared_networks(settings, ViewSettings()) as loaded:
        yield loaded


@pytest.fixture
def serve(networks: SharedNetworks, tmp_path: Path) -> Iterator[object]:
    with ExitStack() as stack:

        def begin(
            *,
            host: str = "127.0.0.1",
            token: str | None = None,
            origins: tuple[str, ...] = (),
            with_source: bool = True,
            blur: bool = False,
        ) -> Served:
            address = ServeAddress(host, 0)
            sockets = bind_sockets(address)
            feed = SourceFeed(NoFrames(), keeps_blurred=blur)
            stack.callback(feed.close)
            folder = tmp_path / "visits"
            folder.mkdir()
            gate = Gate(address, origins=origins, token=token)
            visits = Visits(networks, feed if with_source else None, folder, "0.1.0")
            server = PageServer(sockets, gate, visits)
            stack.callback(server.close)
            port = sockets[0].getsockname()[1]
            labels = networks.classifier.labels
            return Served(f"ws://127.0.0.1:{port}", feed, server, folder, labels, visits.downloads)

        yield begin


@pytest.fixture(scope="package")
def run_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunBody]:
    """Runs JavaScript with the modules of the page."""
    with open_modules(tmp_path_factory.mktemp("modules") / "profile") as run:
        yield run


def read_until(client: ClientConnection, kind: str) -> dict[str, object]:
    """Reads messages up to the first one of a type."""
    while True:
        data = client.recv(WAIT_S)
        if isinstance(data, str) and (message := json.loads(data))["type"] == kind:
            return message
