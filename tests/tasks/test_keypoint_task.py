"""The task for keypoints, from batches to scores."""

import math

import lightning.pytorch as pl
import pytest
import torch
from drawn_dots import Dots, TinyUNet, begin_as_glorot
from torch import nn
from torch.utils.data import DataLoader

from isthmus.errors import ArgumentError, DataError, LabelError, ShapeError
from isthmus.models.base import Model, ModelOutput
from isthmus.models.pixel_wise import PixelWiseModel
from isthmus.registry import MODEL_FACTORY_REGISTRY, Entry
from isthmus.tasks import KeypointTask
from isthmus.tasks.keypoints import confidence_maps, offset_maps

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers", "ignore:.*no `val_dataloader`", "ignore:.*LeafSpec"
)

NAN = math.nan
NAMES = list(Dots.names)


class Oracle(nn.Module):
    """Gives the true maps of known points, whatever the image; earlier stacks at twice the stride."""

    def __init__(self, points, size, stride=2, sigma=2.0, offsets=False, stacks=1):
        super().__init__()
        self.output = self._maps(points, size, stride, sigma, offsets)
        self.stacks = {f"stack{i}": self._maps(points, size, 2 * stride, sigma, offsets) for i in range(stacks - 1)}
        self.scale = nn.Parameter(torch.ones(()))

    def _maps(self, points, size, stride, sigma, offsets):
        cells = [math.ceil(side / stride) for side in size]
        maps = [confidence_maps(points, cells, stride, sigma)]
        if offsets:
            maps.append(offset_maps(points, cells, stride, sigma).nan_to_num(0).flatten(1, 2))
        return torch.cat(maps, 1)

    def forward(self, x, **kwargs):
        return ModelOutput(self.scale * self.output, {name: self.scale * maps for name, maps in self.stacks.items()})


POINTS = torch.tensor([[[[5.2, 8.7], [20.4, 3.3]]], [[[11.1, 12.9], [NAN, NAN]]]])
SIZE = (24, 32)


def batch(points=POINTS, size=SIZE, **changes):
    image = torch.zeros(len(points), 1, *size)
    names = [f"{index}.png" for index in range(len(points))]
    return {"image": image, "keypoints": points, "filename": names, **changes}


def task(points=POINTS, size=SIZE, **kwargs):
    known = {"stride", "stacks", "offsets"}
    model = Oracle(points, size, sigma=kwargs.get("sigma", 2.0), **{k: v for k, v in kwargs.items() if k in known})
    given = {k: v for k, v in kwargs.items() if k not in known - {"offsets"}}
    return KeypointTask(**{"model": model, "point_names": NAMES, "sigma": 2.0, **given})


