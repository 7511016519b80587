"""Content-addressed images: the name of an image is the SHA-256 of its size and RGB pixels."""

import hashlib
import io
from pathlib import Path

from PIL import Image

from auditdm_hub.atomic import atomic_file
from auditdm_hub.errors import RunError


def image_sha(image: Image.Image) -> str:
    """Return the SHA-256 (64 hex digits) of width, height and RGB pixels; independent of file format and metadata."""
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    digest = hashlib.sha256(f"RGB {rgb.width}x{rgb.height} ".encode())
    digest.update(rgb.tobytes())
    return digest.hexdigest()


class ImageStore:
    """A folder of PNG files named by `image_sha`, two hex digits deep. Writes are atomic and idempotent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha: str) -> Path:
        """Return where the image of that name lies (or would lie)."""
        return self.folder / sha[:2] / f"{sha}.png"

    def put(self, image: Image.Image) -> str:
        """Store the image, without its metadata, and return its name."""
        sha = image_sha(image)
        path = self.path(sha)
        if not path.exists():
            rgb = Image.frombytes("RGB", image.size, image.convert("RGB").tobytes())
            with atomic_file(path, flush=False) as file:
                rgb.save(file, format="PNG")
        return sha

    def get(self, sha: str) -> Image.Image:
        """Return the image of that name.

        Raises:
            RunError: it is not in the store, or its pixels do not have that hash.
        """
        with self._opened(sha, self._file(sha)) as image:
            return image.convert("RGB")

    def read(self, sha: str) -> bytes:
        """Return the file of the image of that name, whose pixels were compared with it.

        Raises:
            RunError: it is not in the store, or its pixels do not have that hash.
        """
        data = self._file(sha)
        self._opened(sha, data).close()
        return data

    def _file(self, sha: str) -> bytes:
        try:
            return self.path(sha).read_bytes()
        except FileNotFoundError:
            raise RunError(f"image {sha[:12]} is not in {self.folder}: run the audit again with --resume") from None

    def _opened(self, sha: str, data: bytes) -> Image.Image:
        try:
            image = Image.open(io.BytesIO(data))
            found = image_sha(image)
        except (OSError, ValueError, SyntaxError) as error:  # what Pillow makes of a broken file
            raise RunError(f"image file {self.path(sha)} was changed: it is no image any more ({error})") from None
        if found != sha:
            raise RunError(f"image file {self.path(sha)} was changed: its pixels no longer match its name")
        return image
