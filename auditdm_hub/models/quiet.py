"""Keep transformers, diffusers, peft and TRL from writing to the console and from sending telemetry while we call."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# datasets sets its own level when it is imported, which may be later; the fingerprint's warns of every closure.
LOGGERS = ("transformers", "trl", "peft", "accelerate", "diffusers", "datasets", "datasets.fingerprint")
# Raised by one library at another; a user can do nothing about them.
HARMLESS = (
    r"`is_gradient_checkpointing` is deprecated",  # peft 0.21 reads an old name of transformers 5.23
)
# bitsandbytes says on a CPU what it lacks there, when peft imports it: before there is anything to do in quiet.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
TELEMETRY = "HF_HUB_DISABLE_TELEMETRY"


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Show errors only, no progress bars, no warnings that are known to be harmless, and send no telemetry.

    Telemetry stays on for those who turned it on themselves: HF_HUB_DISABLE_TELEMETRY=0 in the environment.
    """
    from huggingface_hub import constants
    from transformers.utils import logging as transformers_logging

    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    bars = transformers_logging.is_progress_bar_enabled()
    telemetry = constants.HF_HUB_DISABLE_TELEMETRY
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        transformers_logging.disable_progress_bar()
        # The variable was read when the package was imported, which may have been before anybody could set it.
        constants.HF_HUB_DISABLE_TELEMETRY = telemetry or TELEMETRY not in os.environ
        with warnings.catch_warnings():
            for message in HARMLESS:
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        constants.HF_HUB_DISABLE_TELEMETRY = telemetry
        if bars:
            transformers_logging.enable_progress_bar()
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
