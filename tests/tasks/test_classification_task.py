import math

import lightning.pytorch as pl
import pytest
import torch
import torchmetrics.functional.classification as published
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader, Dataset

from isthmus.errors import ArgumentError, DataError, LabelError, ShapeError
from isthmus.models.base import ModelOutput
from isthmus.specs import Classes, Scope
from isthmus.tasks import ClassificationTask
from isthmus.tasks.classification.declaration import CLASSIFICATION
from isthmus.tasks.classification.metrics import ClassificationMetrics

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers", "ignore:.*no `val_dataloader`", "ignore:.*LeafSpec"
)
NAMES = ["dark", "grey", "bright"]


class Means(nn.Module):
    """Logits from the mean of each band."""

    def __init__(self, classes=3):
        super().__init__()
        self.layer = nn.Linear(2, classes)

    def forward(self, x):
        return ModelOutput(self.layer(x.mean((2, 3))))


class Greys(Dataset):
    """Images as bright as their class; the last one counts nowhere."""

    def __init__(self, count=12, ignored=None):
        generator = torch.manual_seed(1)
        self.label = torch.arange(count) % 3
        self.image = self.label.view(-1, 1, 1, 1) - 1 + 0.1 * torch.randn(count, 2, 6, 5, generator=generator)
        if ignored is not None:
            self.label[-1] = ignored

    def __len__(self):
        return len(self.label)

    def __getitem__(self, index):
        return {"image": self.image[index], "label": self.label[index], "filename": f"{index}.png"}


def task(**changes):
    return ClassificationTask(**{"model": Means(), "class_names": NAMES, "lr": 0.3, **changes})


def trainer(folder, **changes):
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False, "accelerator": "cpu"}
    return pl.Trainer(**{**quiet, "enable_checkpointing": False, "default_root_dir": folder, **changes})


def loader(**changes):
    return DataLoader(Greys(**changes), batch_size=4)


@pytest.mark.parametrize("loss", ["ce", "bce", "jaccard", "focal", {"ce": 0.5, "focal": {"weight": 2.0, "gamma": 1.0}}])
def test_it_learns_by_every_loss(loss):
    torch.manual_seed(0)
    module, batch = task(loss=loss), next(iter(DataLoader(Greys(), batch_size=12)))
    optimiser = torch.optim.Adam(module.parameters(), lr=0.1)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        losses.append(module.objective(batch).losses["loss"])
        losses[-1].backward()
        optimiser.step()
    assert losses[-1] < 0.8 * losses[0]


def test_what_is_logged_is_declared(tmp_path):
    run, module = trainer(tmp_path, max_epochs=1), task()
    run.fit(module, loader(), loader())
    logged = {name.removeprefix("val/") for name in run.callback_metrics if name.startswith("val/")}
    assert logged == set(CLASSIFICATION.logged({"class_names": NAMES}))
    assert CLASSIFICATION.monitor.removeprefix("val/") in logged
    assert set(CLASSIFICATION.shown) <= logged
    assert set(module.confusion) == {"val"}
    assert module.confusion["val"].sum(1).tolist() == [4, 4, 4]


def test_ignored_images_count_neither_in_loss_nor_in_metrics(tmp_path):
    module = task(ignore_index=-1)
    run = trainer(tmp_path)
    run.test(module, loader(ignored=-1), verbose=False)
    assert module.confusion["test"].sum() == 11
    batch = next(iter(DataLoader(Greys(ignored=-1), batch_size=12)))
    rest = {key: value[:-1] for key, value in batch.items()}
    assert module.objective(batch).losses["loss"].item() == pytest.approx(module.objective(rest).losses["loss"].item())


def test_class_weights_weigh_the_loss():
    batch = next(iter(loader()))
    module = task(class_weights=[1.0, 0.0, 3.0])
    logits = module.run_model(batch).output
    expected = nn.functional.cross_entropy(logits, batch["label"], torch.tensor([1.0, 0.0, 3.0]))
    torch.testing.assert_close(module.objective(batch).losses["loss"], expected)


def test_predictions():
    batch = next(iter(loader()))
    module = task().eval()
    (decided, suffix), (shares, other) = module.predict_step(batch, 0)[0]
    assert (suffix, other) == ("pred", "probabilities")
    assert decided.tolist() == shares.argmax(1).tolist()
    torch.testing.assert_close(shares.sum(1), torch.ones(4))
    assert module.predict_step(batch, 0)[1] == ["0.png", "1.png", "2.png", "3.png"]
    logits, name = task(output_on_inference="logits").predict_step(batch, 0)[0]
    assert (logits.shape, name) == ((4, 3), "logits")


def test_what_its_numbers_mean():
    assert task().output_spec == Classes(tuple(NAMES), scope=Scope.IMAGE)
    unnamed = ClassificationTask(model=Means(), num_classes=3)
    assert (unnamed.num_classes, unnamed.class_names) == (3, ["0", "1", "2"])


