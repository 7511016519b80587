"""Images of a training run, which live as long as the process: writing each to disk would cost more than asking."""

from collections import OrderedDict
from collections.abc import Callable

from PIL.Image import Image

from auditdm_hub.errors import RunError
from auditdm_hub.images import image_sha


class ImageMemory:
    """The latest images by name, in front of where the originals lie."""

    def __init__(self, originals: Callable[[str], Image] | None = None, capacity: int = 4096) -> None:
        """Take `originals`, e.g. the `get` of an `ImageStore`; beyond `capacity` images the oldest used is dropped."""
        self._originals = originals
        self._capacity = capacity
        self._images: OrderedDict[str, Image] = OrderedDict()

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
        self._images[sha] = image
        self._images.move_to_end(sha)
        while len(self._images) > self._capacity:
            self._images.popitem(last=False)
