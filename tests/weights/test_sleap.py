import json
import sys

import numpy as np
import pytest
import torch

from isthmus.blocks import LeapCNN, UNet
from isthmus.blocks.stacked_hourglass import StackedHourglass
from isthmus.errors import CompositionError, MissingExtraError, WeightsError
from isthmus.weights import load_sleap
from isthmus.weights.sleap import SleapNetwork
from isthmus.weights.sleap.names import backbone_weights
from isthmus.weights.sleap.network import network_weights
from isthmus.weights.sleap.outputs import read_outputs
from isthmus.weights.sleap.skeleton import Skeleton, read_skeleton

h5py = pytest.importorskip("h5py")

TRAINED = {
    "min_tracks_2node.UNet.bottomup_multiclass": {
        "MultiInstanceConfmapsHead": (2, 5.0),
        "ClassMapsHead": (2, 5.0),
    },
    "minimal_instance.UNet.bottomup": {
        "MultiInstanceConfmapsHead": (2, 1.5),
        "PartAffinityFieldsHead": (4, 50.0),
        "OffsetRefinementHead": (2, None),
    },
    "minimal_instance.UNet.centered_instance": {
        "CenteredInstanceConfmapsHead": (2, 1.5),
        "OffsetRefinementHead": (2, None),
    },
    "minimal_instance.UNet.centroid": {"CentroidConfmapsHead": (4, 1.5), "OffsetRefinementHead": (4, None)},
    "minimal_robot.UNet.single_instance": {"SingleInstanceConfmapsHead": (4, 5.0)},
}
"""The output stride and the sigma of every head."""


def recorded(shared, name):
    with np.load(shared / "oracle" / "blocks" / "trained" / f"{name}.npz") as file:
        images, names = file["input0"].transpose(0, 3, 1, 2), json.loads(str(file["meta"]))["output_names"]
        maps = {head.removesuffix("_0"): file[f"output{index}"] for index, head in enumerate(names)}
    return torch.from_numpy(images.copy()), {
        head: torch.from_numpy(values).permute(0, 3, 1, 2) for head, values in maps.items()
    }


@pytest.mark.real
@pytest.mark.parametrize("name", TRAINED)
def test_a_trained_model_gives_the_maps_that_it_gave(shared, name):
    model = load_sleap(shared / "data" / "sleap_models" / name)
    images, expected = recorded(shared, name)
    with torch.no_grad():
        maps = model.network(images)
    assert list(maps) == list(expected)
    for head, values in expected.items():
        assert (maps[head] - values).abs().max() < 1e-4
        assert torch.equal(maps[head].flatten(2).argmax(-1), values.flatten(2).argmax(-1))
    assert {head.name: (head.output_stride, head.sigma) for head in model.settings.outputs.heads} == TRAINED[name]
    assert not model.network.training
    assert len(model.report.loaded) == len(model.network.state_dict())
    assert (model.report.ignored, model.report.random, model.report.adapted) == ((), (), {})


@pytest.mark.real
def test_what_a_trained_model_says_of_itself(shared):
    folder = shared / "data" / "sleap_models"
    flies = load_sleap(folder / "min_tracks_2node.UNet.bottomup_multiclass").settings
    assert (flies.architecture, flies.kind) == ("unet", "multi_class_bottomup")
    assert flies.outputs.points == ("head", "thorax")
    assert flies.outputs.classes == ("female", "male")
    assert flies.skeleton == Skeleton(("head", "thorax"), (("thorax", "head"),))
    assert (flies.input_scaling, flies.pad_to_stride, flies.crop_size) == (0.5, 16, None)
    crops = load_sleap(folder / "minimal_instance.UNet.centered_instance").settings
    assert (crops.crop_size, crops.anchor, crops.outputs.points) == (96, None, ("A", "B"))
    assert load_sleap(folder / "minimal_instance.UNet.bottomup").settings.outputs.edges == (("A", "B"),)
    assert load_sleap(folder / "minimal_robot.UNet.single_instance").network.backbone.in_channels == 3


