"""Random fields from which a landscape is drawn: fractal noise, smoothing, and a hash of integers."""

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def fractal(rng: np.random.Generator, shape: tuple[int, int], largest: float, roughness: float = 2.0) -> Field:
    """Draw Gaussian noise whose power falls with the spatial frequency, with mean 0 and standard deviation 1.

    Args:
        rng: where the randomness comes from.
        shape: height and width in pixels.
        largest: the wavelength in pixels above which the power no longer grows.
        roughness: the exponent by which the power falls: 0 is white, 2 like a coast, 3 and more like hills.
    """
    white = np.fft.rfft2(rng.standard_normal(shape, dtype=np.float32))
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :])
    white *= (frequency**2 + largest**-2.0) ** (-roughness / 2)
    white[0, 0] = 0
    field = np.fft.irfft2(white, s=shape)
    return np.asarray(field / field.std(), dtype=np.float32)


def smooth(field: NDArray, sigma: float) -> Field:
    """Blur a field, `(height, width)`, with a Gaussian of `sigma` pixels; the edges are mirrored."""
    margin = int(np.ceil(4 * sigma))
    padded = np.pad(field.astype(np.float32), margin, mode="symmetric")
    rows = np.exp(-2 * (np.pi * sigma * np.fft.fftfreq(padded.shape[0])) ** 2)
    columns = np.exp(-2 * (np.pi * sigma * np.fft.rfftfreq(padded.shape[1])) ** 2)
    blurred = np.fft.irfft2(np.fft.rfft2(padded) * rows[:, None] * columns[None, :], s=padded.shape)
    return np.asarray(blurred[margin : margin + field.shape[0], margin : margin + field.shape[1]], dtype=np.float32)


def scatter(key: NDArray, salt: int) -> Field:
    """Turn integers into numbers in [0, 1) that look random; equal integers give equal numbers."""
    offset = np.uint64((salt * 0xD1B54A32D192ED03) % 2**64)
    bits = key.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + offset
    bits ^= bits >> np.uint64(31)
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(29)
    return np.asarray((bits >> np.uint64(40)).astype(np.float64) / 2.0**24, dtype=np.float32)
