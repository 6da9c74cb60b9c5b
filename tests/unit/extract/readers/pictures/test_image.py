"""Metadata of images is text, text in images goes to OCR, and the intact part of a damaged image is read."""

import contextlib
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from holdgate.extract import ocr
from holdgate.extract.budget import LimitReachedError
from holdgate.extract.ocr import NOT_READ, OcrLimits, Pixels
from holdgate.extract.ocr_lines import Word
from holdgate.extract.readers.pictures import image
from holdgate.extract.reading import Document, UnreadableError
from tests.support.pictures import picture, saved
from tests.support.sink import KeepingSink, read_all

LINE = "a line of several words 4711"


class ShadeEngine:
    """Answers with size and mean shade instead of text, so that a test sees the decoded image."""

    def recognise(self, pixels: Pixels, seconds: float) -> str:
        return f"{pixels.width}x{pixels.height} first {pixels.data[0]} dpi {pixels.dpi}"

    def rows(self, pixels: Pixels, seconds: float) -> list[list[Word]]:
        raise NotImplementedError


@pytest.fixture
def engine() -> Iterator[None]:
    ocr.configure(ShadeEngine(), OcrLimits())
    yield
    ocr.configure(None, OcrLimits())


def texts(sink: KeepingSink) -> list[str]:
    return [text for text, _ in sink.texts]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP", "JPEG2000", "PPM", "AVIF"])
@pytest.mark.usefixtures("engine")
def test_each_format_is_decoded(kind: str) -> None:
    sink = read_all(image.read, saved(picture(300, 100, LINE).convert("RGB"), kind))
    assert any(text.startswith("300x100 first 25") for text in texts(sink))
    assert sink.limits == []


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP"])
def test_without_ocr_an_image_with_lines_is_limited(kind: str) -> None:
    assert read_all(image.read, saved(picture(400, 200, LINE).convert("RGB"), kind)).limits == [NOT_READ]
    assert read_all(image.read, saved(picture(800, 600).convert("RGB"), kind)).limits == []


def test_without_ocr_lines_in_a_later_frame_limit_the_image() -> None:
    frames = [picture(400, 200), picture(400, 200, LINE)]
    assert read_all(image.read, saved(frames[0], "GIF", save_all=True, append_images=frames[1:])).limits == [NOT_READ]


