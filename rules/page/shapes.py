"""Shapes of a drawing with their numbers written to a tenth of a pixel."""

from __future__ import annotations

from rules.page.markup import Child, Markup, tag


def line(x1: float, y1: float, x2: float, y2: float, look: str) -> Markup:
    """A straight line."""
    return tag("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=look)


def rect(x: float, y: float, width: float, height: float, look: str, **more: object) -> Markup:
    """A rectangle from its upper left corner."""
    return tag("rect", x=f"{x:.1f}", y=f"{y:.1f}", width=f"{width:.1f}", height=f"{height:.1f}", class_=look, **more)


def circle(x: float, y: float, radius: float, look: str) -> Markup:
    """A circle around its middle."""
    return tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=f"{radius:g}", class_=look)


def diamond(x: float, y: float, size: float, look: str) -> Markup:
    """A square on its corner around its middle."""
    s = f"{size:g}"
    return path(f"M{x:.1f} {y - size:.1f}l{s} {s}l-{s} {s}l-{s} -{s}z", look)


def path(drawn: str, look: str) -> Markup:
    """A path as SVG writes it."""
    return tag("path", d=drawn, class_=look)


def text(said: Child, x: float, y: float, look: str) -> Markup:
    """A text at its anchor."""
    return tag("text", said, x=f"{x:.1f}", y=f"{y:.1f}", class_=look)


def titled(title: str, *shapes: Child) -> Markup:
    """Shapes that say something when they are pointed at."""
    return tag("g", tag("title", title), *shapes)


def drawing(said: str, width: float, height: float, look: str, *shapes: Child) -> Markup:
    """The whole drawing, with what it shows for who does not see it."""
    box = {"viewBox": f"0 0 {width:g} {height:g}", "class_": look, "role": "img", "aria_label": said}
    return tag("svg", tag("title", said), *shapes, **box)
