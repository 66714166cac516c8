import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import ArgumentError, CompositionError, ShapeError
from isthmus.models.backbones.terramind.catalog import VARIANTS, TerraMindSizes
from isthmus.models.backbones.terramind.modalities import MODALITIES, chosen_inputs
from isthmus.models.backbones.terramind.network import TerraMindEncoder
from isthmus.models.backbones.terramind_tokenizer.catalog import VARIANTS as TOKENIZERS
from isthmus.models.backbones.terramind_tokenizer.network import ScalarQuantiser
from isthmus.models.factories import EncoderDecoderFactory
from isthmus.plan import check_encoder
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.specs.features import Layout

THREE = ["S2L2A", "S1GRD", "DEM"]


def build(name="terramind_v1_tiny", **kwargs):
    return ISTHMUS_BACKBONE_REGISTRY.build(name, **kwargs).eval()


def small(modalities=THREE, depth=2, size=(64, 64), **kwargs):
    return TerraMindEncoder(chosen_inputs(modalities), size, TerraMindSizes(32, depth, 2), **kwargs).eval()


def images(*names, batch=2, height=32, width=48):
    bands = {modality.name: len(modality.bands) for modality in MODALITIES}
    return {name: torch.randn(batch, bands[name], height, width) for name in names}


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_the_facts_are_those_of_what_is_built(name):
    facts = ISTHMUS_BACKBONE_REGISTRY.entry(name).facts
    with torch.device("meta"):
        encoder = build(name, pretrained=True)
    assert encoder.weights_report is None
    assert sum(parameter.numel() for parameter in encoder.parameters()) == facts["parameters"]
    assert encoder.bands == facts["bands"]
    assert facts["modalities"] == [modality.name for modality in MODALITIES]
    assert encoder.patch_size == (facts["patch_size"],) * 2
    assert encoder.image_size == (facts["image_size"],) * 2


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
def test_the_facts_of_tokenizers_are_those_of_what_is_built(name):
    facts = ISTHMUS_BACKBONE_REGISTRY.entry(name).facts
    with torch.device("meta"):
        tokenizer = build(name)
    assert sum(parameter.numel() for parameter in tokenizer.parameters()) == facts["parameters"]
    assert tokenizer.bands == facts.get("bands", tokenizer.bands)
    assert tokenizer.image_size == (facts["image_size"],) * 2


@pytest.mark.parametrize("merge_method", ["mean", "max", "concat", None])
@pytest.mark.parametrize("modalities", [["S2L2A"], ["DEM", "RGB"]])
def test_it_is_a_sound_encoder(merge_method, modalities):
    specs = check_encoder(small(modalities, merge_method=merge_method, out_indices=[0, -1]))
    times = len(modalities) if merge_method == "concat" else 1
    assert [spec.channels for spec in specs] == [32 * times] * 2
    assert {spec.stride for spec in specs} == {None if merge_method is None else (16, 16)}
    assert {spec.layout for spec in specs} == {Layout.TOKENS}


def test_merges_are_what_they_are_called():
    every = {method: small(merge_method=method) for method in ("mean", "max", "concat", "dict", None)}
    x = images(*THREE)
    with torch.no_grad():
        found = {}
        for method, encoder in every.items():
            encoder.load_state_dict(every["mean"].state_dict(), strict=False)
            found[method] = encoder(x)
    for index, parts in enumerate(found["dict"]):
        assert list(parts) == THREE
        stacked = torch.stack(list(parts.values()))
        torch.testing.assert_close(found["mean"][index], stacked.mean(0))
        torch.testing.assert_close(found["max"][index], stacked.amax(0))
        torch.testing.assert_close(found["concat"][index], torch.cat(list(parts.values()), dim=-1))
        torch.testing.assert_close(found[None][index], torch.cat(list(parts.values()), dim=1))


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(THREE), left_out=st.sets(st.sampled_from(THREE), max_size=2))
def test_the_order_of_a_batch_does_not_matter(order, left_out):
    torch.manual_seed(0)
    given = images(*[name for name in THREE if name not in left_out])
    for method in ("mean", "concat", None):
        encoder = small(merge_method=method)
        with torch.no_grad():
            expected = encoder(given)
            found = encoder({name: given[name] for name in order if name in given})
        for one, other in zip(found, expected, strict=True):
            assert torch.equal(one, other)


