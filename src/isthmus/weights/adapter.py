"""How the entries of published files become those of an encoder: one small table a family."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from isthmus.weights.first_layer import FirstLayer
from isthmus.weights.keys import part_with, renamed
from isthmus.weights.loading import load_weights
from isthmus.weights.positions import fit_positions
from isthmus.weights.report import WeightsReport

Bands = Sequence[str | int | Sequence[int]]


@dataclass(frozen=True, slots=True)
class Adapter:
    """What the published files of a family look like, beside the encoder that they are loaded into.

    Attributes:
        anchor: the published name, within the encoder, of an entry that nothing else in the file has. The file may hold
            the encoder alone or inside a larger model, under any prefix.
        renames: what published names begin with, and what stands there in the encoder; the longest one that fits is
            taken. None leaves the entries out.
        first_layer: the parameter of the encoder with a slice per band along its second axis; None where there is none.
        first_layers: several such parameters, one a modality, each with its own bands.
        positions: the learned position embeddings of the encoder, each `(1, prefix + height * width, channels)`, and
            how many prefix tokens they begin with. They are resized to the grid of the encoder, which is its
            `grid_size` (height, width), or square where it does not say.
        computed: buffers that the encoder computes and that are never loaded.
        added: what the names of parameters begin with that no published file holds, such as prompts. They are loaded
            where a file has them, and else stay as the encoder made them, within `initialised`.
        convert: turns the entries of a file, under any prefix, into those of the layout that all the rest is about;
            for what renaming cannot do, and for families that are published in several layouts.
    """

    anchor: str
    renames: Mapping[str, str | None] = field(default_factory=dict)
    first_layer: str | None = None
    first_layers: Mapping[str, FirstLayer] = field(default_factory=dict)
    positions: Mapping[str, int] = field(default_factory=dict)
    computed: Sequence[str] = ()
    added: Sequence[str] = ()
    convert: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] | None = None

    def load(
        self,
        encoder: nn.Module,
        checkpoint: Mapping[str, Tensor],
        source: str,
        *,
        bands: Bands | None = None,
        pretrained_bands: Bands | None = None,
        new_bands: str | None = None,
        allow_missing: bool = False,
        assign: bool = False,
    ) -> WeightsReport:
        """Load the entries of a checkpoint into an encoder, or leave the encoder as it is where that cannot be done.

        Args:
            encoder: the encoder.
            checkpoint: the entries, by their published names.
            source: where they come from, for the report and for errors.
            bands: the bands of the images that the encoder takes; None leaves the first layer as it is.
            pretrained_bands: the bands that the weights were made for.
            new_bands: what bands that the weights do not know start from, "mean" or "random"; see `fit_bands`.
            allow_missing: leave parameters that the checkpoint does not have as they are instead of refusing.
            assign: put the entries in the place of the parameters instead of copying them; see `load_weights`.

        Raises:
            WeightsError: the entries are not those of such an encoder.
        """
        checkpoint = checkpoint if self.convert is None else self.convert(checkpoint)
        entries, ignored = part_with(self.anchor, checkpoint, source)
        entries, left_out = renamed(entries, self.renames)
        adapted: dict[str, str] = {}
        own = encoder.state_dict()
        for name, layer in self._first_layers(bands, pretrained_bands).items():
            if name in entries:
                entries[name], how = layer.fit(entries[name], own[name], source, new_bands)
                adapted |= {name: how} if how else {}
        grid = getattr(encoder, "grid_size", None)
        for name, prefix_tokens in self.positions.items():
            if name in entries:
                where = f"{source}: {name}"
                entries[name], how = fit_positions(entries[name], own[name], prefix_tokens, where, grid)
                adapted |= {name: how} if how else {}
        return load_weights(
            encoder,
            entries,
            source,
            computed=self.computed,
            added=self.added,
            adapted=adapted,
            ignored=[*ignored, *left_out],
            allow_missing=allow_missing,
            assign=assign,
        )

    def _first_layers(self, bands: Bands | None, pretrained_bands: Bands | None) -> Mapping[str, FirstLayer]:
        if self.first_layer is None or bands is None:
            return self.first_layers
        known = bands if pretrained_bands is None else pretrained_bands
        return {self.first_layer: FirstLayer(bands, known), **self.first_layers}