# --- models that are written here -------------------------------------------------------------------------------------

BACKBONES = {
    "unet": (
        UNet,
        {
            "stem_stride": None,
            "max_stride": 8,
            "output_stride": 2,
            "filters": 4,
            "filters_rate": 1.5,
            "middle_block": True,
            "up_interpolate": False,
            "stacks": 1,
        },
    ),
    "leap": (
        LeapCNN,
        {
            "max_stride": 8,
            "output_stride": 2,
            "filters": 4,
            "filters_rate": 2,
            "up_interpolate": False,
            "stacks": 1,
        },
    ),
    "hourglass": (
        StackedHourglass,
        {
            "stem_stride": 2,
            "max_stride": 8,
            "output_stride": 2,
            "stem_filters": 2,
            "filters": 4,
            "filter_increase": 2,
            "stacks": 2,
        },
    ),
}
POINTS = {"part_names": ["nose", "tail", "paw"], "sigma": 2.5, "output_stride": 2, "offset_refinement": True}
VECTORS = {"classes": ["a", "b"], "num_fc_layers": 2, "num_fc_units": 8, "global_pool": True, "output_stride": 8}
KINDS = {
    "single_instance": POINTS,
    "centroid": {"anchor_part": "tail", "sigma": 2.5, "output_stride": 2, "offset_refinement": False},
    "multi_instance": {
        "confmaps": POINTS,
        "pafs": {"edges": [["nose", "tail"], ["tail", "paw"]], "sigma": 75, "output_stride": 4},
    },
    "multi_class_topdown": {"confmaps": {**POINTS, "anchor_part": None}, "class_vectors": VECTORS},
}


def config_of(architecture="unet", kind="single_instance", **changed):
    backbone = {**BACKBONES[architecture][1], **changed}
    return {
        "data": {
            "labels": {"skeletons": []},
            "preprocessing": {"input_scaling": 0.5, "pad_to_stride": 8},
            "instance_cropping": {"center_on_part": None, "crop_size": None},
        },
        "model": {
            "backbone": {"leap": None, "unet": None, "hourglass": None, "resnet": None, architecture: backbone},
            "heads": {"single_instance": None, kind: KINDS[kind]},
        },
    }


def network_of(config, in_channels=2, flattened=0):
    [(architecture, settings)] = [each for each in config["model"]["backbone"].items() if each[1]]
    [(kind, held)] = [each for each in config["model"]["heads"].items() if each[1]]
    backbone = BACKBONES[architecture][0].from_config(in_channels, **settings)
    return SleapNetwork(backbone, read_outputs(kind, held, Skeleton()).heads, flattened)


def write(folder, config, network, *, numbered=True, inside="model_weights"):
    """Write a model as SLEAP and Keras do."""
    folder.mkdir(exist_ok=True)
    (folder / "training_config.json").write_text(json.dumps(config), encoding="utf-8")
    heads = [f"{name}_{index}" for index, each in enumerate(network.heads) for name in each] if numbered else []
    layers = {}
    for own, (layer, weight) in network_weights(network, heads).items():
        values = network.state_dict()[own].numpy()
        values = values.transpose(2, 3, 1, 0) if values.ndim == 4 else values.T
        layers.setdefault(layer, {})[f"{layer}/{weight}:0"] = values
    with h5py.File(folder / "best_model.h5", "w") as file:
        root = file.create_group(inside) if inside else file
        root.create_group("an_activation").attrs["weight_names"] = np.array([])
        for layer, weights in layers.items():
            group = root.create_group(layer)
            group.attrs["weight_names"] = np.array([name.encode() for name in weights])
            for name, values in weights.items():
                group[name] = values
    return folder


def shaken(network):
    """Every weight and statistic a number of its own."""
    generator = torch.Generator().manual_seed(3)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(0.3 + 0.2 * torch.rand(tensor.shape, generator=generator))
    return network.eval()


