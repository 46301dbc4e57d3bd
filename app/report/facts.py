"""Parts of the report's page that state facts of the run and its model, and how tables look."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

from app.episodes.finder import EpisodeRules


def render_table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Cells are HTML. The first column names the row."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>\n'
        for first, *rest in rows
    )
    header = f"<thead><tr>{top}</tr></thead>\n" if head else ""
    return (
        f'<div class="wide"><table class="{kind}">{header}<tbody>\n{body}</tbody></table></div>\n'
    )


def format_percent(part: float, whole: float) -> str:
    return "–" if not whole else f"{100 * part / whole:.1f}\u00a0%"


def find_section(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The values below `name`; none where the notes hold something else there."""
    found = facts.get(name)
    return found if isinstance(found, dict) else {}


def find_list(facts: Mapping[str, Any], name: str) -> list[Any]:
    """The list below `name`; an empty one where the notes hold something else there."""
    found = facts.get(name)
    return list(found) if isinstance(found, list | tuple) else []


def read_number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def render_model_card(facts: Mapping[str, Any]) -> str:
    """What the model says of itself."""
    model = facts.get("model")
    if not isinstance(model, dict):
        return "<p>Not known: no notes of the run (NAME.run.json) lie beside the records.</p>"
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
        ("faces", _faces(labels, find_list(data, "class_shares"))),
        ("measured", _measured(metrics)),
        ("licence", contract.get("licence")),
    ]
    return _facts(rows) + _recalls(labels, find_list(metrics, "recall"))


def _faces(labels: Sequence[Any], shares: Sequence[Any]) -> str:
    return ", ".join(
        f"{label} {100 * number:.0f} %"
        for label, share in zip(labels, shares, strict=False)
        if (number := read_number(share)) is not None
    )


def _measured(metrics: Mapping[str, Any]) -> str:
    accuracy, recall = (
        read_number(metrics.get(name)) for name in ("accuracy", "mean_class_recall")
    )
    if accuracy is None:
        return ""
    return (
        f"{100 * accuracy:.1f} % right on {metrics.get('faces', '?')} faces "
        f"({metrics.get('split', '?')}); mean recall of the labels "
        f"{'?' if recall is None else f'{recall:.2f}'}"
    )


def _recalls(labels: Sequence[Any], recall: Sequence[Any]) -> str:
    if not recall:
        return ""
    rows = [
        (escape(str(label)), "–" if (share := read_number(one)) is None else f"{100 * share:.0f} %")
        for label, one in zip(labels, recall, strict=False)
    ]
    return (
        '<p class="quiet">Of the faces of each label, the share that it finds. A label that it '
        "seldom finds says little where it is missing.</p>\n"
        + render_table(("label", "recall"), rows, "numbers")
    )


def _facts(rows: Iterable[tuple[str, Any]]) -> str:
    known = [(escape(name), escape(str(value))) for name, value in rows if value not in (None, "")]
    return render_table((), known, "facts")


def render_run_facts(facts: Mapping[str, Any], rules: EpisodeRules) -> str:
    """Settings, input and versions, as far as they are known."""
    timings, settings = find_section(facts, "timings"), find_section(facts, "settings")
    given = find_section(facts, "input")
    stream = find_section(given, "stream")
    files = [one for one in find_list(given, "files") if isinstance(one, dict)]
    rows: list[tuple[str, Any]] = [
        ("command", " ".join(map(str, find_list(facts, "command")))),
        ("begun", facts.get("begun")),
        ("interrupted", "yes" if facts.get("interrupted") else None),
        ("warning", facts.get("cut_short")),
        ("runs on", facts.get("provider")),
        ("speed", _speed(timings)),
        *((f"input: {one.get('name')}", one.get("sha256")) for one in files),
        *((f"input: {name}", value) for name, value in stream.items() if name != "shape_changes"),
        *((f"setting: {name}", value) for name, value in settings.items()),
        *((f"episodes: {name}", value) for name, value in asdict(rules).items()),
        *find_section(facts, "versions").items(),
    ]
    return f"<details><summary>Settings, input and versions</summary>{_facts(rows)}</details>\n"


def render_run_warnings(facts: Mapping[str, Any]) -> str:
    """Says above the figures what of the input they are not of, or not as it stands in the file."""
    lines = []
    if facts.get("interrupted"):
        lines.append("The run was interrupted: this page is of the part before.")
    if facts.get("cut_short"):
        lines.append(str(facts["cut_short"]))
    return "".join(f'<p class="lead">{escape(line)}</p>\n' for line in lines)


def _speed(timings: Mapping[str, Any]) -> str:
    rate = read_number(timings.get("frames_per_s"))
    return "" if rate is None else f"{rate:.1f} frames/s"
