"""What an image file says beside its pixels: where it was taken, by whom, with what.

The run's image store writes plain PNG files without any of it, so whatever is there was put there by something else.
Only the structure of the file is read, not its pixels.
"""

import struct
from collections.abc import Iterator

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
PNG_KEPT = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"sRGB", b"cHRM", b"sBIT", b"pHYs", b"bKGD"}
)
GPS = b"\x88\x25"
"""The tag of Exif that leads to the place (0x8825), in either order of bytes."""
JPEG_NAMED = {0xE1: "Exif or XMP", 0xED: "IPTC", 0xFE: "a comment"}
WEBP_NAMED = {b"EXIF": "Exif", b"XMP ": "XMP"}


def metadata_in(data: bytes) -> Iterator[str]:
    """Yield what an image file holds beside its pixels; that it is broken or of another kind is a finding, too."""
    if data.startswith(PNG):
        yield from _png(data)
    elif data.startswith(JPEG):
        yield from _jpeg(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        yield from _webp(data)
    else:
        yield "no PNG, JPEG or WebP file"


def _png(data: bytes) -> Iterator[str]:
    place = len(PNG)
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind not in PNG_KEPT:
            yield (
                _exif(data[place + 8 : place + 8 + length]) if kind == b"eXIf" else f"a {kind.decode('latin-1')} chunk"
            )
        place += 12 + length
        if kind == b"IEND":
            break
    else:
        yield "a PNG file that breaks off"
        return
    if place != len(data):
        yield f"{len(data) - place:,} bytes behind its end" if place < len(data) else "a PNG file that breaks off"


def _jpeg(data: bytes) -> Iterator[str]:
    place = 2
    while place + 4 <= len(data):
        marker, kind, length = struct.unpack_from(">BBH", data, place)
        if marker != 0xFF:
            yield "a JPEG file that is broken"
            return
        if kind == 0xDA:  # the pixels begin
            end = data.rfind(b"\xff\xd9")
            if end < 0:
                yield "a JPEG file that breaks off"
            elif end + 2 != len(data):
                yield f"{len(data) - end - 2:,} bytes behind its end"
            return
        if kind in JPEG_NAMED:
            body = data[place + 4 : place + 2 + length]
            yield _exif(body[6:]) if body.startswith(b"Exif") else JPEG_NAMED[kind]
        place += 2 + length
    yield "a JPEG file that breaks off"


def _webp(data: bytes) -> Iterator[str]:
    place = 12
    while place + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, place)
        if kind in WEBP_NAMED:
            yield _exif(data[place + 8 : place + 8 + length]) if kind == b"EXIF" else WEBP_NAMED[kind]
        place += 8 + length + length % 2
    if place != len(data):
        yield "a WebP file that is broken"


def _exif(body: bytes) -> str:
    return "Exif with a place (GPS)" if GPS in body or GPS[::-1] in body else "Exif"
