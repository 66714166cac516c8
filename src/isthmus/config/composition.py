"""Checking `model_args`: the names of the parts and the arguments that are meant for each."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from isthmus.config.full_model import FULL_MODEL_FACTORY, full_model_faults, names_of_stacks
from isthmus.config.parts import behind_channels, known_signature, look_up
from isthmus.errors import Fault, did_you_mean
from isthmus.models.factories.arguments import PREFIXES, TAKEN_BY_FACTORY, extract_prefix_keys
from isthmus.registry import BACKBONE_REGISTRY, DECODER_REGISTRY, LOSS_REGISTRY, MODEL_FACTORY_REGISTRY, NECK_REGISTRY
from isthmus.signatures import Signature, static_signature

TASK_OF_CLASS = {
    "SemanticSegmentationTask": "segmentation",
    "KeypointTask": "keypoints",
    "PixelwiseRegressionTask": "regression",
    "ClassificationTask": "classification",
    "MultiLabelClassificationTask": "classification",
    "ScalarRegressionTask": "scalar_regression",
}
DEFAULT_FACTORY = "EncoderDecoderFactory"
MODEL_ARGS = "model.init_args.model_args"

_HEADS = {
    "segmentation": "isthmus.models.heads:SegmentationHead",
    "regression": "isthmus.models.heads:RegressionHead",
    "keypoints": "isthmus.models.heads:SegmentationHead",
    "classification": "isthmus.models.heads:ScalarHead",
    "scalar_regression": "isthmus.models.heads:ScalarHead",
}
_COMPARED = {"segmentation": "classes", "keypoints": "confidence"}
_GIVEN_TO_HEADS = frozenset({"in_channels", "in_dim", "num_classes", "num_outputs"})
_GIVEN_TO_DECODERS = ("num_classes", "out_channels")


def composition_faults(config: Mapping[str, Any]) -> Iterator[Fault]:
    """Every fault in what the configuration of an Isthmus task says about its model and its losses."""
    node = config.get("model")
    path = str(node.get("class_path", "")) if isinstance(node, Mapping) else ""
    task = TASK_OF_CLASS.get(path.rpartition(".")[2])
    if not path.startswith("isthmus.") or task is None or not isinstance(node, Mapping):
        return
    init = node.get("init_args")
    init = init if isinstance(init, Mapping) else {}
    yield from _loss_faults(init, task)
    if init.get("model") is not None:
        return
    arguments = init.get("model_args")
    if not isinstance(arguments, Mapping):
        if arguments is None:
            yield Fault(MODEL_ARGS, "is missing; it names the backbone, the decoder and their arguments")
        return
    name = init.get("model_factory")
    if name is None:
        yield Fault("model.init_args.model_factory", f"is missing; {DEFAULT_FACTORY} builds a model from named parts")
        name = DEFAULT_FACTORY
    if name not in MODEL_FACTORY_REGISTRY:
        choices = did_you_mean(str(name), MODEL_FACTORY_REGISTRY) or f"; there are: {', '.join(MODEL_FACTORY_REGISTRY)}"
        yield Fault("model.init_args.model_factory", f"there is no model factory {name!r}{choices}")
    elif name == DEFAULT_FACTORY:
        yield from _encoder_decoder_faults(arguments, task)
        built = [each.get("name") for each in arguments.get("aux_decoders") or [] if isinstance(each, Mapping)]
        yield from _auxiliary_loss_faults(init, built, "auxiliary decoder", "aux_decoders names none")
    elif name == FULL_MODEL_FACTORY:
        yield from full_model_faults(arguments, MODEL_ARGS)
        yield from _auxiliary_loss_faults(init, names_of_stacks(arguments), "earlier stack", "the model has none")


def _encoder_decoder_faults(arguments: Mapping[str, Any], task: str) -> Iterator[Fault]:
    entry = MODEL_FACTORY_REGISTRY.entry(DEFAULT_FACTORY)
    signature = static_signature(f"{entry.target}.build_model")
    known = () if signature is None else tuple(name for name in signature.names if name != "task")
    yield from _leftover_faults(arguments, known)
    yield from _backbone_faults(arguments)
    yield from _decoder_faults(
        arguments, arguments.get("decoder"), part_arguments(arguments, "decoder"), task, MODEL_ARGS
    )
    yield from _neck_faults(arguments.get("necks"))
    for index, auxiliary in enumerate(arguments.get("aux_decoders") or []):
        yield from _auxiliary_faults(auxiliary, task, f"{MODEL_ARGS}.aux_decoders.{index}")


def _leftover_faults(arguments: Mapping[str, Any], known: Collection[str]) -> Iterator[Fault]:
    for name in arguments:
        if name in known or str(name).startswith(PREFIXES):
            continue
        prefixed = [prefix + str(name) for prefix in PREFIXES]
        hint = did_you_mean(str(name), [*known, *_part_arguments(arguments)]) or (
            f"; arguments of a part begin with its name, as in {' or '.join(prefixed)}"
        )
        yield Fault(f"{MODEL_ARGS}.{name}", f"{DEFAULT_FACTORY} has no argument {name!r}{hint}")


def _part_arguments(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Every prefixed argument that the backbone and the decoder would take."""
    for part, registry in (("backbone", BACKBONE_REGISTRY), ("decoder", DECODER_REGISTRY)):
        name = arguments.get(part)
        entry, _ = look_up(registry, name) if isinstance(name, str) else (None, "")
        signature = None if entry is None else known_signature(entry)
        for argument in () if signature is None else signature.names:
            yield f"{part}_{argument}"