def test_a_learned_token_stands_in_for_what_a_batch_does_not_have():
    encoder = small(merge_method="concat").train()
    token = encoder.missing_mod_token
    assert token.isfinite().all()
    assert 0 < token.std() < 0.1
    features = encoder(images("S2L2A", "DEM"))
    for feature in features:
        torch.testing.assert_close(feature[..., 32:64], token.expand(2, 6, 32))
    features[-1].square().sum().backward()
    assert token.grad.abs().sum() > 0


def test_a_batch_stays_as_it_was():
    encoder = small()
    given = images(*THREE)
    before = {name: tensor.clone() for name, tensor in given.items()}
    keyword = torch.randn(2, 1, 32, 48)
    with pytest.warns(UserWarning, match="'DEN' is none of the modalities .* did you mean 'DEM'"):
        encoder(given | {"DEN": keyword})
    encoder(given, DEM=keyword)
    assert list(given) == list(before)
    assert all(torch.equal(given[name], before[name]) for name in before)


def test_keywords_count_before_the_dict_and_a_tensor_is_the_first_image():
    encoder = small(["Coords", "S2L2A", "DEM"])
    assert encoder.in_channels == 12
    given = images("S2L2A", "DEM")
    with torch.no_grad():
        both = encoder(given)[-1]
        assert torch.equal(encoder(given["S2L2A"], DEM=given["DEM"])[-1], both)
        assert torch.equal(encoder(S2L2A=given["S2L2A"], DEM=given["DEM"])[-1], both)
        assert torch.equal(encoder(given | {"DEM": torch.zeros(1)}, DEM=given["DEM"])[-1], both)


def test_positions_follow_the_grid_height_and_width_apart():
    encoder = small(["DEM"], depth=1, size=(64, 32))
    embedding = encoder.encoder_embeddings["untok_dem@224"]
    with torch.no_grad():
        native = embedding(torch.zeros(1, 1, 64, 32)) - embedding.mod_emb
        torch.testing.assert_close(native, embedding.pos_emb)
        wide = (embedding(torch.zeros(1, 1, 64, 96)) - embedding.mod_emb).unflatten(1, (4, 6))
    rows = native.unflatten(1, (4, 2))[:, :, :1, :16]
    torch.testing.assert_close(wide[..., :16], rows.expand(1, 4, 6, 16), atol=1e-5, rtol=0)
    assert (wide[:, :, 0, 16:] - wide[:, :, -1, 16:]).abs().max() > 0.5


def test_sequences_join_the_images_but_not_what_is_merged():
    encoder = small(["DEM", "Coords", "Caption"])
    dem = images("DEM")
    ids = torch.randint(0, 100, (2, 5))
    with torch.no_grad():
        alone, both = encoder(dem)[-1], encoder(dem, Coords=ids)[-1]
        assert alone.shape == both.shape == (2, 6, 32)
        assert not torch.allclose(alone, both)
        unpadded = encoder(dem, Coords=ids, Coords_mask=torch.zeros(2, 5, dtype=torch.bool))[-1]
        torch.testing.assert_close(unpadded, both)
        mask = torch.tensor([[False] * 5, [True, False, False, False, True]])
        padded = encoder(dem, Coords=ids, Coords_mask=mask)[-1]
    torch.testing.assert_close(padded[0], both[0])
    assert not torch.allclose(padded[1], both[1])


def test_out_indices_pick_blocks_and_only_the_last_block_is_normalised():
    encoder, picked = small(depth=3), small(depth=3, out_indices=[-1, 0])
    picked.load_state_dict(encoder.state_dict())
    given = images(*THREE)
    with torch.no_grad():
        every, chosen = encoder(given), picked(given)
    assert picked.out_channels == [32, 32]
    assert torch.equal(chosen[0], every[2])
    assert torch.equal(chosen[1], every[0])
    with torch.no_grad():
        [*_, last] = small(["DEM"], depth=3)(images("DEM"))
    torch.testing.assert_close(last.mean(-1), torch.zeros(2, 6), atol=1e-5, rtol=0)


