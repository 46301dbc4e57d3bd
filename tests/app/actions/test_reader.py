"""Facial actions against truths that were made: turned, mirrored and rendered faces, closed eyes,
an open mouth; and against what is seen in real clips."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.actions.direct_landmarks import find_direct_read, read_publicly
from app.actions.head_pose import HeadPose
from app.actions.landmarker import FACE_LANDMARKER, Landmarker
from app.actions.reader import CROP_PX, ActionReader, map_back, place_crop
from app.crops import warp
from app.defaults import PORTRAIT_CLIP, ROOT
from app.detection.search import FaceSearch
from app.errors import ModelError
from app.pictures.reader import read_picture
from app.types import Face, FaceActions, Image
from tools.rendered_face import render_face

MEDIA = ROOT.parent / "shared" / "media"
needs_media = pytest.mark.skipif(
    not MEDIA.is_dir(), reason="needs real clips beside the project, in shared/media"
)
RIGHT_LIDS = [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7]
LEFT_LIDS = [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249]


@pytest.fixture(scope="module")
def landmarker() -> Iterator[Landmarker]:
    with Landmarker() as landmarker:
        yield landmarker


@pytest.fixture(scope="module")
def reader(landmarker: Landmarker) -> ActionReader:
    return ActionReader(landmarker)


@pytest.fixture(scope="module")
def search() -> Iterator[FaceSearch]:
    with FaceSearch() as search:
        yield search


@pytest.fixture(scope="module")
def portrait() -> Image:
    """The first frame of the portrait clip, twice as large: a woman who smiles into the camera."""
    ok, image = cv2.VideoCapture(str(PORTRAIT_CLIP)).read()
    assert ok
    return np.asarray(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture(scope="module")
def face(search: FaceSearch, portrait: Image) -> Face:
    (found,) = search.detect(portrait)
    return found


@pytest.fixture(scope="module")
def points(landmarker: Landmarker, portrait: Image, face: Face) -> np.ndarray:
    matrix = place_crop(face, 0.5)
    mesh = landmarker.read(warp(portrait, matrix, CROP_PX))
    assert mesh is not None
    return map_back(mesh.points, matrix)


def read(reader: ActionReader, image: Image, face: Face) -> FaceActions:
    found = reader.read(image, face)
    assert found is not None
    return found


def find_and_read(reader: ActionReader, search: FaceSearch, image: Image) -> FaceActions:
    (face,) = search.detect(image)
    return read(reader, image, face)


def test_the_portrait_smiles_with_open_eyes_and_a_closed_jaw(reader, portrait, face) -> None:
    actions = read(reader, portrait, face)
    assert min(actions.coefficients[f"mouthSmile{side}"] for side in ("Left", "Right")) > 0.8
    assert actions.blink < 0.15
    assert actions.coefficients["jawOpen"] < 0.1
    assert abs(actions.look_x) < 0.2
    assert all(0 <= share <= 1 for share in actions.coefficients.values())


@pytest.mark.parametrize("turn_deg", [-150, -90, -45, -20, 20, 45, 90, 150])
def test_roll_is_that_of_a_turned_picture(reader, portrait, face, turn_deg: int) -> None:
    """Counterclockwise as seen is positive; pose and smile stay."""
    (height, width), before = portrait.shape[:2], read(reader, portrait, face)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn_deg, 1.0)
    turned = cv2.warpAffine(portrait, matrix, (width, height))
    landmarks = face.landmarks @ matrix[:, :2].T + matrix[:, 2]
    centre = matrix[:, :2] @ (np.array(face.box_xyxy).reshape(2, 2).mean(0)) + matrix[:, 2]
    half = face.width_px / 2
    box = (*(centre - half).tolist(), *(centre + half).tolist())
    after = read(reader, turned, Face(box, landmarks.astype(np.float32), 0.9))
    change = (after.head_roll_deg - before.head_roll_deg - turn_deg + 180) % 360 - 180
    assert abs(change) < 3
    assert after.head_yaw_deg == pytest.approx(before.head_yaw_deg, abs=3)
    assert after.head_pitch_deg == pytest.approx(before.head_pitch_deg, abs=3)
    assert after.coefficients["mouthSmileLeft"] > 0.8


def test_a_mirrored_picture_has_the_other_yaw_and_roll(reader, search, portrait, points) -> None:
    turned = render_face(portrait, points, HeadPose(25, 0, 10), (0, 0, 50), (1280, 720))
    plain = find_and_read(reader, search, turned)
    mirrored = find_and_read(reader, search, np.ascontiguousarray(turned[:, ::-1]))
    assert plain.head_yaw_deg > 20
    assert mirrored.head_yaw_deg == pytest.approx(-plain.head_yaw_deg, abs=5)
    assert mirrored.head_roll_deg == pytest.approx(-plain.head_roll_deg, abs=3)
    assert mirrored.head_pitch_deg == pytest.approx(plain.head_pitch_deg, abs=3)


@pytest.mark.parametrize(
    ("pose", "place_cm"),
    [
        (HeadPose(yaw, 0, 0), (0, 0, 50)) for yaw in (-30, -15, 0, 15, 30)
    ] + [
        (HeadPose(0, pitch, 0), (0, 0, 50)) for pitch in (-12, 12, 25)
    ] + [
        (HeadPose(0, 0, -40), (0, 0, 50)),
        (HeadPose(0, 0, 0), (-18, 0, 50)),  # 20 degrees beside the camera's axis
        (HeadPose(0, 0, 0), (18, 0, 50)),
        (HeadPose(10, 5, 10), (-9, 5, 50)),
        (HeadPose(0, 0, 0), (0, 0, 120)),
    ],
)  # fmt: skip
def test_rendered_heads_have_their_pose_within_5_degrees(
    reader, search, portrait, points, pose, place_cm
) -> None:
    image = render_face(portrait, points, pose, place_cm, (1280, 720))
    found = find_and_read(reader, search, image)
    measured = (found.head_yaw_deg, found.head_pitch_deg, found.head_roll_deg)
    assert measured == pytest.approx(pose, abs=5)


def test_eyes_that_are_painted_shut_blink(reader, portrait, face, points) -> None:
    mask = np.zeros(portrait.shape[:2], np.uint8)
    for lids in (RIGHT_LIDS, LEFT_LIDS):
        cv2.fillPoly(mask, [points[lids].round().astype(np.int32)], 255)
    mask = cv2.dilate(mask, np.ones((7, 7), np.uint8))
    closed = cv2.inpaint(portrait, mask, 5, cv2.INPAINT_TELEA)
    for lids in (RIGHT_LIDS, LEFT_LIDS):  # the lashes, at the lower lid
        lower = points[[*lids[8:], lids[0]]].round().astype(np.int32)
        cv2.polylines(closed, [lower], False, (30, 40, 60), 3, cv2.LINE_AA)
    before, after = read(reader, portrait, face), read(reader, closed, face)
    assert after.blink > before.blink + 0.2


def test_a_mouth_that_is_torn_open_opens_the_jaw(reader, portrait, face, points) -> None:
    height, width = portrait.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    lips_y, middle_x = points[[13, 14], 1].mean(), points[13, 0]
    half_px = abs(points[61, 0] - points[291, 0]) / 2
    gap_px = 0.15 * face.height_px * np.clip(1 - ((x - middle_x) / half_px) ** 2, 0, 1)
    below = y > lips_y
    source_y = np.where(below, np.maximum(lips_y, y - gap_px), y).astype(np.float32)
    opened = cv2.remap(portrait, x, source_y, cv2.INTER_LINEAR)
    opened[below & (y - gap_px < lips_y)] = (30, 20, 50)
    before, after = read(reader, portrait, face), read(reader, opened, face)
    assert after.coefficients["jawOpen"] > before.coefficients["jawOpen"] + 0.15


def test_a_small_face_is_enlarged(reader, search, portrait) -> None:
    small = cv2.resize(portrait, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
    (face,) = search.detect(small)
    assert face.width_px < 64
    actions = read(reader, small, face)
    assert actions.coefficients["mouthSmileLeft"] > 0.6
    assert actions.blink < 0.2


def test_no_face_has_no_actions(reader, portrait, face) -> None:
    assert reader.read(np.full_like(portrait, 128), face) is None
    nowhere = Face((0, 0, 0, 0), face.landmarks, 0.9)
    assert reader.read(portrait, nowhere) is None
    endless = Face((0, 0, np.inf, 1), face.landmarks, 0.9)
    assert reader.read(portrait, endless) is None


def test_a_neighbour_is_not_taken_for_the_face(reader, portrait, face) -> None:
    """At the place of a face that is gone, its neighbour is in view."""
    gone = Face(
        (face.box_xyxy[0] - face.width_px, *face.box_xyxy[1:2], face.box_xyxy[0],
         face.box_xyxy[3]),
        face.landmarks - np.float32([face.width_px, 0]),
        0.9,
    )  # fmt: skip
    assert reader.read(portrait, gone) is None


def test_the_direct_call_gives_what_the_public_one_gives(landmarker, portrait, face) -> None:
    crop = warp(portrait, place_crop(face, 0.5), CROP_PX)
    direct = find_direct_read(landmarker._landmarker)
    assert direct is not None
    image = landmarker._images.Image(
        image_format=landmarker._images.ImageFormat.SRGB, data=crop[..., ::-1].copy()
    )
    empty = landmarker._images.Image(
        image_format=landmarker._images.ImageFormat.SRGB, data=np.zeros_like(crop)
    )
    one, other = direct(image), read_publicly(landmarker._landmarker, image)
    assert one is not None
    assert other is not None
    for mine, theirs in zip(one, other, strict=True):
        assert np.array_equal(mine, theirs)
    assert direct(empty) is read_publicly(landmarker._landmarker, empty) is None


def test_another_build_of_mediapipe_has_no_direct_call(landmarker) -> None:
    class Other:
        _handle = landmarker._landmarker._handle
        _lib = object()

    assert find_direct_read(Other()) is None
    assert find_direct_read(object()) is None


@pytest.mark.parametrize("damage", ["missing", "folder", "empty", "text", "cut"])
def test_a_bad_model_file_is_one_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "face_landmarker.task"
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        whole = FACE_LANDMARKER.read_bytes()
        content = {"empty": b"", "text": b"hello", "cut": whole[: len(whole) // 2]}
        path.write_bytes(content[damage])
    with pytest.raises(ModelError) as caught:
        Landmarker(path)
    assert str(path) in str(caught.value)
    assert "Restore" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_closed_reader_says_so(portrait, face) -> None:
    reader = ActionReader()
    reader.close()
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.read(portrait, face)


@needs_media
def test_a_group_smiles_but_for_one(reader, search) -> None:
    image = read_picture(MEDIA / "group.jpg")
    found = [read(reader, image, face) for face in search.detect(image)]
    smiles = sorted(one.coefficients["mouthSmileLeft"] for one in found)
    assert len(smiles) == 5
    assert smiles[0] < 0.6 < 0.8 < smiles[1]


@needs_media
def test_a_woman_who_cries_closes_her_eyes_and_then_laughs(reader, search) -> None:
    clip = cv2.VideoCapture(str(MEDIA / "crying_to_laughing.mp4"))
    found = {}
    for time_s in (2.3, 7.5, 14.2):
        clip.set(cv2.CAP_PROP_POS_MSEC, 1000 * time_s)
        image = clip.read()[1]
        found[time_s] = read(reader, image, search.detect(image)[0])
    closed, sad, laughing = found.values()
    assert closed.blink > 0.6 > 0.2 > max(sad.blink, laughing.blink)
    assert sad.coefficients["mouthSmileLeft"] < 0.2 < 0.6 < laughing.coefficients["mouthSmileLeft"]
    assert sad.coefficients["browInnerUp"] > laughing.coefficients["browInnerUp"]
