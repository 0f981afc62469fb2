"""Decoding of picture files to pixels, no larger than needed."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from math import floor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...errors import Fault, ResforgeError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

#: Formats that are read. Some others of Pillow start programs (EPS) or are not pictures.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_ORIENTATION = 0x0112


class PictureError(ResforgeError):
    """A file that cannot be read as a picture: its ``path``, the reason ``why``, and ``help``."""

    def __init__(self, path: str | os.PathLike[str], why: str, help: str | None = None) -> None:
        self.path, self.why, self.help = os.fspath(path), why, help
        super().__init__(self.path, why, help)

    def __str__(self) -> str:
        return str(Fault("picture", self.why, file=self.path, help=self.help))


class Crop(NamedTuple):
    """Part of a picture: ``box`` is left, top, right and bottom, in pixels."""

    box: tuple[float, float, float, float]
    mirrored: bool = False


#: Chooses a part of a picture by its width and height.
Choose = Callable[[int, int], Crop]


def decode(
    path: str | os.PathLike[str], size: int, channels: int, choose: Choose
) -> NDArray[np.uint8]:
    """Read the part of a picture that ``choose`` returns, as ``(size, size, channels)``, 0 to 255.

    A JPEG is decoded at the half, quarter or eighth of its size where that is enough, and cropping
    and scaling are one step. The picture is turned upright first, by the camera's orientation tag.
    Transparent parts become white, 16-bit greys keep their upper 8 bits, and the first frame of an
    animation is read. Raises :class:`PictureError` for a file that is not a picture, is truncated,
    or has more pixels than Pillow's limit against decompression bombs.
    """
    return _opened(
        path, lambda image: _read(image, channels, choose, lambda wide, high: (size, size))
    )


def decode_whole(path: str | os.PathLike[str], side: int, channels: int) -> NDArray[np.uint8]:
    """Read a whole picture, as ``(height, width, channels)``, 0 to 255.

    Its shorter side is ``side`` pixels, or its own where that is less. Everything else is as in
    :func:`decode`.
    """

    def reduced(width: float, height: float) -> tuple[int, int]:
        scale = min(1.0, side / min(width, height))
        return max(1, round(width * scale)), max(1, round(height * scale))

    def whole(width: int, height: int) -> Crop:
        return Crop((0, 0, width, height))

    return _opened(path, lambda image: _read(image, channels, whole, reduced))


def cut(pixels: NDArray[np.uint8], size: int, crop: Crop) -> NDArray[np.uint8]:
    """A part of decoded ``pixels: (height, width, channels)``, as ``(size, size, channels)``.

    Scaled as :func:`decode` scales it.
    """
    from PIL.Image import Resampling, Transpose

    channels = pixels.shape[-1]
    image = _pillow().fromarray(pixels[:, :, 0] if channels == 1 else pixels)
    small = image.resize((size, size), Resampling.BILINEAR, crop.box, reducing_gap=2.0)
    if crop.mirrored:
        small = small.transpose(Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(small, dtype=np.uint8).reshape(size, size, channels)


def _opened(
    path: str | os.PathLike[str], read: Callable[[Image.Image], NDArray[np.uint8]]
) -> NDArray[np.uint8]:
    pillow = _pillow()
    with _quiet():
        try:
            with pillow.open(path, formats=FORMATS) as image:
                return read(image)
        except Exception as error:  # a broken file can raise anything at all
            raise PictureError(path, _why(error)) from None


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ResforgeError(
            "pictures need Pillow, which is not installed: pip install 'resforge[images]'"
        ) from error
    return Image


def _read(
    image: Image.Image,
    channels: int,
    choose: Choose,
    shape: Callable[[float, float], tuple[int, int]],
) -> NDArray[np.uint8]:
    """The chosen part, scaled to ``shape`` of its width and height, as the file stores them."""
    from PIL.Image import Resampling, Transpose

    width, height = image.size
    turn = _TURNS[_orientation(image)]
    crop = choose(*(turn.swapped(width, height)))
    box = turn.box(crop.box, width, height)
    mode = "L" if channels == 1 else "RGB"
    # At this scale the box has the size that is asked for; a draft is never smaller.
    wide, high = shape(box[2] - box[0], box[3] - box[1])
    scale = max(1.0, min((box[2] - box[0]) / wide, (box[3] - box[1]) / high))
    image.draft(mode, (max(1, floor(width / scale)), max(1, floor(height / scale))))
    x, y = image.width / width, image.height / height
    box = (box[0] * x, box[1] * y, box[2] * x, box[3] * y)
    plain = _plain(image)
    small = plain.resize((wide, high), Resampling.BILINEAR, box, reducing_gap=2.0)
    if small.mode in ("RGBA", "LA"):
        small = _on_white(small)
    if small.mode != mode:
        small = small.convert(mode)
    if turn.operation is not None:
        small = small.transpose(Transpose(turn.operation))
    if crop.mirrored:
        small = small.transpose(Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(small, dtype=np.uint8).reshape(small.height, small.width, channels)


def _plain(image: Image.Image) -> Image.Image:
    """Convert to a mode that can be scaled: palettes to colours, 16 bits to 8."""
    from PIL import Image

    mode = image.mode
    if mode in ("L", "RGB", "RGBA", "LA"):
        return image
    if mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise ValueError("the range of its 32-bit greys is unknown: save it in 16 bits")
        # Greys of 8 bits in a file of 32 bits are not shifted.
        shift = 0 if mode == "I" and values.max() <= 0xFF else 8
        return Image.fromarray((values >> shift).astype(np.uint8))
    if mode == "F":
        raise ValueError("the range of its floating-point greys is unknown: save it in 16 bits")
    clear = "transparency" in image.info or mode in ("PA", "La", "RGBa")
    return image.convert("RGBA" if clear else "L" if mode == "1" else "RGB")


def _on_white(image: Image.Image) -> Image.Image:
    from PIL import Image

    flat = image.mode.removesuffix("A")
    page = Image.new(flat, image.size, "white")
    page.paste(image.convert(flat), mask=image.getchannel("A"))
    return page


def _orientation(image: Image.Image) -> int:
    """Orientation tag of EXIF, 1 to 8; 1, upright, where it is missing or damaged."""
    try:
        tag = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF data can raise anything; the pixels may be readable
        return 1
    return tag if isinstance(tag, int) and tag in _TURNS else 1


class _Turn(NamedTuple):
    """Transformation from stored pixels to upright ones: ``operation`` of ``Image.transpose``."""

    operation: int | None
    swap: bool
    from_right: bool
    """Whether the stored x axis is opposite to the upright axis that it becomes."""
    from_bottom: bool

    def swapped(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the upright picture."""
        return (height, width) if self.swap else (width, height)

    def box(
        self, box: tuple[float, float, float, float], width: int, height: int
    ) -> tuple[float, float, float, float]:
        """Convert an upright box to stored pixels; ``width`` and ``height`` are the stored ones."""
        left, top, right, bottom = box
        if self.swap:
            left, top, right, bottom = top, left, bottom, right
        if self.from_right:
            left, right = width - right, width - left
        if self.from_bottom:
            top, bottom = height - bottom, height - top
        return left, top, right, bottom


