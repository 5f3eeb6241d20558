from pathlib import Path

from orchestrator.execution.backend import BackendError, ClientEnd, StageEnd, StageOrder
from orchestrator.execution.docker.compose import ComposeError
from orchestrator.results.exit_codes import BROKEN, LabError
from orchestrator.scenario.server import Target


def order(target: Target | None) -> StageOrder:
    return StageOrder("epoll", {}, 1, Path(), drain_timeout_s=1.0, target=target)


def test_a_model_listens_on_one_port_and_a_target_on_its_own() -> None:
    assert order(None).port == 3000  # as in compose.yaml and docs/protocol.md
    assert order(Target(image="mine", port=8080)).port == 8080


def test_exit_codes_are_in_the_order_of_the_clients() -> None:
    ends = tuple(ClientEnd(f"client-00{n}", "here", n, code) for n, code in enumerate([0, -9, 3]))
    assert StageEnd(0, ends).client_exit_codes == (0, -9, 3)
    assert StageEnd(None, ()).client_exit_codes == ()


def test_a_failed_backend_breaks_the_campaign_whichever_part_of_it_failed() -> None:
    for error in (BackendError("no engine"), ComposeError("no image")):
        assert isinstance(error, LabError)
        assert error.exit_code == BROKEN
