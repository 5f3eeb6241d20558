"""The samples of a run as files for other programs: numpy tables and logs of HDR histograms.

Under ``samples/<run>/``, for `numpy.load`: ``requests.npy`` and ``connections.npy`` (the tables of
`orchestrator.analysis.join`), ``parts.npy`` (the stages of `orchestrator.analysis.breakdown`),
``predicted.npy`` and ``replayed.npy`` (the same requests in `orchestrator.twin`), and
``accept_queue.npy`` (the kernel's accept queue over time). For HDR tools: a ``.hlog`` each for
response and exchange times, in the log format of HdrHistogram 1.2, values in nanoseconds.
"""

import io
from collections.abc import Mapping
from functools import partial

import numpy as np
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogWriter

from orchestrator.analysis.analyse import Analysis
from orchestrator.analysis.statistics import Durations, between_ns
from orchestrator.results.archive import Archive
from orchestrator.results.client_samples import ACKED
from orchestrator.results.tables import Table, select

LOWEST_NS, HIGHEST_NS, DIGITS = 1_000, 86_400_000_000_000, 3
"""From a microsecond to a day, each value to three significant digits."""

BITS = 11
"""Of a value, as many leading bits decide in which bucket of a histogram it is: 2**11 > 2,000."""

NS_PER_MS = 1e6
DURATIONS = {"response_time": "due_ns", "exchange_time": "sent_ns"}


def store_samples(archive: Archive, slug: str, analysis: Analysis, start_ns: int) -> None:
    """Write the samples of the run ``slug``, which began at ``start_ns``, into ``archive``.

    Raises:
        ArchiveError: a file cannot be written.
    """
    folder = f"samples/{slug}"
    archive.folder(folder)
    merged = analysis.merged
    store_tables(archive, slug, {"requests": merged.requests, "connections": merged.connections})
    store_tables(archive, slug, {"parts": analysis.parts})
    acked = select(merged.requests, merged.requests["outcome"] == ACKED)
    span_s = (int(acked["ended_ns"].max(initial=start_ns)) - start_ns) / 1e9
    for name, begin in DURATIONS.items():
        log = _hdr_log(between_ns(acked, begin, "ended_ns"), span_s)
        archive.write(f"{folder}/{name}.hlog", log)


def store_tables(archive: Archive, slug: str, tables: Mapping[str, Table]) -> None:
    """Write tables of the run ``slug``, such as its twin's requests, by their names.

    Raises:
        ArchiveError: a file cannot be written.
    """
    for name, table in tables.items():
        save = partial(np.save, arr=table, allow_pickle=False)
        archive.write(f"samples/{slug}/{name}.npy", save)


def _hdr_log(durations_ns: Durations, span_s: float) -> str:
    """Return a log with one interval, from 0 to ``span_s``, of all ``durations_ns``."""
    histogram = histogram_of(durations_ns)
    text = io.StringIO()
    writer = HistogramLogWriter(text)
    writer.output_comment("values in nanoseconds, maxima in milliseconds")
    writer.output_log_format_version()
    writer.output_legend()
    writer.output_interval_histogram(histogram, 0, span_s, NS_PER_MS)
    return text.getvalue()


def histogram_of(durations_ns: Durations) -> HdrHistogram:
    """Return the histogram of ``durations_ns``; those outside its range count at its ends."""
    histogram = HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
    values, counts = np.unique(_leading_bits(durations_ns), return_counts=True)
    for value_ns, count in zip(values.tolist(), counts.tolist(), strict=True):
        histogram.record_value(value_ns, count)
    return histogram


def _leading_bits(durations_ns: Durations) -> Durations:
    """Return values of the same buckets, few enough that those of millions of messages are."""
    values_ns = durations_ns.clip(LOWEST_NS, HIGHEST_NS)
    lengths = np.frexp(values_ns)[1]  # exact below 2**53
    shifts = (lengths - BITS).clip(min=0).astype(np.int64)
    leading: Durations = values_ns >> shifts << shifts
    return leading
