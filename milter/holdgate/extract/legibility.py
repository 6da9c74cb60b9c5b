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

from holdgate.extract.grain import is_grain, mapped

# A cell is as wide as the smallest letters that are found, and half as high.
_CELL = (6, 3)
_SMALLEST = 12
_SHORTEST_LINE = 48
_OF_GRAIN = 4
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
    return _has_lines(picture) or _has_lines(picture.transpose(Image.Transpose.ROTATE_90))


def _has_lines(picture: Image.Image) -> bool:
    """Return whether there is a line in one of the sizes of an image, searched from the smallest to the largest.

    All smaller sizes together take a third of the time of the largest, and most print is larger than the smallest that
    is found.
    """
    sizes: list[Image.Image] = []
    while min(picture.size) >= _SMALLEST and max(picture.size) >= _SHORTEST_LINE:
        sizes.append(picture)
        picture = picture.reduce(2)
    while sizes:
        size = sizes.pop()
        steps = ImageChops.difference(size, ImageChops.offset(size, 1, 0))
        if any(_cells_in_lines(steps, look) >= look.enough for look in _LOOKS):
            return True
    return False


def _cells_in_lines(steps: Image.Image, look: _Look) -> int:
    """Count the cells that are part of a line of letters of about the size of a cell.

    `steps` are the differences of each pixel to the one on its left.
    """
    edges = mapped(steps, look.steep).reduce(_CELL)
    letters = mapped(edges, _LETTERS)
    if letters.getbbox() is None:
        return 0
    even = mapped(steps, look.even).reduce(_CELL)
    letters = ImageChops.multiply(letters, mapped(even, _EVEN))
    if letters.getbbox() is None:
        return 0
    empty = mapped(edges, _EMPTY)
    inside = ImageChops.multiply(letters, ImageChops.multiply(_within(empty, 1), _within(empty, -1)))
    if inside.getbbox() is None:
        return 0
    line = ImageChops.multiply(mapped(inside.filter(ImageFilter.BoxBlur((_REACH, 0))), _MOSTLY), inside)
    # A single row of cells is a border or a ruler.
    neighbour = ImageChops.lighter(ImageChops.offset(line, 0, 1), ImageChops.offset(line, 0, -1))
    return ImageChops.multiply(line, neighbour).histogram()[255]


def _within(cells: Image.Image, direction: int) -> Image.Image:
    """Return for each cell the lightest of the next six: above it if `direction` is 1, below it if -1.

    A gap must be that near to a line.
    """
    two = ImageChops.lighter(ImageChops.offset(cells, 0, direction), ImageChops.offset(cells, 0, 2 * direction))
    four = ImageChops.lighter(two, ImageChops.offset(two, 0, 2 * direction))
    return ImageChops.lighter(four, ImageChops.offset(two, 0, 4 * direction))
