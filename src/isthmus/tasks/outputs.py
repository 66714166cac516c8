"""What a task is asked to predict."""

from collections.abc import Sequence

from isthmus.errors import ArgumentError, did_you_mean


def checked_outputs(outputs: str | list[str], known: Sequence[str]) -> str | list[str]:
    """What `predict` is to give, one kind or several.

    Args:
        outputs: what is asked for.
        known: what there is.

    Raises:
        ArgumentError: there is no such kind, or none is asked for.
    """
    for kind in [outputs] if isinstance(outputs, str) else outputs:
        if kind not in known:
            hint = did_you_mean(kind, known) or "."
            raise ArgumentError(
                f"output_on_inference has no {kind!r}{hint} It takes: {', '.join(known)}",
                argument="output_on_inference",
            )
    if not outputs:
        raise ArgumentError(
            f"output_on_inference is empty; it takes: {', '.join(known)}", argument="output_on_inference"
        )
    return outputs
