"""Frames made for measuring a face detector: real faces at known places, and frames without any.

Faces come from a prepared file's validation pictures or, without one, from the portrait clip. Each
is what the detector of training saw in its own enlarged picture: that says where face and landmarks
are, whatever frame the picture is then set into.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from app.defaults import PORTRAIT_CLIP
from app.detection.mediapipe_detector import Detector
from app.types import Face, Image
from training.datasets.landmarks import MIN_SCORE, find_faces
from training.datasets.pack_reader import read_pack

WIDTH_PX, HEIGHT_PX = 1280, 720
MAX_TURN = 0.25  # of the nose from between the eyes, in eye distances, to count as frontal
EARS, FRONTAL_SCORE = 0.4, 0.6


@dataclass(frozen=True, slots=True)
class FacePicture:
    """A picture `(S, S, 3)` of a face and where `face` is in it. `votes (V,)` are empty where
    nobody labelled it."""

    picture: Image
    face: Face
    votes: NDArray[np.uint8]
    name: str

    @property
    def roll_deg(self) -> float:
        across = self.face.landmarks[1] - self.face.landmarks[0]
        return float(np.degrees(np.arctan2(across[1], across[0])))

    @property
    def frontal(self) -> bool:
        """Nose between the eyes, as far from one ear as from the other within `EARS`, and found
        with some certainty in its own picture: on profiles the landmarks are guesses."""
        right_eye, left_eye, nose, _, right_ear, left_ear = self.face.landmarks.astype(np.float64)
        across = left_eye - right_eye
        along = (nose - (right_eye + left_eye) / 2) @ across / (across @ across)
        sides = sorted([(nose - right_ear) @ across, (left_ear - nose) @ across])
        level = sides[0] > EARS * sides[1]
        return bool(abs(along) < MAX_TURN and level and self.face.score >= FRONTAL_SCORE)


@dataclass(frozen=True, slots=True)
class Placed:
    """A face of known place in a frame; `source` is its row in the list of pictures."""

    face: Face
    source: int


def pack_faces(path: Path, count: int, rng: np.random.Generator) -> list[FacePicture]:
    """Up to `count` faces of the validation split, in which the detector finds a face and the
    votes, where the set knows such a vote, do not say that there is none."""
    pack = read_pack(path)
    names = list(pack.meta.vote_names)
    found: list[FacePicture] = []
    with Detector(min_score=MIN_SCORE) as detector:
        for row in rng.permutation(pack.find_rows("valid")).tolist():
            if len(found) == count:
                break
            votes = pack.votes[row]
            if "NF" in names and votes[names.index("NF")] > 0:
                continue
            pixels = pack.decode(row, "rgb").transpose(1, 2, 0)
            faces = find_faces(detector, pixels)
            if faces:
                picture = np.ascontiguousarray(pixels[..., ::-1])
                found.append(FacePicture(picture, faces[0], votes, pack.names[row]))
    return found


def clip_faces() -> list[FacePicture]:
    """The portrait clip's face, from some of its frames."""
    found = []
    with av.open(str(PORTRAIT_CLIP)) as container, Detector() as detector:
        for index, frame in enumerate(container.decode(video=0)):
            if index % 10 or index > 110:
                continue
            image = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            for face in detector.detect(image)[:1]:
                x, y = face.landmarks[:4].mean(axis=0)
                reach = 0.61 * face.width_px  # as tight as FER2013's pictures
                x0, y0 = max(0, int(x - reach)), max(0, int(y - reach))
                part = image[y0 : int(y + reach), x0 : int(x + reach)]
                shifted = moved(face, np.array([[1.0, 0, -x0], [0, 1.0, -y0]]))
                found.append(FacePicture(part, shifted, np.zeros(0, np.uint8), f"clip {index}"))
    return found


def moved(face: Face, matrix: NDArray[np.float64]) -> Face:
    """A face after the similarity `matrix (2, 3)`; its box stays upright and square to the axes."""
    x0, y0, x1, y1 = face.box_xyxy
    scale = float(np.sqrt(np.linalg.det(matrix[:, :2])))
    x, y = matrix[:, :2] @ ((x0 + x1) / 2, (y0 + y1) / 2) + matrix[:, 2]
    half_w, half_h = scale * (x1 - x0) / 2, scale * (y1 - y0) / 2
    points = face.landmarks @ matrix[:, :2].T + matrix[:, 2]
    box = (float(x - half_w), float(y - half_h), float(x + half_w), float(y + half_h))
    return Face(box, points.astype(np.float32), face.score)


