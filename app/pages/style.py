"""Holds the CSS of all pages: light and dark, wide and narrow, and on paper.

`--one` and `--two` are the colours of series in charts, as red, green and blue. A page sets `--c`,
the colour of a label or series, by a class of its own.
"""

STYLE = """
:root { --paper: #fff; --ink: #1c2024; --quiet: #5c656e; --line: #d8dde2; --tile: #f3f5f7;
  --edge: rgb(0 0 0 / .45); --one: 0 98 177; --two: 201 82 0; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181b; --ink: #e6e9ec; --quiet: #9aa4ae; --line: #343b42; --tile: #20252a;
    --edge: rgb(255 255 255 / .35); --one: 96 174 240; --two: 255 158 87; } }
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
.notes { margin: 0; padding: .7rem .9rem .7rem 2rem; background: var(--tile);
  border-left: .25rem solid rgb(var(--two)); border-radius: .3rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .6rem;
  margin: 1rem 0; }
.tiles:has(small) { grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); }
.tile { background: var(--tile); border-radius: .6rem; padding: .7rem .9rem; display: grid; }
.tile b { font-size: 1.4rem; line-height: 1.2; overflow-wrap: normal; }
.tile span { font-size: .9rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; overflow-wrap: normal; }
th, td { padding: .3rem .6rem; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; } thead th { color: var(--quiet); font-weight: 500; }
td { font-variant-numeric: tabular-nums; }
.numbers td, .numbers:not(.last-text, .totalled) th { white-space: nowrap; }
.last-text td:nth-child(2), .last-text td:nth-child(3) { text-align: right; }
.last-text td:last-child { white-space: normal; color: var(--quiet); }
.totalled td, .totalled thead th:not(:first-child) { text-align: right; }
.totalled tbody tr:last-child > * { border-top: 2px solid var(--line); font-weight: 600; }
.facts td { overflow-wrap: anywhere; } .facts th { color: var(--quiet); font-weight: 500;
  min-width: 6rem; overflow-wrap: anywhere; }
.each td { white-space: nowrap; } .each :is(th, td) { vertical-align: middle; }
.meter { display: inline-block; width: 5rem; height: .55rem; margin-right: .5rem;
  background: var(--tile); border-radius: .3rem; overflow: hidden; }
.meter i { display: block; height: 100%; background: rgb(var(--one)); }
.confusion { text-align: center; }
.confusion td { padding: 1px; border: 0; }
.confusion th { border: 0; white-space: nowrap; vertical-align: middle; }
.confusion tbody th { position: sticky; left: 0; background: var(--paper); }
.confusion thead th:not(:first-child) { vertical-align: bottom; text-align: center;
  padding: .3rem; }
.confusion thead span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 9rem; }
.cell { display: block; min-width: 2.9rem; padding: .5rem .3rem; text-align: center;
  border-radius: .2rem; background: rgb(var(--one) / calc(.05 + .6 * var(--share))); }
.key { flex: none; display: inline-block; width: .75rem; height: .75rem; border-radius: .2rem;
  margin-right: .35rem; background: var(--c); border: 1px solid var(--edge);
  position: relative; top: .08rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr));
  gap: 1rem; }
.charts svg { display: block; width: 100%; max-width: 36rem; height: auto; }
.charts figcaption { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem;
  color: var(--quiet); }
.charts .k1, .s1 { --c: rgb(var(--one)); } .charts .k2, .s2 { --c: rgb(var(--two)); }
polyline { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
.dot { fill: var(--c); } .bar { fill: rgb(var(--one) / .55); }
.grid { stroke: var(--line); stroke-width: .7; } line.axis { stroke: var(--quiet); }
.tick { fill: var(--quiet); font-size: 11.5px; }
.mark { stroke: var(--quiet); stroke-dasharray: 4 4; }
.person { break-inside: avoid; }
.lines { display: grid; grid-template-columns: fit-content(8rem) 1fr 3.8rem;
  column-gap: .6rem; row-gap: .35rem; align-items: center; }
.label, .share { font-size: .9rem; line-height: 1.2; }
.label { display: flex; align-items: baseline; overflow-wrap: anywhere; }
.share { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.plot svg { display: block; width: 100%; height: 2.6rem; }
.area { fill: var(--c); fill-opacity: .75; stroke: var(--edge); stroke-width: .8;
  vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.span { fill: var(--c); stroke: var(--edge); stroke-width: 1; vector-effect: non-scaling-stroke; }
.unsure { --c: var(--quiet); }
.level { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
div.axis { position: relative; height: 1.3rem; border-top: 1px solid var(--quiet); }
.axis span { position: absolute; top: .1rem; transform: translateX(-50%); font-size: .75rem;
  color: var(--quiet); font-variant-numeric: tabular-nums; white-space: nowrap; }
.axis span:first-child { transform: none; }
figure { margin: 0; }
.faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: .8rem; }
.faces img { width: 100%; aspect-ratio: 1; border-radius: .4rem; display: block; }
.faces figcaption { font-size: .85rem; line-height: 1.3; padding-top: .25rem; }
.faces small { display: block; font-size: .78rem; }
.faces figure { break-inside: avoid; }
.photo { break-inside: avoid; margin-bottom: 2rem; }
.photo td img { width: 4.5rem; border-radius: .3rem; display: block; }
.photo td { vertical-align: middle; } .photo th { vertical-align: middle; }
.photo td small { display: block; }
.shown { position: relative; max-width: 40rem; margin-bottom: .6rem; }
.shown img { display: block; width: 100%; border-radius: .4rem; }
.shown svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.shown rect { fill: none; stroke: var(--c); stroke-width: 2; vector-effect: non-scaling-stroke; }
.shown .under { stroke: #000; stroke-width: 4; }
.shown text { fill: #fff; stroke: #000; stroke-width: .25em; paint-order: stroke;
  font-weight: 600; }
details { margin: .6rem 0; } summary { cursor: pointer; }
pre { background: var(--tile); padding: .7rem .9rem; border-radius: .4rem; margin: .3rem 0 .8rem;
  white-space: pre-wrap; font-size: .85rem; }
code { font-size: .9em; }
@media (max-width: 34rem) {
  th, td { padding: .3rem; } .meter { display: block; width: 3.5rem; }
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
