import sys

from tests.conformance.cli import main

sys.exit(main())