def _backbone_faults(arguments: Mapping[str, Any]) -> Iterator[Fault]:
    name = arguments.get("backbone")
    if name is None:
        yield Fault(f"{MODEL_ARGS}.backbone", "is missing; `isthmus list backbones` shows the names")
        return
    if not isinstance(name, str):
        return
    entry, problem = look_up(BACKBONE_REGISTRY, name)
    if entry is None:
        yield Fault(f"{MODEL_ARGS}.backbone", problem)
        return
    given = {key: value for key, value in part_arguments(arguments, "backbone").items() if key not in TAKEN_BY_FACTORY}
    nested = bool(arguments.get("backbone_kwargs"))
    yield from _part_faults(
        known_signature(entry), given, f"the backbone {name!r}", "backbone", MODEL_ARGS, nested=nested
    )


def _decoder_faults(
    arguments: Mapping[str, Any], name: Any, given: Mapping[str, Any], task: str, key: str
) -> Iterator[Fault]:
    if name is None:
        yield Fault(f"{key}.decoder", "is missing; `isthmus list decoders` shows the names")
        return
    if not isinstance(name, str):
        return
    entry, problem = look_up(DECODER_REGISTRY, name)
    if entry is None:
        yield Fault(f"{key}.decoder", problem)
        return
    nested = bool(arguments.get("decoder_kwargs"))
    signature = known_signature(entry)
    owner = f"the decoder {name!r}"
    if DECODER_REGISTRY.includes_head(name):
        given = {**dict.fromkeys(_taken(signature, _GIVEN_TO_DECODERS)), **given}
        for argument in part_arguments(arguments, "head"):
            yield Fault(f"{key}.head_{argument}", f"{owner} includes its head, so there is none to take head arguments")
    else:
        head = static_signature(_HEADS[task])
        without = None if head is None else head.without(_GIVEN_TO_HEADS - set(part_arguments(arguments, "head")))
        yield from _part_faults(
            without,
            part_arguments(arguments, "head"),
            "the head",
            "head",
            key,
            nested=bool(arguments.get("head_kwargs")),
        )
    yield from _part_faults(behind_channels(signature), given, owner, "decoder", key, nested=nested)


