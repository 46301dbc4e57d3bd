"""Renders the page of a study: a row per video, and the labels over all videos."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median

from app.episodes.finder import EpisodeRules
from app.pages.document import (
    render_details,
    render_document,
    render_remark,
    render_section,
    render_table,
    render_tiles,
)
from app.pages.html import NO_HTML, Html, escape_text, fill_html, join_html
from app.pages.style import STYLE
from app.report.facts import format_percent
from app.report.page import format_colour_rules
from app.report.study_facts import StudyVideo
from app.report.timeline import format_play_time
from app.types import UNSURE
from app.wording import choose_noun, format_count

MAX_VIDEOS = 3000  # rows of the table, of which each takes about a kilobyte of the page
MAX_DOUBTS = 2  # named in a row
MIN_DOUBT_SHARE = 0.01
STUDY_STYLE = """
main { max-width: 76rem; }
.stack { display: flex; width: 11rem; height: .9rem; border-radius: .2rem; overflow: hidden;
  border: 1px solid var(--edge); background: var(--tile); }
.stack i { height: 100%; background: var(--c); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem; margin: .6rem 0; }
.study th:first-child { max-width: 22rem; overflow-wrap: anywhere; white-space: normal; }
.study td { white-space: nowrap; } .study :is(th, td) { vertical-align: middle; }
.study td:last-child { white-space: normal; min-width: 9rem; }
.study :is(th, td) small { display: block; font-weight: 400; }
:is(.stack, .legend, .numbers) .unsure {
  background: repeating-linear-gradient(45deg, var(--c) 0 2px, var(--tile) 2px 5px); }
