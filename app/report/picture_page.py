"""Renders the report's part on a run of pictures: each picture, and a row for each face."""

from collections.abc import Mapping, Sequence

from app.pages.document import embed_picture, render_remark, render_table
from app.pages.html import NO_HTML, Html, fill_html, join_html
from app.recognition.quality import (
    BLURRED_SHARPNESS,
    BRIGHT_BRIGHTNESS,
    DARK_BRIGHTNESS,
    SMALL_PX,
    TURNED_DEG,
)
from app.records.schema import FaceRecord, Record
from app.report.stills import PictureStill
from app.types import UNSURE, FaceQuality
from app.wording import format_count

MIN_SHOWN_SHARE = 0.01  # smaller probabilities are left out
NUMBER_HEIGHT_SHARE = 0.045  # height of a face's number, in shorter sides of the picture
HEAD = ("face", "", "label", "probabilities", "how it is seen")


def render_pictures(
    rows: Mapping[str, Sequence[Record]],
    stills: Mapping[str, PictureStill],
    labels: Sequence[str],
    left_out: int,
) -> Html:
    """Renders pictures one below the other.

    Args:
        rows: The rows of each picture, by source.
        stills: The pictures themselves, by source, as far as they are known.
        labels: All labels, in the order of their colours.
        left_out: The number of pictures of the run that are not in `rows`.
    """
    body = join_html(_render_picture(name, rows[name], stills.get(name), labels) for name in rows)
    if left_out:
        remark = f"{left_out} more pictures are left out here; the records hold all."
        body += render_remark(remark) + Html("\n")
    return body


def _render_picture(
    name: str, rows: Sequence[Record], still: PictureStill | None, labels: Sequence[str]
) -> Html:
    faces = [row.face for row in rows if row.face is not None]
    cells = [_make_row(face, still, labels) for face in faces]
    no_face = Html("<p>No face was found in it.</p>\n")
    return fill_html(
        '<article class="photo"><h3>{name} <small>{size}{count}</small></h3>\n'
        "{shown}{faces}</article>\n",
        name=name,
        size="" if still is None else f"{still.size_wh[0]} × {still.size_wh[1]} px, ",
        count=format_count(len(faces), "face") if faces else "no faces",
        shown=NO_HTML if still is None else _render_still(name, faces, still, labels),
        faces=render_table(HEAD, cells) if cells else no_face,
    )


def _render_still(
    name: str, faces: Sequence[FaceRecord], still: PictureStill, labels: Sequence[str]
) -> Html:
    """Renders a picture with a frame and a number for each face."""
    width, height = still.size_wh
    letter_px = NUMBER_HEIGHT_SHARE * min(width, height)
    marks = join_html(
        fill_html(
            '<g class="{key}">'
            '<rect class="under" x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{h:.0f}"/>'
            '<rect x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{h:.0f}"/>'
            '<text x="{x:.0f}" y="{text_y:.0f}" font-size="{letter:.0f}">'
            "{face_id}</text></g>",
            key=_find_colour_class(face.label, labels),
            x=x,
            y=y,
            w=w,
            h=h,
            text_y=max(y - letter_px / 4, letter_px),
            letter=letter_px,
            face_id=face.face_id,
        )
        for face in faces
        for x, y, w, h in [face.box_xywh]
    )
    return fill_html(
        '<div class="shown">{}<svg viewBox="0 0 {} {}" aria-hidden="true">{}</svg></div>\n',
        embed_picture(name, still.jpeg, "jpeg"),
        width,
        height,
        marks,
    )


def _make_row(
    face: FaceRecord, still: PictureStill | None, labels: Sequence[str]
) -> tuple[Html | str, ...]:
    cut = None if still is None else still.faces.get(face.face_id)
    label = fill_html(
        '<i class="key {}"></i><b>{}</b>', _find_colour_class(face.label, labels), face.label
    )
    if face.reason:
        label += fill_html("<small>{}</small>", face.reason)
    shares = sorted(face.probabilities.items(), key=lambda item: -item[1])
    return (
        str(face.face_id),
        "" if cut is None else embed_picture(f"face {face.face_id}", cut, "jpeg"),
        label,
        ", ".join(f"{k} {100 * p:.0f}\u00a0%" for k, p in shares if p >= MIN_SHOWN_SHARE),
        _describe_quality(face.quality),
    )


def _find_colour_class(label: str, labels: Sequence[str]) -> str:
    return f"k{labels.index(label)}" if label in labels else UNSURE


def _describe_quality(quality: FaceQuality | None) -> str:
    """Lists the size of a face and the reasons to doubt its reading."""
    if quality is None:
        return ""
    sharpness, brightness = quality.sharpness, quality.brightness
    troubles = {
        "small": quality.size_px < SMALL_PX,
        "blurred": sharpness is not None and sharpness < BLURRED_SHARPNESS,
        "turned away": abs(quality.yaw_deg) > TURNED_DEG,
        "dark": brightness is not None and brightness < DARK_BRIGHTNESS,
        "too bright": brightness is not None and brightness > BRIGHT_BRIGHTNESS,
    }
    size = f"{quality.size_px:.0f} px"
    return ", ".join([size, *(name for name, is_there in troubles.items() if is_there)])