def exif_picture(kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "described words"
    exif[0x013B] = "artist words"
    exif[0x9C9C] = "windows words".encode("utf-16-le")
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0comment words"
    return saved(picture(50, 50).convert("RGB"), kind, exif=exif)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("words", ["described words", "artist words", "windows words", "comment words"])
def test_exif_is_text(kind: str, words: str) -> None:
    assert (words, "image properties") in read_all(image.read, exif_picture(kind)).texts


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:rights>words of xmp</dc:rights>'
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF"])
def test_xmp_is_text(kind: str) -> None:
    options: dict[str, Any] = {"tiffinfo": {700: XMP}} if kind == "TIFF" else {"xmp": XMP}
    assert "words of xmp" in texts(read_all(image.read, saved(picture(50, 50).convert("RGB"), kind, **options)))


def test_comments_are_text() -> None:
    assert texts(read_all(image.read, saved(picture(9, 9), "GIF", comment=b"gif words"))) == ["gif words"]
    assert texts(read_all(image.read, saved(picture(9, 9), "JPEG", comment=b"jpeg words"))) == ["jpeg words"]


def test_png_text_chunks_after_the_pixels_are_text() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Plain", "plain words")
    info.add_text("Packed", "packed words", zip=True)
    info.add_itxt("World", "wörld words", lang="de", tkey="Welt", zip=True)
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    data = saved(picture(9, 9), "PNG", pnginfo=info)
    late = b"tEXtLate\0late words"
    data = data[:-12] + len(late[4:]).to_bytes(4, "big") + late + zlib.crc32(late).to_bytes(4, "big") + data[-12:]
    assert texts(read_all(image.read, data)) == [
        "Plain: plain words", "Packed: packed words", "Welt: wörld words", "words of xmp", "Late: late words",
    ]  # fmt: skip


def test_a_drawing_in_a_text_chunk_is_passed_on_as_a_file() -> None:
    scene = b'{"type":"excalidraw","elements":[{"text":"words of a drawing \x7f"}]}'
    shown = {
        "version": "1",
        "encoding": "bstring",
        "compressed": True,
        "encoded": zlib.compress(scene).decode("latin-1"),
    }
    info = PngImagePlugin.PngInfo()
    info.add_text("application/vnd.excalidraw+json", json.dumps(shown, ensure_ascii=False, separators=(",", ":")))
    sink = read_all(image.read, saved(picture(9, 9), "PNG", pnginfo=info))
    assert scene in [document.data for document in sink.documents]


def test_a_text_chunk_that_expands_too_far_is_cut() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Long", "9" * (image.TEXT_BYTES + 1), zip=True)
    sink = read_all(image.read, saved(picture(9, 9), "PNG", pnginfo=info))
    assert sink.limits == ["image comment too large"]
    assert len(texts(sink)[0]) <= image.TEXT_BYTES + 10


@pytest.mark.usefixtures("engine")
def test_each_page_of_a_tiff_is_read() -> None:
    pages = [picture(300 + 10 * number, 100, LINE) for number in range(3)]
    sink = read_all(image.read, saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert [(text.split()[0], place) for text, place in sink.texts] == [
        ("300x100", "page 1"), ("310x100", "page 2"), ("320x100", "page 3"),
    ]  # fmt: skip


@pytest.mark.usefixtures("engine")
def test_fax_pages_are_scaled_to_square_pixels() -> None:
    sink = read_all(image.read, saved(picture(1_728, 1_078, LINE).convert("1"), "TIFF", dpi=(204, 98)))
    assert texts(sink)[0].startswith("1728x2244 first 255 dpi 204")


@pytest.mark.usefixtures("engine")
def test_a_photo_with_an_exif_rotation_is_rotated() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    sink = read_all(image.read, saved(picture(300, 100, LINE), "JPEG", exif=exif))
    assert texts(sink)[0].startswith("100x300")


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(("ink", "background"), [((0, 0, 0, 255), 255), ((255, 255, 255, 255), 0)])
def test_letters_on_a_transparent_background_stay_visible(ink: tuple[int, ...], background: int) -> None:
    transparent = picture(300, 100, LINE, paper=(0, 0, 0, 0), ink=ink, mode="RGBA")
    assert f"first {background} " in texts(read_all(image.read, saved(transparent, "PNG")))[0]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("kind", ["PNG", "JPEG2000"])
@pytest.mark.parametrize("seen", [0, 150])
def test_transparent_letters_are_read(seen: int, kind: str) -> None:
    hidden = picture(300, 100, LINE).convert("RGB")
    alpha = Image.new("L", hidden.size, 0)
    alpha.paste(255, (0, 0, seen, 100))
    hidden.putalpha(alpha)
    assert texts(read_all(image.read, saved(hidden, kind)))[-1].startswith("300x200")


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("opacity", [1, 20])
def test_almost_transparent_letters_are_read(opacity: int) -> None:
    hidden = picture(300, 100, LINE).convert("RGB")
    hidden.putalpha(opacity)
    assert texts(read_all(image.read, saved(hidden, "PNG")))[-1].startswith("300x200")


@pytest.mark.usefixtures("engine")
def test_uniform_colours_under_transparency_are_not_read() -> None:
    logo = picture(300, 100, LINE, paper=(20, 30, 40, 0), ink=(200, 0, 0, 255), mode="RGBA")
    assert texts(read_all(image.read, saved(logo, "PNG")))[0].startswith("300x100")


def test_a_transparent_image_with_letters_is_not_complete_without_ocr() -> None:
    hidden = picture(700, 220, LINE, LINE).convert("RGB")
    hidden.putalpha(0)
    assert read_all(image.read, saved(hidden, "JPEG2000")).limits == [ocr.NOT_READ]


@pytest.mark.usefixtures("engine")
def test_pixels_of_16_bits_are_scaled_and_not_cut() -> None:
    deep = picture(300, 100, LINE).convert("I").point(lambda value: value * 100).convert("I;16")
    assert "first 255 " in texts(read_all(image.read, saved(deep, "PNG")))[0]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_truncated_image_is_read_and_reported_as_damaged(kind: str) -> None:
    data = saved(picture(600, 600, *["some words"] * 12), kind)
    sink = read_all(image.read, data[: len(data) * 2 // 3])
    assert texts(sink)[0].startswith("600x600 first 25")
    assert sink.limits == ["damaged"]


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"not a picture", b"GIF89a\1"])
def test_a_file_that_is_not_an_image_is_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_all(image.read, data)


def test_an_image_with_too_many_pixels_is_never_decoded() -> None:
    ocr.configure(ShadeEngine(), OcrLimits(pixels=10_000))
    try:
        sink = read_all(image.read, saved(picture(300, 100, LINE), "PNG"))
    finally:
        ocr.configure(None, OcrLimits())
    assert (sink.texts, sink.limits) == ([], [NOT_READ])


@pytest.mark.usefixtures("engine")
def test_each_frame_of_an_animation_is_read() -> None:
    frames = [picture(300, 100, LINE, size=size) for size in (20, 28)]
    sink = read_all(image.read, saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert [place for _, place in sink.texts] == ["frame 1", "frame 2"]


@pytest.mark.usefixtures("engine")
def test_a_frame_that_exceeds_memory_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_image: object) -> None:
        raise MemoryError

    data = saved(picture(300, 100, LINE), "PNG")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(LimitReachedError, match="image too large"):
        read_all(image.read, data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_data_after_an_image_is_passed_on(kind: str) -> None:
    appended = b"name;card\n" * 9 + b"\xff\xd9"
    data = saved(picture(90, 90, "x"), kind)
    assert [kept.data for kept in read_all(image.read, data + appended).documents] == [appended]
    assert read_all(image.read, data + b"\r\n").documents == []


def test_entities_in_xmp_are_not_expanded() -> None:
    declared = b'<!DOCTYPE a [<!ENTITY a "expanded">]><a>&a;&a;</a>'
    (text,) = texts(read_all(image.read, saved(picture(9, 9), "JPEG", xmp=declared)))
    assert "&a;&a;" in text


@pytest.mark.parametrize(
    ("path", "size", "limits"),
    [
        ("Thumbnails/thumbnail.png", (362, 512), []),
        ("docProps/thumbnail.jpeg", (256, 181), []),
        ("docProps/thumbnail.png", (640, 513), [NOT_READ]),
        ("word/media/image1.png", (362, 512), [NOT_READ]),
    ],
)
def test_a_small_thumbnail_of_the_first_page_is_not_a_limitation(
    path: str, size: tuple[int, int], limits: list[str]
) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "written about it")
    data = saved(picture(*size, *[LINE] * 6, size=14), "PNG", pnginfo=info)
    sink = KeepingSink()
    if not image.read_thumbnail(path, data, sink):
        image.read(Document(data), sink)
    assert sink.limits == limits
    assert "written about it" in sink.everything()


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "RGB")])
def test_the_colour_image_is_freed_before_the_grey_pixels_are_copied(
    kind: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large image would otherwise need its colours (four bytes per pixel) and the grey pixels twice at a time."""
    opened: list[Image.Image] = []
    held: list[str] = []
    opening, copying = image._opened, Image.Image.tobytes

    def keep(data: bytes) -> Image.Image:
        opened.append(opening(data))
        return opened[-1]

    def copy(picture: Image.Image, *words: Any) -> bytes:
        for one in opened:
            with contextlib.suppress(ValueError):  # Pillow's for a closed image
                held.append(one.im.mode)
        return copying(picture, *words)

    monkeypatch.setattr(image, "_opened", keep)
    monkeypatch.setattr(Image.Image, "tobytes", copy)
    data = saved(picture(300, 100, LINE, mode="RGB").convert(mode), kind)
    read_all(image.read, data)
    assert opened
    assert set(held) <= {"L"}
