"""A report as one HTML file that needs no other, and no JavaScript.

Pictures are images, not parts of the page, and the page forbids scripts: what a drawing or a name
has in it can do nothing.
"""

from __future__ import annotations

from html import escape

from optuna_nas.visualization._report_document import Code
from optuna_nas.visualization._report_document import Document
from optuna_nas.visualization._report_document import Part
from optuna_nas.visualization._report_document import Picture
from optuna_nas.visualization._report_document import Section
from optuna_nas.visualization._report_document import Table
from optuna_nas.visualization._report_document import Text
from optuna_nas.visualization._report_images import data_uri
from optuna_nas.visualization._report_images import width


FORBIDDEN = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

SHORT = 12
"""Letters of a cell that stay on one line."""

NARROW = 450
"""Pixels of a picture of which two stand side by side on paper."""

BROAD = 1100
"""Pixels of a picture above which a screen scrolls it, rather than make it too small to read."""

LONG = 40
"""Letters of a last cell that has a line for itself on a phone."""

STYLE = """
:root { color: #1b1f24; background: #fff; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 58rem; padding: 1rem 1rem 4rem; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 1rem 0; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; border-bottom: 1px solid #d5d9de; }
p { margin: .6rem 0; max-width: 46rem; }
.wide { overflow-x: auto; margin: .8rem 0; }
table { border-collapse: collapse; font-size: .9rem; overflow-wrap: break-word; }
th, td { padding: .25rem .9rem .25rem 0; text-align: left; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
td:last-child { min-width: 9rem; overflow-wrap: anywhere; }
td.short, td.right { white-space: nowrap; }
th { color: #59636e; font-weight: 600; white-space: nowrap; }
td { border-top: 1px solid #e6e9ec; }
summary { cursor: pointer; margin: 2.2rem 0 .5rem; border-bottom: 1px solid #d5d9de; }
summary h2 { display: inline; border: none; }
.right { text-align: right; font-variant-numeric: tabular-nums; }
td.right:last-child, td.short:last-child { min-width: 0; }
pre { background: #f4f6f8; padding: .7rem; overflow-x: auto; font-size: .85rem; }
figure { display: inline-block; vertical-align: top; max-width: 100%; margin: 1.2rem 0; }
img { display: block; width: 100%; height: auto; }
figcaption, footer { color: #59636e; font-size: .9rem; }
footer { margin-top: 3rem; border-top: 1px solid #d5d9de; padding-top: .5rem; }
@media screen {
  .broad img { min-width: 75rem; }
}
@media screen and (max-width: 40rem) {
  .long, .long thead, .long tbody { display: block; }
  .long tr { display: grid; grid-template-columns: repeat(var(--columns), 1fr); }
  .long tr + tr { border-top: 1px solid #e6e9ec; }
  .long tr td { border-top: none; }
  .long td:last-child { grid-column: 1 / -1; }
  .long th:last-child { display: none; }
}
@media print {
  :root { font-size: 10.5pt; }
  body { max-width: none; padding: 0; }
  figure, tr, pre { break-inside: avoid; }
  h2, th { break-after: avoid; }
  details::details-content { content-visibility: visible; height: auto; }
  pre { white-space: pre-wrap; }
  .narrow { max-width: 49%; }
  img { max-height: 22cm; object-fit: contain; object-position: left; }
}
"""


def to_html(document: Document) -> str:
    """Returns the text of the file.

    Args:
        document:
            The report.
    """
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{FORBIDDEN}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(document.title)}</title>",
            f"<style>{STYLE}</style></head>",
            f"<body><h1>{escape(document.title)}</h1>",
            *map(_section, document.sections),
            f"<footer>{escape(document.footer)}</footer>",
            "</body></html>\n",
        ]
    )


def _section(section: Section) -> str:
    parts = "\n".join(map(_part, section.parts))
    heading = f"<h2>{escape(section.title)}</h2>"
    if section.folded:
        return f"<details><summary>{heading}</summary>\n{parts}\n</details>"
    return f"<section>{heading}\n{parts}\n</section>"


def _part(part: Part) -> str:
    if isinstance(part, Text):
        return f"<p>{escape(part.text)}</p>"
    if isinstance(part, Code):
        return f"<pre><code>{escape(part.text)}</code></pre>"
    return _table(part) if isinstance(part, Table) else _picture(part)


def _table(table: Table) -> str:
    head = _row("th", table.columns, table.right)
    body = "".join(_row("td", row, table.right) for row in table.rows)
    long = any(len(row[-1]) > LONG for row in table.rows) and len(table.columns) > 2
    style = f' class="long" style="--columns: {len(table.columns) - 1}"' if long else ""
    filled = f"<table{style}><thead>{head}</thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{filled}</div>'


def _row(tag: str, cells: tuple[str, ...], right: tuple[bool, ...]) -> str:
    told = (
        f'<{tag} class="{"right" if flush else "short" if len(cell) <= SHORT else ""}">'
        f"{escape(cell)}</{tag}>"
        for cell, flush in zip(cells, right, strict=True)
    )
    return f"<tr>{''.join(told)}</tr>"


def _picture(picture: Picture) -> str:
    wide = width(picture)
    kind = "narrow" if wide <= NARROW else "broad" if wide > BROAD else ""
    caption = escape(picture.caption)
    return (
        f'<figure class="{kind}" style="width: {wide}px"><div class="wide">'
        f'<img src="{data_uri(picture)}" alt="{caption}"></div>'
        f"<figcaption>{caption}</figcaption></figure>"
    )