def trainer(tmp_path, **kwargs):
    defaults = {"max_epochs": 2, "accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "default_root_dir": tmp_path}
    return pl.Trainer(**{**defaults, **quiet, **kwargs})


# --- targets and decisions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kwargs", [{"stride": 1}, {"stride": 4}, {"offsets": True}, {"refine": "integral"}])
@pytest.mark.parametrize("size", [SIZE, (23, 31)])
def test_perfect_maps_have_no_loss_and_give_the_points(kwargs, size):
    built = task(size=size, **kwargs)
    output = built.run_model(batch(size=size))
    target = built.make_target(batch(size=size), output)
    losses = built.train_loss_handler.compute_loss(output, target, built.criterion, built.aux_loss)
    assert losses["loss"] == 0
    (points, suffix), files = built.predict_step(batch(size=size), 0)
    assert (suffix, files) == ("points", ["0.png", "1.png"])
    assert points.shape == (2, 1, 2, 3)
    near = 0.5 if kwargs.get("refine") == "integral" else 0.03
    assert torch.allclose(points[..., :2], POINTS, atol=near, equal_nan=True)
    assert points[1, 0, 1, 2] == 0  # nothing is there, and that is its height


def test_each_stack_is_compared_at_its_own_stride():
    built = task(stacks=3, aux_loss={"stack0": 0.5, "stack1": 1.0})
    output = built.run_model(batch())
    assert output.auxiliary_heads["stack0"].shape != output.output.shape
    target = built.make_target(batch(), output)
    losses = built.train_loss_handler.compute_loss(output, target, built.criterion, built.aux_loss)
    assert losses["loss"] == losses["stack0"] == losses["stack1"] == 0
    built.model.scale.data.fill_(0.5)
    losses = built.train_loss_handler.compute_loss(built.run_model(batch()), target, built.criterion, built.aux_loss)
    main = losses["loss"] - 0.5 * losses["stack0"] - losses["stack1"]
    assert losses["stack0"] == losses["stack1"] > 0
    assert main > 0


def test_many_objects_of_one_kind():
    truth = torch.tensor([[[[4.0, 5.0]], [[20.3, 15.2]], [[NAN, NAN]]], [[[NAN, NAN]]] * 3])
    built = task(truth, point_names=["tree"], max_instances=6, match_distance=3)
    points = built.decide(built.run_model(batch(truth)))
    assert points.shape == (2, 6, 1, 3)
    assert (~points[..., 0].isnan()).sum((1, 2)).tolist() == [2, 0]
    built.val_metrics.update(points, built.make_target(batch(truth), built.run_model(batch(truth))))
    assert float(built.val_metrics.compute()["F1"]) == 1


def test_a_batch_without_any_point_can_be_learnt_from():
    nothing = torch.zeros(2, 0, 2, 2)
    built = task()
    built.log = lambda *args, **kwargs: None
    built.training_step(batch(nothing), 0).backward()
    assert built.model.scale.grad is not None
    assert math.isnan(float(built.train_metrics.compute()["mean_error"]))


# --- training ---------------------------------------------------------------------------------------------------------


def test_dots_are_found_after_a_short_training(tmp_path):
    pl.seed_everything(0, verbose=False)
    network = TinyUNet(2, stride=2)
    begin_as_glorot(network)
    built = KeypointTask(model=network, point_names=NAMES, sigma=2.0, lr=5e-3, pck_thresholds=[1, 3])
    runner = trainer(tmp_path, max_epochs=8)
    runner.fit(built, DataLoader(Dots(96), 8, shuffle=True), DataLoader(Dots(20, seed=1), 6))
    logged = runner.callback_metrics
    assert logged["val/mean_error"] < 1
    assert logged["val/PCK@3"] > 0.9
    assert {"train/loss", "val/loss", "val/PCK@1", "val/missed", "val/median_error", "val/mean_error_dark"} <= set(
        logged
    )
    assert built.single_scores["val"]["dark"]["labelled"] == 20
    runner.test(built, DataLoader(Dots(20, seed=1), 5), verbose=False)
    assert runner.callback_metrics["test/mean_error"] == pytest.approx(float(logged["val/mean_error"]), abs=1e-3)


def test_a_checkpoint_brings_the_task_back(tmp_path):
    built = KeypointTask(model=TinyUNet(6), point_names=NAMES, sigma=2.0, offsets=True, loss="mse")
    runner = trainer(tmp_path, max_epochs=1, limit_train_batches=1)
    runner.fit(built, DataLoader(Dots(8), 4))
    runner.save_checkpoint(tmp_path / "a.ckpt")
    back = KeypointTask.load_from_checkpoint(tmp_path / "a.ckpt", model=TinyUNet(6))
    assert back.point_names == NAMES
    assert back.output_spec == built.output_spec
    image = Dots(2).image
    built.eval(), back.eval()
    assert torch.equal(built(image).output, back(image).output)


# --- the factory ------------------------------------------------------------------------------------------------------


class SeeingFactory:
    seen = None

    def build_model(self, task, **kwargs):
        SeeingFactory.seen = (task, kwargs)
        return TinyUNet(kwargs.get("num_classes", 2))


@pytest.fixture
def factory():
    MODEL_FACTORY_REGISTRY.add(Entry("SeeingFactory", SeeingFactory))
    yield "SeeingFactory"
    del MODEL_FACTORY_REGISTRY._entries["SeeingFactory"]


@pytest.mark.parametrize(("offsets", "maps"), [(False, 2), (True, 6)])
def test_the_factory_is_told_how_many_maps(factory, offsets, maps):
    KeypointTask({"width": 3}, factory, point_names=NAMES, offsets=offsets)
    assert SeeingFactory.seen == ("keypoints", {"num_classes": maps, "width": 3})
    KeypointTask({"num_classes": maps}, factory, point_names=NAMES, offsets=offsets)
    with pytest.raises(ArgumentError, match=f"model_args.num_classes is 4, but the 2 points .* take {maps} maps"):
        KeypointTask({"num_classes": 4}, factory, point_names=NAMES, offsets=offsets)


def test_a_composition_keeps_its_stride_unless_told_otherwise():
    arguments = {"backbone": "timm_resnet10t", "backbone_pretrained": False, "decoder": "IdentityDecoder"}
    arguments |= {"necks": [{"name": "SelectIndices", "indices": [1]}]}
    built = KeypointTask(arguments, "EncoderDecoderFactory", point_names=NAMES).eval()
    assert isinstance(built.model, PixelWiseModel)
    with torch.no_grad():
        coarse = built(torch.zeros(1, 3, 64, 64))
        assert coarse.output.shape[1] == 2
        assert coarse.stride > 1
        whole = KeypointTask({**arguments, "rescale": True}, "EncoderDecoderFactory", point_names=NAMES).eval()
        assert whole(torch.zeros(1, 3, 64, 64)).stride == 1


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"point_names": []}, "at least one name"),
        ({"point_names": ["a", "a"]}, "each once"),
        ({"sigma": 0.0}, "sigma is 0.0"),
        ({"max_instances": 0}, "max_instances is 0"),
        ({"refine": "quadratik"}, "expected one of quadratic, integral, none"),
        ({"refine": "offsets"}, "expected one of quadratic, integral, none"),
        ({"loss": "focal"}, "no loss is called 'focal'"),
        ({"model_args": {"image_size_out": [8, 8]}}, "image_size_out"),
    ],
)
def test_arguments_without_a_valid_value(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        KeypointTask(**{"model": nn.Identity(), "point_names": NAMES, **arguments})


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"keypoints": POINTS[..., :1, :]}, ShapeError, r"keypoints have the shape \(2, 1, 1, 2\)"),
        ({"keypoints": POINTS[:1]}, ShapeError, r"expected \(2, instances, 2, 2\)"),
        ({"keypoints": POINTS.repeat(1, 2, 1, 1)}, DataError, "0.png, 1.png: up to 2 points .* max_instances is 1"),
        ({"keypoints": POINTS.where(POINTS != 3.3, torch.nan)}, LabelError, "half NaN in 0.png"),
        ({"keypoints": POINTS.where(POINTS != 11.1, torch.inf)}, LabelError, "infinite or half NaN in 1.png"),
    ],
)
def test_keypoints_that_do_not_fit(changes, error, message):
    built = task()
    output = built.run_model(batch())
    with pytest.raises(error, match=message):
        built.make_target(batch(**changes), output)


def test_a_batch_without_keypoints():
    without = {key: value for key, value in batch().items() if key != "keypoints"}
    built = task()
    with pytest.raises(DataError, match="no 'keypoints'"):
        built.make_target(without, built.run_model(without))
    with pytest.raises(DataError, match="holds NaN"):
        built.predict_step({**without, "image": without["image"] * torch.nan}, 0)


def test_maps_that_do_not_fit():
    built = task()
    with pytest.raises(ShapeError, match="6 maps, height, width"):
        task(offsets=True, model=built.model)(batch()["image"])
    with pytest.raises(ShapeError, match="whole number"):
        built.decide(built(torch.zeros(2, 1, 30, 32)))


class Padding(Model):
    size_multiple = 16

    def forward(self, x, **kwargs):
        return ModelOutput(torch.zeros(len(x), 2, 4, 4))

    def freeze_encoder(self): ...

    def freeze_decoder(self): ...

    def freeze_head(self): ...


def test_maps_of_padded_images_are_refused():
    built = KeypointTask(model=Padding(), point_names=NAMES)
    assert built(torch.zeros(1, 1, 16, 16)).stride == 4
    with pytest.raises(ShapeError, match="padded to multiples of"):
        built(torch.zeros(1, 1, 12, 12))