def test_the_same_seed_gives_the_same_weights():
    def state():
        torch.manual_seed(3)
        return small(["S2L2A", {"planet": 4}, "Coords"], merge_method="concat").state_dict()

    first, second = state(), state()
    assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())
    assert all(tensor.isfinite().all() for tensor in first.values())


def test_every_parameter_is_trained():
    encoder = small([*THREE, "Coords"]).train()
    encoder(images(*THREE), Coords=torch.randint(0, 9, (2, 3)))[-1].square().sum().backward()
    assert [name for name, parameter in encoder.named_parameters() if parameter.grad is None] == []
    assert not any(key.endswith("norm.bias") for key, _ in encoder.named_parameters())


def test_modalities_are_found_under_the_names_in_use():
    keys = {
        "untok_sen2rgb@224": ["RGB", "S2RGB", "rgb", "untok_sen2rgb@224"],
        "untok_sen1grd@224": ["S1GRD", "s1grd", "sen1"],
        "caption": ["Caption", "captions", "caption"],
        "coords": ["Coords", "coords"],
    }
    for key, names in keys.items():
        for name in names:
            [found] = chosen_inputs([name])
            assert (found.key, found.name) == (key, name)


def test_bands_are_chosen_by_modality():
    bands = {"S2L2A": ["RED", "NIR_NARROW", "FOO"], "S1GRD": [0, [2, 3]]}
    encoder = build(modalities=THREE, bands=bands)
    assert encoder.bands == bands["S2L2A"]
    assert encoder.modality_bands == {"S2L2A": ["RED", "NIR_NARROW", "FOO"], "S1GRD": [0, 2, 3], "DEM": ["DEM"]}
    assert build(bands=["RED"]).modality_bands == {"S2L2A": ["RED"]}
    assert build(in_chans=5).modality_bands == {"image": [0, 1, 2, 3, 4]}
    assert build(modalities=["DEM", {"planet": 4}]).modality_bands == {"DEM": ["DEM"], "planet": [0, 1, 2, 3]}


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"modalities": ["S2L2"]}, "no modality 'S2L2'; did you mean 'S2L2A'"),
        ({"modalities": []}, "at least one was expected"),
        ({"modalities": ["RGB", "s2rgb"]}, r"lists RGB twice: \['RGB', 's2rgb'\]"),
        ({"modalities": {"DEM": 1}}, "DEM 1 channels, but it is a modality of TerraMind"),
        ({"modalities": {"my.dem": 1}}, "a name without a point"),
        ({"modalities": {"planet": 0}}, "a number of channels"),
        ({"modalities": THREE, "bands": ["RED"]}, "3 modalities that are images: S2L2A, S1GRD, DEM"),
        ({"modalities": THREE, "bands": {"S2L1A": ["RED"]}}, "'S2L1A'; did you mean 'S2L2A'"),
        ({"modalities": ["Coords"], "bands": {"Coords": [1]}}, "for none of the modalities"),
        ({"bands": "RED"}, "a list was expected"),
        ({"pretrained_bands": {"DEM": ["DEM"]}}, "pretrained_bands has the modality 'DEM'"),
        ({"in_chans": 3, "modalities": ["DEM"]}, "leave in_chans out"),
        ({"merge_method": "maen"}, "did you mean 'mean'"),
        ({"img_size": 8}, "smaller than a patch"),
        ({"out_indices": [12]}, "12 blocks"),
        ({"tokenizer_paths": {"LULC": "lulc.pt"}}, "those of: no modality"),
    ],
)
def test_arguments_without_meaning_are_refused(kwargs, message):
    with torch.device("meta"), pytest.raises(ArgumentError, match=message):
        build(**kwargs)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "takes DEM, LULC, Coords, and was given nothing"),
        ({}, "was given nothing"),
        (torch.zeros(2, 1, 3, 32, 32), r"DEM: the encoder takes images of shape \(B, C, H, W\)"),
        ({"DEM": torch.zeros(2, 2, 32, 32)}, r"DEM: the encoder takes 1 bands"),
        ({"DEM": torch.zeros(2, 1, 8, 32)}, "does not divide into patches"),
        ({"LULC": torch.zeros(2, 10, 32, 32)}, r"without tokenizers: integer ids \(B, h, w\)"),
        ({"LULC": torch.zeros(2, 2, 2)}, r"float32 of the shape \(2, 2, 2\): integer ids \(B, h, w\)"),
        ({"Coords": torch.zeros(2, 1, 2, dtype=torch.long)}, r"integer ids \(B, L\)"),
        ({"Coords": torch.zeros(2, 600, dtype=torch.long)}, "600 ids: at most 512"),
        ({"Coords": torch.zeros(2, 6, dtype=torch.long)}, "have no grid and cannot be merged by 'mean'"),
        (
            {"Coords": torch.zeros(2, 6, dtype=torch.long), "Coords_mask": torch.zeros(2, 5)},
            r"Coords_mask has the shape \(2, 5\), not \(2, 6\)",
        ),
        ({"DEM": torch.zeros(2, 1, 32, 32), "LULC": torch.zeros(3, 2, 2).long()}, "different numbers of samples"),
    ],
)
def test_inputs_that_break_the_contract_are_refused(given, message):
    encoder = small(["DEM", "LULC", "Coords"])
    with pytest.raises(ShapeError, match=message):
        encoder(given)


