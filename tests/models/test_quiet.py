import logging
import warnings

import pytest
from huggingface_hub import constants

from auditdm_hub.models.quiet import quiet_libraries


def test_known_noise_is_off_inside_and_back_outside() -> None:
    trl = logging.getLogger("trl")
    before = trl.level
    with quiet_libraries():
        assert not trl.isEnabledFor(logging.WARNING)
        assert trl.isEnabledFor(logging.ERROR)
        warnings.warn("`is_gradient_checkpointing` is deprecated and so on", FutureWarning, stacklevel=1)
    assert trl.level == before


def test_other_warnings_come_through() -> None:
    with pytest.warns(UserWarning, match="listen"), quiet_libraries():
        warnings.warn("listen", UserWarning, stacklevel=1)


@pytest.mark.parametrize(("variable", "off"), [(None, True), ("0", False), ("1", True)])
def test_telemetry_is_off_unless_it_was_turned_on(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, off: bool
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", variable == "1")
    monkeypatch.delenv("HF_HUB_DISABLE_TELEMETRY", raising=False)
    if variable is not None:
        monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", variable)
    with quiet_libraries():
        assert off == constants.HF_HUB_DISABLE_TELEMETRY
    assert (variable == "1") == constants.HF_HUB_DISABLE_TELEMETRY
