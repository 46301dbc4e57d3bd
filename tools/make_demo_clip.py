"""Makes `app/assets/demo.mp4`, the clip that lets anybody see the recogniser work without a camera.

A camera wanders over a table with photographs from Darwin's "The Expression of the Emotions in Man
and Animals" (1872). People change their expressions, by cross-fades between the photographs that
Darwin has of them; one passage shows nobody; at the end, several people are in view, and NASA's
portrait of Eileen Collins is laid down, taken away and laid down again. Each print bears Darwin's
word for the expression, so that everybody sees where the program says something else.

Pictures and words were chosen by what Darwin shows, never by what the model reads. Run it as
`python -m tools.make_demo_clip --overwrite` (scikit-image is a development dependency). Two runs
give the same frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.defaults import DEMO_CLIP, PORTRAIT_CLIP
from app.process.console import DONE, run_command
from tools.clip_film import (
    BEAT_S,
    SAMPLE_RATE_HZ,
    FilmFormat,
    parse_clip_options,
    pluck_notes,
    write_film,
)
from tools.darwin_plates import find_face, read_plate
from tools.make_portrait_clip import FACE_XYXY, read_portrait
from tools.prints import (
    Floats,
    Keys,
    Layer,
    cut_out,
    interpolate_keys,
    paste,
    project,
    reduce_canvas,
    round_corners,
    shift,
    turn,
    zoom,
)

WIDTH_PX, HEIGHT_PX, FPS, FRAMES = 640, 480, 25, 700
SIZE_WH = (WIDTH_PX, HEIGHT_PX)
MAX_BYTES = 1_500_000
CRF = 26.0
CANVAS_SCALE = 2  # each frame is drawn at twice its size and averaged down: smooth edges

# A print, in units of the table: one unit is a pixel of a frame at zoom 1.
CARD_WH = (300, 404)
WINDOW_WH = (276, 344)  # the picture; the word stands under it
BORDER = 12
MARGIN = 40  # for the shadow
FACE_Y = 0.47  # the middle of the face in the window, of its height
FACE_WIDTH = 138.0  # of a face on a print, as a face detector draws its box
TEXTURE_SCALE = 2
WORD_PX = 22  # the height of the letters
PAPER, INK = 0.965, 0.22
FADE_S = 0.4
FACE_REACH = 0.5  # a face counts as whole where this share of its width is in view on each side

TABLE_XYXY = (-800, -800, 3600, 900)
PLANK = 132  # the width of a plank of the table
WOOD = ((0.30, 0.235, 0.19), (0.325, 0.255, 0.205), (0.285, 0.225, 0.185))  # RGB
SEAM = 0.75  # how dark the seams are

# The camera: (second, x, y of what it looks at, zoom, turn in degrees).
CAMERA: Keys = (
    (0.0, 20, 6, 1.10, -1.0),
    (2.4, 34, 2, 1.17, 0.8),
    (4.4, 8, 8, 1.12, -0.8),
    (5.6, 22, 4, 1.16, 0.4),
    (6.7, 418, 38, 1.08, -1.0),
    (8.4, 436, 32, 1.16, 0.8),
    (9.8, 424, 38, 1.12, -0.2),
    (10.9, 846, -18, 1.10, 1.0),
    (13.2, 862, -22, 1.17, -0.8),
    (16.2, 846, -16, 1.13, 0.6),
    (17.2, 1330, -10, 0.95, -0.4),
    (18.0, 1480, 0, 0.90, -0.8),
    (19.3, 2190, 4, 0.66, -0.4),
    (20.2, 2206, -2, 0.65, 0.4),
    (21.4, 2330, 6, 0.55, 0.0),
    (24.6, 2314, 10, 0.54, 1.0),
    (28.0, 2330, 2, 0.55, -0.6),
)


@dataclass(frozen=True, slots=True)
class Print:
    """A print on the table.

    Attributes:
        way: Where its middle is: (second, x, y, turn in degrees).
        shows: What it shows from which second on: (second, plate, figure). Pictures of one person
            follow each other in a cross-fade. None in place of a plate: NASA's portrait.
    """

    way: Keys
    shows: tuple[tuple[float, str | None, int], ...]


def _lie(x: float, y: float, turn_deg: float) -> Keys:
    return ((0.0, x, y, turn_deg), (1.0, x, y, turn_deg))


PRINTS = (
    Print(_lie(0, 0, -2), ((0.0, "plate-3", 4), (1.7, "plate-3", 5), (3.7, "plate-3", 6))),
    Print(_lie(424, 34, 2.5), ((0.0, "plate-2", 1), (8.0, "plate-2", 2))),
    Print(
        _lie(846, -22, -1.5),
        ((0.0, "plate-5", 2), (12.3, "plate-6", 2), (14.2, "plate-7", 1)),
    ),
    Print(_lie(2000, -222, -1), ((0.0, "plate-1", 3),)),
    Print(_lie(2330, -216, 1.5), ((0.0, "plate-3", 1),)),
    Print(_lie(2660, -224, -0.5), ((0.0, "plate-7", 2),)),
    Print(
        _lie(2004, 226, 1.5),
        ((0.0, "plate-2", 7), (21.6, "plate-2", 5), (23.6, "plate-1", 6)),
    ),
    Print(_lie(2662, 222, 1), ((0.0, "plate-5", 1),)),
    Print(
        (
            (0.0, 2330, 800, 12),
            (20.6, 2330, 800, 12),
            (21.4, 2332, 224, -2),
            (22.9, 2332, 224, -2),
            (23.5, 2360, 800, -14),
            (25.0, 2330, 800, 12),
            (25.7, 2330, 226, -1),
            (28.0, 2330, 226, -1),
        ),
        ((0.0, None, 0),),
    ),
)
MELODY = (0, 7, 12, 15, 19, 15, 12, 7, -4, 3, 8, 12, 15, 12, 8, 3, -2, 5, 10, 14, 17, 14, 10, 5)
ROOM_LEVEL = 0.004  # of the noise under the notes: a quiet room
ROOM_WAVES_HZ = (61.0, 97.0, 143.0, 211.0, 307.0)  # hum of a room; none divides another


def find_shown(shows: Sequence[tuple[float, str | None, int]], time_s: float) -> tuple[int, float]:
    """Finds what a print shows at a time: the place in `shows` of what is coming or there, and how
    much of it is there already, 0..1."""
    place = max(number for number, part in enumerate(shows) if part[0] <= time_s)
    return place, 1.0 if place == 0 else min((time_s - shows[place][0]) / FADE_S, 1.0)


def find_camera(time_s: float) -> Floats:
    """Computes the matrix that leads from the table to the frame."""
    x, y, scale, turn_deg = interpolate_keys(CAMERA, time_s)
    matrix: Floats = (
        shift(WIDTH_PX / 2, HEIGHT_PX / 2) @ zoom(scale) @ turn(turn_deg) @ shift(-x, -y)
    )
    return matrix


def find_card(one: Print, time_s: float) -> Floats:
    """Computes the matrix that leads from a print, whose upper left corner is the origin, to the
    table."""
    x, y, turn_deg = interpolate_keys(one.way, time_s)
    matrix: Floats = shift(x, y) @ turn(turn_deg) @ shift(-CARD_WH[0] / 2, -CARD_WH[1] / 2)
    return matrix


def count_whole_faces(index: int) -> int | None:
    """Counts the whole faces that frame `index` shows; None while one passes an edge."""
    time_s = index / FPS
    count = 0
    middle = (CARD_WH[0] / 2, BORDER + FACE_Y * WINDOW_WH[1])
    reach = FACE_REACH * FACE_WIDTH
    corners = np.array([[x, y] for x in (-reach, reach) for y in (-reach, reach)]) + middle
    for one in PRINTS:
        points = project(corners, find_camera(time_s) @ find_card(one, time_s))
        low, high = points.min(axis=0), points.max(axis=0)
        if (low >= 0).all() and (high <= SIZE_WH).all():
            count += 1
        elif (high > 0).all() and (low < SIZE_WH).all():
            return None
    return count


def draw_frame(index: int) -> NDArray[np.uint8]:
    """Draws frame `index`, uint8 (480, 640, 3) RGB."""
    time_s = index / FPS
    to_canvas = zoom(CANVAS_SCALE) @ find_camera(time_s)
    canvas = _draw_table(to_canvas)
    for one in PRINTS:
        from_texture = find_card(one, time_s) @ shift(-MARGIN, -MARGIN) @ zoom(1 / TEXTURE_SCALE)
        matrix = to_canvas @ from_texture
        if _is_in_view(matrix, canvas):
            paste(canvas, _draw_print(one, time_s), matrix)
    return reduce_canvas(canvas, SIZE_WH)


def _is_in_view(matrix: Floats, canvas: Layer) -> bool:
    width, height = (TEXTURE_SCALE * (side + 2 * MARGIN) for side in CARD_WH)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    points = project(corners, matrix)
    size_wh = canvas.shape[1], canvas.shape[0]
    return bool((points.max(axis=0) > 0).all() and (points.min(axis=0) < size_wh).all())


def _draw_print(one: Print, time_s: float) -> Layer:
    place, share = find_shown(one.shows, time_s)
    layer = _draw_card(*one.shows[place][1:])
    if share == 1.0:
        return layer
    before = _draw_card(*one.shows[place - 1][1:])
    faded: Layer = (share * layer + (1 - share) * before).astype(np.float32)
    return faded


@cache
def _draw_card(plate: str | None, figure: int) -> Layer:
    """Draws a print with its border, its word and its shadow."""
    scale = TEXTURE_SCALE
    wide, high = (scale * (side + 2 * MARGIN) for side in CARD_WH)
    paper = round_corners((high, wide), scale * MARGIN, scale * 5)
    colour = np.full((high, wide, 3), PAPER, np.float32)
    x, y = scale * (MARGIN + BORDER), scale * (MARGIN + BORDER)
    picture, words = _cut_picture(plate, figure)
    colour[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    _write_words(colour, words, y + picture.shape[0] + scale * 31)
    return cut_out(colour, paper, scale * MARGIN)


def _cut_picture(plate: str | None, figure: int) -> tuple[Layer, str]:
    """Cuts out the picture of a face, so that all faces of one person lie at the same place, and
    words for it. Around the picture, a plate is white, and so is the print."""
    if plate is None:
        whole = read_portrait()
        x0, y0, x1, y1 = FACE_XYXY
        face_xys = (x0 + x1) / 2, (y0 + y1) / 2, float(x1 - x0)
        words = "Eileen Collins, NASA"
    else:
        face = find_face(plate, figure)
        face_xys = face.face_xys
        x0, y0, x1, y1 = face.picture_xyxy
        whole = np.full(read_plate(plate).shape, PAPER, np.float32)
        whole[y0:y1, x0:x1] = PAPER / 255 * read_plate(plate)[y0:y1, x0:x1, ::-1]
        words = f"{face.name}: {face.said}"
    size_wh = TEXTURE_SCALE * WINDOW_WH[0], TEXTURE_SCALE * WINDOW_WH[1]
    matrix = (
        shift(size_wh[0] / 2 - 0.5, FACE_Y * size_wh[1] - 0.5)
        @ zoom(TEXTURE_SCALE * FACE_WIDTH / face_xys[2])
        @ shift(0.5 - face_xys[0], 0.5 - face_xys[1])
    )
    picture = cv2.warpPerspective(
        whole,
        matrix,
        size_wh,
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(PAPER,) * 3,
    )
    return np.clip(picture, 0, 1).astype(np.float32), words


def _write_words(colour: Layer, words: str, baseline_px: int) -> None:
    """Writes words into the middle of a sheet, in place."""
    font, size = cv2.FontFace("sans"), TEXTURE_SCALE * WORD_PX
    room = TEXTURE_SCALE * WINDOW_WH[0]
    sheet = np.zeros(colour.shape, np.uint8)
    while True:
        end, _ = cv2.putText(sheet, words, (0, baseline_px), (255,) * 3, font, size, 400)
        if end[0] <= room:
            break
        size -= 1
        sheet[:] = 0
    sheet = np.roll(sheet, (colour.shape[1] - int(end[0])) // 2, axis=1)
    ink = sheet[..., :1].astype(np.float32) / 255
    colour *= 1 - ink
    colour += INK * ink


@cache
def _paint_table() -> NDArray[np.uint8]:
    """Paints the planks of the table, RGB, one pixel a unit."""
    x0, y0, x1, y1 = TABLE_XYXY
    y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    plank = np.floor(y / PLANK).astype(int)
    tone = np.asarray(WOOD, np.float32)[plank % len(WOOD)]
    # Slow changes along each plank, so that a camera that moves is seen to move.
    along = 1 + 0.05 * np.sin(x / 170 + 2.4 * plank) + 0.03 * np.sin(x / 61 + 1.3 * plank)
    depth = np.abs(y / PLANK - np.rint(y / PLANK)) * PLANK  # from the nearest seam
    seam = 1 - (1 - SEAM) * np.clip(1.5 - depth, 0, 1)
    colour = tone * (along * seam)[..., None]
    table: NDArray[np.uint8] = np.clip(np.rint(255 * colour), 0, 255).astype(np.uint8)
    return table


def _draw_table(to_canvas: Floats) -> Layer:
    x0, y0, _, _ = TABLE_XYXY
    size_wh = CANVAS_SCALE * WIDTH_PX, CANVAS_SCALE * HEIGHT_PX
    drawn = cv2.warpPerspective(
        _paint_table(),
        shift(-0.5, -0.5) @ to_canvas @ shift(x0 + 0.5, y0 + 0.5),
        size_wh,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(drawn, np.float32) / np.float32(255)


def make_sound() -> NDArray[np.float32]:
    """Computes the sound of the clip: slow plucked notes over the hum of a quiet room."""
    length = FRAMES * SAMPLE_RATE_HZ // FPS
    beats = int(FRAMES / FPS / BEAT_S)
    notes = [MELODY[beat % len(MELODY)] for beat in range(beats)]
    t = np.arange(length) / SAMPLE_RATE_HZ
    hum = sum(np.sin(2 * np.pi * wave_hz * t) for wave_hz in ROOM_WAVES_HZ)
    sound: NDArray[np.float32] = (
        pluck_notes(notes, length) + ROOM_LEVEL * np.asarray(hum) / len(ROOM_WAVES_HZ)
    ).astype(np.float32)
    return sound


def write_clip(path: Path, *, overwrite: bool) -> int:
    """Writes the clip to `path`. Returns its size in bytes. Raises `SinkError`, and `DataError`
    where a picture that it is made of is missing."""
    return write_film(
        path,
        map(draw_frame, range(FRAMES)),
        make_sound(),
        FilmFormat(SIZE_WH, FPS, CRF, tune="film"),
        max_bytes=MAX_BYTES,
        overwrite=overwrite,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Makes the clip. Returns the exit code."""

    def make() -> int:
        options = parse_clip_options(
            "python -m tools.make_demo_clip",
            "Makes the demo clip from Darwin's plates and NASA's portrait.",
            DEMO_CLIP,
            [PORTRAIT_CLIP],
            argv,
        )
        size = write_clip(options.output, overwrite=options.overwrite)
        print(f"{options.output}: {FRAMES} frames, {FRAMES / FPS:.1f} s, {size:,} bytes")
        return DONE

    return run_command(make)


if __name__ == "__main__":
    raise SystemExit(main())
