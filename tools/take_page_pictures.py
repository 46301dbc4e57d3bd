"""Takes the pictures of the page for its documentation, with a real Chromium and the demo clip.

    python -m tools.take_page_pictures [FOLDER]

It needs Chromium and the extra `dev`. Each picture is reduced to 256 colours, which keeps it small.
"""

import argparse
import io
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from tests.support.chromium_page import ChromiumPage, write_camera_film

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "app" / "assets" / "demo.mp4"
COLOURS = 256
WATCHED_S = 12.0  # before a picture, so that there is something in the last minute
MIDDLE_S = 3.5  # after a face came into view
HAPPY = "document.getElementById('spoken').textContent.includes('happiness')"


def save(png: bytes, path: Path) -> None:
    """Saves a PNG with few colours."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture = picture.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def wait_for_face(page: ChromiumPage) -> None:
    """Waits until a face that smiles is in the middle of its time in view."""
    page.wait_for(f"!({HAPPY})")
    page.wait_for(HAPPY)
    time.sleep(MIDDLE_S)


def take_pictures(folder: Path, address: str, scratch: Path) -> None:
    """Takes all pictures."""
    film = write_camera_film(DEMO, scratch / "camera.mjpeg")
    with ChromiumPage(scratch / "profile", camera=film) as page:
        page.set_look(1280, 860)
        page.open(address)
        time.sleep(WATCHED_S)
        wait_for_face(page)
        save(page.take_picture(), folder / "live_page_desktop.png")
        page.set_look(360, 740, dark=True, touch=True)
        page.click("#from-browser")
        time.sleep(WATCHED_S)
        page.press("r")
        wait_for_face(page)
        save(page.take_picture(), folder / "live_page_phone.png")


def main() -> None:
    """Runs the server and takes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs")
    folder = parser.parse_args().folder
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "run_demo.py", "--demo", "--actions", "--serve", str(port)]
    with tempfile.TemporaryDirectory() as scratch, subprocess.Popen(command, cwd=ROOT) as server:
        try:
            _wait_for(port)
            take_pictures(folder, f"http://127.0.0.1:{port}/", Path(scratch))
        finally:
            server.terminate()
            server.wait()


def _wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"The server does not answer at port {port}.")


if __name__ == "__main__":
    main()