def test_ids_take_the_place_of_images_on_any_grid():
    encoder = small(["LULC", "NDVI", "DEM"], merge_method="concat")
    assert encoder.out_channels == [96, 96]
    ids = torch.randint(0, 4375, (2, 2, 3), dtype=torch.int32)
    with torch.no_grad():
        features = encoder(images("DEM"), LULC=ids)
        swapped = encoder(images("DEM"), LULC=ids.flip(2))
    assert features[-1].shape == (2, 6, 96)
    assert not torch.allclose(features[-1], swapped[-1])


@given(levels=st.lists(st.integers(2, 8), min_size=1, max_size=5), seed=st.integers(0, 100))
def test_an_id_stands_for_its_levels_and_no_others(levels, seed):
    quantiser = ScalarQuantiser(levels)
    latent = 3 * torch.randn(2, len(levels), 3, 2, generator=torch.Generator().manual_seed(seed))
    quantised, ids = quantiser(latent)
    torch.testing.assert_close(quantiser.levels_of(ids), quantised)
    assert (quantised - latent.sigmoid()).abs().max() <= 0.5 / (min(levels) - 1) + 1e-6
    every = torch.arange(torch.tensor(levels).prod().item()).reshape(1, 1, -1)
    combinations = quantiser.levels_of(every)[0, :, 0].T
    assert len(combinations.unique(dim=0)) == every.numel()


def test_gradients_pass_through_the_rounding():
    latent = torch.randn(1, 2, 1, 1, requires_grad=True)
    ScalarQuantiser([5, 5])(latent)[0].sum().backward()
    slope = latent.detach().sigmoid() * (1 - latent.detach().sigmoid())
    torch.testing.assert_close(latent.grad, slope)


@pytest.fixture
def small_tokenizers(monkeypatch):
    """Tokenizers of the published names, but of one block and 32 channels."""
    for name, value in {"EMBED_DIM": 32, "DEPTH": 1, "NUM_HEADS": 2}.items():
        monkeypatch.setattr(f"isthmus.models.backbones.terramind_tokenizer.network.{name}", value)


def test_images_become_ids_by_tokenizers_that_are_not_trained(small_tokenizers):
    encoder = build(modalities=["LULC", "DEM"])
    given = images("LULC", "DEM")
    ids = encoder.tokenizer["tok_lulc@224"].tokenize(given["LULC"])
    assert ids.shape == (2, 2, 3)
    with torch.no_grad():
        assert torch.equal(encoder(given)[-1], encoder(given | {"LULC": ids})[-1])
    assert not any(parameter.requires_grad for parameter in encoder.tokenizer.parameters())
    assert len(build(modalities=["LULC"], tokenizers=False).tokenizer) == 0


