"""The report's page: one HTML file without scripts, network or second file, for screens and paper.

Whatever comes from outside, such as file names and labels, is escaped.
"""

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from app.episodes.finder import EpisodeRules
from app.recognition.quality import BLURRED, BRIGHT, DARK, SMALL_PX, TURNED_DEG
from app.report.charts import draw_axis, draw_timeline, format_clock, split_stretches
from app.report.facts import (
    format_percent,
    render_model_card,
    render_run_facts,
    render_run_warnings,
    render_table,
)
from app.report.picture_page import render_pictures
from app.report.stills import PictureStill, Still
from app.report.style import STYLE, format_colour_rules
from app.report.summary import PersonSummary, Summary, Trouble
from app.types import UNSURE
from app.wording import choose_noun, format_count

MAX_PEOPLE = 12
MAX_STILLS = 24
MAX_EPISODES = 300  # rows of the table; a file of episodes holds all
SHOWN_FROM = 0.1  # a label that never comes this high has no line of its own
GAP_S = 0.3  # a shorter absence does not tear a timeline


@dataclass(frozen=True, slots=True)
class ReportPage:
    """`facts` as `RunNotes` gives them; empty where nothing is known of the run. `pictures`: those
    that stand for themselves, by source."""

    summary: Summary
    rules: EpisodeRules
    stills: Sequence[Still]
    facts: Mapping[str, Any]
    pictures: Mapping[str, PictureStill] = field(default_factory=dict)


def render_report(page: ReportPage) -> str:
    """The whole file."""
    summary = page.summary
    name = _name(page)
    sections = [
        _head(page, name),
        *(_of_pictures(page) if summary.are_pictures else _of_video(page)),
        _section("How good the data are", _trouble(summary.trouble, summary.are_pictures)),
        _section("Model", render_model_card(page.facts)),
        _section("The run", render_run_facts(page.facts, page.rules)),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(name)}: expressions</title>\n"
        f"<style>{STYLE}{format_colour_rules(summary.labels)}</style>\n</head>\n"
        f"<body>\n<main>\n{''.join(sections)}</main>\n</body>\n</html>\n"
    )


def _of_video(page: ReportPage) -> list[str]:
    return [_people(page.summary), _stills(page), _section("Episodes", _episodes(page))]


def _of_pictures(page: ReportPage) -> list[str]:
    summary = page.summary
    people = list(summary.people.values())
    several = len(people) > 1
    return [
        *([_section("What was seen", _shares(people))] if several else []),
        _section(
            "The pictures" if len(summary.end_s) > 1 else "The picture",
            render_pictures(
                summary.pictures,
                page.pictures,
                summary.labels,
                len(summary.end_s) - len(summary.pictures),
            ),
        ),
    ]


def _name(page: ReportPage) -> str:
    sources = list(page.summary.end_s)
    what = "pictures" if page.summary.are_pictures else "inputs"
    return sources[0] if len(sources) == 1 else f"{len(sources)} {what}"


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}\n</section>\n"


def _head(page: ReportPage, name: str) -> str:
    summary = page.summary
    trouble = summary.trouble
    with_face = format_percent(trouble.frames - trouble.empty_frames, trouble.frames), "with a face"
    if summary.are_pictures:
        tiles = [
            (f"{trouble.frames}", choose_noun(trouble.frames, "picture")),
            with_face,
            (f"{len(summary.people)}", choose_noun(len(summary.people), "face")),
        ]
    else:
        tiles = [
            (format_clock(sum(summary.end_s.values()), 0.1), "length"),
            (f"{trouble.frames}", choose_noun(trouble.frames, "frame")),
            with_face,
            (f"{len(summary.people)}", f"{choose_noun(len(summary.people), 'face')} followed"),
            (f"{len(summary.episodes)}", choose_noun(len(summary.episodes), "episode")),
        ]
    cells = "".join(f'<div class="tile"><b>{v}</b><span>{what}</span></div>' for v, what in tiles)
    shows = (
        " This page shows faces: pass it on accordingly." if page.stills or page.pictures else ""
    )
    return (
        f"<header><h1>{escape(name)}</h1>\n"
        '<p class="lead">An expression is not a feeling: this says what faces look like to the '
        f"model named below, not what people feel.{shows}</p>\n"
        f"{render_run_warnings(page.facts)}"
        f'<div class="tiles">{cells}</div></header>\n'
    )


def _people(summary: Summary) -> str:
    people = sorted(summary.people.values(), key=lambda one: -one.frames)
    if not people:
        return _section("Who showed what, and when", "<p>No face was found in any frame.</p>")
    shown = sorted(people[:MAX_PEOPLE], key=lambda one: (one.source, one.face_id))
    several = len(summary.end_s) > 1
    body = "".join(_person(one, summary.end_s[one.source], several) for one in shown)
    rest = people[MAX_PEOPLE:]
    if rest:
        body += (
            f'<p class="quiet">Left out here: {format_count(len(rest), "more face", "more faces")} '
            f"with at most {format_count(rest[0].frames, 'frame')} each.</p>\n"
        )
    body += (
        '<p class="quiet">Areas: probability from 0 to 100 %, smoothed as in the records. Bars '
        "below them: episodes. The grey area of the row unsure: share of frames that got no label. "
        "Right: share of the face's frames with this label. A number "
        "stands for a face as long as it is in sight; who returns later may get a new one.</p>\n"
    )
    return _section("Who showed what, and when", body)


def _shares(people: Sequence[PersonSummary]) -> str:
    """For pictures, which have no time."""
    said: Counter[str] = Counter()
    for person in people:
        said += person.said
    rows = [
        (escape(label), str(count), format_percent(count, said.total()))
        for label, count in said.most_common()
    ]
    return render_table(("label", "faces", "share"), rows, "numbers")


