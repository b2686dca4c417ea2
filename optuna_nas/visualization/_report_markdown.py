"""A report as Markdown, with its pictures as files beside it."""

from __future__ import annotations

from pathlib import Path
import re
from urllib.parse import quote

from optuna_nas.visualization._report_document import Code
from optuna_nas.visualization._report_document import Document
from optuna_nas.visualization._report_document import Part
from optuna_nas.visualization._report_document import Picture
from optuna_nas.visualization._report_document import Section
from optuna_nas.visualization._report_document import Table
from optuna_nas.visualization._report_document import Text
from optuna_nas.visualization._report_images import save_image


SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&$])")


def to_markdown(document: Document, folder: Path, address: str) -> str:
    """Returns the text of the file, and writes the pictures.

    Args:
        document:
            The report.
        folder:
            Of the pictures; it is there.
        address:
            The folder, seen from the file.
    """
    blocks = [f"# {escaped(document.title)}"]
    for section in document.sections:
        blocks += _section(section, folder, address)
    return "\n\n".join([*blocks, "---", escaped(document.footer)]) + "\n"


def escaped(text: str) -> str:
    r"""Returns text that Markdown shows as it is, on one line.

    Args:
        text:
            Any; it does not begin a line with what would make a list or a heading of it.
    """
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _section(section: Section, folder: Path, address: str) -> list[str]:
    parts = [_part(part, folder, address) for part in section.parts]
    return [f"## {escaped(section.title)}", *parts]


def _part(part: Part, folder: Path, address: str) -> str:
    if isinstance(part, Text):
        return escaped(part.text)
    if isinstance(part, Code):
        return _code(part)
    return _table(part) if isinstance(part, Table) else _picture(part, folder, address)


def _code(code: Code) -> str:
    longest = max((len(run) for run in re.findall("`+", code.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{code.language}\n{code.text}\n{fence}"


def _table(table: Table) -> str:
    lines = [[escaped(cell) for cell in line] for line in (table.columns, *table.rows)]
    lines.insert(1, ["---:" if flush else "---" for flush in table.right])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _picture(picture: Picture, folder: Path, address: str) -> str:
    name = save_image(picture, folder)
    caption = escaped(picture.caption)
    return f"![{caption}]({quote(f'{address}/{name}')})\n\n{caption}"
