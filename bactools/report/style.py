"""How the report looks, on screens of any width and on paper."""

from __future__ import annotations

CSS = """
:root { color-scheme: light dark; --ink: #1d2733; --soft: #526070; --line: #d8dee6; --blue: #0b5a8f;
  --wash: #f4f7fa; --page: #fff; --warn: #a34700; --warn-wash: #fff6ec; --warn-ink: #5c2900; --note: #8a6d00;
  --note-wash: #fdf8e3; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e4e9ef; --soft: #a9b5c3; --line: #3a4654;
  --blue: #7cc0f0; --wash: #1d262f; --page: #12181f; --warn: #e08a3c; --warn-wash: #2c2014;
  --warn-ink: #ffd9b0; --note: #d3b13a; --note-wash: #282412; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; color: var(--ink); background: var(--page); line-height: 1.55;
  font: 16px/1.55 "Source Sans 3", "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans",
  sans-serif; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; background: var(--page); padding: 8px; }
header, main, footer { max-width: 1020px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 40px; }
.kicker { color: var(--blue); font-weight: 600; letter-spacing: .04em; margin: 0; }
h1 { font-size: 2.1rem; line-height: 1.2; margin: .2rem 0 .6rem; }
h2 { font-size: 1.5rem; margin: 3rem 0 .6rem; padding-top: .8rem; border-top: 3px solid var(--blue); }
h3 { font-size: 1.12rem; margin: 2rem 0 .4rem; }
p { margin: .5rem 0 .8rem; max-width: 78ch; }
p, li, h1, h2, h3 { overflow-wrap: anywhere; }
a { color: var(--blue); }
.banner { border: 2px solid var(--warn); background: var(--warn-wash); color: var(--warn-ink);
  border-radius: 6px;
  padding: 10px 16px; margin: 16px 0; }
.banner p { margin: .2rem 0; max-width: none; }
.missing { border-left: 4px solid var(--note); background: var(--note-wash);
  padding: 8px 14px; max-width: none; }
nav ol { columns: 2; padding-left: 1.4rem; margin: .4rem 0 0; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0; padding: 0; list-style: none; }
.cards li { flex: 1 1 130px; background: var(--wash); border: 1px solid var(--line); border-radius: 8px;
  padding: 12px 14px; }
.cards b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.cards span { color: var(--soft); font-size: .9rem; }
figure { margin: 1.4rem 0; padding: 0; }
.plot-frame { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; background: #fff; }
.wide { width: min(var(--width), 100vw - 40px); margin-left: 50%; transform: translateX(-50%); }
.plot { transform-origin: 0 0; }
figcaption { padding: 8px 2px 0; }
figcaption p { margin: .25rem 0; }
figcaption .name { display: block; font-weight: 600; break-after: avoid; }
.table-frame { overflow: auto; margin: 1rem 0 1.4rem; }
.table-frame.long { max-height: 640px; border: 1px solid var(--line); border-radius: 8px; padding: 0 12px; }
thead th { position: sticky; top: 0; background: var(--page); }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 4px 0 6px; }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: break-word; max-width: 340px; }
th { color: var(--soft); font-weight: 600; }
tbody th { color: var(--ink); font-weight: 400; }
td.number { text-align: right; white-space: nowrap; }
th.number { text-align: right; }
.small { color: var(--soft); font-size: .9rem; }
code { font-family: ui-monospace, "DejaVu Sans Mono", Consolas, monospace; font-size: .88em;
  overflow-wrap: anywhere; }
footer { margin-top: 48px; padding-bottom: 48px; border-top: 1px solid var(--line); color: var(--soft); }
@media (max-width: 640px) { nav ol { columns: 1; } header, main, footer { padding-left: 14px;
  padding-right: 14px; } h1 { font-size: 1.6rem; } table { width: max-content; }
  th, td { max-width: 200px; } caption { max-width: calc(100vw - 28px); } }
@page { size: A4; margin: 14mm 13mm; }
@page wide { size: A4 landscape; margin: 12mm; }
@media print {
  body { font-size: 10.5pt; }
  header, main, footer { max-width: none; padding: 0; }
  .skip, .modebar-container { display: none !important; }
  h2 { break-after: avoid; margin-top: 1.6rem; }
  h3, caption { break-after: avoid; }
  .plot-frame, .table-frame, .table-frame.long { overflow: visible; border: 0; max-height: none; padding: 0;
    height: auto !important; }
  .plot-frame, .missing, .banner, .cards, li { break-inside: avoid; }
  .plot { transform: none !important; }
  p { max-width: none; }
  thead th { position: static; }
  .wide { width: auto; margin-left: 0; transform: none; }
  figure.on-wide { page: wide; break-before: page; break-after: page; margin: 0; }
  .plot { zoom: var(--on-paper); }
  table { font-size: 8pt; max-width: 100%; }
  th, td { padding-right: 6px; }
  tr { break-inside: avoid; }
  thead { display: table-header-group; break-after: avoid; }
  a { color: inherit; text-decoration: none; }
}
"""

FIT = """
(() => {
  const least = 0.55;
  const fit = () => {
    for (const frame of document.querySelectorAll(".plot-frame")) {
      const plot = frame.querySelector(".plot");
      const width = parseFloat(plot.style.width), height = parseFloat(plot.style.height);
      const scale = Math.max(least, Math.min(1, frame.clientWidth / width));
      plot.style.transform = scale < 1 ? `scale(${scale})` : "";
      frame.style.height = scale < 1 ? `${Math.ceil(height * scale) + 2}px` : "";
    }
  };
  addEventListener("resize", fit);
  fit();
})();
"""
"""Figures shrink to the width of the page, to about half at most; beyond that their frame scrolls."""
