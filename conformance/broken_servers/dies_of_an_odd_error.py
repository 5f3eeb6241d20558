"""Takes every error of ``accept`` that it does not know for one of the listener."""

import errno

from labkit.server import service
from labkit.server.program import main
from services.single import server

REJECTED_BY = "test_faults.test_an_odd_error_of_accept_is_no_end"
BECAUSE = r"Connection refused|Connection reset|assert 1 == 0|b''"
ARGUMENTS = {"error": "EPERM"}

if __name__ == "__main__":
    setattr(service, "LISTENER_IS_BROKEN", {*errno.errorcode})  # noqa: B010
    main("broken", server.serve)
