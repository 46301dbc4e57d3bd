"""The report's part on pictures, which stand for themselves: each picture, and a row per face."""

import base64
from collections.abc import Mapping, Sequence
from html import escape

from app.recognition.quality import BLURRED, BRIGHT, DARK, SMALL_PX, TURNED_DEG
from app.records.schema import FaceRecord, Record
from app.report.facts import render_table
from app.report.stills import PictureStill
from app.types import UNSURE, FaceQuality
from app.wording import format_count

SHOWN_FROM = 0.01  # smaller probabilities are left out
NUMBER_SHARE = 0.045  # height of a face's number, in shorter sides of the picture
HEAD = ("face", "", "label", "probabilities", "how it is seen")


def render_pictures(
    rows: Mapping[str, Sequence[Record]],
    stills: Mapping[str, PictureStill],
    labels: Sequence[str],
    left_out: int,
) -> str:
    """HTML for the pictures in `rows` (source -> its faces), with what there is of `stills`.
    `left_out`: pictures of the run that are not among them."""
    body = "".join(_picture(name, rows[name], stills.get(name), labels) for name in rows)
    if left_out:
        body += (
            f'<p class="quiet">{left_out} more pictures are left out here; the records hold all.'
            "</p>\n"
        )
    return body


def _picture(
    name: str, rows: Sequence[Record], still: PictureStill | None, labels: Sequence[str]
) -> str:
    faces = [row.face for row in rows if row.face is not None]
    size = "" if still is None else f"{still.size_wh[0]} × {still.size_wh[1]} px, "
    count = format_count(len(faces), "face") if faces else "no faces"
    shown = "" if still is None else _shown(name, faces, still, labels)
    cells = [_row(face, still, labels) for face in faces]
    listed = render_table(HEAD, cells) if cells else "<p>No face was found in it.</p>\n"
    return (
        f'<article class="photo"><h3>{escape(name)} <small>{size}{count}</small></h3>\n'
        f"{shown}{listed}</article>\n"
    )


def _shown(
    name: str, faces: Sequence[FaceRecord], still: PictureStill, labels: Sequence[str]
) -> str:
    """The picture, with a frame and a number for each face."""
    width, height = still.size_wh
    letter = NUMBER_SHARE * min(width, height)
    marks = "".join(
        f'<g class="{_key(face.label, labels)}">'
        f'<rect class="under" x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{h:.0f}"/>'
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{h:.0f}"/>'
        f'<text x="{x:.0f}" y="{max(y - letter / 4, letter):.0f}" font-size="{letter:.0f}">'
        f"{face.face_id}</text></g>"
        for face in faces
        for x, y, w, h in [face.box_xywh]
    )
    return (
        f'<div class="shown">{_image(name, still.jpeg)}'
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true">{marks}</svg></div>\n'
    )


def _row(face: FaceRecord, still: PictureStill | None, labels: Sequence[str]) -> Sequence[str]:
    cut = None if still is None else still.faces.get(face.face_id)
    key = f'<i class="key {_key(face.label, labels)}"></i>'
    said = f"{key}<b>{escape(face.label)}</b>"
    if face.reason:
        said += f"<small>{escape(face.reason)}</small>"
    shares = sorted(face.probabilities.items(), key=lambda item: -item[1])
    return (
        str(face.face_id),
        "" if cut is None else _image(f"face {face.face_id}", cut),
        said,
        ", ".join(f"{escape(k)} {100 * p:.0f}\u00a0%" for k, p in shares if p >= SHOWN_FROM),
        _seen(face.quality),
    )


def _key(label: str, labels: Sequence[str]) -> str:
    return f"k{labels.index(label)}" if label in labels else UNSURE


def _seen(quality: FaceQuality | None) -> str:
    """What of its quality speaks against a reading, after the size."""
    if quality is None:
        return ""
    sharpness, brightness = quality.sharpness, quality.brightness
    troubles = {
        "small": quality.size_px < SMALL_PX,
        "blurred": sharpness is not None and sharpness < BLURRED,
        "turned away": abs(quality.yaw_deg) > TURNED_DEG,
        "dark": brightness is not None and brightness < DARK,
        "too bright": brightness is not None and brightness > BRIGHT,
    }
    said = [f"{quality.size_px:.0f} px", *(name for name, is_so in troubles.items() if is_so)]
    return ", ".join(said)


def _image(name: str, jpeg: bytes) -> str:
    data = base64.b64encode(jpeg).decode()
    return f'<img alt="{escape(name)}" src="data:image/jpeg;base64,{data}">'
