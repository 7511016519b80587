"""The pictures of an HTML report: thumbnails and differences as data URIs, so that the page is one file.

A difference is |original - counterfactual| per pixel and channel, brightened until its largest value is white, at most
`MAX_GAIN` times: an edit of two pixels is to be seen, noise of a codec is not to look like an edit.
"""

import base64
import io
from dataclasses import dataclass

from PIL import Image, ImageChops

from auditdm_hub.images import ImageStore
from auditdm_hub.report.schema import Example

SIDE = 256
"""Pixels of the longer side of a thumbnail: twice what the page shows, for dense screens."""
SMALL = 128
"""Images with a longer side below this keep hard pixel edges when they are enlarged."""
MAX_GAIN = 8.0


@dataclass(frozen=True, slots=True)
class Picture:
    """An image for the page; `caption` stands below it, `alt` in its place for those who cannot see it."""

    uri: str
    width: int
    height: int
    caption: str
    alt: str


def pictures_of(example: Example, store: ImageStore) -> list[Picture]:
    """Return the image that was asked about; if it was made, between its original and the difference.

    Raises:
        RunError: an image is missing or was changed.
    """
    image = store.get(example["image"])
    if not example["source_image"]:
        return [_picture(image, "original", "The image that was asked about.")]
    source = store.get(example["source_image"])
    made = example["image_source"]
    shown = [
        _picture(source, "original", "The original image."),
        _picture(image, made, f"The image that was asked about: {made}, {example['instruction']}"),
    ]
    if made == "edited":  # a generated image shares nothing with its source but the idea
        changed, gain = difference(source, image)
        times = f" ×{gain:.1f}" if gain > 1 else ""
        shown.append(_picture(changed, f"difference{times}", "Absolute difference of the two, brightened."))
    return shown


def difference(source: Image.Image, image: Image.Image) -> tuple[Image.Image, float]:
    """Return the brightened absolute difference of two RGB images, and by how much it was brightened."""
    if source.size != image.size:  # some editors only make images of their own size
        source = source.resize(image.size, Image.Resampling.LANCZOS)
    changed = ImageChops.difference(source, image)
    largest = max(changed.convert("RGB").tobytes())  # over all channels
    gain = min(MAX_GAIN, 255 / largest) if largest else 1.0
    return changed.point([min(255, round(value * gain)) for value in range(256)] * 3), gain


def thumbnail(image: Image.Image) -> tuple[bytes, str]:
    """Return the image at the size of the page, and its media type."""
    buffer = io.BytesIO()
    longest = max(image.size)
    if longest < SMALL:
        times = max(1, SIDE // longest)
        image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST).save(
            buffer, format="PNG", optimize=True
        )
        return buffer.getvalue(), "image/png"
    small = image.copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    small.save(buffer, format="JPEG", quality=85)
    return buffer.getvalue(), "image/jpeg"


def _picture(image: Image.Image, caption: str, alt: str) -> Picture:
    data, media_type = thumbnail(image)
    uri = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    return Picture(uri, image.width, image.height, caption, alt)
