from pathlib import Path

import pytest

from auditdm_hub.config import PLAYGROUND, AuditConfig, PromptsConfig, TrainingConfig, load_config
from auditdm_hub.errors import ConfigError
from auditdm_hub.presets import preset_description, preset_names, preset_text

NESTED = "probes: 5\ntraining:\n  learning_rate: 3e-6\n  min_learning_rate: 0.0\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "my.yaml"
    path.write_text(text)
    return path


def test_without_anything_it_is_the_playground() -> None:
    config = load_config()
    assert (config.target, config.references, config.pool, config.auditor) == ("playground", (), *["playground"] * 2)
    assert config.baseline


def test_flags_win_over_the_file_and_the_file_over_the_preset(tmp_path: Path) -> None:
    path = write(tmp_path, NESTED)
    config = load_config(path, overrides={"probes": 7, "baseline": False})
    assert (config.probes, config.baseline) == (7, False)
    assert config.training.learning_rate == 3e-6
    assert config.training.num_generations == load_config().training.num_generations


def test_the_file_names_its_preset_unless_a_flag_does(tmp_path: Path) -> None:
    path = write(tmp_path, "preset: paper\npool: photos\n")
    assert load_config(path).steps == 1000
    assert load_config(path, preset="gemma3-4b").steps == 250


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "# nothing yet\n")) == load_config()


def test_every_preset_is_complete_and_described() -> None:
    assert preset_names() == ["gemma3-4b", "paligemma2-3b", "paper", "playground", "qwen3-vl-4b", "smolvlm-256m"]
    for name in preset_names():
        load_config(preset=name, overrides={"pool": "photos"})
        assert len(preset_description(name)) > 20
        assert preset_text(name).startswith(f"# {preset_description(name)}\n")


