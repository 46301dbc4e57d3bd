"""A training's result as one page that needs nothing else: no network, no script, no second file.

Everything on it comes from values; it can be read on a phone, in light and in dark.
"""

import base64
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from training.base.wording import counted
from training.measures.metrics import Metrics, interval
from training.own_pictures.picture_table import Picture
from training.page.svg import Series, line_chart, reliability_chart

MAX_ROWS = 200  # of the table of skipped pictures; the whole one is a file of its own


@dataclass(frozen=True, slots=True)
class Mistake:
    """A face that was misread: `png` is its crop, `probability` of what the model said."""

    name: str
    png: bytes
    true: str
    said: str
    probability: float


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows. `lines` are the log's, an epoch each; `chosen_epoch` is the one whose
    weights were kept; `commands` are (what for, command)."""

    title: str
    made: str
    labels: tuple[str, ...]
    pictures: tuple[Picture, ...]
    notes: tuple[str, ...]
    lines: tuple[dict[str, Any], ...]
    chosen_epoch: int
    metrics: Metrics
    temperature: float
    mistakes: tuple[Mistake, ...]
    settings: Mapping[str, str]
    commands: tuple[tuple[str, str], ...]
    weights: str
    weight_lines: tuple[str, ...] = ()


def render(page: Page) -> str:
    """The whole HTML file."""
    sections = [
        _head(page),
        _notes(page),
        _section("Pictures", _counts(page) + _skipped(page)),
        _section("Learning", _curves(page)),
        _section("Each label", _per_label(page.metrics, page.labels)),
        _section("What was taken for what", _confusion(page.metrics, page.labels)),
        _section("Can its probabilities be believed?", _calibration(page)),
        _section("Worst mistakes", _mistakes(page)),
        _section("Settings", _settings(page)),
        _section("Commands", _commands(page)),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(page.title)}: training report</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{''.join(sections)}</main>\n</body>\n</html>\n"
    )


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}\n</section>\n"


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Cells are HTML. The first column names the row."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>\n'
        for first, *rest in rows
    )
    return (
        f'<div class="wide"><table class="{kind}"><thead><tr>{top}</tr></thead>\n'
        f"<tbody>\n{body}</tbody></table></div>\n"
    )


def _head(page: Page) -> str:
    metrics = page.metrics
    hits = sum(row[k] for k, row in enumerate(metrics.confusion))
    low, high = interval(hits, metrics.count)
    tiles = (
        (_percent(metrics.accuracy), "accuracy on validation", f"{hits} of {metrics.count}"),
        (f"{100 * low:.0f}–{100 * high:.0f} %", "95 % interval", "from so many pictures"),
        (f"{metrics.mean_class_recall:.2f}", "mean recall of the labels", "1 is best"),
        (f"{metrics.ece:.3f}", "calibration error (ECE)", "0 is best"),
    )
    cells = "".join(
        f'<div class="tile"><b>{value}</b><span>{what}</span><small>{more}</small></div>'
        for value, what, more in tiles
    )
    used = sum(picture.used for picture in page.pictures)
    return (
        f"<header><h1>{escape(page.title)}</h1>\n<p>{len(page.labels)} labels, {used} pictures; "
        f"{escape(page.made)}. {escape(page.weights)}</p>\n"
        f'<div class="tiles">{cells}</div>\n'
        '<p class="quiet">This page shows faces: pass it on accordingly. Epoch and temperature '
        "were chosen on these same validation pictures, so new pictures will do a little worse."
        "</p></header>\n"
    )


def _notes(page: Page) -> str:
    if not page.notes:
        return ""
    items = "".join(f"<li>{escape(note)}</li>\n" for note in page.notes)
    return _section("To know", f'<ul class="notes">\n{items}</ul>')


def _counts(page: Page) -> str:
    splits = [s for s in ("train", "valid", "test") if any(p.split == s for p in page.pictures)]
    names = {"train": "training", "valid": "validation", "test": "test"}
    head = ["label", *(names[split] for split in splits), "groups", "skipped"]

    def row(name: str, mine: Sequence[Picture]) -> list[str]:
        used = [picture for picture in mine if picture.used]
        by_split = Counter(picture.split for picture in used)
        return [
            escape(name),
            *(str(by_split[split]) for split in splits),
            str(len({picture.group for picture in used})),
            str(len(mine) - len(used)),
        ]

    rows = [row(name, [p for p in page.pictures if p.label == name]) for name in page.labels]
    rows.append(row("all", page.pictures))
    return (
        _table(head, rows, "numbers totalled")
        + '<p class="quiet">A group is one person (by sub-folder, file name or list) or one '
        "picture in several copies; it stands on one side only, unless the split was given with "
        "the folder.</p>\n"
    )


def _skipped(page: Page) -> str:
    skipped = [picture for picture in page.pictures if not picture.used]
    if not skipped:
        return "<p>No picture was skipped.</p>\n"
    rows = [
        (f"<code>{escape(p.path)}</code>", escape(p.status), escape(p.reason))
        for p in skipped[:MAX_ROWS]
    ]
    more = len(skipped) - len(rows)
    rest = f'<p class="quiet">{more} more stand in pictures.csv.</p>\n' if more else ""
    return (
        f"<details><summary>{counted(len(skipped), 'picture')} skipped</summary>\n"
        f"{_table(('picture', 'status', 'reason'), rows)}{rest}</details>\n"
    )


def _curves(page: Page) -> str:
    def series(name: str, key: str) -> Series:
        points = ((float(x["epoch"]), float(x[key])) for x in page.lines if key in x)
        return Series(name, tuple(points))

    losses = [
        series("training loss", "loss"),
        series("validation loss (averaged weights)", "valid_nll_averaged"),
    ]
    accuracies = [
        series("validation accuracy", "valid_accuracy"),
        series("of the averaged weights", "valid_accuracy_averaged"),
    ]
    highest = max((y for one in losses for _, y in one.points), default=1.0)
    return (
        '<div class="charts">'
        + _figure(
            line_chart(
                "Loss per epoch",
                losses,
                x_label="epoch",
                y_range=(0.0, highest * 1.05),
                mark_x=page.chosen_epoch,
            ),
            losses,
        )
        + _figure(
            line_chart(
                "Accuracy per epoch",
                accuracies,
                x_label="epoch",
                y_range=(0.0, 1.0),
                y_text=lambda y: f"{100 * y:.0f} %",
                mark_x=page.chosen_epoch,
            ),
            accuracies,
        )
        + "</div>\n"
        + f'<p class="quiet">The dashed line is epoch {page.chosen_epoch}, whose weights were '
        "kept. The training loss is that of augmented, mixed pictures and holds the centre loss, "
        "so it may lie above the validation loss.</p>\n"
    )


def _figure(drawing: str, series: Sequence[Series]) -> str:
    legend = "".join(
        f'<span><i class="key k{number}"></i>{escape(one.name)}</span>'
        for number, one in enumerate(series, start=1)
    )
    return f"<figure>{drawing}<figcaption>{legend}</figcaption></figure>\n"


def _bar(share: float) -> str:
    if math.isnan(share):
        return "–"
    return f'<span class="meter"><i style="width:{100 * share:.0f}%"></i></span>{_percent(share)}'


def _per_label(metrics: Metrics, labels: Sequence[str]) -> str:
    rows = []
    for k, label in enumerate(labels):
        faces = sum(metrics.confusion[k])
        claimed = sum(row[k] for row in metrics.confusion)
        rows.append(
            (
                escape(label),
                _bar(metrics.recall[k]),
                f"{metrics.confusion[k][k]} of {faces}",
                _bar(metrics.precision[k]),
                f"{metrics.confusion[k][k]} of {claimed}",
            )
        )
    return _table(("label", "recall", "found", "precision", "right"), rows, "each") + (
        '<p class="quiet">Recall: of the faces of a label, those that were found. Precision: of '
        "the faces that were called so, those that are.</p>\n"
    )


def _confusion(metrics: Metrics, labels: Sequence[str]) -> str:
    head = ["true ↓ said →", *(f"<span>{escape(label)}</span>" for label in labels)]
    rows = []
    for label, counts in zip(labels, metrics.confusion, strict=True):
        total = max(1, sum(counts))
        cells = [
            f'<span class="cell" style="--share:{count / total:.2f}">{count}</span>'
            for count in counts
        ]
        rows.append([escape(label), *cells])
    return _table(head, rows, "confusion")


def _calibration(page: Page) -> str:
    metrics = page.metrics
    drawing = reliability_chart("Right answers by probability", metrics.reliability)
    series = (Series("share of right answers", ()), Series("mean of the bin, area by count", ()))
    return (
        f'<div class="charts">{_figure(drawing, series)}</div>\n'
        '<p class="quiet">Where bars meet the dashed line, a probability of 80 % is right in 80 of '
        f"100 cases. Temperature {page.temperature:.2f}; mean negative log-likelihood "
        f"{metrics.nll:.3f}.</p>\n"
    )


def _mistakes(page: Page) -> str:
    if not page.mistakes:
        return f"<p>None of the {page.metrics.count} validation pictures was misread.</p>\n"
    figures = "".join(
        f'<figure><img alt="{escape(one.name)}" '
        f'src="data:image/png;base64,{base64.b64encode(one.png).decode()}">'
        f"<figcaption><b>{escape(one.true)}</b>, said {escape(one.said)} "
        f"({100 * one.probability:.0f} %)<small>{escape(one.name)}</small></figcaption></figure>\n"
        for one in page.mistakes
    )
    wrong = page.metrics.count - sum(row[k] for k, row in enumerate(page.metrics.confusion))
    return (
        f'<p class="quiet">{len(page.mistakes)} of {wrong}, the surest first, as the network sees '
        f'them. A wrong label in the data is often among them.</p>\n<div class="faces">{figures}'
        "</div>\n"
    )


def _settings(page: Page) -> str:
    rows = [(escape(name), escape(value)) for name, value in page.settings.items()]
    body = f"<details><summary>The whole recipe</summary>{_table(('setting', 'value'), rows)}"
    body += "</details>\n"
    if page.weight_lines:
        lines = escape("\n".join(page.weight_lines))
        body += f"<details><summary>Weights it began with</summary><pre>{lines}</pre></details>\n"
    return body


def _commands(page: Page) -> str:
    return "".join(
        f"<p>{escape(what)}</p>\n<pre>{escape(command)}</pre>\n" for what, command in page.commands
    )


STYLE = """
:root { --paper: #fff; --ink: #1c2024; --quiet: #5c656e; --line: #d8dde2; --tile: #f3f5f7;
  --one: 0 98 177; --two: 201 82 0; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181b; --ink: #e6e9ec; --quiet: #9aa4ae; --line: #343b42; --tile: #20252a;
    --one: 96 174 240; --two: 255 158 87; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { margin: .5rem 0 0; font-size: 1.7rem; line-height: 1.2; }
h2 { margin: 2rem 0 .6rem; font-size: 1.15rem; }
p { margin: .5rem 0; }
.quiet, small { color: var(--quiet); font-size: .85rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem;
  margin: 1rem 0; }
.tile { background: var(--tile); border-radius: .6rem; padding: .7rem .9rem; display: grid; }
.tile b { font-size: 1.5rem; line-height: 1.2; }
.tile span { font-size: .9rem; }
.notes { margin: 0; padding: .7rem .9rem .7rem 2rem; background: var(--tile);
  border-left: .25rem solid rgb(var(--two)); border-radius: .3rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; overflow-wrap: normal; }
th, td { padding: .3rem .6rem; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: middle; }
th { font-weight: 600; } thead th { color: var(--quiet); font-weight: 500; }
td { font-variant-numeric: tabular-nums; }
.numbers td, .numbers thead th:not(:first-child) { text-align: right; }
.totalled tbody tr:last-child > * { border-top: 2px solid var(--line); font-weight: 600; }
.meter { display: inline-block; width: 5rem; height: .55rem; margin-right: .5rem;
  background: var(--tile); border-radius: .3rem; overflow: hidden; }
.meter i { display: block; height: 100%; background: rgb(var(--one)); }
.each td { white-space: nowrap; }
.confusion { text-align: center; }
.confusion td { padding: 1px; border: 0; }
.confusion th { border: 0; white-space: nowrap; }
.confusion tbody th { position: sticky; left: 0; background: var(--paper); }
.confusion thead th:not(:first-child) { vertical-align: bottom; text-align: center;
  padding: .3rem; }
.confusion thead span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 9rem; }
.cell { display: block; min-width: 2.9rem; padding: .5rem .3rem; text-align: center;
  border-radius: .2rem; background: rgb(var(--one) / calc(.05 + .6 * var(--share))); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr));
  gap: 1rem; }
