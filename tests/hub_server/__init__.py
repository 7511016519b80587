"""A small Hugging Face Hub on this machine, for tests: the real clients talk to it over real HTTP.

    with HubServer(tmp_path / "hub") as hub:
        api = HfApi(endpoint=hub.url, token=hub.token("ada"))

Control plane, LFS, Xet, users, private and gated repositories, tags, and faults by rule. It is no Hub to rely on: it
knows what huggingface_hub, datasets, transformers, peft and the `hf` command ask for.
"""

from hub_server.faults import Rule
from hub_server.server import HubServer

__all__ = ["HubServer", "Rule"]
