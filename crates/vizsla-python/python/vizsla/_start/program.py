"""Starts the program as a process of its own, such as one that reads a file.

A script in a folder of its own, since `python -m` would look for modules in the working folder first, and a script beside
the package's modules among these.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[2])

from vizsla._program import main  # noqa: E402

sys.exit(main())
