"""`python -m sandbox`: the sandbox command without the rest of the house."""

import sys

from sandbox.cli import main

sys.exit(main())
