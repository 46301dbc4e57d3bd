"""Renders the tables of a retraining's page on how well each label is recognised."""

import math
from collections.abc import Sequence

from app.pages.document import render_remark, render_table
from app.pages.html import Html, escape_text, fill_html
from training.measures.metrics import Metrics


def format_share_or_dash(share: float) -> str:
    """Formats a share from 0 to 1 as a percentage; "–" for NaN."""
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


def _render_meter(share: float) -> Html:
    if math.isnan(share):
        return escape_text("–")
    return fill_html(
        '<span class="meter"><i style="width:{:.0f}%"></i></span>{}',
        100 * share,
        format_share_or_dash(share),
    )


def render_labels(metrics: Metrics, labels: Sequence[str]) -> Html:
    """Renders recall and precision of each label."""
    rows = []
    for k, label in enumerate(labels):
        hits = metrics.confusion[k][k]
        rows.append(
            (
                label,
                _render_meter(metrics.recall[k]),
                f"{hits} of {sum(metrics.confusion[k])}",
                _render_meter(metrics.precision[k]),
                f"{hits} of {sum(row[k] for row in metrics.confusion)}",
            )
        )
    explanation = (
        "Recall: of the faces of a label, those that were found. Precision: of "
        "the faces that were called so, those that are."
    )
    table = render_table(("label", "recall", "found", "precision", "right"), rows, "each")
    return table + render_remark(explanation) + Html("\n")


def render_confusion(metrics: Metrics, labels: Sequence[str]) -> Html:
    """Renders how often each label was taken for each other label."""
    head: list[Html | str] = ["true ↓ said →"]
    head += [fill_html("<span>{}</span>", label) for label in labels]
    rows: list[list[Html | str]] = []
    for label, counts in zip(labels, metrics.confusion, strict=True):
        total = max(1, sum(counts))
        cells = [
            fill_html(
                '<span class="cell" style="--share:{:.2f}">{}</span>', count / total, str(count)
            )
            for count in counts
        ]
        rows.append([label, *cells])
    return render_table(head, rows, "confusion")
