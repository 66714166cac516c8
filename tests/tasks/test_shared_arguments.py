"""The arguments that all tasks share are stated once and known everywhere: to the parser, to the check, to checkpoints."""

import inspect

import jsonargparse
import pytest
import torch
from torch import nn

from isthmus import tasks
from isthmus.errors import ArgumentError
from isthmus.registry import TASK_REGISTRY
from isthmus.registry.sources.static_scan import inherited_signature
from isthmus.tasks import BaseTask, KeypointTask, SemanticSegmentationTask
from isthmus.tasks.base import Step
from isthmus.tasks.segmentation.declaration import SEGMENTATION
from isthmus.tasks.segmentation.metrics import SegmentationMetrics

CLASSES = [getattr(tasks, name) for name in TASK_REGISTRY]
SHARED = [
    name
    for name, parameter in inspect.signature(BaseTask.__init__).parameters.items()
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY
]


def own_arguments(task):
    parameters = inspect.signature(task.__init__).parameters.values()
    return [each.name for each in parameters if each.name != "self" and each.kind is not inspect.Parameter.VAR_KEYWORD]


def test_no_task_states_what_all_share():
    assert "lr" in SHARED
    for task in CLASSES:
        assert not set(own_arguments(task)) & set(SHARED)
        assert own_arguments(task)[:4] == ["model_args", "model_factory", "model", "loss"]


@pytest.mark.parametrize("task", CLASSES)
def test_the_parser_knows_every_argument_with_its_type(task):
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(task, "task")
    known = {name.removeprefix("task.") for name in (action.dest for action in parser._actions) if "." in name}
    assert {name for name in known if not name.endswith(".help")} == {*own_arguments(task), *SHARED}
    needed = {"point_names": ["nose"]} if "point_names" in own_arguments(task) else {}
    parsed = parser.parse_object({"task": {"lr": "1e-4", "freeze_head": True, "metrics": ["one"], **needed}})
    assert (parsed.task.lr, parsed.task.freeze_head, parsed.task.metrics) == (1e-4, True, ["one"])
    with pytest.raises(jsonargparse.ArgumentError, match="lr"):
        parser.parse_object({"task": {"lr": "fast", **needed}})


@pytest.mark.parametrize("loss", ["ce", ["ce", "dice"], {"ce": 1.0}, {"dice": {"weight": 0.5, "smooth": 1}, "ce": 1.0}])
def test_the_parser_takes_every_form_of_a_loss(loss):
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(BaseTask, "model")
    arguments = {"num_classes": 3, "loss": loss}
    given = {"class_path": "isthmus.tasks.SemanticSegmentationTask", "init_args": arguments}
    assert parser.parse_object({"model": given}).model.init_args.loss == loss


@pytest.mark.parametrize("name", TASK_REGISTRY)
def test_the_check_knows_every_argument_without_importing(name):
    signature = inherited_signature(f"isthmus.tasks:{name}")
    assert set(signature.names) == {*own_arguments(getattr(tasks, name)), *SHARED}
    assert not signature.is_open
    assert {each.name: each.annotation for each in signature.parameters}["lr"] == "float"


def test_the_arguments_of_both_are_kept():
    built = SemanticSegmentationTask(model=nn.Conv2d(2, 3, 1), num_classes=3, lr=0.5)
    assert set(built.hparams) == {*own_arguments(SemanticSegmentationTask), *SHARED} - {"model"}
    assert (built.hparams.lr, built.hparams.num_classes, built.hparams.loss) == (0.5, 3, "ce")
    points = KeypointTask(model=nn.Conv2d(2, 3, 1), point_names=["a"], scheduler="StepLR")
    assert (points.hparams.sigma, points.hparams.scheduler, points.hparams.lr) == (5.0, "StepLR", 1e-3)


def test_an_argument_that_nobody_has():
    with pytest.raises(TypeError, match="learning_rate"):
        SemanticSegmentationTask(model=nn.Identity(), num_classes=3, learning_rate=0.1)


