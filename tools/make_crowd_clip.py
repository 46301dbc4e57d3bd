"""A clip of several people who move and change their faces, for measuring speed:

python -m tools.make_crowd_clip ten.mp4 --people 10 [DATA.npz]

1280 x 720 at 30 frames a second, before a made background with camera noise. Each person sways
about a place of their own and shows another picture every two seconds, taken from the validation
split of DATA or, without it, from the portrait clip. The same command gives the same clip.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from app.errors import DataError
from app.types import Image
from tools.made_frames import HEIGHT_PX, WIDTH_PX, FacePicture, background, clip_faces, pack_faces
from tools.made_frames import paste as set_into
from tools.whole_clip import write_under_hidden_name
from training.base.cli import run_entry_point

FPS, CHANGE_S = 30, 2.0
MAX_PEOPLE = 24


def places(people: int) -> tuple[list[tuple[float, float]], float]:
    """Centres px, and the side px that a face has room for."""
    columns = int(np.ceil(np.sqrt(people * WIDTH_PX / HEIGHT_PX)))
    rows = int(np.ceil(people / columns))
    step_x, step_y = WIDTH_PX / columns, HEIGHT_PX / rows
    centres = [
        (step_x * (number % columns + 0.5), step_y * (number // columns + 0.5))
        for number in range(people)
    ]
    return centres, min(250.0, 0.45 * min(step_x, step_y))


def frames(
    pictures: Sequence[FacePicture], *, people: int, seconds: float, seed: int
) -> Iterator[Image]:
    rng = np.random.default_rng(seed)
    plain = background(rng)
    centres, side_px = places(people)
    phases = rng.uniform(0, 2 * np.pi, (people, 3))
    noise = rng.normal(0, 3, (4, HEIGHT_PX, WIDTH_PX, 1)).astype(np.float32)
    for number in range(round(seconds * FPS)):
        time_s = number / FPS
        frame = plain.copy()
        for person, (x, y) in enumerate(centres):
            sway = np.sin(2 * np.pi * 0.3 * time_s + phases[person])
            shown = (7 * person + int(time_s / CHANGE_S + person / people)) % len(pictures)
            set_into(
                frame,
                pictures[shown],
                centre_xy=(x + 0.25 * side_px * sway[0], y + 0.12 * side_px * sway[1]),
                side_px=side_px,
                roll=8.0 * float(sway[2]),
            )
        yield np.asarray(np.clip(frame + noise[number % 4], 0, 255), np.uint8)


def main(argv: Sequence[str] | None = None) -> int:
    top = argparse.ArgumentParser(prog="python -m tools.make_crowd_clip", description=__doc__)
    top.add_argument("clip", type=Path, help="the .mp4 to write")
    top.add_argument("data", type=Path, nargs="?", help="the .npz that training.prepare wrote")
    top.add_argument("--people", type=int, default=10, metavar="N", help="1 to 24 (default: 10)")
    top.add_argument("--seconds", type=float, default=10, metavar="S", help="default: 10")
    top.add_argument("--seed", type=int, default=0, metavar="N", help="of what is made (default 0)")
    top.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    options = top.parse_args(argv)
    if not 1 <= options.people <= MAX_PEOPLE or not 0 < options.seconds <= 3600:
        raise DataError(f"--people is 1 to {MAX_PEOPLE}, --seconds more than 0.")
    rng = np.random.default_rng(options.seed)
    pictures = pack_faces(options.data, 60, rng) if options.data else clip_faces()
    pictures = [picture for picture in pictures if picture.frontal]
    with (
        write_under_hidden_name(options.clip, overwrite=options.overwrite) as hidden,
        av.open(str(hidden), "w") as container,
    ):
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.options = {"crf": "20", "preset": "veryfast"}
        for image in frames(
            pictures, people=options.people, seconds=options.seconds, seed=options.seed
        ):
            container.mux(stream.encode(VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