def test_a_model_of_the_factory():
    args = {"backbone": "timm_resnet10t", "backbone_pretrained": False, "necks": "auto", "decoder": "IdentityDecoder"}
    module = ClassificationTask({**args, "num_classes": 4}, "EncoderDecoderFactory")
    assert module(torch.zeros(2, 3, 32, 32)).output.shape == (2, 4)
    assert type(module.model.head).__name__ == "ScalarHead"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_names": None}, "number of classes is not known"),
        ({"num_classes": 4}, "said differently"),
        ({"class_weights": [1.0]}, "1 class_weights are given for 3 classes"),
        ({"output_on_inference": ["prediction", "probability"]}, "did you mean 'probabilities'"),
        ({"loss": "mse"}, "no loss is called 'mse'"),
    ],
)
def test_arguments_that_cannot_be(changes, message):
    with pytest.raises(ArgumentError, match=message):
        task(**changes)


def test_batches_that_cannot_be():
    batch = next(iter(loader()))
    with pytest.raises(DataError, match="no 'label'"):
        task().objective({"image": batch["image"]})
    with pytest.raises(LabelError, match=r"in 1\.png: 9 \(1 images\)"):
        task().objective({**batch, "label": torch.tensor([0, 9, 0, 0])})
    with pytest.raises(ShapeError):
        task().objective({**batch, "label": torch.zeros(3, dtype=torch.int64)})
    with pytest.raises(ShapeError, match=r"\(4, 5\); expected \(batch, 3 classes\)"):
        task(model=Means(5)).objective(batch)
    assert task().objective({**batch, "label": batch["label"].unsqueeze(1)}).target.shape == (4,)


# --- metrics ----------------------------------------------------------------------------------------------------------

PUBLISHED = {
    "Accuracy": (published.multiclass_accuracy, "macro"),
    "Accuracy_Micro": (published.multiclass_accuracy, "micro"),
    "F1_Score": (published.multiclass_f1_score, "macro"),
    "Precision": (published.multiclass_precision, "macro"),
    "Recall": (published.multiclass_recall, "macro"),
}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**16), present=st.lists(st.integers(0, 4), min_size=1, max_size=5, unique=True))
def test_scores_are_those_of_torchmetrics(seed, present):
    generator = torch.Generator().manual_seed(seed)
    truth = torch.tensor(present)[torch.randint(0, len(present), (20,), generator=generator)]
    guess = torch.where(
        torch.rand(20, generator=generator) < 0.5, truth, torch.randint(0, 5, (20,), generator=generator)
    )
    truth[0] = truth[-1]  # one class more of it
    truth[1] = -1
    metrics = ClassificationMetrics(list("abcde"), ignore_index=-1)
    for part in (slice(0, 7), slice(7, 20)):
        metrics.update(guess[part], truth[part])
    scores = metrics.compute()
    for name, (score, average) in PUBLISHED.items():
        expected = score(guess, truth, 5, average=average, ignore_index=-1)
        assert float(scores[name]) == pytest.approx(float(expected), abs=1e-6), name
    single = published.multiclass_f1_score(guess, truth, 5, average="none", ignore_index=-1)
    for name, expected in zip("abcde", single.tolist(), strict=True):
        found = float(scores[f"Class_F1_{name}"])
        assert expected == 0 if math.isnan(found) else found == pytest.approx(expected, abs=1e-6)


def test_scores_by_hand():
    metrics = ClassificationMetrics(["a", "b", "c", "d"], ignore_index=3)
    assert not metrics.update_called
    metrics.update(torch.tensor([0, 0, 1, 2, 0]), torch.tensor([0, 0, 0, 1, 3]))  # the last does not count
    scores = {name: float(value) for name, value in metrics.compute().items()}
    assert scores["Class_Accuracy_a"] == pytest.approx(2 / 3)
    assert (scores["Class_Accuracy_b"], scores["Class_F1_c"]) == (0, 0)
    assert scores["Accuracy"] == scores["Recall"] == pytest.approx(2 / 9)
    assert (scores["Accuracy_Micro"], scores["Precision"]) == (0.5, pytest.approx(1 / 3))
    assert math.isnan(scores["Class_Accuracy_d"])
    metrics.reset()
    assert not metrics.update_called


# --- the declaration --------------------------------------------------------------------------------------------------


def faults(task, data=None):
    return {
        fault.key.removeprefix("model.init_args."): fault.message for fault in CLASSIFICATION.faults(task, data or {})
    }


@pytest.mark.parametrize(
    ("given", "data", "key", "said"),
    [
        ({}, {"num_classes": 3}, "model_args.num_classes", "is missing"),
        ({"num_classes": 3, "loss": "crossentropy"}, {}, "loss", "no loss is called"),
        ({"num_classes": 3, "class_weights": [1.0]}, {}, "class_weights", "has the length 1"),
        ({"num_classes": 3}, {"num_classes": 4}, "num_classes", "there are 3 classes, but 4 in the data"),
        ({"num_classes": 2}, {"class_names": ["a", "b"]}, "class_names", r"have names; give ['a', 'b']"),
        ({"class_names": ["a", "wood"]}, {"class_names": ["a", "woods"]}, "class_names", "did you mean 'woods'"),
        ({"class_names": ["b", "a"]}, {"class_names": ["a", "b"]}, "class_names", "in that order"),
    ],
)
def test_faults_are_told_with_their_key(given, data, key, said):
    found = faults(given, data)
    assert list(found) == [key]
    assert said in found[key]


def test_nothing_is_wrong():
    assert faults({"class_names": ["a", "b"]}, {"class_names": ["a", "b"], "num_classes": 2}) == {}
    assert faults({"num_classes": 2}, {"num_classes": 2}) == {}
    assert faults({"num_classes": 2}) == {}
