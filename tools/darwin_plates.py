"""Lists the faces of Darwin's plates: where each is, and what Darwin says of it.

The plates are those of "The Expression of the Emotions in Man and Animals" (1872) in docs/plates.
Coordinates are pixels of these files. Nothing here was chosen by what a model reads.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from app.errors import DataError
from app.types import Image

PLATES = Path(__file__).resolve().parent.parent / "docs" / "plates"
ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII")


@dataclass(frozen=True, slots=True)
class DarwinFace:
    """A face on one of the plates.

    Attributes:
        plate: The file in docs/plates, without its suffix.
        figure: The number that is printed under the picture.
        said: What Darwin says of it, in few words.
        labels: The labels of the program that agree with it; empty where Darwin himself calls the
            expression false, or where the program has no label for it.
        picture_xyxy: The picture of the figure, px.
        face_xys: The middle of the face and its width, px, as the program's detector draws its
            box; by eye for the two that it does not find.
    """

    plate: str
    figure: int
    said: str
    labels: tuple[str, ...]
    picture_xyxy: tuple[int, int, int, int]
    face_xys: tuple[int, int, int]

    @property
    def is_counted(self) -> bool:
        """True where a label of the program would be right."""
        return bool(self.labels)

    @property
    def name(self) -> str:
        """The plate and the figure as the book has them, such as "Plate III, 5"."""
        if self.plate.startswith("fig"):
            return f"Figure {self.figure}"
        return f"Plate {ROMAN[int(self.plate.removeprefix('plate-')) - 1]}, {self.figure}"


FACES = (
    DarwinFace("plate-1", 1, "screaming", ("sadness",), (497, 45, 815, 437), (681, 208, 63)),
    DarwinFace("plate-1", 2, "screaming", ("sadness",), (45, 40, 370, 430), (253, 207, 76)),
    DarwinFace("plate-1", 3, "screaming", ("sadness",), (47, 525, 367, 913), (222, 663, 94)),
    DarwinFace("plate-1", 4, "screaming", ("sadness",), (42, 990, 368, 1387), (278, 1179, 83)),
    DarwinFace("plate-1", 5, "screaming", ("sadness",), (487, 530, 805, 915), (645, 690, 92)),
    DarwinFace("plate-1", 6, "weeping", ("sadness",), (490, 1000, 818, 1388), (635, 1179, 121)),
    DarwinFace("plate-2", 1, "natural state", ("neutral",), (24, 36, 254, 342), (145, 196, 154)),
    DarwinFace("plate-2", 2, "grief", ("sadness",), (648, 36, 874, 342), (775, 182, 128)),
    DarwinFace("plate-2", 4, "at rest", ("neutral",), (23, 391, 355, 741), (196, 617, 168)),
    DarwinFace("plate-2", 5, "grief", ("sadness",), (538, 388, 876, 741), (717, 541, 98)),
    DarwinFace(
        "plate-2", 6, "mouth drawn down", ("sadness",), (21, 792, 354, 1262), (249, 1075, 219)
    ),
    DarwinFace(
        "plate-2", 7, "mouth drawn down", ("sadness",), (542, 790, 877, 1261), (695, 941, 87)
    ),
    DarwinFace(
        "plate-3", 1, "smile or laughter", ("happiness",), (80, 50, 328, 378), (177, 261, 179)
    ),
    DarwinFace(
        "plate-3", 2, "smile or laughter", ("happiness",), (77, 450, 330, 776), (218, 613, 96)
    ),
    DarwinFace(
        "plate-3", 3, "smile or laughter", ("happiness",), (80, 846, 343, 1188), (189, 1008, 127)
    ),
    DarwinFace("plate-3", 4, "usual, passive", ("neutral",), (457, 54, 713, 380), (576, 231, 147)),
    DarwinFace(
        "plate-3", 5, "natural smile", ("happiness",), (462, 450, 717, 780), (592, 609, 135)
    ),
    DarwinFace("plate-3", 6, "false smile", (), (478, 846, 730, 1170), (601, 1005, 136)),
    DarwinFace(
        "plate-4", 1, "sneering", ("contempt", "anger"), (24, 27, 436, 523), (146, 256, 164)
    ),
    DarwinFace(
        "plate-4", 2, "angry crying", ("sadness", "anger"), (23, 794, 441, 1284), (219, 955, 100)
    ),
    DarwinFace("plate-5", 1, "disdain", ("contempt",), (247, 2, 572, 400), (356, 193, 164)),
    DarwinFace("plate-5", 2, "disgust", ("disgust",), (16, 471, 383, 1206), (154, 675, 107)),
    DarwinFace("plate-5", 3, "disgust", ("disgust",), (464, 473, 853, 1208), (651, 651, 112)),
    DarwinFace("plate-6", 1, "indignation", ("anger",), (546, 20, 849, 406), (725, 135, 95)),
    DarwinFace("plate-6", 2, "indignation", ("anger",), (16, 75, 514, 786), (277, 231, 127)),
    DarwinFace("plate-6", 3, "shrugging", (), (899, 71, 1409, 779), (1190, 246, 128)),
    DarwinFace("plate-6", 4, "shrugging", (), (554, 471, 855, 865), (720, 575, 88)),
    DarwinFace("plate-7", 1, "astonishment", ("surprise",), (57, 55, 530, 551), (281, 183, 79)),
    DarwinFace("plate-7", 2, "terror", ("fear",), (114, 680, 496, 1158), (313, 920, 206)),
    DarwinFace("fig20", 20, "terror", ("fear",), (12, 12, 808, 815), (412, 398, 293)),
    DarwinFace("fig21", 21, "horror and agony", ("fear",), (0, 38, 797, 830), (385, 390, 290)),
)


def list_plates() -> tuple[str, ...]:
    """Lists the names of the plates, in the order of the book."""
    return tuple(dict.fromkeys(face.plate for face in FACES))


def find_face(plate: str, figure: int) -> DarwinFace:
    """Finds a face by its plate and the number under its picture."""
    for face in FACES:
        if (face.plate, face.figure) == (plate, figure):
            return face
    raise KeyError(f"{plate} has no figure {figure}")


def read_plate(plate: str) -> Image:
    """Reads a plate, uint8 (H, W, 3) BGR. Raises `DataError`."""
    picture = cv2.imread(str(PLATES / f"{plate}.jpg"), cv2.IMREAD_COLOR)
    if picture is None:
        raise DataError(
            f"{PLATES / plate}.jpg is missing or damaged. Restore it: git checkout -- docs/plates"
        )
    return np.asarray(picture, np.uint8)