def same(ours, theirs, size=32, channels=2):
    images = torch.rand(2, channels, size, size)
    for one, other in zip(ours.every_stack(images), theirs.every_stack(images), strict=True):
        assert list(one) == list(other)
        for name, values in other.items():
            torch.testing.assert_close(one[name], values)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("architecture", BACKBONES)
def test_a_model_is_read_as_it_was_written(tmp_path, architecture, kind):
    config = config_of(architecture, kind)
    network = shaken(network_of(config))
    model = load_sleap(write(tmp_path / "model", config, network))
    assert isinstance(model.network.backbone, BACKBONES[architecture][0])
    same(model.network, network)


@pytest.mark.parametrize("changed", [{"stem_stride": 2}, {"middle_block": False}, {"up_interpolate": True}])
def test_every_setting_counts(tmp_path, changed):
    config = config_of("unet", **changed)
    network = shaken(network_of(config))
    same(load_sleap(write(tmp_path / "model", config, network)).network, network)


def test_names_without_the_number_of_the_stack_and_files_of_weights_alone(tmp_path):
    config = config_of()
    network = shaken(network_of(config))
    same(load_sleap(write(tmp_path / "model", config, network, numbered=False, inside="")).network, network)


def test_the_first_head_says_where_the_network_ends(tmp_path):
    config = config_of()
    network = shaken(network_of(config))
    config["model"]["backbone"]["unet"]["output_stride"] = 1
    same(load_sleap(write(tmp_path / "model", config, network)).network, network)


def test_class_vectors_of_a_whole_map(tmp_path):
    config = config_of(kind="multi_class_topdown")
    config["model"]["heads"]["multi_class_topdown"] = {
        "confmaps": POINTS,
        "class_vectors": {**VECTORS, "global_pool": False, "num_fc_layers": 1},
    }
    network = shaken(network_of(config, flattened=13 * 4 * 3))
    model = load_sleap(write(tmp_path / "model", config, network))
    images = torch.rand(2, 2, 32, 24)
    found = model.network(images)["ClassVectorsHead"]
    torch.testing.assert_close(found, network(images)["ClassVectorsHead"])
    torch.testing.assert_close(found.sum(1), torch.ones(2))
    head = model.network.heads[0]["ClassVectorsHead"]
    feature = model.network.backbone(images)[-1].features[0].tensor
    kernel = head.dense[0].weight.reshape(8, 4, 3, 13)  # Keras counts rows, columns, channels
    dense = torch.einsum("uhwc,bchw->bu", kernel, feature) + head.dense[0].bias
    torch.testing.assert_close(found, head.final(dense.relu()).softmax(1))


def test_images_of_any_size_are_taken(tmp_path):
    config = config_of(kind="multi_instance")
    model = load_sleap(write(tmp_path / "model", config, network_of(config)))
    maps = model.network(torch.rand(1, 2, 37, 50))
    assert {name: tuple(values.shape[1:]) for name, values in maps.items()} == {
        "MultiInstanceConfmapsHead": (3, 19, 25),
        "PartAffinityFieldsHead": (4, 10, 13),
        "OffsetRefinementHead": (6, 19, 25),
    }


def test_a_network_that_sleap_does_not_have_has_no_names_there():
    with pytest.raises(CompositionError, match=r"stack.0.bottleneck.0.* of ResidualHourglass has no counterpart"):
        backbone_weights(StackedHourglass.published(stacks=1))


# --- skeletons --------------------------------------------------------------------------------------------------------


def node(name):
    return {"py/object": "sleap.skeleton.Node", "py/state": {"py/tuple": [name, 1.0]}}


def kind_of_link(value):
    return {"py/reduce": [{"py/type": "sleap.skeleton.EdgeType"}, {"py/tuple": [value]}]}


