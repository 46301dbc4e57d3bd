"""Renders the report's page: one HTML file without scripts, network or second file.

The page is for screens and for paper.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.episodes.finder import EpisodeRules
from app.overlay.palette import choose_colour
from app.pages.document import (
    embed_picture,
    render_details,
    render_document,
    render_remark,
    render_section,
    render_table,
    render_tiles,
)
from app.pages.html import NO_HTML, Html, fill_html, join_html
from app.pages.style import STYLE
from app.recognition.quality import (
    BLURRED_SHARPNESS,
    BRIGHT_BRIGHTNESS,
    DARK_BRIGHTNESS,
    SMALL_PX,
    TURNED_DEG,
)
from app.report.actions import render_actions
from app.report.facts import (
    format_percent,
    render_model_card,
    render_run_facts,
    render_run_warnings,
)
from app.report.people import MAX_PEOPLE, render_people
from app.report.picture_page import render_pictures
from app.report.stills import PictureStill, Still
from app.report.summary import DataTrouble, PersonSummary, Summary
from app.report.timeline import format_play_time
from app.types import JsonValue
from app.wording import choose_noun, format_count

MAX_STILLS = 24
MAX_EPISODES = 300  # rows of the table; a file of episodes holds all
MAX_OPEN_EPISODES = 20  # a longer table is folded


@dataclass(frozen=True, slots=True)
class ReportPage:
    """The contents of a page. `notes` are those of the run (`RunNotes`), empty if nothing is known.
    `pictures` holds the pictures of a run of pictures, by source."""

    summary: Summary
    rules: EpisodeRules
    stills: Sequence[Still]
    notes: Mapping[str, JsonValue]
    pictures: Mapping[str, PictureStill] = field(default_factory=dict)


def render_report(page: ReportPage) -> str:
    """Gives the text of the whole HTML file."""
    summary = page.summary
    name = _name_page(page)
    sections = [
        _render_head(page, name),
        *(_render_for_pictures(page) if summary.are_pictures else _render_for_video(page)),
        *_render_actions(summary),
        render_section(
            "How good the data are", _render_trouble(summary.trouble, summary.are_pictures)
        ),
        render_section("Model", render_model_card(page.notes)),
        render_section("The run", render_run_facts(page.notes, page.rules)),
    ]
    style = STYLE + format_colour_rules(summary.labels)
    return render_document(f"{name}: expressions", style, sections)


def format_colour_rules(labels: Sequence[str]) -> str:
    """Formats a CSS class `k0`, `k1`… for each label, with the label's colour in the overlay."""
    rules = []
    for k, label in enumerate(labels):
        blue, green, red = choose_colour(label, labels)
        rules.append(f".k{k} {{ --c: rgb({red} {green} {blue}); }}\n")
    return "".join(rules)


def _render_for_video(page: ReportPage) -> list[Html]:
    return [
        render_section("Who showed what, and when", render_people(page.summary)),
        _render_stills(page),
        render_section("Episodes", _render_episodes(page)),
    ]


def _render_for_pictures(page: ReportPage) -> list[Html]:
    summary = page.summary
    people = list(summary.people.values())
    pictures = render_pictures(
        summary.pictures, page.pictures, summary.labels, len(summary.end_s) - len(summary.pictures)
    )
    title = "The pictures" if len(summary.end_s) > 1 else "The picture"
    shares = [render_section("What was seen", _render_shares(people))] if len(people) > 1 else []
    return [*shares, render_section(title, pictures)]


def _render_actions(summary: Summary) -> list[Html]:
    """Renders the facial actions of the people seen most, if any were read."""
    people = [one for one in summary.people.values() if one.actions.faces]
    people.sort(key=lambda one: -one.actions.faces)
    shown = sorted(people[:MAX_PEOPLE], key=lambda one: (one.source, one.face_id))
    several = len(summary.end_s) > 1
    titled = [
        (f"Face {one.face_id}" + (f" in {one.source}" if several else ""), one.actions)
        for one in shown
    ]
    return [render_section("Facial actions", render_actions(titled))] if titled else []


def _name_page(page: ReportPage) -> str:
    sources = list(page.summary.end_s)
    what = "pictures" if page.summary.are_pictures else "inputs"
    return sources[0] if len(sources) == 1 else f"{len(sources)} {what}"


def _render_head(page: ReportPage, name: str) -> Html:
    summary = page.summary
    trouble = summary.trouble
    share = format_percent(trouble.frames - trouble.empty_frames, trouble.frames)
    frames, people = f"{trouble.frames}", f"{len(summary.people)}"
    faces = choose_noun(len(summary.people), "face")
    if summary.are_pictures:
        tiles = [
            (frames, choose_noun(trouble.frames, "picture")),
            (share, "with a face"),
            (people, faces),
        ]
    else:
        tiles = [
            (format_play_time(sum(summary.end_s.values()), 0.1), "length"),
            (frames, choose_noun(trouble.frames, "frame")),
            (share, "with a face"),
            (people, f"{faces} followed"),
            (f"{len(summary.episodes)}", choose_noun(len(summary.episodes), "episode")),
        ]
    shows_faces = page.stills or page.pictures
    return fill_html(
        "<header><h1>{name}</h1>\n"
        '<p class="lead">An expression is not a feeling: this says what faces look like to the '
        "model named below, not what people feel.{caution}</p>\n"
        "{warnings}{tiles}</header>\n",
        name=name,
        caution=" This page shows faces: pass it on accordingly." if shows_faces else "",
        warnings=render_run_warnings(page.notes),
        tiles=render_tiles(tiles),
    )


