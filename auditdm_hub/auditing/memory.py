"""Images of a training run, which live as long as the process: writing each to disk would cost more than asking."""

from collections import OrderedDict
from collections.abc import Callable

from PIL.Image import Image

from auditdm_hub.errors import RunError
from auditdm_hub.images import image_sha

CAPACITY = 2 * 2**30
"""Bytes of pixels: 680 images of 1,024 by 1,024."""


class ImageMemory:
    """The latest images by name, in front of where the originals lie."""

    def __init__(self, originals: Callable[[str], Image] | None = None, capacity: int = CAPACITY) -> None:
        """Take `originals`, e.g. the `get` of an `ImageStore`; beyond `capacity` bytes the oldest used are dropped."""
        self._originals = originals
        self._capacity = capacity
        self._images: OrderedDict[str, Image] = OrderedDict()
        self._bytes = 0

    def put(self, image: Image) -> str:
        """Keep the image and return its name."""
        sha = image_sha(image)
        self._keep(sha, image if image.mode == "RGB" else image.convert("RGB"))
        return sha

    def get(self, sha: str) -> Image:
        """Return the image of that name.

        Raises:
            RunError: it is neither kept nor among the originals.
        """
        image = self._images.get(sha)
        if image is None:
            if self._originals is None:
                raise RunError(f"image {sha[:12]} is no longer in memory: give ImageMemory a larger capacity")
            image = self._originals(sha)
        self._keep(sha, image)
        return image

    def _keep(self, sha: str, image: Image) -> None:
        if sha not in self._images:
            self._images[sha] = image
            self._bytes += _size(image)
        self._images.move_to_end(sha)
        while self._bytes > self._capacity and len(self._images) > 1:
            _, dropped = self._images.popitem(last=False)
            self._bytes -= _size(dropped)


def _size(image: Image) -> int:
    return image.width * image.height * len(image.getbands())
