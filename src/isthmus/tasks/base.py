"""What all tasks share: building the model, freezing, steps, logging, the optimiser and checkpoints."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from lightning.pytorch import LightningModule
from torch import Tensor, nn

from isthmus.errors import ArgumentError
from isthmus.models.adapters.adapted_encoder import AdaptedEncoder, adapted_encoder
from isthmus.models.adapters.rank_allocation import adapter_penalty, after_step
from isthmus.models.base import AuxiliaryHead, Model, ModelOutput
from isthmus.registry import MODEL_FACTORY_REGISTRY
from isthmus.tasks.adapter_checkpoints import leave_out_base, put_base_back
from isthmus.tasks.finite import check_finite_images, check_finite_loss
from isthmus.tasks.hyperparameters import plain_arguments, without_pretrained
from isthmus.tasks.loss_handler import LossHandler, check_auxiliary_names
from isthmus.tasks.metric_record import record_metrics
from isthmus.tasks.metrics import TaskMetrics
from isthmus.tasks.optimisers import optimizer_factory, parameter_groups


class BaseTask(LightningModule, ABC):
    """A model, a criterion and metrics, driven by Lightning.

    A subclass names its task and its target, gives `make_metrics` and `predict`, and passes what is its own to the
    constructor; the arguments below are the same for all tasks.

    Args:
        criterion: the loss between a prediction and a target.
        model: a ready model. It wins over the factory.
        model_factory: the name of a factory that builds the model.
        model_args: the arguments of the factory.
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
        test_dataloaders_names: a name for each test dataloader, where there are several.
        path_to_record_metrics: a folder in which `metrics.csv` collects the metrics of every epoch.

    Raises:
        ArgumentError: neither model nor factory is given, or arguments contradict each other.
    """

    task: str
    target_key: str
    monitor = "val/loss"

    def __init__(
        self,
        criterion: nn.Module,
        *,
        model: nn.Module | None,
        model_factory: str | None,
        model_args: Mapping[str, Any] | None,
        aux_heads: Sequence[AuxiliaryHead | dict[str, Any]] | None,
        aux_loss: Mapping[str, float] | None,
        lr: float,
        optimizer: str | None,
        optimizer_hparams: Mapping[str, Any] | None,
        scheduler: str | None,
        scheduler_hparams: Mapping[str, Any] | None,
        lr_overrides: Mapping[str, float] | None,
        freeze_backbone: bool,
        freeze_decoder: bool,
        freeze_head: bool,
        test_dataloaders_names: Sequence[str] | None,
        path_to_record_metrics: str | None,
    ) -> None:
        super().__init__()
        self._refuse_frozen_adapters(freeze_backbone, (model_args or {}).get("peft_config"))
        self.model = self._build_model(model, model_factory, dict(model_args or {}), aux_heads)
        self._refuse_frozen_adapters(freeze_backbone, adapted_encoder(self.model))
        self.aux_loss = self._weigh_auxiliary_outputs(aux_loss)
        self._freeze(encoder=freeze_backbone, decoder=freeze_decoder, head=freeze_head)
        self.criterion = criterion
        self.lr = lr
        self.lr_overrides = lr_overrides
        self.optimizer_name, self.optimizer_hparams = optimizer, optimizer_hparams
        self.scheduler_name, self.scheduler_hparams = scheduler, scheduler_hparams
        self.test_dataloaders_names = list(test_dataloaders_names or [])
        self.path_to_record_metrics = path_to_record_metrics
        self._make_splits()

    # --- what a subclass says -----------------------------------------------------------------------------------------

    @abstractmethod
    def make_metrics(self, split: str) -> TaskMetrics:
        """The metrics of "train", "val" or "test"."""

    @abstractmethod
    def make_target(self, batch: Mapping[str, Any], output: ModelOutput) -> Any:
        """The checked target of a batch, for criterion and metrics; its length is the number of samples."""

    @abstractmethod
    def decide(self, output: ModelOutput) -> Tensor:
        """What the model decides on, for the metrics: class maps, for a segmentation."""

    # --- construction -------------------------------------------------------------------------------------------------

    def _build_model(
        self, model: nn.Module | None, factory: str | None, args: dict[str, Any], aux_heads: Sequence[Any] | None
    ) -> nn.Module:
        if model is not None:
            if factory is not None:
                warnings.warn("both model and model_factory are given; the model is used", UserWarning, stacklevel=4)
            return model
        if factory is None:
            raise ArgumentError("A model_factory or a model (torch.nn.Module) must be provided.")
        if aux_heads:
            args["aux_decoders"] = [
                head if isinstance(head, AuxiliaryHead) else AuxiliaryHead(**head) for head in aux_heads
            ]
        built: nn.Module = MODEL_FACTORY_REGISTRY.build(factory).build_model(self.task, **args)
        return built

    @staticmethod
    def _refuse_frozen_adapters(freeze_backbone: bool, adapters: Any) -> None:
        if freeze_backbone and adapters:
            raise ArgumentError(
                "freeze_backbone and peft_config exclude each other: the adapters are in the backbone, whose own "
                "weights they freeze already"
            )

    def _weigh_auxiliary_outputs(self, given: Mapping[str, float] | None) -> Mapping[str, float] | None:
        """The weight of every auxiliary loss: what is given, over what the model says itself."""
        heads = getattr(self.model, "aux_heads", None)
        own = self.model.auxiliary_weights if isinstance(self.model, Model) else {}
        weights = {**own, **(given or {})} if own else given
        if own or isinstance(heads, nn.ModuleDict):
            check_auxiliary_names([*own, *(heads if isinstance(heads, nn.ModuleDict) else ())], weights)
        return weights

    def _freeze(self, **parts: bool) -> None:
        for part in [part for part, wanted in parts.items() if wanted]:
            freeze = getattr(self.model, f"freeze_{part}", None)
            if freeze is None:
                raise ArgumentError(f"{type(self.model).__name__} cannot freeze its {part}: no freeze_{part}()")
            freeze()

    def _make_splits(self) -> None:
        prefixes = [f"test/{name}/" for name in self.test_dataloaders_names] or ["test/"]
        self.train_loss_handler = LossHandler("train/")
        self.val_loss_handler = LossHandler("val/")
        self.test_loss_handler = [LossHandler(prefix) for prefix in prefixes]
        self.train_metrics = self.make_metrics("train")
        self.val_metrics = self.make_metrics("val")
        self.test_metrics = nn.ModuleList(self.make_metrics("test") for _ in prefixes)

    @cached_property
    def _adapters(self) -> AdaptedEncoder | None:
        """The encoder with adapters, if the model has one; as a property it has no second name in the state."""
        return adapted_encoder(self.model)

    @property
    def _test_splits(self) -> list[tuple[LossHandler, TaskMetrics]]:
        metrics = [each for each in self.test_metrics if isinstance(each, TaskMetrics)]
        return list(zip(self.test_loss_handler, metrics, strict=True))

    def store_hyperparameters(self, arguments: Mapping[str, Any]) -> None:
        """Keep the arguments of the constructor that are plain data in `hparams`, loggers and checkpoints.

        Ready-made modules and classes are left out: they are given again when a checkpoint is loaded.
        """
        self.save_hyperparameters(plain_arguments(arguments))

    # --- steps --------------------------------------------------------------------------------------------------------

    def forward(self, x: Any, **kwargs: Any) -> ModelOutput:
        """The output of the model for a batch of images."""
        output = self.model(x, **kwargs)
        return output if isinstance(output, ModelOutput) else ModelOutput(output)

    def run_model(self, batch: Mapping[str, Any]) -> ModelOutput:
        """The output for a batch; keys other than image, target and filename go to the model as keywords."""
        skipped = ("image", "filename", self.target_key)
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
        output = self.run_model(batch)
        target = self.make_target(batch, output)
        losses = handler.compute_loss(output, target, self.criterion, self.aux_loss)
        check_finite_loss(losses["loss"], batch)
        handler.log_loss(partial(self.log, add_dataloader_idx=False), losses, len(target))
        metrics.update(self.decide(output), target)
        return losses["loss"]

    def predict_output(self, batch: Mapping[str, Any]) -> ModelOutput:
        """The output for a batch to predict on, once its images are known to hold numbers only."""
        check_finite_images(batch)
        return self.run_model(batch)

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
        self.keep(split, metrics)
        metrics.reset()
        if self.path_to_record_metrics and self.trainer.is_global_zero and not self.trainer.sanity_checking:
            record_metrics(self.path_to_record_metrics, split, self.current_epoch, values)

    def keep(self, split: str, metrics: TaskMetrics) -> None:
        """Keep what is asked for after the epoch; called before the metrics are reset. Nothing, by default."""

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
        """Check that the learning rates of parts are not lost to an optimiser from elsewhere.

        Raises:
            ArgumentError: `lr_overrides` are given, and so is an optimiser beside the task.
        """
        vars(self).pop("_adapters", None)  # some may have been loaded since
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
        """Leave out stored weights of criteria, which other versions keep and which are arguments here.

        A checkpoint of adapters alone is completed by the weights that the encoder was built with.

        Raises:
            WeightsError: those are not the weights that the adapters were trained on.
        """
        put_base_back(self, checkpoint)
        state = checkpoint["state_dict"]
        own = self.state_dict()
        for key in [key for key in state if key.startswith("criterion.") and key not in own]:
            del state[key]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say in the stored arguments that the weights come from the checkpoint, so that loading fetches no others.

        Of an encoder with adapters whose own weights are published, the checkpoint holds the adapters alone; these
        weights are fetched again.
        """
        if leave_out_base(self, checkpoint):
            return
        stored = checkpoint.get(self.CHECKPOINT_HYPER_PARAMS_KEY, {})
        if stored.get("model_args"):
            stored["model_args"] = without_pretrained(stored["model_args"])