def _render_shares(people: Sequence[PersonSummary]) -> Html:
    """Renders the share of each label, for pictures, which have no time."""
    counts: Counter[str] = Counter()
    for person in people:
        counts += person.label_counts
    rows = [
        (label, str(count), format_percent(count, counts.total()))
        for label, count in counts.most_common()
    ]
    return render_table(("label", "faces", "share"), rows, "numbers")


def _render_stills(page: ReportPage) -> Html:
    chosen = sorted(page.stills, key=lambda one: -one.episode.peak)[:MAX_STILLS]
    chosen.sort(key=lambda one: (one.episode.source, one.episode.face_id, one.episode.apex_s))
    if not chosen:
        return NO_HTML
    figures = join_html(_render_still(one) for one in chosen)
    return render_section(
        "At the height of episodes", fill_html('<div class="faces">{}</div>', figures)
    )


def _render_still(still: Still) -> Html:
    episode = still.episode
    return fill_html(
        "<figure>{picture}<figcaption><b>{label}</b> {peak:.0f} %"
        "<small>face {face_id} at {apex}</small></figcaption></figure>\n",
        picture=embed_picture(f"Face {episode.face_id}, {episode.label}", still.jpeg, "jpeg"),
        label=episode.label,
        peak=100 * episode.peak,
        face_id=episode.face_id,
        apex=format_play_time(episode.apex_s, 0.1),
    )


def _render_episodes(page: ReportPage) -> Html:
    rules = page.rules
    episodes = page.summary.episodes
    several = len(page.summary.end_s) > 1
    remarks = render_remark(
        f"An episode reaches {100 * rules.enter:.0f} % and ends below "
        f"{100 * rules.leave:.0f} %; it lasts {rules.min_s:g} s or longer."
    ) + Html("\n")
    if not episodes:
        return Html("<p>None was found.</p>\n") + remarks
    rows = [
        (
            f"face {one.face_id}" + (f" in {one.source}" if several else ""),
            one.label,
            format_play_time(one.onset_s, 0.01),
            format_play_time(one.apex_s, 0.01),
            format_play_time(one.offset_s, 0.01),
            f"{one.duration_s:.2f} s",
            f"{100 * one.peak:.0f} %",
        )
        for one in episodes[:MAX_EPISODES]
    ]
    head = ("who", "label", "onset", "apex", "offset", "length", "peak")
    table = render_table(head, rows, "numbers")
    if len(episodes) > MAX_EPISODES:
        left = len(episodes) - MAX_EPISODES
        remarks += render_remark(
            f"{left} later ones are left out here; app.episodes writes all."
        ) + Html("\n")
    if len(rows) > MAX_OPEN_EPISODES:
        table = render_details(f"All {len(episodes)} episodes", table)
    return table + remarks


def _render_trouble(trouble: DataTrouble, are_pictures: bool) -> Html:
    what = "pictures" if are_pictures else "frames"

    def make_row(name: str, count: int, whole: int, meaning: str) -> tuple[str, ...]:
        return (name, str(count), format_percent(count, whole), meaning)

    def make_rows() -> Iterable[tuple[str, ...]]:
        yield make_row(
            f"{what} without a face", trouble.empty_frames, trouble.frames, f"of all {what}"
        )
        faces = trouble.faces
        yield make_row("unsure", trouble.unsure, faces, "of faces: no label was given")
        for reason, count in trouble.reasons.most_common():
            yield make_row(f"– {reason}", count, faces, "why it was unsure")
        known = trouble.faces_with_quality
        if known:
            yield make_row("small", trouble.small, known, f"box under {SMALL_PX:g} px")
            yield make_row(
                "blurred", trouble.blurred, known, f"sharpness under {BLURRED_SHARPNESS:g}"
            )
            turned = f"yaw beyond {TURNED_DEG:g}°, estimated"
            yield make_row("turned away", trouble.turned, known, turned)
            yield make_row(
                "dark", trouble.dark, known, f"mean grey under {100 * DARK_BRIGHTNESS:.0f} %"
            )
            bright = f"mean grey over {100 * BRIGHT_BRIGHTNESS:.0f} %"
            yield make_row("too bright", trouble.bright, known, bright)

    table = render_table(("", "count", "share", "meaning"), make_rows(), "numbers last-text")
    without = trouble.faces - trouble.faces_with_quality
    if not without:
        return table
    note = f"No figures of quality: {format_count(without, 'face')}."
    return table + fill_html("<p>{}</p>\n", note)
