"""Serve a Hub until Ctrl-C: `python -m hub_server --folder DIR` (with tests/ on the path; `make hub`)."""

import argparse
import sys
import time
from pathlib import Path

from hub_server.server import HubServer

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--folder", type=Path, default=Path("runs/hub"))
parser.add_argument("--port", type=int, default=5564)
options = parser.parse_args()

with HubServer(options.folder, options.port, options.port + 1) as hub:
    sys.stdout.write(
        f"A Hub at {hub.url}, for this machine only. In another terminal:\n\n"
        f"  export HF_ENDPOINT={hub.url}\n  export HF_TOKEN={hub.token('ada')}\n"
        "  auditdm-hub publish RUN ada/failures\n  auditdm-hub list ada/failures\n\nCtrl-C ends it.\n"
    )
    sys.stdout.flush()
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        pass
