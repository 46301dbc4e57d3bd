"""Parts of the report's page that state facts of the run and its model, and how tables look."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

from app.episodes import EpisodeRules


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
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


def percent(part: float, whole: float) -> str:
    return "–" if not whole else f"{100 * part / whole:.1f}\u00a0%"


def model_card(facts: Mapping[str, Any]) -> str:
    """What the model says of itself."""
    model = facts.get("model")
    if not isinstance(model, dict):
        return "<p>Not known: no notes of the run (NAME.run.json) lie beside the records.</p>"
    contract = model.get("contract") or {}
    metrics = contract.get("metrics") or {}
    data = contract.get("training_data") or {}
    labels = contract.get("labels") or []
    rows = [
        ("file", model.get("file")),
        ("sha256", model.get("sha256")),
        ("method", contract.get("method")),
        ("labels", ", ".join(map(str, labels))),
        ("learned from", data.get("dataset")),
        ("faces", _faces(labels, data.get("class_shares") or [])),
        ("measured", _measured(metrics)),
        ("licence", contract.get("licence")),
    ]
    return _facts(rows) + _recalls(labels, metrics.get("recall") or [])


def _faces(labels: Sequence[Any], shares: Sequence[float]) -> str:
    return ", ".join(
        f"{label} {100 * share:.0f} %" for label, share in zip(labels, shares, strict=False)
    )


def _measured(metrics: Mapping[str, Any]) -> str:
    if not isinstance(metrics.get("accuracy"), int | float):
        return ""
    return (
        f"{100 * metrics['accuracy']:.1f} % right on {metrics.get('faces', '?')} faces "
        f"({metrics.get('split', '?')}); mean recall of the labels "
        f"{metrics.get('mean_class_recall', float('nan')):.2f}"
    )


def _recalls(labels: Sequence[Any], recall: Sequence[Any]) -> str:
    if not recall:
        return ""
    rows = [
        (escape(str(label)), f"{100 * share:.0f} %" if isinstance(share, int | float) else "–")
        for label, share in zip(labels, recall, strict=False)
    ]
    return (
        '<p class="quiet">Of the faces of each label, the share that it finds. A label that it '
        "seldom finds says little where it is missing.</p>\n"
        + table(("label", "recall"), rows, "numbers")
    )


def _facts(rows: Iterable[tuple[str, Any]]) -> str:
    known = [(escape(name), escape(str(value))) for name, value in rows if value not in (None, "")]
    return table((), known, "facts")


def run_facts(facts: Mapping[str, Any], rules: EpisodeRules) -> str:
    """Settings, input and versions, as far as they are known."""
    timings, settings = facts.get("timings") or {}, facts.get("settings") or {}
    given = facts.get("input") or {}
    stream = given.get("stream") or {}
    rows: list[tuple[str, Any]] = [
        ("command", " ".join(map(str, facts.get("command") or []))),
        ("begun", facts.get("begun")),
        ("interrupted", "yes" if facts.get("interrupted") else None),
        ("cut short", facts.get("cut_short")),
        ("runs on", facts.get("provider")),
        ("speed", _speed(timings)),
        *((f"input: {one.get('name')}", one.get("sha256")) for one in given.get("files") or []),
        *((f"input: {name}", value) for name, value in stream.items()),
        *((f"setting: {name}", value) for name, value in settings.items()),
        *((f"episodes: {name}", value) for name, value in asdict(rules).items()),
        *(facts.get("versions") or {}).items(),
    ]
    return f"<details><summary>Settings, input and versions</summary>{_facts(rows)}</details>\n"


def _speed(timings: Mapping[str, Any]) -> str:
    rate = timings.get("frames_per_s")
    return f"{rate:.1f} frames/s" if isinstance(rate, int | float) else ""
