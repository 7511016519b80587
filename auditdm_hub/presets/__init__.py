"""Named configurations: one YAML file each, whose first line says in a comment what it is for."""

from pathlib import Path

from auditdm_hub.errors import ConfigError

FOLDER = Path(__file__).parent


def preset_names() -> list[str]:
    """Return the names of all presets."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def preset_path(name: str) -> Path:
    """Return the file of a preset.

    Raises:
        ConfigError: there is no preset of that name.
    """
    if name not in preset_names():
        raise ConfigError(f"preset: got {name!r}, wanted one of {', '.join(preset_names())}")
    return FOLDER / f"{name}.yaml"


def preset_text(name: str) -> str:
    """Return the YAML of a preset."""
    return preset_path(name).read_text(encoding="utf-8")


def preset_description(name: str) -> str:
    """Return what a preset is for, in one line."""
    return preset_text(name).partition("\n")[0].removeprefix("#").strip()
