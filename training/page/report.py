"""Renders the page of a retraining: one HTML file without scripts, network or second file.

The page can be read on a phone, in light and in dark.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.pages.charts import (
    ReliabilityBar,
    Series,
    draw_line_chart,
    draw_reliability_chart,
)
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
from app.wording import format_count
from training.measures.metrics import Metrics, find_wilson_interval
from training.own_pictures.picture_table import PictureRow
from training.page.labels import format_share_or_dash, render_confusion, render_labels

MAX_ROWS = 200  # of the table of skipped pictures; pictures.csv holds all
LOSS_MARGIN = 1.05  # height of the chart of losses, in highest losses
SPLIT_NAMES = {"train": "training", "valid": "validation", "test": "test"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A misread face: its crop as PNG, and the probability of the label that the model gave."""

    name: str
    png: bytes
    true: str
    said: str
    probability: float


@dataclass(frozen=True, slots=True)
class RetrainingPage:
    """The contents of the page.

    `made` is the date. `lines` are the lines of the training's log, one for each epoch;
    `chosen_epoch` is the epoch whose weights were kept. `commands` holds (purpose, command).
    `weights` tells where the first weights came from, and `weight_lines` names them one by one.
    """

    title: str
    made: str
    labels: tuple[str, ...]
    pictures: tuple[PictureRow, ...]
    notes: tuple[str, ...]
    lines: tuple[Mapping[str, float], ...]
    chosen_epoch: int
    metrics: Metrics
    temperature: float
    mistakes: tuple[Mistake, ...]
    settings: Mapping[str, str]
    commands: tuple[tuple[str, str], ...]
    weights: str
    weight_lines: tuple[str, ...] = ()


def render_retraining(page: RetrainingPage) -> str:
    """Gives the text of the whole HTML file."""
    sections = [
        _render_head(page),
        _render_notes(page),
        render_section("Pictures", _render_counts(page) + _render_skipped(page)),
        render_section("Learning", _render_curves(page)),
        render_section("Each label", render_labels(page.metrics, page.labels)),
        render_section("What was taken for what", render_confusion(page.metrics, page.labels)),
        render_section("Can its probabilities be believed?", _render_calibration(page)),
        render_section("Worst mistakes", _render_mistakes(page)),
        render_section("Settings", _render_settings(page)),
        render_section("Commands", _render_commands(page)),
    ]
    return render_document(f"{page.title}: training report", STYLE, sections)


def _count_hits(metrics: Metrics) -> int:
    return sum(row[k] for k, row in enumerate(metrics.confusion))


def _render_head(page: RetrainingPage) -> Html:
    metrics = page.metrics
    hits = _count_hits(metrics)
    low, high = find_wilson_interval(hits, metrics.count)
    tiles = (
        (
            format_share_or_dash(metrics.accuracy),
            "accuracy on validation",
            f"{hits} of {metrics.count}",
        ),
        (f"{100 * low:.0f}–{100 * high:.0f} %", "95 % interval", "from so many pictures"),
        (f"{metrics.mean_class_recall:.2f}", "mean recall of the labels", "1 is best"),
        (f"{metrics.ece:.3f}", "calibration error (ECE)", "0 is best"),
    )
    caution = (
        "This page shows faces: pass it on accordingly. Epoch and temperature "
        "were chosen on these same validation pictures, so new pictures will do a little worse."
    )
    return fill_html(
        "<header><h1>{title}</h1>\n<p>{labels} labels, {used} pictures; "
        "{made}. {weights}</p>\n{tiles}\n{caution}</header>\n",
        title=page.title,
        labels=len(page.labels),
        used=sum(picture.is_used for picture in page.pictures),
        made=page.made,
        weights=page.weights,
        tiles=render_tiles(tiles),
        caution=render_remark(caution),
    )


def _render_notes(page: RetrainingPage) -> Html:
    if not page.notes:
        return NO_HTML
    items = join_html(fill_html("<li>{}</li>\n", note) for note in page.notes)
    return render_section("To know", fill_html('<ul class="notes">\n{}</ul>', items))


def _render_counts(page: RetrainingPage) -> Html:
    splits = [split for split in SPLIT_NAMES if any(p.split == split for p in page.pictures)]
    head = ["label", *(SPLIT_NAMES[split] for split in splits), "groups", "skipped"]

    def make_row(name: str, pictures: Sequence[PictureRow]) -> list[str]:
        used = [picture for picture in pictures if picture.is_used]
        by_split = Counter(picture.split for picture in used)
        return [
            name,
            *(str(by_split[split]) for split in splits),
            str(len({picture.group for picture in used})),
            str(len(pictures) - len(used)),
        ]

    rows = [make_row(name, [p for p in page.pictures if p.label == name]) for name in page.labels]
    rows.append(make_row("all", page.pictures))
    explanation = (
        "A group is one person (by sub-folder, file name or list) or one "
        "picture in several copies; it stands on one side only, unless the split was given with "
        "the folder."
    )
    table = render_table(head, rows, "numbers totalled")
    return table + render_remark(explanation) + Html("\n")