def test_a_skeleton_is_read_with_objects_that_occur_again():
    graph = {
        "directed": True,
        "links": [
            {"edge_insert_idx": 1, "source": node("head"), "target": node("eye"), "type": kind_of_link(1)},
            {"edge_insert_idx": 0, "source": node("tail"), "target": {"py/id": 1}, "type": {"py/id": 3}},
            {"source": {"py/id": 2}, "target": node("other eye"), "type": kind_of_link(2)},
            {"source": {"py/id": 5}, "target": {"py/id": 2}, "type": {"py/id": 6}},
        ],
        "nodes": [
            {"id": {"py/id": 2}},
            {"id": {"py/id": 5}},
            {"id": {"py/id": 1}},
            {"id": {"py/id": 4}},
            {"id": node("lone")},
        ],
    }
    expected = Skeleton(("eye", "other eye", "head", "tail", "lone"), (("tail", "head"), ("head", "eye")))
    assert read_skeleton(graph) == read_skeleton({"nx_graph": graph, "description": "of a fly"}) == expected


def test_points_and_edges_that_are_not_written_are_those_of_the_skeleton():
    skeleton = Skeleton(("a", "b"), (("a", "b"),))
    held = {
        "confmaps": {**POINTS, "part_names": None},
        "pafs": {"edges": None, "sigma": 75, "output_stride": 4},
    }
    outputs = read_outputs("multi_instance", held, skeleton)
    assert (outputs.points, outputs.edges) == (skeleton.points, skeleton.edges)
    assert [head.channels for head in outputs.heads] == [2, 2, 4]


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path):
    config = config_of()
    return write(tmp_path / "model", config, network_of(config))


def edit_config(folder, edit):
    path = folder / "training_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(edit(config) or config), encoding="utf-8")


def edit_weights(folder, edit):
    with h5py.File(folder / "best_model.h5", "a") as file:
        edit(file["model_weights"])


def of_backbone(**changed):
    return lambda config: config["model"]["backbone"].update(changed)


def of_unet(**changed):
    return lambda config: config["model"]["backbone"]["unet"].update(changed)


def of_heads(**changed):
    return lambda config: config["model"]["heads"].update(changed)