.study .number { text-align: right; }
a { color: rgb(var(--one)); }
@media print { .stack { width: 7rem; } }
"""


def render_study(
    title: str,
    videos: Sequence[StudyVideo],
    links: Mapping[str, str],
    rules: EpisodeRules,
    *,
    left_out: int,
) -> str:
    """Gives the text of the page.

    Args:
        title: The name of the study's folder.
        videos: The videos, in the order of the rows.
        links: The addresses of single reports, by the name of the video.
        rules: The rules of the episodes.
        left_out: The number of records that could not be read.
    """
    labels = list(dict.fromkeys(label for video in videos for label in video.labels))
    sections = [
        _render_study_head(title, videos, left_out),
        render_section("Labels over all videos", _render_labels(videos, labels)),
        render_section("The videos", _render_videos(videos, links, labels)),
        render_section("How it was counted", _render_counting(rules)),
    ]
    style = STYLE + STUDY_STYLE + format_colour_rules(labels)
    return render_document(f"{title}: expressions in many videos", style, sections)


def _render_study_head(title: str, videos: Sequence[StudyVideo], left_out: int) -> Html:
    frames = sum(one.trouble.frames for one in videos)
    empty = sum(one.trouble.empty_frames for one in videos)
    episodes = sum(one.episode_counts.total() for one in videos)
    tiles = [
        (f"{len(videos)}", choose_noun(len(videos), "video")),
        (format_play_time(sum(one.length_s for one in videos)), "length of all"),
        (f"{frames:,}", choose_noun(frames, "frame")),
        (format_percent(frames - empty, frames), "with a face"),
        (f"{episodes:,}", choose_noun(episodes, "episode")),
    ]
    remarked = sum(bool(one.remarks) for one in videos)
    mended = sum(bool(one.mended) and not one.remarks for one in videos)
    warnings = []
    if left_out:
        warnings.append(f"Not on this page: {format_count(left_out, 'file')} that cannot be read.")
    if remarked:
        warnings.append(f"Not whole: {format_count(remarked, 'video')}; the rows say why.")
    if mended:
        warnings.append(
            f"Whole, with mended times: {format_count(mended, 'video')}; the rows say where."
        )
    return fill_html(
        "<header><h1>{}</h1>\n"
        '<p class="lead">An expression is not a feeling: this says what faces look like to a '
        "model, not what people feel.</p>\n{}{}</header>\n",
        title,
        join_html(fill_html('<p class="lead">{}</p>\n', line) for line in warnings),
        render_tiles(tiles),
    )


def _name_colour(label: str, labels: Sequence[str]) -> str:
    return UNSURE if label == UNSURE else f"k{labels.index(label)}"


def _render_labels(videos: Sequence[StudyVideo], labels: Sequence[str]) -> Html:
    counts: Counter[str] = Counter()
    episodes: Counter[str] = Counter()
    for one in videos:
        counts += one.label_counts
        episodes += one.episode_counts
    if not counts:
        return Html("<p>No face was found in any video.</p>\n")
    minutes = sum(one.length_s for one in videos) / 60
    rows = []
    for label in (*labels, UNSURE):
        shares = [share for one in videos if (share := one.share(label)) is not None]
        key = fill_html('<i class="key {}"></i>{}', _name_colour(label, labels), label)
        per_minute = f"{episodes[label] / minutes:.2f}" if minutes else "–"
        is_label = label != UNSURE
        rows.append(
            (
                key,
                format_percent(counts[label], counts.total()),
                format_percent(median(shares), 1),
                f"{format_percent(min(shares), 1)} to {format_percent(max(shares), 1)}",
                f"{episodes[label]}" if is_label else "–",
                per_minute if is_label else "–",
            )
        )
    head = ("label", "of all", "median video", "least to most", "episodes", "per minute")
    remark = render_remark(
        "Shares are those of the frames of faces. A long video weighs more in the first column; in "
        "the second, every video with a face counts once."
    )
    return render_table(head, rows, "numbers") + remark + Html("\n")


def _render_videos(
    videos: Sequence[StudyVideo], links: Mapping[str, str], labels: Sequence[str]
) -> Html:
    head = ("video", "length", "with a face", "faces", "labels", "episodes", "quality")
    rows = [_render_video(one, links.get(one.name), labels) for one in videos[:MAX_VIDEOS]]
    legend = join_html(
        fill_html('<span><i class="key {}"></i>{}</span>', _name_colour(label, labels), label)
        for label in (*labels, UNSURE)
    )
    remark = NO_HTML
    if len(videos) > MAX_VIDEOS:
        left = len(videos) - MAX_VIDEOS
        remark = render_remark(
            f"{left} later ones are left out here; --overview FILE.csv writes all."
        ) + Html("\n")
    table = render_table(head, rows, "study")
    return fill_html('<div class="legend">{}</div>\n', legend) + table + remark


def _render_video(
    video: StudyVideo, link: str | None, labels: Sequence[str]
) -> tuple[Html | str, ...]:
    shown = (
        escape_text(video.name)
        if link is None
        else fill_html('<a href="{}">{}</a>', link, video.name)
    )
    remarks = join_html(fill_html("<small>{}</small>", text) for text in video.all_remarks)
    covered = fill_html(
        '<span class="meter"><i style="width:{:.1f}%"></i></span>{}',
        100 * video.covered,
        format_percent(video.covered, 1),
    )
    episodes = video.episode_counts.total()
    minutes = video.length_s / 60
    rate = f"{episodes / minutes:.1f} a minute" if minutes else ""
    return (
        shown + remarks,
        format_play_time(video.length_s),
        covered,
        f"{video.people}",
        _draw_shares(video, labels),
        fill_html("{}<small>{}</small>", f"{episodes}", rate),
        _describe_quality(video),
    )


def _draw_shares(video: StudyVideo, labels: Sequence[str]) -> Html:
    """Renders a bar whose parts are the shares of the labels."""
    shares = [
        (label, share)
        for label in (*labels, UNSURE)
        if (share := video.share(label)) is not None and share > 0
    ]
    if not shares:
        return Html("no face")
    spoken = ", ".join(f"{label} {100 * share:.0f} %" for label, share in shares)
    parts = join_html(
        fill_html(
            '<i class="{}" style="width:{:.2f}%"></i>', _name_colour(label, labels), 100 * share
        )
        for label, share in shares
    )
    first = max(shares, key=lambda one: one[1])
    return fill_html(
        '<span class="stack" role="img" aria-label="{spoken}" title="{spoken}">{parts}</span>'
        "<small>{first}</small>",
        spoken=spoken,
        parts=parts,
        first=f"mostly {first[0]}, {100 * first[1]:.0f} %",
    )


def _describe_quality(video: StudyVideo) -> str:
    if not video.trouble.faces:
        return "–"
    if not video.trouble.faces_with_quality:
        return "not known"
    doubts = [one for one in video.list_doubts() if one[1] >= MIN_DOUBT_SHARE][:MAX_DOUBTS]
    return ", ".join(f"{words} {format_percent(share, 1)}" for words, share in doubts) or "good"


def _render_counting(rules: EpisodeRules) -> Html:
    text = (
        f"An episode reaches {100 * rules.enter:.0f} % and ends below {100 * rules.leave:.0f} %; "
        f"it lasts {rules.min_s:g} s or longer. Faces: a number stands for a face as long as it is "
        "in sight, so one person may count several times. Quality: the share of faces that are "
        "small, blurred, turned away, dark or too bright; good means under 1 % each."
    )
    facts = render_table((), [(name, f"{value}") for name, value in asdict(rules).items()], "facts")
    return fill_html("<p>{}</p>\n", text) + render_details("The rules of episodes", facts)