figure { margin: 0; }
svg { display: block; width: 100%; max-width: 36rem; height: auto; }
svg polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
.grid { stroke: var(--line); stroke-width: .7; } .axis { stroke: var(--quiet); }
.tick { fill: var(--quiet); font-size: 11.5px; }
.mark { stroke: var(--quiet); stroke-dasharray: 4 4; }
polyline.s1 { stroke: rgb(var(--one)); } polyline.s2 { stroke: rgb(var(--two)); }
.dot.s1 { fill: rgb(var(--one)); } .dot.s2 { fill: rgb(var(--two)); }
.bar { fill: rgb(var(--one) / .55); }
.charts figcaption { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem;
  color: var(--quiet); }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem;
  margin-right: .35rem; vertical-align: -.05rem; }
.k1 { background: rgb(var(--one)); } .k2 { background: rgb(var(--two)); }
.faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: .8rem; }
.faces img { width: 100%; border-radius: .4rem; display: block; }
.faces figcaption { font-size: .85rem; line-height: 1.3; padding-top: .25rem; }
.faces small { display: block; font-size: .75rem; }
details { margin: .6rem 0; } summary { cursor: pointer; }
pre { background: var(--tile); padding: .7rem .9rem; border-radius: .4rem; margin: .3rem 0 .8rem;
  white-space: pre-wrap; font-size: .85rem; }
code { font-size: .9em; }
@media (max-width: 34rem) {
  th, td { padding: .3rem; } .meter { display: block; width: 3.5rem; } }
@media print { details > * { display: block; } }
"""