def _person(person: PersonSummary, end_s: float, several: bool) -> str:
    steps = person.timeline.steps()
    lines: list[str] = []
    low: list[str] = []
    for k, label in enumerate(person.timeline.labels):
        values = [(begin, float(means[k])) for begin, means in steps]
        said = person.said[label]
        is_unsure = k == len(person.timeline.labels) - 1  # the last one
        if is_unsure and not said:
            continue
        kind = UNSURE if is_unsure else f"k{k}"
        episodes = [one for one in person.episodes if one.label == label]
        if not said and not episodes and max(value for _, value in values) < SHOWN_FROM:
            low.append(escape(label))
            continue
        share = format_percent(said, person.frames)
        drawing = draw_timeline(
            f"{label} of face {person.face_id}: {share} of its frames",
            kind,
            split_stretches(values, person.timeline.bin_s, GAP_S),
            episodes,
            end_s,
        )
        lines.append(
            f'<div class="label"><i class="key {kind}"></i>{escape(label)}</div>'
            f'<div class="plot">{drawing}</div><div class="share">{share}</div>\n'
        )
    note = f"Never above {100 * SHOWN_FROM:.0f} %: {', '.join(low)}." if low else ""
    # Labels that somebody wrote into the records by hand.
    others = ", ".join(
        f"{escape(label)} {format_percent(count, person.frames)}"
        for label, count in person.said.most_common()
        if label not in person.timeline.labels
    )
    note += f" Labels without a probability: {others}." if others else ""
    where = f" in {escape(person.source)}" if several else ""
    frames = format_count(person.frames, "frame")
    return (
        f'<article class="person"><h3>Face {person.face_id}{where} <small>'
        f"{format_clock(person.first_s, 0.1)} to {format_clock(person.last_s, 0.1)}, {frames}"
        f'</small></h3>\n<div class="lines">\n{"".join(lines)}'
        f'<div class="label"></div>{draw_axis(end_s)}<div class="share"></div></div>\n'
        f'<p class="quiet">{note}</p></article>\n'
    )


def _stills(page: ReportPage) -> str:
    chosen = sorted(page.stills, key=lambda one: -one.episode.peak)[:MAX_STILLS]
    chosen.sort(key=lambda one: (one.episode.source, one.episode.face_id, one.episode.apex_s))
    if not chosen:
        return ""
    figures = "".join(
        f'<figure><img alt="Face {one.episode.face_id}, {escape(one.episode.label)}" '
        f'src="data:image/jpeg;base64,{base64.b64encode(one.jpeg).decode()}">'
        f"<figcaption><b>{escape(one.episode.label)}</b> {100 * one.episode.peak:.0f} %"
        f"<small>face {one.episode.face_id} at {format_clock(one.episode.apex_s, 0.1)}</small>"
        "</figcaption></figure>\n"
        for one in chosen
    )
    return _section("At the height of episodes", f'<div class="faces">{figures}</div>')


def _episodes(page: ReportPage) -> str:
    rules = page.rules
    episodes = page.summary.episodes
    several = len(page.summary.end_s) > 1
    what = (
        f'<p class="quiet">An episode reaches {100 * rules.enter:.0f} % and ends below '
        f"{100 * rules.leave:.0f} %; it lasts {rules.min_s:g} s or longer.</p>\n"
    )
    if not episodes:
        return f"<p>None was found.</p>\n{what}"
    rows = [
        (
            f"face {one.face_id}" + (f" in {escape(one.source)}" if several else ""),
            escape(one.label),
            format_clock(one.onset_s, 0.01),
            format_clock(one.apex_s, 0.01),
            format_clock(one.offset_s, 0.01),
            f"{one.duration_s:.2f} s",
            f"{100 * one.peak:.0f} %",
        )
        for one in episodes[:MAX_EPISODES]
    ]
    listed = render_table(
        ("who", "label", "onset", "apex", "offset", "length", "peak"), rows, "numbers"
    )
    if len(episodes) > MAX_EPISODES:
        left = len(episodes) - MAX_EPISODES
        what += (
            f'<p class="quiet">{left} later ones are left out here; app.episodes writes all.</p>\n'
        )
    is_long = len(rows) > 20
    return (
        f"<details><summary>All {len(episodes)} episodes</summary>{listed}</details>\n{what}"
        if is_long
        else listed + what
    )


def _trouble(trouble: Trouble, are_pictures: bool) -> str:
    what = "pictures" if are_pictures else "frames"

    def row(name: str, count: int, whole: int, meaning: str) -> tuple[str, ...]:
        return (name, str(count), format_percent(count, whole), escape(meaning))

    rows = [
        row(f"{what} without a face", trouble.empty_frames, trouble.frames, f"of all {what}"),
        row("unsure", trouble.unsure, trouble.faces, "of faces: no label was given"),
    ]
    rows += [
        row(f"– {escape(reason)}", count, trouble.faces, "why it was unsure")
        for reason, count in trouble.reasons.most_common()
    ]
    judged = trouble.judged
    if judged:
        rows += [
            row("small", trouble.small, judged, f"box under {SMALL_PX:g} px"),
            row("blurred", trouble.blurred, judged, f"sharpness under {BLURRED:g}"),
            row("turned away", trouble.turned, judged, f"yaw beyond {TURNED_DEG:g}°, estimated"),
            row("dark", trouble.dark, judged, f"mean grey under {100 * DARK:.0f} %"),
            row("too bright", trouble.bright, judged, f"mean grey over {100 * BRIGHT:.0f} %"),
        ]
    without = trouble.faces - judged
    faces = format_count(without, "face")
    note = f"<p>No figures of quality: {faces}.</p>\n" if without else ""
    return render_table(("", "count", "share", "meaning"), rows, "numbers last-text") + note