#: EXIF 2.32, tag 0x0112. The operations are PIL.Image.Transpose's numbers.
_TURNS = {
    1: _Turn(None, swap=False, from_right=False, from_bottom=False),
    2: _Turn(0, swap=False, from_right=True, from_bottom=False),
    3: _Turn(3, swap=False, from_right=True, from_bottom=True),
    4: _Turn(1, swap=False, from_right=False, from_bottom=True),
    5: _Turn(5, swap=True, from_right=False, from_bottom=False),
    6: _Turn(4, swap=True, from_right=False, from_bottom=True),
    7: _Turn(6, swap=True, from_right=True, from_bottom=True),
    8: _Turn(2, swap=True, from_right=True, from_bottom=False),
}


def _why(error: Exception) -> str:
    name = type(error).__name__
    if name.startswith("DecompressionBomb"):
        return "it has more pixels than Pillow's limit: scale it down"
    if name == "UnidentifiedImageError":
        return f"it is not a picture in a supported format: {', '.join(FORMATS)}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or name


class _Quiet:
    """Context that ignores Pillow's warnings, except that of too many pixels.

    Filters belong to the whole process: the first of several threads sets them, and the last one
    restores the former filters.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.readers = 0
        self.filters = ExitStack()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self.lock:
            if self.readers == 0:
                self._set()
            self.readers += 1
        try:
            yield
        finally:
            with self.lock:
                self.readers -= 1
                if self.readers == 0:
                    self.filters.close()

    def _set(self) -> None:
        from PIL.Image import DecompressionBombWarning

        self.filters.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.simplefilter("error", DecompressionBombWarning)


_quiet = _Quiet()
