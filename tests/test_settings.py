"""Settings: what is misspelt or impossible is refused in words, and what is right arrives."""

import json

import pytest

from petproc.core.errors import Refusal
from petproc.core.regions import REGIONS
from petproc.settings import RESULTS_VERSION, Analysis, QuantifySettings, SampleSettings, Settings, combined, plain


def refusal_of(config):
    with pytest.raises(Refusal) as refusal:
        Settings.of(config)
    assert refusal.value.code == "config-invalid"
    return refusal.value.reason


def test_an_empty_config_is_the_defaults():
    assert Settings.of({}) == Settings()


def test_a_setting_given_is_the_setting_used():
    settings = Settings.of({"sample": {"reach_mm": 15}, "analyses": {"primary": {"quantify": {"active_tbr": 1.6}}}})
    assert settings.sample.reach_mm == 15.0
    assert settings.analyses["primary"].quantify.active_tbr == 1.6


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"smaple": {}}, "smaple"),
        ({"sample": {"reach": 12}}, "sample.reach"),
        ({"sample": {"reach_mm": "far"}}, "sample.reach_mm"),
        ({"sample": {"reach_mm": 1.0}}, "sample.reach_mm"),
        ({"analyses": {"primary": {"quantify": {"suv": "lbw"}}}}, "analyses.primary.quantify.suv"),
        ({"analyses": {"primary": {"quantify": {"active_tbr": 0}}}}, "analyses.primary.quantify.active_tbr"),
        ({"analyses": {"primary": {"quantify": {"background": {"volume_ml": -1}}}}}, "background.volume_ml"),
        ({"analyses": {"My analysis": {}}}, "My analysis"),
    ],
)
def test_a_wrong_key_or_value_is_named_by_its_place(config, place):
    assert place in refusal_of(config)


def test_every_wrong_key_is_named_at_once():
    reason = refusal_of({"sample": {"reach": 1}, "align": {"aply": True}})
    assert "sample.reach" in reason
    assert "align.aply" in reason


@pytest.mark.parametrize(
    "config",
    [
        {"analyses": {"primary": {"quantify": {"regions": ["ascending_aorta", "carotid"]}}}},
        {"analyses": {"primary": {"compare": {"index_candidates": ["carotid"]}}}},
        {"segment": {"imported": {"names": {"carotid": 3}}}},
    ],
)
def test_an_unknown_region_is_named_with_those_that_are_known(config):
    reason = refusal_of(config)
    assert "carotid" in reason
    assert all(region in reason for region in REGIONS)


def test_an_unknown_metric_is_named():
    assert "mean_tbr" in refusal_of({"analyses": {"primary": {"compare": {"index_metric": "mean_tbr"}}}})


def test_an_analysis_cannot_use_a_backend_that_is_not_run():
    assert "imported" in refusal_of({"analyses": {"primary": {"backend": "imported"}}})
    both = {"segment": {"backends": ["classical", "imported"]}, "analyses": {"primary": {"backend": "imported"}}}
    assert Settings.of(both).analyses["primary"].backend == "imported"


def extending(**others: dict[str, object]) -> dict[str, object]:
    primary = {"quantify": {"active_tbr": 1.6, "background": {"volume_ml": 2.0}, "regions": ["aortic_arch"]}}
    return {"analyses": {"primary": primary, **others}}


def test_an_analysis_takes_what_it_does_not_say_from_the_one_it_extends():
    deeper = {"extends": "primary", "quantify": {"background": {"depth_min_mm": 4.0}}}
    wider = {"extends": "deeper", "quantify": {"regions": ["ascending_aorta"]}}
    analyses = Settings.of(extending(wider=wider, deeper=deeper)).analyses
    assert analyses["deeper"].quantify.background.depth_min_mm == 4.0
    assert analyses["deeper"].quantify.background.volume_ml == 2.0
    assert analyses["wider"].quantify.regions == ("ascending_aorta",)
    assert analyses["wider"].quantify.active_tbr == 1.6
    assert analyses["wider"].quantify.background.depth_min_mm == 4.0