def _render_skipped(page: RetrainingPage) -> Html:
    skipped = [picture for picture in page.pictures if not picture.is_used]
    if not skipped:
        return Html("<p>No picture was skipped.</p>\n")
    rows = [
        (fill_html("<code>{}</code>", picture.path), picture.status, picture.reason)
        for picture in skipped[:MAX_ROWS]
    ]
    more = len(skipped) - len(rows)
    body = Html("\n") + render_table(("picture", "status", "reason"), rows)
    if more:
        body += render_remark(f"{more} more stand in pictures.csv.") + Html("\n")
    return render_details(f"{format_count(len(skipped), 'picture')} skipped", body)


def _render_curves(page: RetrainingPage) -> Html:
    def make_series(name: str, key: str) -> Series:
        points = ((float(x["epoch"]), float(x[key])) for x in page.lines if key in x)
        return Series(name, tuple(points))

    losses = [
        make_series("training loss", "loss"),
        make_series("validation loss (averaged weights)", "valid_nll_averaged"),
    ]
    accuracies = [
        make_series("validation accuracy", "valid_accuracy"),
        make_series("of the averaged weights", "valid_accuracy_averaged"),
    ]
    highest = max((y for one in losses for _, y in one.points), default=1.0)
    loss_chart = draw_line_chart(
        "Loss per epoch",
        losses,
        x_label="epoch",
        y_range=(0.0, highest * LOSS_MARGIN),
        mark_x=page.chosen_epoch,
    )
    accuracy_chart = draw_line_chart(
        "Accuracy per epoch",
        accuracies,
        x_label="epoch",
        y_range=(0.0, 1.0),
        format_y=lambda y: f"{100 * y:.0f} %",
        mark_x=page.chosen_epoch,
    )
    explanation = (
        f"The dashed line is epoch {page.chosen_epoch}, whose weights were "
        "kept. The training loss is that of augmented, mixed pictures and holds the centre loss, "
        "so it may lie above the validation loss."
    )
    return fill_html(
        '<div class="charts">{}{}</div>\n{}\n',
        _render_figure(loss_chart, losses),
        _render_figure(accuracy_chart, accuracies),
        render_remark(explanation),
    )


def _render_figure(drawing: Html, series: Sequence[Series]) -> Html:
    """Renders a chart with its legend."""
    legend = join_html(
        fill_html('<span><i class="key k{}"></i>{}</span>', number, one.name)
        for number, one in enumerate(series, start=1)
    )
    return fill_html(
        "<figure>{}<figcaption>{}</figcaption></figure>\n",
        drawing,
        legend,
    )


def _render_calibration(page: RetrainingPage) -> Html:
    metrics = page.metrics
    bars = [
        ReliabilityBar(one.low, one.high, one.count, one.confidence, one.accuracy)
        for one in metrics.reliability
    ]
    drawing = draw_reliability_chart("Right answers by probability", bars)
    series = (Series("share of right answers", ()), Series("mean of the bin, area by count", ()))
    explanation = (
        "Where bars meet the dashed line, a probability of 80 % is right in 80 of "
        f"100 cases. Temperature {page.temperature:.2f}; mean negative log-likelihood "
        f"{metrics.nll:.3f}."
    )
    return fill_html(
        '<div class="charts">{}</div>\n{}\n',
        _render_figure(drawing, series),
        render_remark(explanation),
    )


def _render_mistakes(page: RetrainingPage) -> Html:
    if not page.mistakes:
        return fill_html(
            "<p>None of the {} validation pictures was misread.</p>\n", page.metrics.count
        )
    figures = join_html(_render_mistake(one) for one in page.mistakes)
    wrong = page.metrics.count - _count_hits(page.metrics)
    explanation = (
        f"{len(page.mistakes)} of {wrong}, the surest first, as the network sees "
        "them. A wrong label in the data is often among them."
    )
    return fill_html('{}\n<div class="faces">{}</div>\n', render_remark(explanation), figures)


def _render_mistake(mistake: Mistake) -> Html:
    return fill_html(
        "<figure>{picture}<figcaption><b>{true}</b>, said {said} "
        "({percent:.0f} %)<small>{name}</small></figcaption></figure>\n",
        picture=embed_picture(mistake.name, mistake.png, "png"),
        true=mistake.true,
        said=mistake.said,
        percent=100 * mistake.probability,
        name=mistake.name,
    )


def _render_settings(page: RetrainingPage) -> Html:
    rows = list(page.settings.items())
    body = render_details("The whole recipe", render_table(("setting", "value"), rows))
    if page.weight_lines:
        lines = fill_html("<pre>{}</pre>", "\n".join(page.weight_lines))
        body += render_details("Weights it began with", lines)
    return body


def _render_commands(page: RetrainingPage) -> Html:
    return join_html(
        fill_html("<p>{}</p>\n<pre>{}</pre>\n", purpose, command)
        for purpose, command in page.commands
    )
