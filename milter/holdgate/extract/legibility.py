"""Estimates whether an image contains text: a fast analysis of its edges, long before OCR.

Lines of letters have many steep edges from left to right on an even background, and a strip without edges above and
below them. Textures of photographs have edges in every direction and no such strips; logos and drawings have few edges
in a row. The image is analysed in several sizes, so that letters of any height are found in one of them.

Pillow does all work on small maps of cells, in C. docs/known-issues.md describes what is missed, as measured on
computer-drawn images.
"""

from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageChops, ImageFilter

from holdgate.extract.grain import is_grain

# A cell is as wide as the smallest letters that are found, and half as high.
_CELL = (6, 3)
_SMALLEST = 12
_SHORTEST_LINE = 48
_OF_GRAIN = 4
# Above and below a line there must be a gap within this many rows of cells.
_GAP_WITHIN = 6
# A line is even over this many cells to the left and right.
_REACH = 3


def _table(low: float, high: float = 255) -> list[int]:
    """Return a lookup table for Image.point that is white from `low` to `high`, both included."""
    return [255 if low <= value <= high else 0 for value in range(256)]


_EMPTY = _table(0, 0.03 * 255)
_LETTERS = _table(0.08 * 255, 0.5 * 255)
_EVEN = _table(0.3 * 255)
_MOSTLY = _table(0.6 * 255)


@dataclass(frozen=True, slots=True)
class _Look:
    """Definitions of steep edges and of evenness, as tables, and the number of cells of lines that count as text."""

    steep: list[int]
    even: list[int]
    enough: int


# Normal print; and faint or blurred print, of which a single line cannot be distinguished from a texture.
_LOOKS: Final = (_Look(_table(48), _table(0, 8), 4), _Look(_table(16), _table(0, 4), 16))


def may_hold_text(picture: Image.Image) -> bool:
    """Return whether an image in mode "L" seems to contain a line of letters, upright or turned by 90°."""
    if is_grain(picture):
        # No background is even in grain. Letters that are visible in it are large: they are found in a smaller size.
        picture = picture.reduce(_OF_GRAIN)
    if _has_lines(picture, _LOOKS[0]):
        return True
    turned = picture.transpose(Image.Transpose.ROTATE_90)
    return _has_lines(turned, _LOOKS[0]) or any(_has_lines(one, _LOOKS[1]) for one in (picture, turned))


def _has_lines(picture: Image.Image, look: _Look) -> bool:
    while min(picture.size) >= _SMALLEST and max(picture.size) >= _SHORTEST_LINE:
        if _cells_in_lines(picture, look) >= look.enough:
            return True
        picture = picture.reduce(2)
    return False


def _cells_in_lines(picture: Image.Image, look: _Look) -> int:
    """Count the cells that are part of a line of letters of about the size of a cell."""
    steps = ImageChops.difference(picture, ImageChops.offset(picture, 1, 0))
    edges = steps.point(look.steep).reduce(_CELL)
    even = steps.point(look.even).reduce(_CELL)
    letters = ImageChops.multiply(edges.point(_LETTERS), even.point(_EVEN))
    empty = edges.point(_EMPTY)
    above = below = Image.new("L", empty.size)
    for distance in range(1, _GAP_WITHIN + 1):
        above = ImageChops.lighter(above, ImageChops.offset(empty, 0, distance))
        below = ImageChops.lighter(below, ImageChops.offset(empty, 0, -distance))
    inside = ImageChops.multiply(letters, ImageChops.multiply(above, below))
    line = ImageChops.multiply(inside.filter(ImageFilter.BoxBlur((_REACH, 0))).point(_MOSTLY), inside)
    # A single row of cells is a border or a ruler.
    neighbour = ImageChops.lighter(ImageChops.offset(line, 0, 1), ImageChops.offset(line, 0, -1))
    return ImageChops.multiply(line, neighbour).histogram()[255]
