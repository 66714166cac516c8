import lightning.pytorch as pl
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from isthmus.errors import ArgumentError, ShapeError
from isthmus.registry import TASK_REGISTRY
from isthmus.specs import Quantities
from isthmus.tasks import PixelwiseRegressionTask

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*LeafSpec")

COMPOSED = {
    "backbone": "timm_resnet10t",
    "backbone_pretrained": False,
    "backbone_in_chans": 2,
    "decoder": "UNetDecoder",
    "decoder_channels": [8] * 5,
}


class Squeezed(nn.Module):
    """One quantity without an axis of its own, as models of regression give it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 1)

    def forward(self, x):
        return self.conv(x)[:, 0]


class Slopes(Dataset):
    """Quantities that are linear in the two bands; some values are not known."""

    def __init__(self, quantities=1, count=8):
        generator = torch.manual_seed(3)
        self.image = torch.randn(count, 2, 6, 5, generator=generator)
        weights = torch.randn(quantities, 2, generator=generator)
        self.mask = torch.einsum("qc,bchw->bqhw", weights, self.image) + 3
        self.mask[:, :, 0] = torch.nan
        self.mask[:, :, 1] = -1.0

    def __len__(self):
        return len(self.image)

    def __getitem__(self, index):
        return {"image": self.image[index], "mask": self.mask[index], "filename": f"{index}.tif"}


def task(quantities=1, **kwargs):
    defaults = {"model": nn.Conv2d(2, quantities, 1), "ignore_index": -1.0}
    names = {"quantity_names": [f"q{k}" for k in range(quantities)]} if quantities > 1 else {}
    return PixelwiseRegressionTask(**{**defaults, **names, **kwargs})


@pytest.mark.parametrize(
    ("kwargs", "names", "units"),
    [
        ({}, ("value",), None),
        ({"quantity_names": ["height"], "units": ["m"]}, ("height",), ("m",)),
        ({"units": ["m", ""]}, ("0", "1"), ("m", "")),
        ({"model_args": {"num_outputs": 3}}, ("0", "1", "2"), None),
    ],
)
def test_the_quantities_come_from_any_side(kwargs, names, units):
    assert task(model=nn.Identity(), **kwargs).output_spec == Quantities(names, units)


@pytest.mark.parametrize("names", [["a"], ["a", "b"]])
def test_the_factory_is_told_how_many_quantities_there_are(names):
    built = PixelwiseRegressionTask(COMPOSED, "EncoderDecoderFactory", quantity_names=names).eval()
    expected = (1, 32, 32) if len(names) == 1 else (1, 2, 32, 32)
    assert built(torch.zeros(1, 2, 32, 32)).output.shape == expected


@pytest.mark.parametrize(
    ("kwargs", "argument"),
    [
        ({"quantity_names": ["a", "a"]}, "quantity_names"),
        ({"quantity_names": []}, "quantity_names"),
        ({"quantity_names": ["a"], "units": ["m", "m"]}, "units"),
        ({"quantity_names": ["a"], "model_args": {"num_outputs": 2}}, "model_args.num_outputs"),
        ({"loss": "ce"}, "loss"),
        ({"loss": {"huber": {"detla": 1}}}, "loss.huber.detla"),
    ],
)
def test_arguments_that_cannot_be_are_blamed(kwargs, argument):
    with pytest.raises(ArgumentError) as caught:
        task(**kwargs)
    assert caught.value.argument == argument


def test_what_has_no_effect_is_no_argument():
    with pytest.raises(TypeError, match="class_weights"):
        task(class_weights=[1.0])


@pytest.mark.parametrize("loss", ["mse", "mae", "rmse", "huber", ["mse", "mae"], {"huber": {"delta": 2}, "mse": 0.5}])
def test_unknown_pixels_change_neither_loss_nor_gradient(loss):  # pitfalls S10 and S12
    torch.manual_seed(0)
    built, batch = task(loss=loss), next(iter(DataLoader(Slopes(), 4)))
    values = []
    for seed in range(2):
        image = batch["image"].clone()
        image[:, :, :2] = torch.randn(4, 2, 2, 5, generator=torch.manual_seed(seed))
        built.zero_grad()
        built.objective({**batch, "image": image}).losses["loss"].backward()
        values.append(built.model.weight.grad.clone())
    assert torch.isfinite(values[0]).all()
    torch.testing.assert_close(*values)


@pytest.mark.parametrize("model", [Squeezed(), nn.Conv2d(2, 1, 1)])
@pytest.mark.parametrize("squeeze", [True, False])
def test_a_single_quantity_may_have_an_axis_of_its_own_or_none(model, squeeze):  # pitfall S11
    built, batch = task(model=model), next(iter(DataLoader(Slopes(), 4)))
    output = built(batch["image"]).output
    exact = output.detach().reshape(4, 6, 5)
    step = built.objective({**batch, "mask": exact if squeeze else exact.unsqueeze(1)})
    assert step.losses["loss"] == 0
    built.val_metrics.update(step.prediction, step.target)
    assert built.val_metrics.compute()["RMSE"] == 0


def test_a_truth_of_other_quantities_is_refused():
    batch = next(iter(DataLoader(Slopes(2), 4)))
    with pytest.raises(ShapeError, match="must be equal"):
        task().objective(batch)
    with pytest.raises(ShapeError, match="2 quantities"):
        task(2, model=nn.Conv2d(2, 3, 1)).objective(batch)


@pytest.mark.parametrize("quantities", [1, 2])
def test_training_finds_the_values_and_logs_what_is_declared(tmp_path, quantities):
    pl.seed_everything(0, verbose=False)
    built = task(quantities, lr=0.1)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = pl.Trainer(
        max_epochs=60, accelerator="cpu", enable_model_summary=False, default_root_dir=tmp_path, **quiet
    )
    loader = DataLoader(Slopes(quantities), 4)
    trainer.fit(built, loader, loader)
    logged = trainer.callback_metrics
    assert logged["val/R2_Score"] > 0.99
    arguments = {"quantity_names": list(built.output_spec.names)}
    declared = TASK_REGISTRY.entry("PixelwiseRegressionTask")
    assert {name.removeprefix("val/") for name in logged if name.startswith("val/")} == set(declared.logged(arguments))
    assert declared.monitor in logged
    assert set(built.single_scores.get("val", {})) == ({"q0", "q1"} if quantities == 2 else set())


def test_predictions_are_values_in_float32():
    built = task(quantity_names=["height"]).half().eval()
    (values, suffix), filenames = built.predict_step(
        {"image": torch.zeros(1, 2, 6, 5, dtype=torch.float16), "filename": ["a.tif"]}, 0
    )
    assert (values.dtype, suffix, filenames) == (torch.float32, "pred", ["a.tif"])
    assert values.shape == (1, 1, 6, 5)
