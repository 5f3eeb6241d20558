"""Parsers of the kernel's files."""

import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.proc_text import (
    TICKS_PER_S,
    ProcessTimes,
    Throttling,
    cpu_cgroup_paths,
    read_context_switches,
    read_counters,
    read_listeners,
    read_memory,
    read_run_delay_s,
    read_stat,
    read_throttling,
)
from probe.process_tree import read_text

COUNTS = st.integers(min_value=0, max_value=2**64 - 1)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=15)
WORDS = st.from_regex(r"[A-Z][A-Za-z0-9]{0,20}", fullmatch=True)


@given(NAMES, st.lists(COUNTS, min_size=4, max_size=4), st.sampled_from("RSDZTX"), COUNTS)
def test_a_program_may_have_any_name(name: str, ticks: list[int], state: str, threads: int) -> None:
    numbers = ["1"] * 10 + [str(each) for each in ticks] + ["20", "0", str(threads), "0", "99"]
    parsed = read_stat(f"7 ({name}) {state} {' '.join(numbers)}\n")
    assert parsed == ProcessTimes(
        state=state,
        user_s=(ticks[0] + ticks[2]) / TICKS_PER_S,
        system_s=(ticks[1] + ticks[3]) / TICKS_PER_S,
        threads=threads,
    )


@given(st.dictionaries(WORDS, COUNTS, min_size=1), st.dictionaries(WORDS, COUNTS, min_size=1))
def test_counters_have_the_name_of_their_section(tcp: dict[str, int], ip: dict[str, int]) -> None:
    lines = []
    for section, counters in (("TcpExt", tcp), ("IpExt", ip)):
        lines.append(f"{section}: {' '.join(counters)}")
        lines.append(f"{section}: {' '.join(map(str, counters.values()))}")
    expected = {f"TcpExt.{name}": count for name, count in tcp.items()}
    expected |= {f"IpExt.{name}": count for name, count in ip.items()}
    assert read_counters("\n".join(lines) + "\n") == expected


@given(COUNTS, COUNTS)
def test_context_switches_are_of_both_kinds(voluntary: int, involuntary: int) -> None:
    text = (
        "Name:\tvoluntary_ctxt_switches:\nState:\tS (sleeping)\n"
        f"voluntary_ctxt_switches:\t{voluntary}\nnonvoluntary_ctxt_switches:\t{involuntary}\n"
    )
    assert read_context_switches(text) == (voluntary, involuntary)


@given(COUNTS, COUNTS, COUNTS)
def test_the_run_delay_is_the_second_number_in_ns(on_cpu: int, waited: int, slices: int) -> None:
    assert read_run_delay_s(f"{on_cpu} {waited} {slices}\n") == waited / 1e9


@given(COUNTS, COUNTS, COUNTS)
def test_memory_is_the_sum_over_all_mappings(kib: int, anonymous_kib: int, swapped: int) -> None:
    text = (
        f"55-7f ---p 00000000 00:00 0   [rollup]\nRss: 9 kB\nPss:    {kib} kB\nPss_Dirty: 3 kB\n"
        f"Pss_Anon: {anonymous_kib} kB\nSwap: 8 kB\nSwapPss: {swapped} kB\n"
    )
    assert read_memory(text) == (kib * 1024, (anonymous_kib + swapped) * 1024)


ROW = "{number:4d}: {local:08X}:{port:04X} 00000000:0000 {state:02X} 00000000:{queue:08X} 00:0 0 0"
PORTS = st.integers(min_value=1, max_value=65535)


@given(PORTS, st.lists(st.tuples(PORTS, st.sampled_from([1, 6, 10]), st.integers(0, 65535))))
def test_only_listeners_of_the_port_have_an_accept_queue(
    port: int, sockets: list[tuple[int, int, int]]
) -> None:
    everyone = [*sockets, (port, 10, 3), (port, 1, 9)]
    rows = [
        ROW.format(number=number, local=0, port=own, state=state, queue=queue)
        for number, (own, state, queue) in enumerate(everyone)
    ]
    expected = [queue for own, state, queue in everyone if own == port and state == 10]
    assert list(read_listeners("\n".join(["  sl  local_address", *rows]), port)) == expected


def test_throttling_is_read_from_both_versions() -> None:
    first = "nr_periods 10\nnr_throttled 4\nthrottled_time 2500000000\nnr_bursts 0\n"
    second = "usage_usec 5\nnr_periods 10\nnr_throttled 4\nthrottled_usec 2500000\n"
    assert read_throttling(first) == read_throttling(second) == Throttling(10, 4, 2.5)


@pytest.mark.parametrize(
    ("cgroup", "first", "last"),
    [
        ("0::/system.slice/one.scope\n", "/sys/fs/cgroup/system.slice/one.scope/cpu.stat",
         "/sys/fs/cgroup/cpu.stat"),
        ("0::/\n", "/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpu.stat"),
        ("5:cpu,cpuacct:/docker/ab\n1:name=systemd:/x\n", "/sys/fs/cgroup/cpu,cpuacct/docker/ab/"
         "cpu.stat", "/sys/fs/cgroup/cpu/cpu.stat"),
        ("1:cpu:/\n0::/\n", "/sys/fs/cgroup/cpu/cpu.stat", "/sys/fs/cgroup/cpu.stat"),
        ("3:cpuset:/docker/ab\n", None, None),
    ],
)  # fmt: skip
def test_a_cgroup_is_searched_at_the_paths_of_host_and_container(
    cgroup: str, first: str | None, last: str | None
) -> None:
    paths = cpu_cgroup_paths(cgroup)
    assert (paths[0] if paths else None, paths[-1] if paths else None) == (first, last)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_stat, ""),
        (read_stat, "7 (python) S 1 1 1"),
        (read_context_switches, "Name:\tpython\n"),
        (read_run_delay_s, ""),
        (read_run_delay_s, "0 0"),
        (read_run_delay_s, "0 x 0"),
        (read_memory, "Rss: 9 kB\nPss:"),
        (read_memory, "Rss: 9 kB\nPss: 7 kB\n"),
        (read_counters, "TcpExt: One Two\nIpExt: 1 2\n"),
        (read_counters, "TcpExt: One Two\nTcpExt: 1\n"),
        (read_throttling, "usage_usec 5\n"),
        (lambda text: list(read_listeners(text, 80)), "head\n  0: 00000000:0050\n"),
    ],
)
def test_malformed_text_is_a_value_error(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 each parser has its own message
        read(text)


def test_the_files_of_this_kernel_are_parsed() -> None:
    own = f"/proc/{os.getpid()}"
    assert read_stat(read_text(f"{own}/stat")).threads >= 1
    assert sum(read_context_switches(read_text(f"{own}/status"))) > 0
    assert read_run_delay_s(read_text(f"{own}/schedstat")) >= 0
    memory = read_memory(read_text(f"{own}/smaps_rollup"))
    assert min(memory) > 1 << 20
    assert read_counters(read_text(f"{own}/net/netstat"))["TcpExt.ListenOverflows"] >= 0
    assert read_counters(read_text(f"{own}/net/snmp"))["Tcp.RetransSegs"] >= 0
