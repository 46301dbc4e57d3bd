"""Takes the pictures of the page for its documentation, with a real Chromium and the demo clip.

    python -m tools.take_page_pictures [FOLDER]

It needs Chromium and the extra `dev`. Each picture is reduced to 256 colours, which keeps it small.
"""

import argparse
import io
import tempfile
import time
from pathlib import Path

from PIL import Image

from app.overlay.palette import COLOURS as LABEL_COLOURS
from tests.support.chromium_page import ChromiumPage, write_camera_film
from tools.served_program import serve_program

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "app" / "assets" / "demo.mp4"
COLOURS = 256
# Colours of small marks, which are too rare to be chosen: R, G, B.
MARKS: list[tuple[int, ...]] = [
    *(colour[::-1] for colour in {*LABEL_COLOURS.values()}),
    *[(255, 255, 255), (0, 0, 0), (26, 107, 60), (127, 214, 160), (255, 91, 77)],
]
WATCHED_S = 12.0  # before a picture, so that there is something in the last minute
RECORDED_S = 3.0
NEWEST = "document.addEventListener('expression', ({detail}) => { window.newest = detail; });"
# One face that smiles, in the middle third of the picture, and the words for it.
IN_THE_MIDDLE = """(() => {
  const [face, ...others] = window.newest?.faces ?? [];
  if (face === undefined || others.length > 0 || face.label !== 'happiness') return false;
  if (!document.getElementById('spoken').textContent.includes('happiness')) return false;
  return Math.abs((face.x + face.width / 2) / window.newest.size[0] - 1 / 2) < 1 / 6;
})()"""


def save(png: bytes, path: Path) -> None:
    """Saves a PNG with few colours."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    common = picture.quantize(COLOURS - len(MARKS), Image.Quantize.MEDIANCUT)
    palette = Image.new("P", (1, 1))
    palette.putpalette(
        [*(common.getpalette() or [])[: 3 * (COLOURS - len(MARKS))], *sum(MARKS, start=())]
    )
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def wait_for_face(page: ChromiumPage) -> None:
    """Waits until a face that smiles comes into the middle of the picture."""
    page.run(NEWEST)
    page.wait_for(f"!({IN_THE_MIDDLE})")
    page.wait_for(IN_THE_MIDDLE)


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
        time.sleep(RECORDED_S)
        wait_for_face(page)
        save(page.take_picture(), folder / "live_page_phone.png")


def main() -> None:
    """Runs the server and takes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs")
    folder = parser.parse_args().folder
    with (
        tempfile.TemporaryDirectory() as scratch,
        serve_program("--demo", "--actions") as program,
    ):
        take_pictures(folder, program.address, Path(scratch))


if __name__ == "__main__":
    main()
