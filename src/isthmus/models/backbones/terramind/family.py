"""How an encoder of TerraMind is built."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isthmus.errors import ArgumentError, did_you_mean
from isthmus.models.backbones.family import PromptedFamily
from isthmus.models.backbones.terramind.catalog import VARIANTS
from isthmus.models.backbones.terramind.modalities import Input, Kind, by_modality, chosen_inputs
from isthmus.models.backbones.terramind.network import TerraMindEncoder
from isthmus.models.backbones.terramind_tokenizer.family import TerraMindTokenizer
from isthmus.models.backbones.terramind_tokenizer.network import ImageTokenizer
from isthmus.weights.adapter import Adapter
from isthmus.weights.first_layer import FirstLayer
from isthmus.weights.uninitialised import initialised


@dataclass(frozen=True, kw_only=True)
class TerraMind(PromptedFamily):
    """The TerraMind family. A new modality, which no weights have, always starts at random.

    Args:
        modalities: the kinds of input: S2L2A, S2L1C, RGB, S1GRD, S1RTC, DEM, LULC, NDVI, Caption, Coords, and new ones
            with the number of their channels, as in `[S2L2A, {"planet": 4}]`. S2L2A by default.
        merge_method: what becomes of the tokens of several modalities: "mean", "max", "concat", "dict" or None.
        bands: the bands of the images by modality, in order, or a list where one modality is images; all that
            TerraMind was made for by default.
        in_chans: the number of bands of one new modality called `image`, in the place of `modalities`.
        pretrained_bands: the bands that the weights were made for, by modality or as a list.
        new_bands: what bands that the weights do not know start from: "mean", the mean over the bands that they know,
            or "random". By default "mean", and an error where the weights know none of the bands.
        tokenizers: whether to build the tokenizers of LULC and NDVI; without them these take ids.
        tokenizer_paths: files with the weights of the tokenizers, by modality. Without one, they come from the Hub
            where those of the encoder do, and from the file of the encoder otherwise.
    """

    modalities: Sequence[str | Mapping[str, int]] | Mapping[str, int] | None = None
    merge_method: str | None = "mean"
    bands: Sequence[str | int | Sequence[int]] | Mapping[str, Sequence[str | int | Sequence[int]]] | None = None
    in_chans: int | None = None
    pretrained_bands: Sequence[str | int | Sequence[int]] | Mapping[str, Sequence[str | int | Sequence[int]]] | None = (
        None
    )
    new_bands: str | None = None
    tokenizers: bool = True
    tokenizer_paths: Mapping[str, str | Path] | None = None

    published = Adapter("encoder_norm.weight", added=("missing_mod_token",))

    @property
    def inputs(self) -> list[Input]:
        """The modalities that are asked for."""
        if self.in_chans is None:
            return chosen_inputs(["S2L2A"] if self.modalities is None else self.modalities, self.bands)
        if self.modalities is not None:
            raise ArgumentError(f"in_chans is {self.in_chans}, but modalities tells the channels; leave in_chans out")
        return chosen_inputs({"image": self.in_chans}, self.bands)

    @property
    def tokenizer_files(self) -> dict[str, str | Path | None]:
        """The tokenizers to build, by modality, each with the file that its weights are in if one was given."""
        names = [each.name for each in self.inputs if each.kind is Kind.CODES] if self.tokenizers else []
        given = self.tokenizer_paths or {}
        for name in given:
            if name not in names:
                raise ArgumentError(
                    f"tokenizer_paths has {name!r}{did_you_mean(name, names) or '.'} The tokenizers of this encoder "
                    f"are those of: {', '.join(names) or 'no modality'}"
                )
        return {name: given.get(name) for name in names}

    @property
    def from_hub(self) -> bool:
        """Whether weights come from where they are published."""
        return self.pretrained and self.ckpt_path is None

    def network(self) -> TerraMindEncoder:
        """The network, at random; tokenizers whose weights are published or in files of their own have them."""
        sizes, inputs = VARIANTS[self.variant], self.inputs
        prompts = self.prompting.prompts(sizes.depth, sizes.embed_dim, (sizes.patch_size, sizes.patch_size))
        tokenizers = {
            each.name: self._tokenizer(str(each.modality.tokenizer), self.tokenizer_files[each.name])
            for each in inputs
            if each.name in self.tokenizer_files
        }
        return TerraMindEncoder(
            inputs,
            self.native_size,
            sizes,
            merge_method=self.merge_method,
            out_indices=self.out_indices,
            drop_path=self.drop_path,
            prompts=prompts,
            tokenizers=tokenizers,
        )

    def _tokenizer(self, name: str, path: str | Path | None) -> ImageTokenizer:
        with initialised() if self._has_weights(path) else nullcontext():  # its weights are not loaded again
            tokenizer: ImageTokenizer = TerraMindTokenizer.build(variant=name, pretrained=self.from_hub, ckpt_path=path)
            return tokenizer

    def _has_weights(self, path: str | Path | None) -> bool:
        """Whether a tokenizer has its weights from elsewhere than the encoder."""
        return self.from_hub or path is not None

    def adapter(self) -> Adapter:
        """What the published files look like, beside an encoder of these inputs."""
        adapter, inputs, files = super().adapter(), self.inputs, self.tokenizer_files
        known = by_modality(self.pretrained_bands, inputs, "pretrained_bands")
        embeddings = {each.name: f"encoder_embeddings.{each.key}." for each in inputs}
        tokenizers = {each.name: f"tokenizer.{each.key}." for each in inputs if each.name in files}
        new = [embeddings[each.name] for each in inputs if each.is_new]
        elsewhere = [key for name, key in tokenizers.items() if self._has_weights(files[name])]
        layers = {
            embeddings[each.name] + "proj.weight": FirstLayer(
                each.bands, known.get(each.name, each.modality.bands or each.bands), bands_last=True
            )
            for each in inputs
            if each.kind is Kind.IMAGE
        }
        computed = [name + "pos_emb" for name in embeddings.values()]
        computed += [name + "encoder.pos_emb" for name in tokenizers.values()]
        added = (*adapter.added, *new, *elsewhere)
        return replace(adapter, added=added, first_layers=layers, computed=tuple(computed))

    def first_layer(self) -> dict[str, Any]:
        """What new bands start from; the adapter knows the bands of each modality."""
        return {"new_bands": self.new_bands}
