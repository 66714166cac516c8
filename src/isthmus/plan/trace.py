"""One run through a model on the `meta` device, seen part by part."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from isthmus.errors import CompositionError, IsthmusError
from isthmus.plan.probe import Images, cannot_live_on_meta, evaluating, example_input, input_spec, on_meta
from isthmus.specs.inputs import InputSpec, Size

SMALL_BATCH = 1


@dataclass
class Stage:
    """What one part of a model does to its input.

    Attributes:
        name: which part: encoder, neck.0, decoder, head, aux_heads.<name>.
        part: the class of the part.
        parameters: how many numbers it learns, frozen ones included.
        trainable: how many of them are not frozen.
        inputs: the shapes that come in.
        outputs: the shapes that go out.
        strides: input pixels per cell of each output, (vertical, horizontal); None where an output is no grid.
        flops: floating-point operations of one forward pass, None where they were not counted.
        peak_bytes: most bytes of activations alive at once during the part (float32, no gradients).
    """

    name: str
    part: str
    parameters: int
    trainable: int
    inputs: list[tuple[int, ...]] = field(default_factory=list)
    outputs: list[tuple[int, ...]] = field(default_factory=list)
    strides: list[tuple[float, float] | None] = field(default_factory=list)
    flops: int | None = None
    peak_bytes: int | None = None


def trace(
    model: nn.Module, image_size: Size, batch_size: int = 1, *, measure: bool = False
) -> tuple[list[Stage], list[tuple[int, ...]], bool]:
    """Run a model on empty images and see what every part gives.

    Args:
        model: a model with `encoder`, `neck`, `decoder`, `head` and `aux_heads`, or with `encoder` and `named_parts`.
        image_size: (height, width) of the images.
        batch_size: how many images.
        measure: whether to count operations and bytes as well.

    Returns:
        The stages in the order of the run, the shapes of the predictions (the main one first), and whether the run was
        on `meta`; where a part cannot live there, it was run for real on one image.

    Raises:
        CompositionError: a part cannot take what it is given; the message names the part and the shapes.
    """
    takes = input_spec_of(model)
    recorder = _Recorder(model, takes.padded(image_size))
    try:
        recorder.run(example_input(takes, image_size, batch_size), measure=measure, on_paper=True)
    except (RuntimeError, NotImplementedError, CompositionError) as error:
        if not cannot_live_on_meta(error):
            raise
    else:
        return recorder.stages, recorder.outputs, True
    recorder = _Recorder(model, takes.padded(image_size))
    recorder.run(example_input(takes, image_size, SMALL_BATCH, device="cpu"), measure=measure, on_paper=False)
    return recorder.stages, recorder.outputs, False


def input_spec_of(model: nn.Module) -> InputSpec:
    """What a model takes: what it says itself, or else its encoder."""
    own = getattr(model, "input_spec", None)
    return own if isinstance(own, InputSpec) else input_spec(getattr(model, "encoder", model))


def parts(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The parts of a model by name, in the order in which data flows through them."""
    own: Any = getattr(model, "named_parts", None)
    if own is not None:
        yield from own()
        return
    for name in ("encoder", "neck", "decoder", "head", "aux_heads"):
        part = getattr(model, name, None)
        if name in ("neck", "aux_heads") and isinstance(part, nn.Module):
            yield from ((f"{name}.{child}", module) for child, module in part.named_children())
        elif isinstance(part, nn.Module) and not isinstance(part, nn.Identity):
            yield name, part


class _Recorder:
    """Hooks on every part that note what goes in and comes out."""

    def __init__(self, model: nn.Module, padded_size: Size) -> None:
        self.model = model
        self.padded_size = padded_size
        self.stages: list[Stage] = []
        self.current: Stage | None = None
        self.meter: Any = None
        self.outputs: list[tuple[int, ...]] = []

    def run(self, x: Images, *, measure: bool, on_paper: bool) -> None:
        if measure:
            from isthmus.plan.meter import Meter  # costs part of a second, which only a plan needs to spend

            self.meter = Meter()
        call = on_meta(self.model) if on_paper else self.model
        with self._hooked(), evaluating(self.model), self.meter or nullcontext():
            try:
                result = call(x)
            except (RuntimeError, ValueError, TypeError, IndexError) as error:
                if isinstance(error, CompositionError):
                    raise
                raise self._explain(error) from error
        self.outputs = _shapes([result.output, *result.auxiliary_heads.values()])

    @contextmanager
    def _hooked(self) -> Iterator[None]:
        handles: list[RemovableHandle] = []
        for name, part in parts(self.model):
            handles.append(part.register_forward_pre_hook(self._entering(name), with_kwargs=True))
            handles.append(part.register_forward_hook(self._leaving))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _entering(self, name: str) -> Any:
        def hook(part: nn.Module, args: Any, kwargs: Any) -> None:
            counts = [(parameter.numel(), parameter.requires_grad) for parameter in part.parameters()]
            stage = Stage(
                name,
                type(part).__name__,
                sum(count for count, _ in counts),
                sum(count for count, requires_grad in counts if requires_grad),
                _shapes(args) or _shapes(kwargs),
            )
            self.current = stage
            self.stages.append(stage)
            if self.meter is not None:
                self.meter.start_stage()
                stage.flops = -self.meter.flops

        return hook

    def _leaving(self, part: nn.Module, args: Any, output: Any) -> None:  # noqa: ARG002
        stage = self.current
        if stage is None:
            return
        stage.outputs = _shapes(output)
        stage.strides = [_stride(shape, self.padded_size) for shape in stage.outputs]
        if self.meter is not None and stage.flops is not None:
            stage.flops += self.meter.flops
            stage.peak_bytes = self.meter.peak_bytes
        self.current = None

    def _explain(self, error: Exception) -> Exception:
        if isinstance(error, IsthmusError | NotImplementedError):
            return error
        if self.current is None:
            return CompositionError(f"the model cannot take images of {self.padded_size}: {error}")
        given = ", ".join(map(str, self.current.inputs))
        return CompositionError(
            f"{self.current.name} ({self.current.part}) cannot take what it is given: {error}\n  given: {given}"
        )


def _shapes(tree: Any) -> list[tuple[int, ...]]:
    if isinstance(tree, Tensor):
        return [tuple(tree.shape)]
    values = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list | tuple) else ()
    return [shape for value in values for shape in _shapes(value)]


def _stride(shape: tuple[int, ...], image_size: Size) -> tuple[float, float] | None:
    if len(shape) < 4 or 0 in shape[-2:]:
        return None
    return image_size[0] / shape[-2], image_size[1] / shape[-1]


def check_composition(model: nn.Module, image_size: Size) -> None:
    """Make sure that data flows through a model from end to end, at the cost of a run on the `meta` device.

    A model that was built on `meta` is left to whoever planned it so, who runs it there in any case.

    Raises:
        CompositionError: it does not; the message names the part and the shapes.
    """
    first = next(model.parameters(), None)
    if first is None or not first.is_meta:
        trace(model, image_size)
