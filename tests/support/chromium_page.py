"""Drives one page of a headless Chromium over the DevTools protocol; its camera plays a file."""

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import cv2
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.browser import BROWSER

START_S = 60.0  # in which a browser comes up on a busy machine
ANSWER_S = 60.0  # in which it answers a command
LOOK_AGAIN_S = 0.05
READBACK = "Canvas2D: Multiple readback"


class PageError(Exception):
    """A script on the page failed, or the page did not become what was waited for."""


class ChromiumPage:
    """One page. As a context manager it ends the browser.

    Args:
        profile: A folder for the browser's files, which it makes.
        options: More options of the browser's command line.
        camera: A film that the page's camera plays over and over; None for no camera.

    Attributes:
        complaints: The errors and warnings of the console, and exceptions that nobody caught.
        requests: The addresses of all requests and sockets.
        received: The texts that came over sockets, as JSON.
    """

    def __init__(
        self, profile: Path, *options: str, camera: Path | None = None, allow_camera: bool = True
    ) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.received: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._arrived = threading.Condition()
        self._profile = profile
        self._session: str | None = None
        assert BROWSER is not None
        common = [
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio"),
            *("--remote-debugging-port=0", f"--user-data-dir={profile}", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update"),
            *("--disable-features=Translate,MediaRouter", "--hide-scrollbars"),
        ]
        if camera is not None:
            common.append("--use-fake-device-for-media-stream")
            common.append(f"--use-file-for-fake-video-capture={camera}")
        common.append(
            "--use-fake-ui-for-media-stream" if allow_camera else "--deny-permission-prompts"
        )
        self._process = subprocess.Popen(
            [BROWSER, *common, *options, "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._closing = contextlib.ExitStack()
        self._closing.callback(self._end_process)
        try:
            self._attach()
        except BaseException:
            self.close()
            raise

    def _attach(self) -> None:
        self._socket = self._closing.enter_context(
            connect(self._find_address(), max_size=None, compression=None)
        )
        threading.Thread(target=self._listen, daemon=True).start()
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def _find_address(self) -> str:
        port_file, ends = self._profile / "DevToolsActivePort", time.monotonic() + START_S
        while time.monotonic() < ends:
            if port_file.exists() and len(lines := port_file.read_text().split()) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            if self._process.poll() is not None:
                raise PageError(f"the browser ended with {self._process.returncode}")
            time.sleep(LOOK_AGAIN_S)
        raise PageError("the browser did not start")

    def _listen(self) -> None:
        try:
            for text in self._socket:
                message = json.loads(text)
                with self._arrived:
                    if "id" in message:
                        self._answers[message["id"]] = message
                    else:
                        self._note(message["method"], message["params"])
                    self._arrived.notify_all()
        except ConnectionClosed:
            pass

    def _note(self, method: str, told: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.complaints.append(str(details.get("exception", {}).get("description", details)))
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning"):
            self.complaints.append(str([one.get("value") for one in told["args"]]))
        elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            if READBACK in told["entry"]["text"]:  # which the tests do, not the page
                return
            self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(told["url"])
        elif method == "Network.webSocketFrameReceived" and told["response"]["opcode"] == 1:
            self.received.append(json.loads(told["response"]["payloadData"]))

    def send(self, method: str, **parameters: object) -> dict[str, Any]:
        """Sends a command and returns its result. Raises `PageError` where it failed."""
        number = next(self._numbers)
        command: dict[str, object] = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            command["sessionId"] = self._session
        self._socket.send(json.dumps(command))
        with self._arrived:
            if not self._arrived.wait_for(lambda: number in self._answers, ANSWER_S):
                raise PageError(f"no answer to {method}")
            answer = self._answers.pop(number)
        if "error" in answer:
            raise PageError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, address: str) -> None:
        """Opens an address, and waits until its page is loaded."""
        self.send("Page.navigate", url=address)
        self.wait_for(
            f"location.href === {json.dumps(address)} && document.readyState === 'complete'"
        )

    def run(self, script: str) -> Any:
        """Runs an expression, which may be a promise, and returns its value."""
        result = self.send(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in result:
            raise PageError(str(result["exceptionDetails"].get("exception", result)))
        return result["result"].get("value")

    def wait_for(self, script: str, within_s: float = 60.0) -> Any:
        """Waits until an expression is true, and returns its value."""
        ends = time.monotonic() + within_s
        while True:
            value = self.run(script)
            if value:
                return value
            if time.monotonic() > ends:
                raise PageError(f"not within {within_s} s: {script}; page: {self.read_text()}")
            time.sleep(LOOK_AGAIN_S)

    def read_text(self) -> str:
        """Returns all text of the page."""
        return str(self.run("document.body.innerText"))

    def click(self, selector: str) -> None:
        """Clicks on an element."""
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def press(self, key: str) -> None:
        """Presses a key that stands for a letter."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, text=key)

    def choose_file(self, selector: str, files: Sequence[Path]) -> None:
        """Chooses files in an `<input type="file">`."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def set_look(
        self,
        width: int,
        height: int,
        *,
        dark: bool = False,
        calm: bool = False,
        touch: bool = False,
    ) -> None:
        """Sets the size of the window in CSS px and what the user prefers."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=touch,
        )
        self.send(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                {"name": "prefers-reduced-motion", "value": "reduce" if calm else "no-preference"},
                {"name": "hover", "value": "none" if touch else "hover"},
            ],
        )

    def take_picture(self, *, whole: bool = False, transparent: bool = False) -> bytes:
        """Takes a PNG of the window, or of the whole page."""
        if transparent:
            self.send("Emulation.setDefaultBackgroundColorOverride", color=dict.fromkeys("rgba", 0))
        told = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(told["data"])

    def close(self) -> None:
        """Ends the browser."""
        self._closing.close()

    def _end_process(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._profile, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def write_camera_film(clip: Path, out: Path, *, frames: int = 150) -> Path:
    """Writes the beginning of a clip as MJPEG with even sides. Chromium's fake camera plays 30
    pictures a second of it."""
    with av.open(str(clip)) as source, out.open("wb") as film:
        for frame in itertools.islice(source.decode(video=0), frames):
            picture = frame.to_ndarray(format="bgr24")
            even = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
            film.write(cv2.imencode(".jpg", even, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
    return out
