"""The stage of one play: customers and their money, the platform, and web, relay and worker as real processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from config import processes
from config.embedded_servers import EmbeddedValkey
from sandbox import Sandbox
from tests.chaos import jobs
from tests.chaos.bench import Broker, Receiver, programs
from tests.chaos.story import Stage

KEY, SECRET = "5a4db0c5-0000-4000-8000-00000000c405", "AAECAwQFBgcICQoLDA0ODw=="


@contextmanager
def set_up(valkey: EmbeddedValkey, receiver: Receiver, port: int) -> Iterator[Stage]:
    """Everything that takes part, running; all of it has ended afterwards."""
    platform = Sandbox(target=f"http://127.0.0.1:{port}/callbacks/sinch/", key=KEY, secret=SECRET)
    commands = {
        "web": processes.web("127.0.0.1", port, 1, 4),
        "relay": processes.relay(),
        "worker": processes.worker(),
    }
    broker = Broker(valkey)
    with platform.rest_server() as rest_url, platform.keep_running():
        world = jobs.found(
            key=KEY,
            secret=SECRET,
            plan=platform.service_plan_id,
            token=platform.api_token,
            rest_url=rest_url,
            receiver_url=receiver.url,
        )
        with programs(os.environ, **commands) as running:
            yield Stage(world, platform, receiver, broker, running)
    broker.close()
