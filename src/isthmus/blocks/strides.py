"""From strides, as people state them, to the number of blocks that halve or double the resolution."""

from isthmus.errors import ArgumentError


def halvings(coarse_name: str, coarse: int, fine_name: str | None = None, fine: int = 1) -> int:
    """How many halvings of the resolution lie between a fine and a coarse stride.

    Args:
        coarse_name: what the coarse stride is called, for messages.
        coarse: the coarse stride.
        fine_name: what the fine stride is called; None where it is that of the image.
        fine: the fine stride.

    Raises:
        ArgumentError: a stride is no power of two, or the coarse one is below the fine one.
    """
    for name, stride in ((coarse_name, coarse), (fine_name, fine)):
        if stride < 1 or stride & (stride - 1):
            near = 1 << max(stride, 1).bit_length() - 1
            raise ArgumentError(f"{name} is {stride}; a power of two was expected, such as {near} or {2 * near}")
    if coarse < fine:
        raise ArgumentError(f"{coarse_name} is {coarse}, below {fine_name}, which is {fine}; it must not be")
    return coarse.bit_length() - fine.bit_length()
