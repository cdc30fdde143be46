"""`manage.py sandbox`: a voice platform on your desk. The same as `python -m sandbox`."""

from __future__ import annotations

import sys

from sandbox import cli


class Command:
    """Hands the command line over as it is: the sandbox knows nothing of Django, and needs nothing of it."""

    def run_from_argv(self, argv: list[str]) -> None:
        sys.exit(cli.main(argv[2:]))
