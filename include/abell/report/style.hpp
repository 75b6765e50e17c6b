#pragma once
/// The look of the pages: one column that fits a phone, light and dark, and ink-saving on paper.

#include <string_view>

namespace abell::detail {

inline constexpr std::string_view page_style = R"css(
:root { color-scheme: light dark;
  --page: #ffffff; --panel: #f6f6f4; --text: #1c1f24; --muted: #62676f; --grid: #ececea; --axis: #b9bcc0;
  --warn: #fdf3dc; --warn-edge: #d9a227; --shade: #00000038;
  --first: #2468b4; --second: #cf6a26; --third: #2f8558; --fourth: #7a52b3; --fifth: #b8395c; --sixth: #6c7076; }
@media screen and (prefers-color-scheme: dark) { :root {
  --page: #15171b; --panel: #1e2126; --text: #e7e7e4; --muted: #9ba0a8; --grid: #2b2f35; --axis: #565c65;
  --warn: #2d2716; --warn-edge: #b98c28; --shade: #ffffff40;
  --first: #6eabec; --second: #ef9a5c; --third: #68c492; --fourth: #b79be8; --fifth: #ee7f9b; --sixth: #a5aab1; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial,
  sans-serif; }
main { max-width: 1112px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; font-weight: 650; letter-spacing: -0.012em; margin: 0;
  overflow-wrap: anywhere; }
h2 { font-size: 20px; line-height: 1.3; font-weight: 650; margin: 56px 0 14px; padding-top: 14px;
  border-top: 1px solid var(--grid); }
h3 { font-size: 16px; font-weight: 600; margin: 28px 0 2px; }
p { margin: 0 0 14px; max-width: 72ch; overflow-wrap: anywhere; }
header p, footer, figcaption { color: var(--muted); }
header p { margin: 6px 0 0; }
.remark { color: var(--muted); font-size: 14px; line-height: 1.45; margin-bottom: 10px; }
.tiles + .remark { margin-top: 14px; max-width: none; }
footer { margin-top: 64px; font-size: 13px; }
header .note { color: var(--text); background: var(--warn); border-left: 3px solid var(--warn-edge);
  padding: 9px 14px; margin: 18px 0 0;
  border-radius: 0 4px 4px 0; max-width: none; }
header .note + .note { margin-top: 8px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 14px; margin: 28px 0 0; }
.tile { background: var(--panel); border-radius: 8px; padding: 14px 16px 12px; }
.tile .label { color: var(--muted); font-size: 14px; }
.tile .value { font-size: 32px; line-height: 1.25; font-weight: 600; letter-spacing: -0.015em;
  font-variant-numeric: tabular-nums; }
.tile .detail { white-space: pre-line; color: var(--muted); font-size: 13px; line-height: 1.4;
  font-variant-numeric: tabular-nums; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 310px), 1fr)); gap: 34px 30px;
  margin: 18px 0 10px; }
@media (min-width: 760px) { .figures .wide { grid-column: span 2; } }
figure { margin: 0; break-inside: avoid; }
figcaption { font-size: 13px; line-height: 1.4; margin-top: 5px; overflow-wrap: anywhere; }
/* Where a table goes on beyond an edge, that edge is shaded: the covers scroll with the table, the shades do not. */
.scroll { overflow-x: auto; margin: 0 0 16px; scrollbar-width: thin;
  background: linear-gradient(to right, var(--page) 30%, transparent) left / 48px 100% no-repeat local,
    linear-gradient(to left, var(--page) 30%, transparent) right / 48px 100% no-repeat local,
    linear-gradient(to right, var(--shade), transparent) left / 16px calc(100% - 2px) no-repeat scroll,
    linear-gradient(to left, var(--shade), transparent) right / 16px calc(100% - 2px) no-repeat scroll; }
table { border-collapse: collapse; font-size: 14px; line-height: 1.4; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); padding-bottom: 6px; }
th, td { padding: 5px 22px 5px 0; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--grid); }
td:first-child { white-space: nowrap; }
th { font-weight: 600; color: var(--muted); white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
.right { text-align: right; white-space: nowrap; }
tr.total td { font-weight: 600; border-bottom: 0; }
td small { display: block; color: var(--muted); font-size: 12px; line-height: 1.3; }
table.results { font-size: 15px; }
img.pixels { display: block; width: 100%; height: auto; image-rendering: pixelated; border-radius: 2px; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 310px), 1fr)); gap: 0 30px;
  margin: 0 0 16px;
  font-size: 14px; line-height: 1.4; }
dl div { display: flex; justify-content: space-between; gap: 18px; padding: 5px 0;
  border-bottom: 1px solid var(--grid); }
dt { color: var(--muted); flex: none; }
dd { margin: 0; text-align: right; overflow-wrap: anywhere; min-width: 0; font-variant-numeric: tabular-nums; }
pre { background: var(--panel); border-radius: 6px; padding: 12px 14px; margin: 0 0 16px; white-space: pre-wrap;
  overflow-wrap: anywhere; font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(128px, 1fr)); gap: 18px 16px;
  margin: 10px 0 18px; }
.gallery.panels { grid-template-columns: repeat(auto-fill, minmax(min(100%, 310px), 1fr)); gap: 22px 30px; }
.gallery.panels.wide { grid-template-columns: repeat(auto-fill, minmax(min(100%, 500px), 1fr)); }
.gallery figcaption { white-space: pre-line; }
.gallery .row { display: flex; gap: 3px; }
.gallery .panel { flex: 1 1 0; min-width: 0; }
.gallery .name { color: var(--muted); font-size: 12px; line-height: 1.3; margin-bottom: 2px; }
.gallery .picture { position: relative; }
.gallery img { display: block; width: 100%; height: auto; border-radius: 2px; }
svg.sky { position: absolute; left: 0; bottom: 0; width: 100%; filter: drop-shadow(0 0 1px #000); }
svg.sky .mark { stroke: #fff; stroke-width: 1.4; stroke-linecap: round; }
svg.sky text { font-size: 9px; font-weight: 600; fill: #fff; stroke: #000; stroke-width: 1.6; paint-order: stroke; }
.colours, .colours .scale { display: flex; align-items: center; gap: 4px 8px; }
.colours { flex-wrap: wrap; color: var(--muted); font-size: 13px; line-height: 1.4; }
.colours i { width: 120px; height: 10px; border-radius: 2px; print-color-adjust: exact;
  -webkit-print-color-adjust: exact; }
@media (max-width: 600px) {
  main { padding: 24px 16px 40px; }
  h1 { font-size: 25px; }
  h2 { margin-top: 40px; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 10px; }
  .tile { padding: 11px 12px 10px; }
  .tile .value { font-size: 27px; }
  .gallery { grid-template-columns: repeat(auto-fill, minmax(100px, 1fr)); gap: 14px 10px; }
  .gallery.wide .row { display: grid; grid-template-columns: repeat(3, 1fr); }
  .gallery.four .row { grid-template-columns: repeat(4, 1fr); }
  th, td { padding-right: 14px; }
  .results { font-size: 14px; }
  .results span { display: block; font-size: 12px; }
}
@media print {
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; }
  h2 { margin-top: 24px; }
  .tiles { grid-template-columns: repeat(4, 1fr); }
  .tile, .note, .gallery img { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  tr, .tile { break-inside: avoid; }
}
)css";

}  // namespace abell::detail