def _neck_faults(necks: Any) -> Iterator[Fault]:
    key = f"{MODEL_ARGS}.necks"
    if necks is None or necks == "auto":
        return
    if not isinstance(necks, list):
        yield Fault(key, f"expected a list of necks, each with a name, or auto; found {necks!r}")
        return
    for index, neck in enumerate(necks):
        name = neck.get("name") if isinstance(neck, Mapping) else None
        if not isinstance(name, str):
            yield Fault(f"{key}.{index}", f"expected a mapping with the name of a neck, found {neck!r}")
            continue
        entry, problem = look_up(NECK_REGISTRY, name)
        if entry is None:
            yield Fault(f"{key}.{index}.name", problem)
            continue
        given = {argument: value for argument, value in neck.items() if argument != "name"}
        signature = behind_channels(known_signature(entry))
        for argument, fault in [] if signature is None else signature.faults(given, f"the neck {name!r}"):
            yield Fault(f"{key}.{index}.{argument}", fault)


def _auxiliary_faults(auxiliary: Any, task: str, key: str) -> Iterator[Fault]:
    if not isinstance(auxiliary, Mapping) or "name" not in auxiliary:
        yield Fault(key, f"expected name, decoder and decoder_args, found {auxiliary!r}")
        return
    arguments = auxiliary.get("decoder_args") or {}
    for name in arguments:
        if not str(name).startswith(("decoder_", "head_")):
            hint = f"; did you mean 'decoder_{name}' or 'head_{name}'?"
            yield Fault(f"{key}.decoder_args.{name}", f"arguments here begin with decoder_ or head_{hint}")
    given, _ = extract_prefix_keys(arguments, "decoder_")
    for fault in _decoder_faults(arguments, auxiliary.get("decoder"), given, task, f"{key}.decoder_args"):
        yield (
            Fault(fault.key.replace(".decoder_args.decoder", ".decoder", 1), fault.message)
            if (fault.key == f"{key}.decoder_args.decoder")
            else fault
        )


def _auxiliary_loss_faults(
    init: Mapping[str, Any], built: Collection[Any] | None, what: str, none: str
) -> Iterator[Fault]:
    for name in init.get("aux_loss") or {}:
        if built is not None and name not in built:
            there = f"; there are: {', '.join(map(str, built))}" if built else f"; {none}"
            yield Fault(f"model.init_args.aux_loss.{name}", f"no {what} is called {name!r}{there}")


def _loss_faults(init: Mapping[str, Any], task: str) -> Iterator[Fault]:
    loss = init.get("loss")
    entries = map(LOSS_REGISTRY.entry, LOSS_REGISTRY)
    known = [each.name for each in entries if _COMPARED.get(task) in getattr(each, "compares", ())]
    names: Iterable[Any] = [loss] if isinstance(loss, str) else loss if isinstance(loss, list | dict) else []
    for name in names:
        if known and name not in known:
            hint = did_you_mean(str(name), known) or "."
            yield Fault("model.init_args.loss", f"there is no loss {name!r}{hint} There are: {', '.join(known)}")


def part_arguments(arguments: Mapping[str, Any], part: str) -> dict[str, Any]:
    """The arguments of a part, given one by one with its prefix or together."""
    together = arguments.get(f"{part}_kwargs")
    if isinstance(together, Mapping) and together:
        return dict(together)
    prefixed, _ = extract_prefix_keys(arguments, f"{part}_")
    return {name: value for name, value in prefixed.items() if name != "kwargs"}


def _part_faults(
    signature: Signature | None, given: Mapping[str, Any], owner: str, part: str, key: str, *, nested: bool
) -> Iterator[Fault]:
    if signature is None:
        return
    prefix = "" if nested else f"{part}_"
    where = f"{key}.{part}_kwargs" if nested else key
    for name, problem in signature.faults(given, owner, prefix):
        yield Fault(f"{where}.{name}", problem)


def _taken(signature: Signature | None, names: Iterable[str]) -> list[str]:
    return [name for name in names if signature is not None and name in signature.names]
