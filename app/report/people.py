"""Renders the report's part on people: who showed what, and when."""

from app.pages.document import render_remark
from app.pages.html import NO_HTML, Html, fill_html, join_html
from app.report.facts import format_percent
from app.report.summary import PersonSummary, Summary
from app.report.timeline import draw_axis, draw_label_timeline, format_play_time, split_stretches
from app.types import UNSURE
from app.wording import format_count

MAX_PEOPLE = 12  # with a timeline
MIN_SHOWN_SHARE = 0.1  # a label that is never this probable has no line of its own
GAP_S = 0.3  # a shorter absence does not break a timeline


def render_people(summary: Summary) -> Html:
    """Renders the timelines of the people seen most, with a remark on the others."""
    people = sorted(summary.people.values(), key=lambda one: -one.frames)
    if not people:
        return Html("<p>No face was found in any frame.</p>")
    shown = sorted(people[:MAX_PEOPLE], key=lambda one: (one.source, one.face_id))
    several = len(summary.end_s) > 1
    body = join_html(_render_person(one, summary.end_s[one.source], several) for one in shown)
    rest = people[MAX_PEOPLE:]
    if rest:
        count = format_count(len(rest), "more face", "more faces")
        frames = format_count(rest[0].frames, "frame")
        left_out = f"Left out here: {count} with at most {frames} each."
        body += render_remark(left_out) + Html("\n")
    explanation = (
        "Areas: probability from 0 to 100 %, smoothed as in the records. Bars "
        "below them: episodes. The grey area of the row unsure: share of frames that got no label. "
        "Right: share of the face's frames with this label. A number "
        "stands for a face as long as it is in sight; who returns later may get a new one."
    )
    return body + render_remark(Html(explanation)) + Html("\n")


def _render_person(person: PersonSummary, end_s: float, several: bool) -> Html:
    lines: list[Html] = []
    low: list[str] = []  # labels without a line
    last = len(person.timeline.labels) - 1  # the label "unsure"
    for k, label in enumerate(person.timeline.labels):
        if k == last and not person.label_counts[label]:
            continue
        line = _render_line(person, k, end_s)
        if line:
            lines.append(line)
        else:
            low.append(label)
    note = f"Never above {100 * MIN_SHOWN_SHARE:.0f} %: {', '.join(low)}." if low else ""
    # Labels that somebody wrote into the records by hand.
    others = ", ".join(
        f"{label} {format_percent(count, person.frames)}"
        for label, count in person.label_counts.most_common()
        if label not in person.timeline.labels
    )
    note += f" Labels without a probability: {others}." if others else ""
    return fill_html(
        '<article class="person"><h3>Face {face_id}{where} <small>'
        "{first} to {last}, {frames}"
        '</small></h3>\n<div class="lines">\n{lines}'
        '<div class="label"></div>{axis}<div class="share"></div></div>\n'
        "{note}</article>\n",
        face_id=person.face_id,
        where=f" in {person.source}" if several else "",
        first=format_play_time(person.first_s, 0.1),
        last=format_play_time(person.last_s, 0.1),
        frames=format_count(person.frames, "frame"),
        lines=join_html(lines),
        axis=draw_axis(end_s),
        note=render_remark(note),
    )


def _render_line(person: PersonSummary, number: int, end_s: float) -> Html:
    """Renders the timeline of a person's label; nothing if the label never shows."""
    timeline = person.timeline
    label = timeline.labels[number]
    is_unsure = number == len(timeline.labels) - 1  # the last label of a timeline
    values = [(begin, float(means[number])) for begin, means in timeline.list_steps()]
    count = person.label_counts[label]
    episodes = [one for one in person.episodes if one.label == label]
    if not count and not episodes and max(value for _, value in values) < MIN_SHOWN_SHARE:
        return NO_HTML
    kind = UNSURE if is_unsure else f"k{number}"
    share = format_percent(count, person.frames)
    drawing = draw_label_timeline(
        f"{label} of face {person.face_id}: {share} of its frames",
        kind,
        split_stretches(values, timeline.bin_s, GAP_S),
        episodes,
        end_s,
    )
    return fill_html(
        '<div class="label"><i class="key {}"></i>{}</div>'
        '<div class="plot">{}</div><div class="share">{}</div>\n',
        kind,
        label,
        drawing,
        share,
    )
