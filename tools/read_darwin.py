"""Reads Darwin's plates, and writes the table and the pictures of docs/darwin.md:

python -m tools.read_darwin [--model MODEL]

Each plate is read as a picture, as `run_demo.py --image` reads it, with the defaults of the
program. The table lies between two marks in docs/darwin.md; pictures are docs/plates/read-*.jpg.
"""

import argparse
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from app.defaults import DEFAULT_MODEL, ROOT
from app.errors import DataError
from app.files.atomic import write_text, write_whole
from app.recogniser import Recogniser
from app.types import FrameResult, Image, TrackedFace
from tools.darwin_plates import FACES, PLATES, DarwinFace, list_plates
from training.base.cli import run_entry_point

PAGE = ROOT / "docs" / "darwin.md"
BEGIN, END = "<!-- readings: begin -->", "<!-- readings: end -->"
LONGER_SIDE_PX = 720  # of the pictures of the page
QUALITY = 78
LINE = 118  # letters of a line of the page
HEAD = (
    "| | Darwin | in today's words | largest probability | second | shown | |\n"
    "|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the program reads of one of Darwin's faces.

    Attributes:
        face: The face.
        shares: The probability of each label, the largest first; empty where no face was found.
        shown: The label that the program shows, with the reason for "unsure".
    """

    face: DarwinFace
    shares: tuple[tuple[str, float], ...] = ()
    shown: str = ""

    @property
    def is_right(self) -> bool:
        """True where the largest probability is that of a label that agrees with Darwin."""
        return bool(self.shares) and self.shares[0][0] in self.face.labels


def find_in(faces: Sequence[TrackedFace], x: float, y: float) -> TrackedFace | None:
    """Finds the face whose box has the point, px; of several, the one with the nearest middle."""

    def measure_distance(one: TrackedFace) -> float:
        x0, y0, x1, y1 = one.face.box_xyxy
        return float(abs(x0 + x1 - 2 * x) + abs(y0 + y1 - 2 * y))

    there = [
        one
        for one in faces
        if one.face.box_xyxy[0] <= x <= one.face.box_xyxy[2]
        and one.face.box_xyxy[1] <= y <= one.face.box_xyxy[3]
    ]
    return min(there, key=measure_distance, default=None)


def read_faces(result: FrameResult, faces: Sequence[DarwinFace]) -> list[Reading]:
    """Reads the faces of a plate out of its result."""
    readings = []
    for face in faces:
        found = find_in(result.faces, *face.face_xys[:2])
        if found is None:
            readings.append(Reading(face))
            continue
        shares = zip(result.labels, found.probabilities.tolist(), strict=True)
        ordered = tuple(sorted(shares, key=lambda share: -share[1]))
        shown = found.label if found.reason is None else f"{found.label} ({found.reason})"
        readings.append(Reading(face, ordered, shown))
    return readings


def format_row(reading: Reading) -> str:
    """Words a row of the table."""
    face = reading.face
    cells = [face.name.removeprefix("Plate "), face.said, " or ".join(face.labels) or "none"]
    if reading.shares:
        cells += [f"{label} {100 * share:.0f} %" for label, share in reading.shares[:2]]
        cells.append(reading.shown)
    else:
        cells += ["no face found", "", ""]
    cells.append(_judge(reading))
    return f"| {' | '.join(cells)} |"


def _judge(reading: Reading) -> str:
    if not reading.face.is_counted:
        return "not counted"
    if not reading.shares:
        return "not found"
    return "right" if reading.is_right else "wrong"


def format_summary(readings: Sequence[Reading], others: int) -> str:
    """Words how many faces were found, and how many are read as Darwin reads them."""
    found = [one for one in readings if one.shares]
    counted = [one for one in found if one.face.is_counted]
    right = sum(one.is_right for one in counted)
    plain = [one for one in counted if not one.shown.startswith("unsure")]
    plain_right = sum(one.is_right for one in plain)
    lost = ", ".join(one.face.name for one in readings if not one.shares)
    more = f" {others} other faces were found." if others != 1 else " 1 other face was found."
    return (
        f"The program finds {len(found)} of the {len(readings)} faces"
        f"{f' (not {lost})' if lost else ''}.{more if others else ''} "
        f"{len(counted)} of them count, and it reads **{right} of these as Darwin does**. It shows "
        f"a label for {len(plain)} of the {len(counted)}, {plain_right} of them right, and "
        f'"unsure" for the others.'
    )


def reduce_picture(picture: Image) -> Image:
    """Reduces a picture so that its longer side is `LONGER_SIDE_PX` at most."""
    scale = LONGER_SIDE_PX / max(picture.shape[:2])
    if scale >= 1:
        return picture
    reduced: Image = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return reduced


def replace_readings(page: str, text: str) -> str:
    """Replaces what lies between the marks of the page. Raises `DataError` without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise DataError(f"{PAGE} has no {BEGIN} and {END}. Put both marks into it.")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def read_all(recogniser: Recogniser, pictures: Path | None) -> tuple[list[Reading], int]:
    """Reads every plate and writes its picture into a folder, if there is one.

    Returns:
        The readings, and the number of faces that were found and are none of `FACES`.
    """
    readings, others = [], 0
    for plate in list_plates():
        result = recogniser.image(PLATES / f"{plate}.jpg")
        here = read_faces(result, [face for face in FACES if face.plate == plate])
        readings += here
        others += len(result.faces) - sum(bool(one.shares) for one in here)
        if pictures is not None:
            drawn = reduce_picture(recogniser.draw(result, "boxes"))
            path = pictures / f"read-{plate}.jpg"
            _, content = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            write_whole(path, content.tobytes(), overwrite=True)
            print(f"{path}: {len(content) / 1000:.0f} kB")
    return readings, others


def main(argv: Sequence[str] | None = None) -> int:
    top = argparse.ArgumentParser(
        prog="python -m tools.read_darwin",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
    )
    top.add_argument("--model", default=str(DEFAULT_MODEL), help="a name or an .onnx file")
    top.add_argument("--print", action="store_true", help="print the table, and write nothing")
    options = top.parse_args(argv)
    page = PAGE.read_text(encoding="utf-8")
    with Recogniser(options.model, device="cpu") as recogniser:
        readings, others = read_all(recogniser, None if options.print else PLATES)
    table = "\n".join([HEAD, *map(format_row, readings)])
    summary = format_summary(readings, others)
    if options.print:
        print(table, summary, sep="\n\n")
    else:
        words = textwrap.fill(summary, LINE, break_long_words=False, break_on_hyphens=False)
        write_text(PAGE, replace_readings(page, f"{words}\n\n{table}"), overwrite=True)
        print(summary)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