def test_a_tokenizer_is_a_sound_encoder(small_tokenizers):
    tokenizer = build("terramind_v1_tokenizer_lulc", with_decoder=True)
    [spec] = check_encoder(tokenizer, [(64, 64), (32, 48)])
    assert spec.layout is Layout.GRID
    with torch.no_grad():
        x = torch.rand(1, 10, 32, 48)
        assert torch.equal(tokenizer.decode(tokenizer.tokenize(x)), tokenizer.decode(tokenizer.quantise(x)[1]))
        torch.testing.assert_close(tokenizer.reconstruct(x), tokenizer.decode(tokenizer.tokenize(x)))
    with pytest.raises(ArgumentError, match="built without its decoder"):
        build("terramind_v1_tokenizer_lulc").reconstruct(x)
    with pytest.raises(ArgumentError, match="of terramind_v1_tokenizer_dem is a diffusion model"):
        build("terramind_v1_tokenizer_dem", with_decoder=True)


def test_a_deep_copy_is_an_encoder_of_its_own():
    encoder = small()
    twin = copy.deepcopy(encoder)
    given = images(*THREE)
    with torch.no_grad():
        expected = encoder(given)[-1]
        for parameter in twin.parameters():
            parameter.zero_()
        assert torch.equal(encoder(given)[-1], expected)
        assert twin(given)[-1].abs().max() == 0


def test_a_dict_of_features_fits_no_decoder():
    chosen = {"backbone_modalities": ["S2L2A", "DEM"], "backbone_out_indices": [2, 5, 8, 11], "num_classes": 2}
    with pytest.raises(CompositionError, match=r"TerraMindEncoder gives a dict .* merge_method: mean"):
        EncoderDecoderFactory().build_model(
            "segmentation", "terramind_v1_tiny", "FCNDecoder", necks="auto", backbone_merge_method="dict", **chosen
        )


@pytest.mark.slow
@pytest.mark.parametrize("merge_method", ["mean", "concat"])
def test_it_can_be_exported(merge_method):
    encoder, given = small(merge_method=merge_method), images("S2L2A", "DEM")
    exported = torch.export.export(encoder, (given,)).module()
    with torch.no_grad():
        for feature, expected in zip(exported(given), encoder(given), strict=True):
            torch.testing.assert_close(feature, expected)


def test_every_image_that_a_batch_may_hold_is_published(small_tokenizers):
    every = build(modalities=["Coords", "LULC", "S1GRD", {"planet": 4}, "S2L2A"], bands={"S2L2A": ["RED", "BLUE"]})
    spec = every.input_spec
    assert {name: modality.bands for name, modality in spec.modalities.items()} == {
        "S1GRD": ("VV", "VH"),
        "planet": (0, 1, 2, 3),
        "S2L2A": ("RED", "BLUE"),
        "LULC": tuple(range(10)),
    }
    assert (spec.image_size, spec.multiple) == ((224, 224), (1, 16, 16))
    assert spec.metadata == ("Coords", "Coords_mask")
    with torch.no_grad():
        features = every({name: torch.randn(shape) for name, shape in spec.shapes((32, 48), 2).items()})
    assert features[-1].shape == (2, 6, 192)


@pytest.mark.parametrize("modalities", [["DEM"], ["LULC", "DEM"], ["Coords", "NDVI"]])
def test_a_tensor_by_itself_is_the_single_image(modalities, small_tokenizers):
    encoder = build(modalities=modalities, tokenizers=modalities[-1] == "NDVI")
    shape = encoder.input_spec.shapes((32, 32), 2)["image"]
    assert shape == (2, 1, 32, 32)
    assert encoder(torch.randn(shape))[-1].shape == (2, 4, 192)
    assert build(modalities=["LULC", "Coords"], tokenizers=False).input_spec.shapes((32, 32)) == {}
