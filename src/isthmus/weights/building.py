"""Building a pretrained encoder in about the time and the memory that reading its weights takes."""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from isthmus.weights.adapter import Adapter, Bands
from isthmus.weights.hub import bands_of
from isthmus.weights.locating import locate
from isthmus.weights.reading import read_checkpoint
from isthmus.weights.report import WeightsReport
from isthmus.weights.uninitialised import uninitialised

logger = logging.getLogger(__name__)

EncoderT = TypeVar("EncoderT", bound=nn.Module)


def build_with_weights(
    construct: Callable[[], EncoderT],
    adapter: Adapter,
    name: str,
    *,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    bands: Bands | None = None,
    pretrained_bands: Bands | None = None,
    new_bands: str | None = None,
    allow_missing: bool = False,
) -> EncoderT:
    """Build an encoder and, where that is asked for, load its weights.

    Args:
        construct: builds the encoder, at random.
        adapter: how the entries of published files become those of the encoder.
        name: the name of the backbone, whose facts say where its weights are published.
        pretrained: load the published weights, from the Hub or its cache.
        ckpt_path: load the weights in this file, or in this folder under their published name, instead; they are read
            whether or not `pretrained` is set.
        bands: the bands of the images.
        pretrained_bands: the bands that the weights were made for; those in the facts by default.
        new_bands: what bands that the weights do not know start from; see `fit_bands`.
        allow_missing: leave parameters that the weights do not have at random instead of refusing.

    Returns:
        The encoder. Its `weights_report` says what was loaded, and is None where it is at random. On the `meta` device
        nothing is loaded.

    Raises:
        WeightsError: the weights cannot be found, read or fitted.
    """
    if not (pretrained or ckpt_path is not None) or torch.empty(0).is_meta:
        return construct()
    # New bands that start at random need the values of an initialised layer.
    assign = new_bands != "random"
    with uninitialised() if assign else nullcontext():
        encoder = construct()
    path, source = locate(name, ckpt_path)
    checkpoint = read_checkpoint(path)
    known = bands_of(name) if pretrained_bands is None else pretrained_bands

    def load(into: EncoderT, *, assign: bool) -> WeightsReport:
        return adapter.load(
            into,
            checkpoint,
            source,
            bands=bands,
            pretrained_bands=known,
            new_bands=new_bands,
            allow_missing=allow_missing,
            assign=assign,
        )

    report = load(encoder, assign=assign)
    if assign and report.random:
        encoder = construct()
        report = load(encoder, assign=False)
    encoder.weights_report = report  # type: ignore[assignment]
    logger.log(logging.WARNING if report.random else logging.INFO, "%s", report)
    return encoder