def test_an_analysis_that_extends_nothing_takes_the_defaults():
    assert Settings.of(extending(other={})).analyses["other"].quantify == QuantifySettings()


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"other": {"extends": "primry"}}, "extends primry, which is not there; there are primary, other"),
        ({"a": {"extends": "b"}, "b": {"extends": "a"}}, "extends itself"),
        ({"a": {"extends": "a"}}, "extends itself"),
        ({"a": ["primary"]}, "analyses.a"),
    ],
)
def test_an_extension_that_leads_nowhere_is_refused_in_words(others, words):
    assert words in refusal_of(extending(**others))


@pytest.mark.parametrize("text", ["sample: [1, 2", "- sample\n- align\n", "just words", "sample:\n\treach_mm: 3\n"])
def test_a_config_that_is_not_a_tree_of_keys_is_refused(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refusal) as refusal:
        Settings.read(path)
    assert refusal.value.code == "config-invalid"


def test_an_empty_config_file_is_the_defaults(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("# nothing yet\n", encoding="utf-8")
    assert Settings.read(path) == Settings()


def test_settings_as_plain_types_survive_json_and_come_back():
    for section in (Settings(), SampleSettings(reach_mm=9.0), Analysis()):
        as_json = plain(section)
        assert json.loads(json.dumps(as_json)) == as_json
        assert type(section).model_validate(as_json) == section


def test_settings_cannot_be_changed_once_made():
    with pytest.raises(ValueError, match="frozen"):
        SampleSettings().reach_mm = 3.0


def test_every_stage_with_settings_has_a_version_of_its_results():
    assert set(Settings.model_fields) - {"analyses", "inventory", "multiverse"} <= set(RESULTS_VERSION)
    assert {"quantify", "compare"} <= set(RESULTS_VERSION)


def multiverse(**vary):
    return {"multiverse": {"robust": {"vary": vary}}}


def test_a_multiverse_is_every_combination_of_its_values():
    settings = Settings.of(
        {"multiverse": {"robust": {"vary": {"quantify.active_tbr": [1.6, 2.0], "backend_of": [{}]}}}}
    )
    grid = settings.multiverse["robust"]
    made = combined(settings.analyses[grid.extends], grid.vary)
    assert [(values, one.quantify.active_tbr, one.backend_of) for values, one in made] == [
        ({"quantify.active_tbr": 1.6, "backend_of": {}}, 1.6, {}),
        ({"quantify.active_tbr": 2.0, "backend_of": {}}, 2.0, {}),
    ]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (multiverse(**{"quantify.active_tbr": [1.6, -1.0]}), "multiverse robust with quantify.active_tbr -1.0"),
        (multiverse(**{"quantify.activ_tbr": [1.6]}), "Extra inputs are not permitted"),
        (multiverse(**{"quantify.regions": [["aorta_of_somebody"]]}), "unknown region aorta_of_somebody"),
        (multiverse(backend=["classical", "imported"]), "with backend imported: "),
        (multiverse(backend=["classical", "imported"]), "uses backend imported, which segment.backends lacks"),
        (multiverse(**{"segment.backends": [["seeded"]]}), "segment.backends is no setting of an analysis"),
        (multiverse(**{"quantify.active_tbr": []}), "at least 1 item"),
        (multiverse(), "at least 1 item"),
        (multiverse(**{"quantify.active_tbr": [2.0, 2]}), "quantify.active_tbr has a value twice"),
        (multiverse(**{f"quantify.{n}": [1, 2, 3, 4] for n in "abcdef"}), "4096 combinations, more than 2000"),
        ({"multiverse": {"Robust": {"vary": {"backend": ["classical"]}}}}, "multiverse.Robust"),
        ({"multiverse": {"robust": {"extends": "other", "vary": {"backend": ["classical"]}}}}, "extends other, which"),
    ],
)
def test_a_combination_that_cannot_be_asked_is_named_in_words(config, words):
    assert words in refusal_of(config)
