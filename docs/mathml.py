"""Formulas as MathML: browsers draw it by themselves, so that no page loads MathJax."""

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml

NAME = "mathml"


def visit(writer, node):
    """Write a formula, in a line or of its own, or warn where it is no formula."""
    is_block = isinstance(node, nodes.math_block)
    try:
        formula = latex2mathml.tex2mathml(node.astext(), as_block=is_block)
    except (MathError, AttributeError) as error:  # the latter by & outside of a table
        writer.document.reporter.warning(f"{error}: {node.astext()}", base_node=node)
        formula = writer.encode(node.astext())
    tag = "div" if is_block else "span"
    writer.body.append(f"{writer.starttag(node, tag, '', CLASS='math')}{formula}")
    writer.body.append(f"</{tag}>")
    raise nodes.SkipNode


def setup(app):
    """Register it; `html_math_renderer` of conf.py asks for it."""
    app.add_html_math_renderer(NAME, (visit, None), (visit, None))
