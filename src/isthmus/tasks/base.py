"""What all tasks share: building the model, freezing, steps, logging, the optimiser and checkpoints."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, ClassVar

from lightning.pytorch import LightningModule
from torch import Tensor, nn

from isthmus.errors import ArgumentError, ShapeError
from isthmus.models.adapters.adapted_encoder import AdaptedEncoder, adapted_encoder
from isthmus.models.adapters.rank_allocation import adapter_penalty, after_step
from isthmus.models.base import AuxiliaryHead, Model, ModelOutput
from isthmus.models.padding import image_size
from isthmus.predictions import meaning_of
from isthmus.registry.kinds import TaskKind
from isthmus.specs import OutputSpec, Preprocessing
from isthmus.tasks import statements
from isthmus.tasks.adapter_checkpoints import leave_out_base, put_base_back
from isthmus.tasks.building import build_model, freeze_parts, weigh_auxiliary_outputs
from isthmus.tasks.criteria import build_criterion
from isthmus.tasks.finite import check_finite_images, check_finite_loss
from isthmus.tasks.hyperparameters import plain_arguments, without_pretrained
from isthmus.tasks.loss_handler import LossHandler
from isthmus.tasks.metric_record import record_metrics
from isthmus.tasks.metrics import TaskMetrics, WithRequested
from isthmus.tasks.optimisers import optimizer_factory, parameter_groups
from isthmus.tasks.outputs import checked_outputs
from isthmus.tasks.targets import check_output, checked_truth, truth_of


@dataclass(frozen=True)
class Step:
    """What comes of a batch.

    Attributes:
        losses: the loss to go by under "loss", and its parts by name.
        prediction: what was decided, for the metrics.
        target: the truth; its length is the number of samples.
    """

    losses: Mapping[str, Tensor]
    prediction: Any
    target: Any


class BaseTask(LightningModule, ABC):
    """A model, a criterion and metrics, driven by Lightning.

    A subclass has a `kind`, its declaration, and says what its numbers mean (`describe`) and how decisions are scored
    (`make_metrics`); how they are decided on and what `predict` gives follows from what they mean. Its constructor
    states the three leading arguments, `loss`, those of its own, and `**training: Any` for the others, and calls::

        super().__init__(dict(locals()), model_args, model_factory, model, **training)

    The way from a batch to losses, model → criterion → decision, is `objective`, which a task that goes another one
    overrides.

    After each epoch the metrics are logged behind `train/`, `val/` or `test/`, and so are the loss and its parts.

    Args:
        given: the arguments of the subclass, as it was given them.
        model_args: the arguments of the factory.
        model_factory: the name of a factory that builds the model.
        model: a ready model. It wins over the factory.
        aux_heads: auxiliary heads, passed to the factory.
        aux_loss: the weight of the loss of each auxiliary head, by name; the stacks of a model weigh 1 each by default.
        lr: the learning rate.
        optimizer: the name of a class in `torch.optim`; Adam by default.
        optimizer_hparams: further arguments of the optimiser.
        scheduler: the name of a class in `torch.optim.lr_scheduler`.
        scheduler_hparams: arguments of the scheduler.
        lr_overrides: learning rates by a part of the parameter name; the longest that matches wins.
        freeze_backbone: whether the encoder is not trained.
        freeze_decoder: whether necks and decoder are not trained.
        freeze_head: whether the head is not trained.
        metrics: names of registered metrics that are logged beside those of the task.
        test_dataloaders_names: a name for each test dataloader, where there are several.
        path_to_record_metrics: a folder in which `metrics.csv` collects the metrics of every epoch.

    Attributes:
        output_spec: what the numbers of the model mean.
        meaning: what follows from it.
        outputs: what `predict` gives for a batch: one of `meaning.kinds`, or a list of them.
        preprocessing: how the images of the training were prepared; None where nobody said.
        ignore_index: the value of what counts neither in losses nor in metrics; None where all counts.
        single_scores: after each epoch of validation or test, the scores of each name that the output has, by split
            ("val", "test" or "test/<name>"), name and score; nothing where the metrics have none.

    Raises:
        ArgumentError: neither model nor factory is given, or arguments have no valid value or contradict each other.
    """

    kind: ClassVar[TaskKind]
    monitor = "val/loss"
    preprocessing: Preprocessing | None = None

    def __init__(
        self,
        given: Mapping[str, Any],
        /,
        model_args: dict[str, Any] | None = None,
        model_factory: str | None = None,
        model: nn.Module | None = None,
        *,
        aux_heads: list[AuxiliaryHead | dict[str, Any]] | None = None,
        aux_loss: dict[str, float] | None = None,
        lr: float = 1e-3,
        optimizer: str | None = None,
        optimizer_hparams: dict[str, Any] | None = None,
        scheduler: str | None = None,
        scheduler_hparams: dict[str, Any] | None = None,
        lr_overrides: dict[str, float] | None = None,
        freeze_backbone: bool = False,
        freeze_decoder: bool = False,
        freeze_head: bool = False,
        metrics: list[str] | None = None,
        test_dataloaders_names: list[str] | None = None,
        path_to_record_metrics: str | None = None,
    ) -> None:
        arguments = plain_arguments({**locals(), **given})
        super().__init__()
        self.save_hyperparameters(arguments)
        if model is None and model_factory is None:
            raise ArgumentError(
                "A model_factory or a model (torch.nn.Module) must be provided.", argument="model_factory"
            )
        if model is not None and model_factory is not None:
            warnings.warn("both model and model_factory are given; the model is used", UserWarning, stacklevel=3)
        self.ignore_index: float | None = given.get("ignore_index")
        self.output_spec = self.describe(given)
        self.meaning = meaning_of(self.output_spec)
        self.outputs = checked_outputs(given.get("output_on_inference", self.meaning.kinds[0]), self.meaning.kinds)
        self.criterion = self.make_criterion(given)
        told = model_args or {}
        if model is None:
            model = build_model(str(model_factory), self.kind.purpose, told, self.output_spec.channels, aux_heads)
        freeze_parts(model, told.get("peft_config"), encoder=freeze_backbone, decoder=freeze_decoder, head=freeze_head)
        if isinstance(model, Model):
            model.output_spec = self.output_spec
        self.model = model
        self.aux_loss = weigh_auxiliary_outputs(model, aux_loss)
        self.lr = lr
        self.lr_overrides = lr_overrides
        self.optimizer_name, self.optimizer_hparams = optimizer, optimizer_hparams
        self.scheduler_name, self.scheduler_hparams = scheduler, scheduler_hparams
        self.test_dataloaders_names = list(test_dataloaders_names or [])
        self.path_to_record_metrics = path_to_record_metrics
        self.single_scores: dict[str, Mapping[str, Mapping[str, float]]] = {}
        self._make_splits(metrics or [])

    # --- what a subclass says -----------------------------------------------------------------------------------------

    @abstractmethod
    def describe(self, given: Mapping[str, Any]) -> OutputSpec:
        """What the numbers of the model mean, from the arguments of the subclass.

        Raises:
            ArgumentError: they do not tell, or contradict each other.
        """

    @abstractmethod
    def make_metrics(self, split: str) -> TaskMetrics:
        """The metrics of "train", "val" or "test"."""

    # --- what a subclass may say otherwise ----------------------------------------------------------------------------

    def make_criterion(self, given: Mapping[str, Any]) -> nn.Module:
        """The loss between a prediction and a target, from the arguments of the subclass.

        Raises:
            ArgumentError: there is no such loss, or it does not take what it is given.
        """
        return build_criterion(given["loss"], self.kind.compares, self.ignore_index, given.get("class_weights"))

    def make_target(self, batch: Mapping[str, Any], output: ModelOutput) -> Any:
        """The checked truth of a batch, for criterion and metrics; its length is the number of samples.

        Raises:
            DataError: the batch has none.
            ShapeError: it does not cover what the model predicts.
            LabelError: it holds a label outside the classes.
        """
        truth, files = truth_of(batch, self.kind.batch), batch.get("filename")
        return checked_truth(truth, output.output, self.output_spec, self.ignore_index, files)

    def objective(self, batch: Mapping[str, Any]) -> Step:
        """The losses of a batch, what was decided, and the truth."""
        output = self.run_model(batch)
        target = self.make_target(batch, output)
        losses = self.train_loss_handler.compute_loss(output, target, self.criterion, self.aux_loss)
        return Step(losses, self.decide(output), target)

    def decide(self, output: ModelOutput) -> Tensor:
        """What the model decides on, for the metrics: class maps, for a segmentation."""
        decided: Tensor = self.meaning.decide(output)
        return decided

    def keep(self, split: str, metrics: TaskMetrics) -> None:
        """Keep what is asked for after the epoch; called before the metrics are reset. Nothing, by default."""

    # --- construction -------------------------------------------------------------------------------------------------

    def _make_splits(self, requested: Sequence[str]) -> None:
        prefixes = [f"test/{name}/" for name in self.test_dataloaders_names] or ["test/"]
        self.train_loss_handler = LossHandler("train/")
        self.val_loss_handler = LossHandler("val/")
        self.test_loss_handler = [LossHandler(prefix) for prefix in prefixes]
        self.train_metrics = self._all_metrics("train", requested)
        self.val_metrics = self._all_metrics("val", requested)
        self.test_metrics = nn.ModuleList(self._all_metrics("test", requested) for _ in prefixes)

    def _all_metrics(self, split: str, requested: Sequence[str]) -> TaskMetrics:
        own = self.make_metrics(split)
        if not requested:
            return own
        return WithRequested(own, requested, self.kind.compares, self.output_spec.channels, self.ignore_index)

    @cached_property
    def _adapters(self) -> AdaptedEncoder | None:
        """The encoder with adapters, if the model has one; as a property it has no second name in the state."""
        return adapted_encoder(self.model)

    @property
    def _test_splits(self) -> list[tuple[LossHandler, TaskMetrics]]:
        metrics = [each for each in self.test_metrics if isinstance(each, TaskMetrics)]
        return list(zip(self.test_loss_handler, metrics, strict=True))

    # --- steps --------------------------------------------------------------------------------------------------------

    def forward(self, x: Any, **kwargs: Any) -> ModelOutput:
        """The output of the model for a batch of images.

        Raises:
            ShapeError: the model gives another number of maps or values than the task is about.
        """
        output = self.model(x, **kwargs)
        output = output if isinstance(output, ModelOutput) else ModelOutput(output)
        check_output(output.output, self.output_spec)
        with suppress(ShapeError):  # of what is no image
            output = replace(output, image_size=image_size(x))
        return output

    def run_model(self, batch: Mapping[str, Any]) -> ModelOutput:
        """The output for a batch; keys other than image, target and filename go to the model as keywords."""
        skipped = ("image", "filename", self.kind.batch)
        output: ModelOutput = self(batch["image"], **{key: batch[key] for key in batch if key not in skipped})
        return output

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:  # noqa: ARG002
        """The loss of a batch, with what the adapters of an encoder add to it."""
        loss = self._step(batch, self.train_loss_handler, self.train_metrics)
        penalty = None if self._adapters is None else adapter_penalty(self._adapters)
        return loss if penalty is None else loss + penalty

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:  # noqa: ARG002
        """Count a batch of the validation set."""
        self._step(batch, self.val_loss_handler, self.val_metrics)

    def test_step(self, batch: dict[str, Any], batch_idx: int, dataloader_idx: int = 0) -> None:  # noqa: ARG002
        """Count a batch of one of the test sets."""
        handler, metrics = self._test_splits[dataloader_idx]
        self._step(batch, handler, metrics)

    def _step(self, batch: Mapping[str, Any], handler: LossHandler, metrics: TaskMetrics) -> Tensor:
        step = self.objective(batch)
        check_finite_loss(step.losses["loss"], batch)
        handler.log_loss(partial(self.log, add_dataloader_idx=False), step.losses, len(step.target))
        metrics.update(step.prediction, step.target)
        return step.losses["loss"]

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> tuple[Any, list[str] | None]:  # noqa: ARG002
        """Predict a batch.

        Returns:
            A tensor and the suffix of its files, or a list of such pairs where `outputs` is a list; and the names of
            the images.

        Raises:
            DataError: an image holds NaN or infinite values.
        """
        check_finite_images(batch)
        output = self.run_model(batch)
        if isinstance(self.outputs, str):
            return self.meaning.named(output, self.outputs), batch.get("filename")
        return [self.meaning.named(output, kind) for kind in self.outputs], batch.get("filename")

    # --- ends of epochs -----------------------------------------------------------------------------------------------

    def on_train_epoch_end(self) -> None:
        """Log the metrics of the training set."""
        self._finish("train", self.train_metrics)

    def on_validation_epoch_end(self) -> None:
        """Log the metrics of the validation set."""
        self._finish("val", self.val_metrics)

    def on_test_epoch_end(self) -> None:
        """Log the metrics of every test set."""
        for handler, metrics in self._test_splits:
            if metrics.update_called:
                self._finish(handler.loss_prefix.removesuffix("/"), metrics)

    def _finish(self, split: str, metrics: TaskMetrics) -> None:
        values = {name: float(value) for name, value in metrics.compute().items()}
        self.log_dict({f"{split}/{name}": value for name, value in values.items()}, sync_dist=True)
        own = metrics.own if isinstance(metrics, WithRequested) else metrics
        if split != "train" and (single := own.per_name()):
            self.single_scores[split] = single
        self.keep(split, own)
        metrics.reset()
        if self.path_to_record_metrics and self.trainer.is_global_zero and not self.trainer.sanity_checking:
            record_metrics(self.path_to_record_metrics, split, self.current_epoch, values)

    def on_test_start(self) -> None:
        """Check that every test dataloader has a name.

        Raises:
            ArgumentError: there are more dataloaders than names.
        """
        loaders = self.trainer.test_dataloaders
        count = len(loaders) if isinstance(loaders, list | tuple) else 1
        if count > len(self.test_metrics):
            raise ArgumentError(
                f"there are {count} test dataloaders; test_dataloaders_names gives {self.test_dataloaders_names} and "
                "must name each"
            )

    # --- optimiser ----------------------------------------------------------------------------------------------------

    def configure_optimizers(self) -> Any:
        """The optimiser and the scheduler of the arguments. The command replaces this by its own, if it has any."""
        return optimizer_factory(
            optimizer=self.optimizer_name,
            lr=self.lr,
            params_to_be_optimized=parameter_groups(self, self.lr, self.lr_overrides),
            optimizer_hparams=self.optimizer_hparams,
            scheduler=self.scheduler_name,
            monitor=self.monitor,
            scheduler_hparams=self.scheduler_hparams,
        )

    def on_fit_start(self) -> None:
        """Learn how the data prepares images, and check that learning rates of parts are not lost to another optimiser.

        Raises:
            ArgumentError: `lr_overrides` are given, and so is an optimiser beside the task.
        """
        vars(self).pop("_adapters", None)  # some may have been loaded since
        datamodule = getattr(self._trainer, "datamodule", None)
        self.preprocessing = getattr(datamodule, "preprocessing", None) or self.preprocessing
        if self.lr_overrides and "configure_optimizers" in vars(self):
            raise ArgumentError(
                "lr_overrides has no effect beside a root `optimizer`; give optimizer, lr and scheduler in the task"
            )

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Take a step, and let adapters act on its gradients."""
        super().optimizer_step(*args, **kwargs)
        if self._adapters is not None:
            after_step(self._adapters, self.trainer.global_step)

    # --- checkpoints --------------------------------------------------------------------------------------------------

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take from a checkpoint how images are prepared, and leave out what it does not hold for this task.

        Stored weights of criteria, which other versions keep, are arguments here. A checkpoint of adapters alone is
        completed by the weights that the encoder was built with.

        Raises:
            WeightsError: those are not the weights that the adapters were trained on, or the checkpoint was trained for
                something else than the task is about.
        """
        stored = checkpoint.get(statements.KEY, {})
        statements.check_output_spec(stored, self.output_spec)
        self.preprocessing = statements.preprocessing_from(stored) or self.preprocessing
        put_base_back(self, checkpoint)
        state = checkpoint["state_dict"]
        own = self.state_dict()
        for key in [key for key in state if key.startswith("criterion.") and key not in own]:
            del state[key]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what the model takes and what its numbers mean, and see to it that loading fetches no other weights.

        The stored arguments say that the weights come from the checkpoint. Of an encoder with adapters whose own
        weights are published, the checkpoint holds the adapters alone; these weights are fetched again.
        """
        checkpoint[statements.KEY] = statements.statements_of(self.model, self.output_spec, self.preprocessing)
        if leave_out_base(self, checkpoint):
            return
        stored = checkpoint.get(self.CHECKPOINT_HYPER_PARAMS_KEY, {})
        if stored.get("model_args"):
            stored["model_args"] = without_pretrained(stored["model_args"])