def paste(
    frame: Image,
    source: FacePicture,
    *,
    centre_xy: tuple[float, float],
    side_px: float,
    roll: float,
) -> Face:
    """Sets a picture into `frame` so that the face's box is `side_px` wide about `centre_xy` and
    its eyes lie at `roll` degrees. Changes `frame`; the border is blended in."""
    x0, y0, x1, y1 = source.face.box_xyxy
    scale = side_px / (x1 - x0)
    angle = np.radians(roll - source.roll_deg)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = np.array(centre_xy) - turn @ ((x0 + x1) / 2, (y0 + y1) / 2)
    matrix = np.column_stack([turn, shift])
    height, width = source.picture.shape[:2]
    edge = max(1, round(0.04 * width))
    mask = np.zeros((height, width), np.float32)
    mask[edge : height - edge, edge : width - edge] = 1
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.6, edge / 2)), np.float32)
    corners = np.array([(0, 0), (width, 0), (0, height), (width, height)]) @ turn.T + shift
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int), (frame.shape[1], frame.shape[0]))
    if (low >= high).any():
        return moved(source.face, matrix)
    picture, turned = source.picture, matrix.copy()
    if scale < 1:  # averaged first, as a camera would
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = np.asarray(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), np.uint8)
        mask = np.asarray(cv2.resize(mask, small, interpolation=cv2.INTER_AREA), np.float32)
        turned[:, :2] = turned[:, :2] @ np.diag([width / small[0], height / small[1]])
    turned[:, 2] += turned[:, :2] @ (0.5, 0.5) - 0.5 - low
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    face = cv2.warpAffine(
        picture, turned, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    share = cv2.warpAffine(mask, turned, size, flags=cv2.INTER_LINEAR)[..., None]
    part = frame[low[1] : high[1], low[0] : high[0]]
    part[:] = np.clip(share * face + (1 - share) * part + 0.5, 0, 255).astype(np.uint8)
    return moved(source.face, matrix)


def background(rng: np.random.Generator, real: Sequence[Image] = ()) -> Image:
    """A frame `(720, 1280, 3)` without a face: clouds of many scales, shapes, stripes, text and
    noise, or, at every second call where there are any, a part of a `real` picture."""
    if real and rng.random() < 0.5:
        picture = real[int(rng.integers(len(real)))]
        height, width = picture.shape[:2]
        w = int(rng.uniform(0.4, 1.0) * min(width, height * WIDTH_PX / HEIGHT_PX))
        h = max(1, w * HEIGHT_PX // WIDTH_PX)
        x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
        part = picture[y : y + h, x : x + w][:, :: 1 if rng.random() < 0.5 else -1]
        frame = cv2.resize(part, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
        light = rng.uniform(0.6, 1.3)
        return np.asarray(np.clip(frame * light, 0, 255), np.uint8)
    frame = np.full((HEIGHT_PX, WIDTH_PX, 3), rng.uniform(40, 200, 3), np.float32)
    for cells in (4, 9, 20, 60):
        # As in the world, light varies more than colour does.
        shape = (cells, cells * 16 // 9)
        cloud = rng.normal(0, 1, (*shape, 1)) + 0.3 * rng.normal(0, 1, (*shape, 3))
        frame += (
            rng.uniform(0, 60)
            / np.sqrt(cells / 4)
            * cv2.resize(
                cloud.astype(np.float32), (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_LINEAR
            )
        )
    frame = np.clip(frame, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(0, 25))):
        colour = rng.integers(0, 256, 3).tolist()
        x, y = int(rng.integers(WIDTH_PX)), int(rng.integers(HEIGHT_PX))
        size = int(np.exp(rng.uniform(np.log(8), np.log(300))))
        kind = rng.integers(4)
        if kind == 0:
            cv2.rectangle(
                frame, (x, y), (x + size, y + int(size * rng.uniform(0.3, 2))), colour, -1
            )
        elif kind == 1:
            axes = (size // 2 + 1, int(size * rng.uniform(0.3, 0.8)) + 1)
            cv2.ellipse(frame, (x, y), axes, rng.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
        elif kind == 2:
            for step in range(0, size, max(4, size // 8)):
                cv2.line(frame, (x + step, y), (x + step, y + size), colour, 2)
        else:
            cv2.putText(frame, "Window 08", (x, y), cv2.FONT_HERSHEY_SIMPLEX, size / 60, colour, 2)
    noise = rng.normal(0, rng.uniform(0, 8), (HEIGHT_PX, WIDTH_PX, 1)).astype(np.float32)
    return np.asarray(np.clip(frame + noise, 0, 255), np.uint8)


def face_frames(
    pictures: Sequence[FacePicture],
    *,
    count: int,
    sides_px: tuple[float, float],
    max_roll_deg: float,
    rng: np.random.Generator,
    real: Sequence[Image] = (),
) -> Iterator[tuple[Image, tuple[Placed, ...]]]:
    """Frames with `count` faces in all, as many in each as have room (at most 4), with boxes from
    the first to the second side (evenly in the logarithm), wholly in view where they fit."""
    done = 0
    while done < count:
        frame = background(rng, real).copy()
        placed: list[Placed] = []
        taken: list[tuple[float, float, float]] = []
        for _ in range(8):
            side = float(np.exp(rng.uniform(*np.log(sides_px))))
            reach = 0.72 * side
            x = rng.uniform(min(reach, WIDTH_PX / 2), max(WIDTH_PX - reach, WIDTH_PX / 2))
            y = rng.uniform(min(reach, HEIGHT_PX / 2), max(HEIGHT_PX - reach, HEIGHT_PX / 2))
            if any(max(abs(x - u), abs(y - v)) < reach + r for u, v, r in taken):
                continue
            source = int(rng.integers(len(pictures)))
            roll = rng.uniform(-max_roll_deg, max_roll_deg)
            face = paste(frame, pictures[source], centre_xy=(x, y), side_px=side, roll=roll)
            placed.append(Placed(face, source))
            taken.append((x, y, reach))
            done += 1
            if done == count or len(placed) == 4:
                break
        yield frame, tuple(placed)
