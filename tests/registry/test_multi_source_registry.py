"""`MultiSourceRegistry`: prefixes, order and errors."""

import pytest

from isthmus.errors import RegistrationError, UnknownNameError
from isthmus.registry import (
    BACKBONE_REGISTRY,
    DECODER_REGISTRY,
    FULL_MODEL_REGISTRY,
    NECK_REGISTRY,
    Entry,
    MultiSourceRegistry,
    Registry,
    Source,
)


def giving(value):
    return lambda *args, **kwargs: value


@pytest.fixture
def sources():
    first = Registry("backbone", resnet18=giving("first"), own_net=giving("own"))
    second = Registry("backbone", resnet18=giving("second"), vit_tiny=giving("vit"))
    return MultiSourceRegistry("backbone", isthmus=first, timm=second)


def test_a_prefix_asks_one_source(sources):
    assert sources.build("timm_resnet18") == "second"
    assert sources.build("isthmus_resnet18") == "first"


def test_without_a_prefix_the_first_source_wins(sources):
    assert sources.build("resnet18") == "first"
    assert sources.build("vit_tiny") == "vit"
    assert sources.build("own_net") == "own"


def test_a_name_with_a_prefix_that_its_source_lacks(sources):
    with pytest.raises(UnknownNameError, match="no backbone is called 'vit_tinny'; did you mean 'vit_tiny'"):
        sources.build("timm_vit_tinny")
    with pytest.raises(UnknownNameError):
        sources.build("isthmus_vit_tiny")


def test_nothing_found(sources):
    with pytest.raises(
        UnknownNameError, match=r"'resnet19' could not be instantiated.*did you mean 'resnet18'"
    ) as caught:
        sources.build("resnet19")
    assert "isthmus, timm" in str(caught.value)


@pytest.mark.parametrize("error", [KeyError("modality"), UnknownNameError("a name inside"), ValueError("no")])
@pytest.mark.parametrize("name", ["broken", "isthmus_broken"])
def test_an_error_inside_a_constructor_passes_and_no_other_source_is_tried(error, name):
    def broken():
        raise error

    sources = MultiSourceRegistry(isthmus=Registry(broken=broken), timm=Registry(broken=giving("wrong one")))
    with pytest.raises(type(error)) as caught:
        sources.build(name)
    assert caught.value is error


def test_find_registry(sources):
    assert sources.find_registry("timm_resnet18") is sources["timm"]
    assert sources.find_registry("timm_whatever") is sources["timm"]  # not looked up behind a prefix
    assert sources.find_registry("resnet18") is sources["isthmus"]
    with pytest.raises(KeyError, match="not found in any registry"):
        sources.find_registry("nothing")


def test_find_class(sources):
    assert sources.find_class("vit_tiny")() == "vit"
    assert sources.find_class("timm_resnet18")() == "second"
    with pytest.raises(KeyError):
        sources.find_class("nothing")
    with pytest.raises(KeyError):
        sources.find_class("timm_nothing")


def test_register_source(sources):
    sources.register_source("extra", Registry(new=giving("new")))
    assert sources.build("extra_new") == sources.build("new") == "new"
    with pytest.raises(KeyError, match="already exists"):
        sources.register_source("extra", Registry())
    with pytest.raises(RegistrationError, match="underscore"):
        sources.register_source("my_own", Registry())


def test_names_come_with_their_prefix(sources):
    assert list(sources) == ["isthmus_resnet18", "isthmus_own_net", "timm_resnet18", "timm_vit_tiny"]
    assert len(sources) == 4


def test_membership_takes_both_forms(sources):
    for name in ("resnet18", "timm_resnet18", "own_net", "vit_tiny"):
        assert name in sources
    for name in ("timm_own_net", "nothing", "timm_", "", 5):
        assert name not in sources


def test_it_is_a_mapping_from_prefix_to_source(sources):
    assert list(sources.keys()) == ["isthmus", "timm"]
    assert dict(sources.items())["timm"] is sources["timm"]
    assert next(iter(sources.values())) is sources["isthmus"]
    with pytest.raises(KeyError, match="did you mean 'timm'"):
        sources["tim"]


def test_text(sources):
    assert str(sources) == (
        "Multi source registry with 4 items: isthmus: Registry with 2 registered items"
        " | timm: Registry with 2 registered items"
    )


def test_anything_with_the_methods_of_a_source_is_one():
    class Shelf:
        includes = {"a": Entry("a", giving("from the shelf"))}

        def __iter__(self):
            return iter(self.includes)

        def __len__(self):
            return len(self.includes)

        def __contains__(self, name):
            return name in self.includes

        def entry(self, name):
            return self.includes[name]

        def build(self, name, /, *args, **kwargs):
            return self.entry(name).build(*args, **kwargs)

        def includes_head(self, name):
            return True

    assert isinstance(Shelf(), Source)
    sources = MultiSourceRegistry(shelf=Shelf())
    assert sources.build("shelf_a") == "from the shelf"
    assert sources.includes_head("a")


def test_the_registries_and_their_sources():
    assert list(BACKBONE_REGISTRY.keys()) == ["isthmus", "timm", "smp"]
    assert list(DECODER_REGISTRY.keys()) == ["isthmus", "smp", "mmseg"]
    assert list(NECK_REGISTRY.keys()) == ["isthmus"]
    assert list(FULL_MODEL_REGISTRY.keys()) == ["isthmus"]


def test_every_entry_of_isthmus_can_be_checked_without_importing_it():
    for registry in (BACKBONE_REGISTRY, DECODER_REGISTRY, NECK_REGISTRY):
        for name in registry["isthmus"]:
            assert registry.entry(f"isthmus_{name}").signature() is not None
