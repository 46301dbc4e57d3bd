"""Renders the facts of a run and of its model."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from app.episodes.finder import EpisodeRules
from app.pages.document import render_details, render_remark, render_table
from app.pages.html import NO_HTML, Html, fill_html, join_html
from app.report.notes import find_list, find_objects, find_section, read_number
from app.types import JsonValue


def format_percent(part: float, whole: float) -> str:
    """Formats a share, with a space that does not break; "–" if `whole` is 0.

    >>> format_percent(1, 8)
    '12.5\\xa0%'
    """
    return "–" if not whole else f"{100 * part / whole:.1f}\u00a0%"


def render_model_card(notes: Mapping[str, JsonValue]) -> Html:
    """Renders what the model file says about the model, from the notes of the run."""
    model = notes.get("model")
    if not isinstance(model, dict):
        return Html("<p>Not known: no notes of the run (NAME.run.json) lie beside the records.</p>")
    contract = find_section(model, "contract")
    metrics = find_section(contract, "metrics")
    data = find_section(contract, "training_data")
    labels = find_list(contract, "labels")
    rows = [
        ("file", model.get("file")),
        ("sha256", model.get("sha256")),
        ("method", contract.get("method")),
        ("labels", ", ".join(map(str, labels))),
        ("learned from", data.get("dataset")),
        ("faces", _format_shares(labels, find_list(data, "class_shares"))),
        ("measured", _format_accuracy(metrics)),
        ("decided", _format_rule(find_section(model, "decision_rule"))),
        ("one person corrected", _format_used_profile(notes)),
        ("licence", contract.get("licence")),
    ]
    return _render_facts(rows) + _render_recalls(labels, find_list(metrics, "recall"))


def _format_shares(labels: Sequence[JsonValue], shares: Sequence[JsonValue]) -> str:
    return ", ".join(
        f"{label} {100 * number:.0f} %"
        for label, share in zip(labels, shares, strict=False)
        if (number := read_number(share)) is not None
    )


def _format_rule(rule: Mapping[str, JsonValue]) -> str:
    tau = read_number(rule.get("prior_correction"))
    if tau is None:
        return ""
    mirrored = ", each face read with its mirror image" if rule.get("mirror_images") else ""
    return f"prior correction {tau:.2f}{mirrored}"


def _format_used_profile(notes: Mapping[str, JsonValue]) -> str:
    profile = find_section(notes, "profile")
    if not profile:
        return ""
    faces = find_section(notes, "counts").get("faces_with_profile", 0)
    return f"by profile {profile.get('name')}, {faces} readings; sha256 {profile.get('sha256')}"


def _format_accuracy(metrics: Mapping[str, JsonValue]) -> str:
    accuracy = read_number(metrics.get("accuracy"))
    recall = read_number(metrics.get("mean_class_recall"))
    if accuracy is None:
        return ""
    return (
        f"{100 * accuracy:.1f} % right on {metrics.get('faces', '?')} faces "
        f"({metrics.get('split', '?')}); mean recall of the labels "
        f"{'?' if recall is None else f'{recall:.2f}'}"
    )


def _render_recalls(labels: Sequence[JsonValue], recall: Sequence[JsonValue]) -> Html:
    if not recall:
        return NO_HTML
    rows = [
        (str(label), "–" if (share := read_number(one)) is None else f"{100 * share:.0f} %")
        for label, one in zip(labels, recall, strict=False)
    ]
    remark = render_remark(
        "Of the faces of each label, the share that it finds. A label that it seldom finds says "
        "little where it is missing."
    )
    return remark + Html("\n") + render_table(("label", "recall"), rows, "numbers")


def _render_facts(rows: Iterable[tuple[str, JsonValue]]) -> Html:
    """Renders a table of the facts that are known."""
    known = [(name, str(value)) for name, value in rows if value not in (None, "")]
    return render_table((), known, "facts")


def render_run_facts(notes: Mapping[str, JsonValue], rules: EpisodeRules) -> Html:
    """Renders settings, input and versions, as far as they are known."""
    given = find_section(notes, "input")
    rows: list[tuple[str, JsonValue]] = [
        ("command", " ".join(map(str, find_list(notes, "command")))),
        ("begun", notes.get("begun")),
        ("interrupted", "yes" if notes.get("interrupted") else None),
        ("warning", notes.get("cut_short")),
        ("times", notes.get("mended")),
        ("runs on", notes.get("provider")),
        ("speed", _format_speed(find_section(notes, "timings"))),
        *((f"input: {one.get('name')}", one.get("sha256")) for one in find_objects(given, "files")),
        *(
            (f"input: {name}", value)
            for name, value in find_section(given, "stream").items()
            if name != "shape_changes"
        ),
        *((f"setting: {name}", value) for name, value in find_section(notes, "settings").items()),
        *((f"episodes: {name}", value) for name, value in asdict(rules).items()),
        *find_section(notes, "versions").items(),
    ]
    return render_details("Settings, input and versions", _render_facts(rows))


def render_run_warnings(notes: Mapping[str, JsonValue]) -> Html:
    """Renders a paragraph for each part of the input that the figures do not cover, and one on
    times that were mended."""
    lines = []
    if notes.get("interrupted"):
        lines.append("The run was interrupted: this page is of the part before.")
    lines += [str(notes[name]) for name in ("cut_short", "mended") if notes.get(name)]
    return join_html(fill_html('<p class="lead">{}</p>\n', line) for line in lines)


def _format_speed(timings: Mapping[str, JsonValue]) -> str:
    rate = read_number(timings.get("frames_per_s"))
    return "" if rate is None else f"{rate:.1f} frames/s"
