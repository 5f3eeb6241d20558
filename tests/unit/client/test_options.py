import pytest

from client.options import OptionsError, parse_address, parse_options


def test_defaults() -> None:
    options = parse_options([], {})
    assert (options.connections, options.messages, options.demand) == (1, 5, "")
    assert options.target == ("127.0.0.1", 3000)
    assert options.conductor is None


def test_the_command_line_outranks_the_environment() -> None:
    options = parse_options(
        ["3", "--demand", "cpu=5ms"], {"LAB_CONNECTIONS": "9", "LAB_DEMAND": ""}
    )
    assert (options.connections, options.demand) == (3, "cpu=5ms")


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert parse_options([], {"LAB_THINK_TIME": "", "LAB_TARGET": ""}).think_time == "0ms"


@pytest.mark.parametrize(
    ("arguments", "environ", "message"),
    [
        (["0"], {}, "N: '0' is not a whole number from 1 to 10000"),
        (["three"], {}, "N: 'three' is not"),
        (["99999999999999999999"], {}, "N: '99999999999999999999' is not"),
        (["--messages", "-1"], {}, "--messages: '-1' is not a whole number"),
        (["--demand", "sleep"], {}, "--demand: 'sleep' is not a demand"),
        (
            ["--demand", "cpu=5"],
            {},
            "--demand: demand 'cpu=5': '5' has no unit; write 5ms or 5s",
        ),
        (["--think-time", "1"], {}, "--think-time: '1' has no unit; write 1ms or 1s"),
        (["--think-time", "2000m"], {}, "--think-time: a mean of '2000m' is longer than a day"),
        (["--timeout", "9" * 400 + "s"], {}, "--timeout: '9+' is not a duration"),
        (["--timeout", "0s"], {}, "--timeout: '0s' must be more than 0"),
        (["--mesages", "3"], {}, "unrecognized arguments: --mesages; see --help"),
        (["1", "2"], {}, "unrecognized arguments: 2; see --help"),
        (["--messages", ""], {}, "--messages: '' is not a whole number"),
        (["--target", "nowhere"], {}, "--target: 'nowhere' is not an address"),
        ([], {"LAB_MESSAGES": "x"}, "LAB_MESSAGES: 'x' is not a whole number"),
        ([], {"LAB_CONDUCTOR": "x:0"}, "LAB_CONDUCTOR: 'x:0' is not an address"),
    ],
)
def test_a_bad_value_is_named(arguments: list[str], environ: dict[str, str], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        parse_options(arguments, environ)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("epoll:3000", ("epoll", 3000)),
        ("[::1]:80", ("::1", 80)),
        ("10.0.0.1:65535", ("10.0.0.1", 65535)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address
