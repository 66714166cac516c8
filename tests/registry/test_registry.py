"""`Registry`: what can be observed of it from outside."""

import re
from collections.abc import Set

import pytest

from isthmus.errors import IsthmusError, NotRegisteredError, RegistrationError, UnknownNameError
from isthmus.registry import Entry, Registry


def make(*args, **kwargs):
    return args, kwargs


class Part:
    def __init__(self, width: int = 3) -> None:
        self.width = width


def fail_with(error):
    def constructor():
        raise error

    return constructor


def test_elements_become_entries_in_order():
    registry = Registry(b=make, a=Part)
    assert list(registry) == ["b", "a"]
    assert len(registry) == 2
    assert "a" in registry
    assert "c" not in registry
    assert isinstance(registry, Set)


def test_register_returns_what_it_is_given():
    registry = Registry()
    assert registry.register(Part) is Part
    assert registry.register(make) is make
    assert list(registry) == ["Part", "make"]
    assert registry["Part"] is Part


def test_register_as_decorator():
    registry = Registry()

    @registry.register
    def little():
        return "built"

    assert registry.build("little") == "built"
    assert little() == "built"


@pytest.mark.parametrize("thing", [5, "text", None, Part()])
def test_only_classes_and_functions_register(thing):
    with pytest.raises(TypeError, match=r"decorate a function or a class with Registry\.register") as caught:
        Registry().register(thing)
    assert isinstance(caught.value, RegistrationError)


def test_registering_again_replaces_with_a_warning():
    registry = Registry("backbone", part=make)
    with pytest.warns(UserWarning, match="the backbone 'part' is registered again"):
        registry.add(Entry("part", Part))
    assert isinstance(registry.build("part"), Part)
    assert len(registry) == 1


def test_build_passes_everything_on():
    assert Registry(make=make).build("make", 1, 2, key=3) == ((1, 2), {"key": 3})


def test_an_argument_may_be_called_name():
    assert Registry(make=make).build("make", name="x") == ((), {"name": "x"})


def test_preset_is_passed_along():
    registry = Registry("part", [Entry("wide", Part, {"width": 9})])
    assert registry.build("wide").width == 9
    with pytest.raises(TypeError, match="width"):
        registry.build("wide", width=1)


def test_unknown_name_proposes_the_nearest():
    registry = Registry("decoder", UNetDecoder=make, FCNDecoder=make)
    with pytest.raises(
        UnknownNameError, match=re.escape("no decoder is called 'UnetDecodr'; did you mean 'UNetDecoder'")
    ):
        registry.build("UnetDecodr")
    with pytest.raises(UnknownNameError):
        registry.entry("nothing like it")


def test_unknown_name_is_no_key_error_where_it_is_built_but_is_one_where_it_is_looked_up():
    registry = Registry()
    with pytest.raises(UnknownNameError) as built:
        registry.build("x")
    assert not isinstance(built.value, KeyError)
    with pytest.raises(KeyError) as looked_up:
        registry["x"]
    assert isinstance(looked_up.value, NotRegisteredError)
    assert "'x'" in str(looked_up.value)


@pytest.mark.parametrize("error", [KeyError("S2L3"), UnknownNameError("inner"), RuntimeError("no weights")])
def test_an_error_inside_a_constructor_is_not_an_unknown_name(error):
    registry = Registry(part=fail_with(error))
    with pytest.raises(type(error)) as caught:
        registry.build("part")
    assert caught.value is error


def test_text_of_a_registry():
    registry = Registry(part=make)
    assert repr(registry).startswith("Registry({'part': <function make")
    assert str(registry) == "Registry with 1 registered items"


def test_it_is_a_set_of_names():
    one, other = Registry(a=make, b=make), Registry(b=make, c=make)
    assert one & other == {"b"}
    assert one | other == {"a", "b", "c"}
    assert one - other == {"a"}
    assert {"a"} <= one


def test_a_reference_is_imported_only_when_it_is_built(monkeypatch, tmp_path):
    (tmp_path / "late_part.py").write_text("def build(x=1):\n    return x\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry("part", [Entry("late", "late_part:build")])
    import sys

    assert registry.entry("late").signature().names == ("x",)
    assert "late_part" not in sys.modules
    assert registry.build("late", x=4) == 4
    assert "late_part" in sys.modules


@pytest.mark.parametrize("target", ["isthmus.registry.entry:nothing", "isthmus.registry.entry:__doc__"])
def test_a_reference_that_leads_nowhere(target):
    with pytest.raises(RegistrationError, match=re.escape(repr(target))):
        Registry("part", [Entry("lost", target)]).build("lost")


def test_a_catalog_is_read_when_the_first_name_is_needed():
    read = []

    def search():
        read.append(True)
        yield Entry("found", make)

    registry = Registry("part", search())
    assert not read
    assert "found" in registry
    assert "found" in registry
    assert read == [True]


def test_includes_head_comes_from_the_facts():
    registry = Registry("decoder", [Entry("with", make, facts={"includes_head": True}), Entry("without", make)])
    assert registry.includes_head("with")
    assert not registry.includes_head("without")


def test_every_error_is_of_the_tree():
    for error in (NotRegisteredError, RegistrationError, UnknownNameError):
        assert issubclass(error, IsthmusError)