def test_the_paper_preset_has_the_papers_figures() -> None:
    config = load_config(preset="paper", overrides={"pool": "photos"})
    training = config.training
    assert training.num_generations * training.prompts_per_step == 256
    assert (training.learning_rate, training.min_learning_rate, training.warmup_ratio) == (3e-6, 1e-6, 0.1)
    assert (config.steps, config.target) == (1000, "google/paligemma2-3b-mix-448")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nprobs: 3\n", "my.yaml:2: probs: unknown key, did you mean probes?"),
        ("pool-size: 3\n", "my.yaml:1: pool-size: unknown key, did you mean pool_size?"),
        (NESTED + "  lora_ranks: 4\n", "my.yaml:5: training.lora_ranks: unknown key, did you mean lora_rank?"),
        ("prompts: {zzz: a}\n", "my.yaml:1: prompts.zzz: unknown key, wanted one of question, caption, edit"),
        ("probes: many\n", "my.yaml:1: probes: got 'many', wanted a valid integer"),
        ("probes: true\n", "my.yaml:1: probes: got True, wanted a valid integer"),
        ("probes: 0\n", "my.yaml:1: probes: got 0, wanted greater than or equal to 1"),
        ("baseline: 1\n", "my.yaml:1: baseline: got 1, wanted a valid boolean"),
        ("target: 7\n", "my.yaml:1: target: got 7, wanted text (in quotes if it looks like a number)"),
        ("target: ''\n", "my.yaml:1: target: got '', wanted some text"),
        ("references: a/b\n", "my.yaml:1: references: got 'a/b', wanted a list"),
        ("training: 3\n", "my.yaml:1: training: got 3, wanted a section of `key: value` lines"),
        ("actions:\n  - edit\n  - sing\n", "my.yaml:3: actions.1: got 'sing', wanted 'question', 'caption' or 'edit'"),
        ("actions: []\n", "my.yaml:1: actions: got [], wanted at least one item"),
        ("actions: [edit, edit]\n", "my.yaml:1: actions: got ['edit', 'edit'], wanted each action once"),
        ("device: tpu\n", "my.yaml:1: device: got 'tpu', wanted auto, cpu, mps, cuda or cuda:0"),
        ("references: [a, a]\n", "my.yaml:1: references: got ['a', 'a'], wanted each model once"),
        ("references: [playground]\n", "my.yaml:1: references: got 'playground', wanted models other than the target"),
        ("holdout: playground\n", "my.yaml:1: holdout: got 'playground', wanted a model that is neither"),
        ("references: [a, b]\nquorum: 3\n", "my.yaml:2: quorum: got 3, wanted at most 2, the number of references"),
        (
            "training: {learning_rate: .nan}\n",
            "my.yaml:1: training.learning_rate: got nan, wanted a finite number",
        ),
        (
            "training:\n  scheduler: cosine\n  min_learning_rate: 0.5\n",
            "my.yaml:3: training.min_learning_rate: got 0.5, wanted at most learning_rate, 0.0001",
        ),
        ("- probes\n", "my.yaml:1: got a list, wanted lines of `key: value`"),
        ("seed: 1\nactions: [\n", "my.yaml:3: not YAML"),
        ("seed: 1\nseed: 2\n", "my.yaml:2: seed: stands twice, first in line 1"),
        (
            "columns:\n  image: a\n  captoin: b\n",
            "my.yaml:3: columns.captoin: got 'b', wanted one of the roles image, ",
        ),
        (
            "seed: 1\npreset: papr\n",
            f"my.yaml:2: preset: got 'papr', wanted one of {', '.join(preset_names())}",
        ),
    ],
)
def test_an_error_says_where_what_was_got_and_what_was_wanted(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(write(tmp_path, text))
    assert message in str(error.value)


def test_all_errors_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"options: probes: .*; .*my\.yaml:1: seed: "):
        load_config(write(tmp_path, "seed: -1\n"), overrides={"probes": -1})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot read this configuration: No such file"):
        load_config(tmp_path / "gone.yaml")
    (tmp_path / "latin.yaml").write_bytes("out: Köln".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(tmp_path / "latin.yaml")


def test_a_model_from_elsewhere_needs_its_own_pool_and_references(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"an audit of x/y needs --pool .*--reference .*for example: .*--target x/y"):
        load_config(overrides={"target": "x/y"})
    with pytest.raises(ConfigError, match=r"needs --pool \(images that it can understand\); .* --preset paper"):
        load_config(preset="paper")
    given = {"target": "x/y", "references": ["a/b"], "pool": "photos"}
    assert load_config(preset="gemma3-4b", overrides=given).target == "x/y"
    with pytest.raises(ConfigError, match=r"needs --auditor .*`generator:`"):
        load_config(overrides={**given, "actions": ["question", "caption"]})
    assert load_config(overrides={**given, "actions": ["question"], "auditor": "c/d"}).auditor == "c/d"


def test_a_local_folder_may_be_audited_in_the_playground(tmp_path: Path) -> None:
    assert load_config(overrides={"target": str(tmp_path)}).target == str(tmp_path)


def test_it_is_frozen_and_survives_json() -> None:
    config = load_config(overrides={"columns": {"image": "picture"}})
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 2  # type: ignore[misc]
    assert AuditConfig.model_validate(config.model_dump(mode="json")) == config


def test_known_sections_are_those_of_the_model() -> None:
    sections = {name for name, field in AuditConfig.model_fields.items() if field.annotation in SECTIONS}
    assert sections == {"training", "prompts"}


SECTIONS = (TrainingConfig, PromptsConfig)


@pytest.mark.parametrize("preset", [name for name in preset_names() if name != PLAYGROUND])
def test_presets_ask_chat_models_for_short_answers(preset: str) -> None:
    """A sentence, cut off after some tokens, agrees with nobody's single word."""
    config = load_config(preset=preset, overrides={"pool": "photos"})
    chat = [name for name in (config.target, *config.references) if "paligemma" not in name]
    assert not chat or "{question}" in config.answer_prompt
