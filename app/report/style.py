"""How the report looks: light and dark, wide and narrow, and on paper."""

from collections.abc import Sequence

from app.overlay.palette import choose_colour


def format_colour_rules(labels: Sequence[str]) -> str:
    """A class `k0`, `k1`... for each label, in the colours of the overlay. Texts do without."""
    rules = []
    for k, label in enumerate(labels):
        blue, green, red = choose_colour(label, labels)
        rules.append(f".k{k} {{ --c: rgb({red} {green} {blue}); }}\n")
    return "".join(rules)


STYLE = """
:root { --paper: #fff; --ink: #1c2024; --quiet: #5c656e; --line: #d8dde2; --tile: #f3f5f7;
  --edge: rgb(0 0 0 / .45); }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181b; --ink: #e6e9ec; --quiet: #9aa4ae; --line: #343b42; --tile: #20252a;
    --edge: rgb(255 255 255 / .35); } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 1rem; }
h1 { margin: .5rem 0 0; font-size: 1.7rem; line-height: 1.2; }
h2 { margin: 2rem 0 .6rem; font-size: 1.15rem; }
h3 { margin: 1.2rem 0 .4rem; font-size: 1rem; }
h3 small { font-weight: 400; }
p { margin: .5rem 0; }
.quiet, small { color: var(--quiet); font-size: .85rem; }
.lead { border-left: .25rem solid var(--quiet); padding-left: .8rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .6rem;
  margin: 1rem 0; }
.tile { background: var(--tile); border-radius: .6rem; padding: .7rem .9rem; display: grid; }
.tile b { font-size: 1.4rem; line-height: 1.2; overflow-wrap: normal; }
.tile span { font-size: .9rem; }
.person { break-inside: avoid; }
.lines { display: grid; grid-template-columns: fit-content(8rem) 1fr 3.8rem;
  column-gap: .6rem; row-gap: .35rem; align-items: center; }
.label, .share { font-size: .9rem; line-height: 1.2; }
.label { display: flex; align-items: baseline; overflow-wrap: anywhere; }
.share { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.plot svg { display: block; width: 100%; height: 2.6rem; }
.key { flex: none; width: .75rem; height: .75rem; border-radius: .2rem;
  margin-right: .35rem; background: var(--c); border: 1px solid var(--edge);
  position: relative; top: .08rem; }
.area { fill: var(--c); fill-opacity: .75; stroke: var(--edge); stroke-width: .8;
  vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.span { fill: var(--c); stroke: var(--edge); stroke-width: 1; vector-effect: non-scaling-stroke; }
.unsure { --c: var(--quiet); }
.level { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
.axis { position: relative; height: 1.3rem; border-top: 1px solid var(--quiet); }
.axis span { position: absolute; top: .1rem; transform: translateX(-50%); font-size: .75rem;
  color: var(--quiet); font-variant-numeric: tabular-nums; white-space: nowrap; }
.axis span:first-child { transform: none; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; overflow-wrap: normal; }
th, td { padding: .3rem .6rem; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; } thead th { color: var(--quiet); font-weight: 500; }
td { font-variant-numeric: tabular-nums; }
.numbers td, .numbers:not(.last-text) th { white-space: nowrap; }
.last-text td:nth-child(2), .last-text td:nth-child(3) { text-align: right; }
.last-text td:last-child { white-space: normal; color: var(--quiet); }
.facts td { overflow-wrap: anywhere; } .facts th { color: var(--quiet); font-weight: 500;
  min-width: 6rem; overflow-wrap: anywhere; }
figure { margin: 0; }
.faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: .8rem; }
.faces img { width: 100%; aspect-ratio: 1; border-radius: .4rem; display: block; }
.faces figcaption { font-size: .85rem; line-height: 1.3; padding-top: .25rem; }
.faces small { display: block; font-size: .78rem; }
.faces figure { break-inside: avoid; }
.photo { break-inside: avoid; margin-bottom: 2rem; }
.photo td img { width: 4.5rem; border-radius: .3rem; display: block; }
.photo td { vertical-align: middle; } .photo th { vertical-align: middle; }
.photo .key { display: inline-block; } .photo td small { display: block; }
.shown { position: relative; max-width: 40rem; margin-bottom: .6rem; }
.shown img { display: block; width: 100%; border-radius: .4rem; }
.shown svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.shown rect { fill: none; stroke: var(--c); stroke-width: 2; vector-effect: non-scaling-stroke; }
.shown .under { stroke: #000; stroke-width: 4; }
.shown text { fill: #fff; stroke: #000; stroke-width: .25em; paint-order: stroke;
  font-weight: 600; }
details { margin: .6rem 0; } summary { cursor: pointer; }
@media (max-width: 34rem) {
  th, td { padding: .3rem; }
  .lines { grid-template-columns: fit-content(6.5rem) 1fr 3.2rem; column-gap: .4rem; }
  .label, .share { font-size: .8rem; } .plot svg { height: 2.2rem; } }
@media print {
  :root { --paper: #fff; --ink: #000; --quiet: #444; --line: #ccc; --tile: #fff; }
  body { font-size: 11pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; } .tile { border: 1px solid var(--line); }
  h2, h3 { break-after: avoid; } tr { break-inside: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
  details > summary { list-style: none; } }
"""