class LossOfTheModel(SemanticSegmentationTask):
    """A task whose model computes its losses itself, as detectors do."""

    def objective(self, batch):
        output = self.run_model(batch)
        loss = output.output.square().mean()
        return Step({"loss": 2 * loss, "part": loss}, self.decide(output), batch["mask"])


def test_one_method_goes_another_way():
    built = LossOfTheModel(model=nn.Conv2d(2, 3, 1), num_classes=3)
    logged = {}
    built.log = lambda name, value, **how: logged.update({name: float(value)})
    loss = built.training_step({"image": torch.ones(1, 2, 4, 4), "mask": torch.zeros(1, 4, 4, dtype=torch.long)}, 0)
    loss.backward()
    assert logged == {"train/loss": loss.item(), "train/part": pytest.approx(loss.item() / 2)}
    assert built.train_metrics.update_called


# --- declarations -----------------------------------------------------------------------------------------------------


def test_every_declared_task_is_public():
    assert set(TASK_REGISTRY) <= set(tasks.__all__)
    for task in CLASSES:
        assert task.kind is TASK_REGISTRY.entry(task.__name__)


@pytest.mark.parametrize(
    "built",
    [
        lambda: SemanticSegmentationTask(
            model=nn.Conv2d(2, 2, 1), class_names=["a", "b"], loss={"ce": 1.0, "dice": {"smooth": 1}}, ignore_index=0
        ),
        lambda: KeypointTask(model=nn.Conv2d(2, 6, 1), point_names=["a", "b"], offsets=True, pck_thresholds=[3.0]),
        lambda: KeypointTask(model=nn.Conv2d(2, 2, 1), point_names=["a", "b"], max_instances=3, loss=["mse"]),
    ],
    ids=["segmentation", "pose", "objects"],
)
def test_what_is_logged_and_meant_is_what_is_declared(built):
    task = built()
    logged = set()
    task.log = lambda name, *_, **__: logged.add(name)
    truth = {"mask": torch.ones(1, 6, 6, dtype=torch.long), "keypoints": torch.full((1, 1, 2, 2), 3.0)}
    batch = {"image": torch.rand(1, 2, 6, 6), task.kind.batch: truth[task.kind.batch]}
    task.validation_step(batch, 0)
    logged |= {f"val/{name}" for name in task.val_metrics.compute()}
    assert logged == {f"val/{name}" for name in task.kind.logged(task.hparams)}
    assert task.kind.output(task.hparams) == task.output_spec
    assert task.kind.counted(task.hparams) == task.output_spec.channels
    assert task.kind.purpose in ("segmentation", "keypoints")


def test_faults_of_a_loss_are_found_in_plain_arguments():
    def faults(**task):
        return [str(each) for each in SEGMENTATION.faults({"num_classes": 3, **task}, {})]

    assert faults(loss={"dice": {"weight": 0.5, "smooth": 1}, "ce": 1}) == []
    (fault,) = faults(loss={"dice": {"smoth": 1}})
    assert fault == ("model.init_args.loss.dice.smoth: the loss 'dice' has no argument 'smoth'; did you mean 'smooth'?")
    (fault,) = faults(loss=["ce", "mse"])
    assert fault.startswith("model.init_args.loss: no loss is called 'mse'")


def test_the_blame_is_told():
    for arguments, blamed in (
        ({"num_classes": 1}, "num_classes"),
        ({"num_classes": 3, "class_names": ["a"]}, "class_names"),
        ({"num_classes": 3, "class_weights": [1.0]}, "class_weights"),
        ({"num_classes": 3, "loss": "cee"}, "loss"),
    ):
        with pytest.raises(ArgumentError) as caught:
            SemanticSegmentationTask(model=nn.Identity(), **arguments)
        assert caught.value.argument == blamed


def test_training_goes_without_the_boundary_score():
    built = SemanticSegmentationTask(model=nn.Identity(), num_classes=2)
    assert isinstance(built.train_metrics, SegmentationMetrics)
    assert built.train_metrics.boundary is None
    assert built.val_metrics.boundary is not None
