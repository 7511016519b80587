"""curation.yaml: template, decisions, one-line errors."""

from pathlib import Path

import pytest
import yaml

from auditdm_hub.curate.overrides import FILE_NAME, TEMPLATE, Overrides, read_overrides
from auditdm_hub.errors import ConfigError


def test_a_template_is_written_once_and_decides_nothing(tmp_path: Path) -> None:
    assert read_overrides(tmp_path) == Overrides()
    path = tmp_path / FILE_NAME
    assert path.read_text() == TEMPLATE
    path.write_text("drop_types: [a]\n")
    assert read_overrides(tmp_path).drop_types == ("a",)
    assert path.read_text() == "drop_types: [a]\n"


def test_the_template_is_valid_without_its_comment_signs(tmp_path: Path) -> None:
    lines = [line.removeprefix("# ") for line in TEMPLATE.splitlines()[3:]]
    (tmp_path / FILE_NAME).write_text("\n".join(lines))
    overrides = read_overrides(tmp_path)
    assert overrides.rename == {"counting more than 4 objects": "crowded scenes"}
    assert overrides.merge == {"telling sides apart": ("telling left from right", "telling above from below")}
    assert overrides.drop_types == ("reading the letters e and f",)
    assert overrides.drop_rows == {"0123456789abcdef": "the references are wrong"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"renames": {}}, "unknown key 'renames'; the keys are rename, merge"),
        (["a"], "got a list"),
        ({"rename": ["a"]}, "rename: expected a mapping"),
        ({"rename": {"a": ""}}, "rename: a: expected a text, got ''"),
        ({"rename": {"a": "x", "b": "x"}}, "use merge"),
        ({"merge": {"x": ["a"]}}, "expected two or more"),
        ({"merge": {"x": "a"}}, "merge: x: expected a list"),
        ({"merge": {"x": ["a", "b"], "y": ["b", "c"]}}, "'b' is merged into both"),
        ({"drop_types": "a"}, "drop_types: expected a list"),
        ({"drop_rows": {1: "why"}}, "quote names that are numbers"),
    ],
)
def test_mistakes_are_named_in_one_line(tmp_path: Path, content: object, message: str) -> None:
    (tmp_path / FILE_NAME).write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError) as caught:
        read_overrides(tmp_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_broken_yaml_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("rename: {a: [")
    with pytest.raises(ConfigError, match="not valid YAML") as caught:
        read_overrides(tmp_path)
    assert "\n" not in str(caught.value)
