"""`isthmus list backbones`, chosen by what is known about them."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.cli import main
from isthmus.cli.backbone_table import backbone_table, family_table
from isthmus.cli.sensors import BANDS, bands_of_sensor, is_any_of, short_sensor
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY

FACTS = {name: ISTHMUS_BACKBONE_REGISTRY.entry(name).facts for name in ISTHMUS_BACKBONE_REGISTRY}


@pytest.fixture
def listed(capsys):
    """The names that the command lists, with JSON as its answer."""

    def names(*words):
        assert main(["list", "backbones", "--json", *words]) == 0
        return {record["name"] for record in json.loads(capsys.readouterr().out)}

    return names


def test_bands_of_the_weights_choose(listed):
    found = listed("--bands", "RED,nir_narrow")
    assert found == {name for name, facts in FACTS.items() if {"RED", "NIR_NARROW"} <= set(facts.get("bands") or ())}
    assert "prithvi_eo_v2_300" in found


def test_a_sensor_chooses_what_was_trained_on_it_or_has_its_bands(listed):
    found = listed("--bands", "S2")
    assert "prithvi_eo_v2_300" in found  # of HLS, but Sentinel-2 has all six bands
    assert {name for name, facts in FACTS.items() if "Sentinel-2" in facts.get("sensors", ())} <= found
    radar_only = {name for name, facts in FACTS.items() if facts.get("sensors") == ["Sentinel-1"]}
    assert not radar_only & found
    assert radar_only <= listed("--bands", "sentinel-1")


def test_what_it_was_pretrained_on_chooses(listed):
    assert listed("--sensor", "hls") == {name for name, facts in FACTS.items() if "HLS" in facts.get("sensors", ())}


def test_limits_of_size_choose(listed):
    counts = {name: facts["parameters"] for name, facts in FACTS.items() if facts.get("parameters")}
    assert listed("--max-params", "100M", "--min-params", "20.5m") == {
        name for name, count in counts.items() if 20.5e6 <= count <= 100e6
    }
    assert listed("--min-params", "0.6B") == {name for name, count in counts.items() if count >= 6e8}


def test_licence_family_and_sizes_choose_together(listed):
    assert listed("--license", "Apache", "--family", "Prithvi", "--patch-size", "14", "--image-size", "224") == {
        "prithvi_eo_v2_600",
        "prithvi_eo_v2_600_tl",
    }


def test_the_example_of_the_documentation(listed):
    found = listed("--bands", "S2", "--max-params", "100M", "--license", "apache")
    assert {"prithvi_eo_v1_100", "prithvi_eo_v2_tiny_tl", "prithvi_eo_v2_100_tl"} <= found
    assert all(FACTS[name]["license"] == "apache-2.0" and FACTS[name]["parameters"] <= 1e8 for name in found)


def test_a_pattern_narrows_it_down(listed):
    assert listed("*_tl", "--min-params", "600M") == {"prithvi_eo_v2_600_tl"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--bands", "RED,NIR_NAROW"], "--bands: NIR_NAROW is unknown; did you mean 'NIR_NARROW'"),
        (["--bands", "Sentinal-2"], "--bands: SENTINAL-2 is unknown; did you mean 'Sentinel-2'"),
        (["--bands", "nonsense"], "It takes bands, such as RED,NIR_NARROW, or one sensor: "),
        (["--bands", ","], "--bands: ',' is unknown"),
        (["--sensor", "S7"], "--sensor: no backbone knows 'S7'"),
        (["--sensor", "NIAP"], "no backbone knows 'NIAP'; did you mean 'NAIP'"),
        (["--license", "apche-2"], "--license: no backbone has 'apche-2'; did you mean 'apache-2.0'"),
        (["--family", "privthi"], "--family: no backbone has 'privthi'; did you mean 'prithvi'"),
        (["--max-params", "100MB"], "--max-params: '100MB' is no number of parameters"),
        (["--min-params", "many"], "--min-params: 'many' is no number of parameters, such as 86000000, 86M or 1.5B"),
        (["--max-params", "nan"], "'nan' is no number"),
    ],
)
def test_a_value_that_no_backbone_has_is_an_error_with_the_nearest(words, message, capsys):
    assert main(["list", "backbones", *words]) == 2
    assert message in capsys.readouterr().err


def test_only_backbones_are_chosen_by_facts(capsys):
    assert main(["list", "necks", "--bands", "S2"]) == 2
    assert "for backbones, not for necks" in capsys.readouterr().err
    assert main(["list", "--bands", "S2", "--family", "prithvi"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("backbones (8)\n")
    assert "UNetDecoder" not in shown


def test_nothing_that_fits_is_said_and_no_mistake(capsys):
    assert main(["list", "backbones", "--family", "prithvi", "--max-params", "1M"]) == 0
    assert capsys.readouterr().out == "no backbone of Isthmus is known to fit all of that\n"


def test_the_table_stays_readable(capsys):
    assert main(["list", "backbones"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 180
    assert sum(line == "prithvi" for line in lines) == 1
    for name in FACTS:
        assert any(name in line.split() for line in lines), name


def test_backbones_are_grouped_and_long_lists_shortened():
    records = [
        {"name": "a", "family": "x", "parameters": 5_000_000, "bands": ["RED", "VV"], "sensors": ["Sentinel-2"]},
        {"name": "b"},
        {"name": "c", "family": "x", "sensors": ["NAIP", "EnMAP", "Landsat 8-9", "Sentinel-1"], "patch_size": [1, 8]},
    ]
    assert backbone_table(records).splitlines() == [
        "name  parameters  bands  sensors               patch",
        "----  ----------  -----  --------------------  -----",
        "x",
        "  a           5M      2  S2",
        "  c                      NAIP, EnMAP, L8-9 +1    1x8",
        "b",
    ]
    assert family_table(records).splitlines()[2:] == [
        "x               2  5M          S2, NAIP, EnMAP, L8-9, S1",
        "others          1",
    ]


@pytest.mark.parametrize(
    ("name", "others", "expected"),
    [
        ("S2", ["Sentinel-2"], True),
        ("s2l2a", ["Sentinel-2"], True),
        ("sentinel2", ["Sentinel-2"], True),
        ("Sentinel", ["Sentinel-1"], True),
        ("S2", ["Sentinel-1", "HLS"], False),
        ("L8", ["Landsat 8-9"], True),
        ("landsat-9", ["Landsat 8-9"], True),
        ("L7", ["Landsat 8-9", "Landsat 4-5"], False),
        ("L7", ["Landsat"], True),
        ("LC08", ["Landsat 8-9"], True),
        ("hls", ["HLS"], True),
        ("S", ["Sentinel-2"], False),
        ("", ["Sentinel-2"], False),
        ("2", ["Sentinel-2"], False),
    ],
)
def test_sensors_are_understood_as_people_write_them(name, others, expected):
    assert is_any_of(name, others) is expected


def test_bands_of_sensors():
    assert {"RED_EDGE_1", "NIR_NARROW", "NIR_BROAD"} <= bands_of_sensor("S2")
    assert "THERMAL_INFRARED_1" not in bands_of_sensor("S2")
    assert bands_of_sensor("Landsat") >= bands_of_sensor("L8") > bands_of_sensor("HLS") - bands_of_sensor("S2")
    assert bands_of_sensor("EnMAP") == frozenset()


@given(st.text(max_size=12))
def test_any_text_may_be_asked_for(text):
    is_any_of(text, BANDS)
    bands_of_sensor(text)
    short_sensor(text)


def test_no_torch_is_imported():
    script = (
        "import sys; from isthmus.cli import main; status = main(sys.argv[1:]); "
        "sys.stderr.write(repr((status, [name for name in ('torch', 'numpy', 'timm') if name in sys.modules])))"
    )
    words = ["list", "backbones", "--bands", "S2", "--max-params", "100M", "--license", "apache"]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True)
    assert done.stderr == "(0, [])"
