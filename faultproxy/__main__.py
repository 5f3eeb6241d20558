"""``python -m faultproxy``; see README.md for the environment it reads."""

import sys

from faultproxy.program import main

sys.exit(main())
