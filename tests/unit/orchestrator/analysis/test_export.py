"""The files for other programs contain what was measured, to the promised digits."""

import io
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.export import (
    DIGITS,
    HIGHEST_NS,
    LOWEST_NS,
    histogram_of,
    store_samples,
)
from orchestrator.analysis.statistics import quantile
from orchestrator.results.archive import Archive
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    START_NS,
    Sent,
    evidence,
    replica,
    served,
)


def store(folder: Path, sent: list[Sent]) -> None:
    told = evidence([replica(0, sent)], [served(0, 1, 1, 2)])
    store_samples(Archive(folder), "single", analyse(told), START_NS)


def histogram(path: Path) -> HdrHistogram:
    found = HdrHistogram(1_000, 86_400_000_000_000, 3)
    with closing(HistogramLogReader(str(path), found)) as reader:
        reader.add_next_interval_histogram(found)
    return found


def test_numpy_reads_the_tables_in_one_call(tmp_path: Path) -> None:
    store(tmp_path, [Sent(0, 1, 101), Sent(1, 2, 50, "reset")])
    requests = np.load(tmp_path / "samples" / "single" / "requests.npy", allow_pickle=False)
    assert requests["user"].tolist() == [0, 1]
    assert (requests["ended_ns"] - requests["due_ns"]).tolist() == [101_000_000, 50_000_000]
    folder = tmp_path / "samples" / "single"
    assert len(np.load(folder / "connections.npy", allow_pickle=False)) == 2
    parts = np.load(folder / "parts.npy", allow_pickle=False)
    assert [sum(row) for row in parts.tolist()] == [101_000_000, 0]


def test_the_histogram_has_the_quantiles_to_three_digits(tmp_path: Path) -> None:
    sent = [Sent(user, 1 + user / 7, 3 + user * 1.37) for user in range(500)]
    store(tmp_path, [*sent, Sent(500, 1, 9000, "timed_out")])
    folder = tmp_path / "samples" / "single"
    for name, begin in (("response_time", 0.0), ("exchange_time", None)):
        found = histogram(folder / f"{name}.hlog")
        assert found.total_count == 500
        exact = sorted(s.ended_ms - (s.sent_ms if begin is None else begin) for s in sent)
        for share in (0.5, 0.9, 0.99, 1.0):
            told_ms = found.get_value_at_percentile(share * 100) / 1e6
            assert told_ms == pytest.approx(quantile(exact, share), rel=2e-3)


@given(st.lists(st.integers(0, 100_000_000_000_000) | st.integers(0, 3_000_000), max_size=50))
@example([1_048_575, 1_048_576, 1_048_577, 86_400_000_000_000])
def test_a_histogram_of_leading_bits_is_that_of_the_durations(durations_ns: list[int]) -> None:
    expected = HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
    for each in durations_ns:
        expected.record_value(min(max(each, LOWEST_NS), HIGHEST_NS))
    found = histogram_of(np.array(durations_ns, np.int64))
    assert found.encode() == expected.encode()
    assert found.get_max_value() == expected.get_max_value()


def test_nothing_acked_is_an_empty_histogram(tmp_path: Path) -> None:
    store(tmp_path, [])
    text = (tmp_path / "samples" / "single" / "response_time.hlog").read_text()
    assert "Histogram log format version" in io.StringIO(text).read()
    assert histogram(tmp_path / "samples" / "single" / "response_time.hlog").total_count == 0
