"""The text by which papers print the cells of DARTS: read, and never run."""

from __future__ import annotations

import ast
from typing import Any


CELLS = ("normal", "reduce")


def read_genotype(text: str) -> dict[str, Any]:
    """Returns the fields of ``Genotype(normal=[...], normal_concat=..., reduce=[...], ...)``.

    Args:
        text:
            As the code of Liu et al. 2019 prints it (https://github.com/quark0/darts).

    Returns:
        For each cell its edges, pairs of an operation and an input; and the nodes that its output
        concatenates, a list.

    Raises:
        ValueError:
            If it is not of that form.
    """
    try:
        call = ast.parse(text.strip(), mode="eval").body
        assert isinstance(call, ast.Call)
        fields = {keyword.arg: _literal(keyword.value) for keyword in call.keywords}
        genes = {cell: [(str(name), int(i)) for name, i in fields[cell]] for cell in CELLS}
        concats = {name: list(fields[name]) for name in map("{}_concat".format, CELLS)}
    except (AssertionError, AttributeError, KeyError, SyntaxError, TypeError, ValueError) as error:
        raise ValueError(
            "DARTS: a genotype has the form Genotype(normal=[('sep_conv_3x3', 0), ...], "
            "normal_concat=range(2, 6), reduce=[...], reduce_concat=range(2, 6)), but got "
            f"{text!r}."
        ) from error
    return {**genes, **concats}


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        return range(*map(ast.literal_eval, node.args))
    return ast.literal_eval(node)