CONFIGS = {
    "sleap-nn": (lambda config: {"data_config": {}, "model_config": {}}, "no training configuration of SLEAP 1: .* holds data_config, model_config"),
    "before 1.0": (lambda config: {"model": {"backbone_name": "unet"}}, "no training configuration of SLEAP 1"),
    "a list": (lambda config: [1], "holds a list, not a table"),
    "another backbone": (of_backbone(unet=None, resnet={"version": "ResNet50"}), "model.backbone is resnet; one of unet, leap, hourglass"),
    "no backbone": (of_backbone(unet=None), "model.backbone is not set"),
    "two backbones": (of_backbone(leap={}), "model.backbone is leap and unet; one of"),
    "another head": (of_heads(single_instance=None, masks={}), "model.heads is masks; one of single_instance"),
    "an unknown setting": (of_unet(filter_rate=2), "model.backbone.unet has an unknown setting 'filter_rate'; did you mean 'filters_rate'"),
    "a word for a width": (of_unet(filters="many"), "model.backbone.unet.filters is 'many'; int was expected"),
    "nothing for a stem": (of_unet(stem_stride="4"), r"model.backbone.unet.stem_stride is '4'; int \| None was expected"),
    "a word for a backbone": (of_backbone(unet="large"), "model.backbone.unet is 'large'; a table of settings"),
    "no power of two": (of_unet(max_stride=12), "describes no network: max_stride is 12; a power of two"),
    "no data": (lambda config: config.pop("data") and None, "data and model .* were expected"),
    "no scaling": (lambda config: config["data"].pop("preprocessing") and None, "another version of SLEAP: KeyError: 'preprocessing'"),
    "a word for a number": (lambda config: config["model"]["heads"]["single_instance"].update(sigma="wide"), "another version of SLEAP: ValueError"),
    "no object of that number": (lambda config: config["data"]["labels"].update(skeletons=[{"links": [], "nodes": [{"id": {"py/id": 9}}]}]), "another version of SLEAP: IndexError"),
    "a stride that is not there": (
        of_heads(single_instance=None, multi_instance={"confmaps": POINTS, "pafs": {"edges": [["nose", "tail"]], "sigma": 1, "output_stride": 16}}),
        "PartAffinityFieldsHead has an output stride of 16, but the network has features of stride 8, 4, 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "message"), CONFIGS.values(), ids=CONFIGS)
def test_a_configuration_that_cannot_be_used(model, edit, message):
    edit_config(model, edit)
    with pytest.raises(WeightsError, match=message) as raised:
        load_sleap(model)
    assert str(model / "training_config.json") in str(raised.value)


def rename(layers):
    layers.move("stack0_enc1_conv0", "stack0_enc1_convolution")


def reshape(layers):
    del layers["stack0_enc1_conv0"]["stack0_enc1_conv0/kernel:0"]
    layers["stack0_enc1_conv0"]["stack0_enc1_conv0/kernel:0"] = np.zeros((3, 3, 4, 7), "float32")


def spoil(layers):
    layers["stack0_enc1_conv0"]["stack0_enc1_conv0/bias:0"][2] = np.nan


def put_beside(layers):
    group = layers.create_group("other")
    group.attrs["weight_names"] = np.array([b"other/kernel:0"])
    group["other/kernel:0"] = np.zeros((3, 3, 4, 7), "float32")


def promise(layers):
    layers["stack0_enc1_conv0"].attrs["weight_names"] = np.array([b"stack0_enc1_conv0/nothing:0"])


def words(layers):
    del layers["stack0_enc1_conv0"]["stack0_enc1_conv0/bias:0"]
    layers["stack0_enc1_conv0"]["stack0_enc1_conv0/bias:0"] = "a word"


WEIGHTS = {
    "renamed": (rename, "lacks stack0_enc1_conv0/kernel, stack0_enc1_conv0/bias"),
    "left over": (put_beside, "has no use for other/kernel"),
    "other shape": (reshape, r"other sizes: backbone.stack.0.encoder.1.conv0.weight \(7, 4, 3, 3\), not \(6, 4, 3, 3\)"),
    "not a number": (spoil, "NaN or infinite values in backbone.stack.0.encoder.1.conv0.bias"),
    "not there": (promise, "damaged or no HDF5 file of Keras"),
    "words": (words, "damaged or no HDF5 file of Keras"),
    "empty": (lambda layers: [layers.pop(name) for name in list(layers)], "holds no weights of Keras layers"),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "message"), WEIGHTS.values(), ids=WEIGHTS)
def test_weights_that_do_not_fit(model, edit, message):
    edit_weights(model, edit)
    with pytest.raises(WeightsError, match=message) as raised:
        load_sleap(model)
    assert str(model / "best_model.h5") in str(raised.value)


@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_that_ends_early(model, part):
    for name in ("training_config.json", "best_model.h5"):
        whole = (model / name).read_bytes()
        (model / name).write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(WeightsError, match="damaged") as raised:
            load_sleap(model)
        assert str(model / name) in str(raised.value)
        (model / name).write_bytes(whole)


def test_a_file_that_is_not_there(model, tmp_path):
    with pytest.raises(WeightsError, match="is no folder; one with best_model"):
        load_sleap(tmp_path / "nowhere")
    with pytest.raises(WeightsError, match="is no folder"):
        load_sleap(model / "best_model.h5")
    for name in ("best_model.h5", "training_config.json"):
        (model / name).unlink()
        with pytest.raises(WeightsError, match=f"{name} does not exist"):
            load_sleap(model)


def test_the_extra_is_asked_for(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'isthmus\[sleap\]'"):
        load_sleap(model)
