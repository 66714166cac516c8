"""Adapters that would be trained for nothing, because the layer under them is never called."""

from isthmus.errors import CompositionError
from isthmus.models.adapters.adapted_encoder import AdaptedEncoder
from isthmus.models.adapters.base_weights import PREFIX
from isthmus.models.adapters.targets import shared_names
from isthmus.plan.probe import evaluating, example_input, input_spec, on_meta, trial_size


def check_adapters_are_called(encoder: AdaptedEncoder) -> None:
    """Run an encoder on empty images on the meta device and see that data pass through its adapters.

    Some networks, as the Swin transformer of torchvision, read the weights of a layer instead of calling it; an
    adapter in its place changes nothing then. Layers whose surroundings are not called either are left aside: they
    belong to what the encoder does not need for its features.

    Raises:
        CompositionError: an adapter has no effect.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    modules = dict(encoder.named_modules())
    adapted = [
        name for name, part in modules.items() if isinstance(part, BaseTunerLayer) and hasattr(part, "base_layer")
    ]
    called: set[str] = set()
    handles = [
        modules[name].register_forward_pre_hook(lambda *_, name=name: called.add(name))
        for name in {*adapted, *(name.rpartition(".")[0] for name in adapted)}
    ]
    try:
        with evaluating(encoder):
            takes = input_spec(encoder)
            on_meta(encoder)(example_input(takes, trial_size(takes)))
    except (RuntimeError, NotImplementedError, ValueError, TypeError):
        return  # an encoder that takes something else, or that does not work, which is told elsewhere
    finally:
        for handle in handles:
            handle.remove()
    silent = [name for name in adapted if name not in called and name.rpartition(".")[0] in called]
    if silent:
        listed = ", ".join(shared_names(name.removeprefix(PREFIX) for name in silent))
        raise CompositionError(
            f"peft_config: the adapters of {listed} would have no effect: "
            f"{type(encoder.wrapped).__name__} reads the weights of these layers instead of calling them. Choose other "
            "target_modules"
        )
