"""``explore`` as a user starts and ends it."""

import signal
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.e2e.lab_fixtures import DEADLINE_S, Lab

pytestmark = pytest.mark.together

CUE = "Ctrl-C ends it"


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_the_page_until_it_is_interrupted(lab: Lab, signum: signal.Signals) -> None:
    words = ("explore", "scenarios/gil.yaml", "--no-browser", "--out", lab.out)
    with lab.running(CUE, *words) as process:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().removeprefix("explore: ").strip())
        connection = HTTPConnection(address.netloc)
        connection.request("GET", address.path)
        response = connection.getresponse()
        assert response.status == 200
        page = response.read().decode()
        assert "Server Models Lab" in page
        assert "In prefork no user waits" in page
        process.send_signal(signum)
        out, err = process.communicate(timeout=DEADLINE_S)
        connection.close()
    assert process.returncode == 0
    assert (out, err) == ("", "")
    assert not lab.out.exists()
