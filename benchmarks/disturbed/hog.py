"""Uses PERCENT of one core, in periods of 20 ms, until it is ended: ``python hog.py PERCENT``."""

import sys
import time

PERIOD_S = 0.02


def main() -> None:
    """Compute for a part of each period, and sleep for the rest."""
    busy_s = PERIOD_S * float(sys.argv[1]) / 100
    while True:
        begun_s = time.monotonic()
        while time.monotonic() - begun_s < busy_s:
            pass
        time.sleep(max(PERIOD_S - (time.monotonic() - begun_s), 0))


if __name__ == "__main__":
    main()
