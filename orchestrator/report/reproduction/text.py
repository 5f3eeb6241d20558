"""What a person reads about a reproduction, one sentence on one line each."""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.measures.sentences import counted
from orchestrator.report.columns import UNKNOWN, Column
from orchestrator.report.escape import visible
from orchestrator.results.exit_codes import FAILS, HOLDS
from orchestrator.results.reproduction import (
    Cell,
    ClaimResult,
    FileResult,
    Reproduction,
    SourceText,
    Standing,
    Verdict,
)
from orchestrator.results.summary import Status

QUESTION = "Do the published claims of the field come out on this machine?"


@dataclass(frozen=True)
class ClaimRow:
    """A row of the table of claims: one cell; only the first one of a claim names the claim."""

    file: FileResult
    claim: ClaimResult
    cell: Cell | None
    is_first: bool


def claim_rows(reproduction: Reproduction) -> list[ClaimRow]:
    """Return a row for each cell of each claim; one of a claim without cells."""
    return [
        ClaimRow(file, claim, cell, number == 0)
        for file in reproduction.files
        for claim in file.claims
        for number, cell in enumerate(claim.cells or [None])
    ]


def source_name(source: SourceText) -> str:
    """Return author and year."""
    return visible(f"{source.author} {source.year or ''}".rstrip())


def source_place(file: FileResult, claim: ClaimResult) -> str:
    """Return author, year, and the place of the claim."""
    place = claim.place or file.source.place
    return ", ".join(filter(None, (source_name(file.source), visible(place))))


def citation(source: SourceText) -> str:
    """Return the whole source in one line."""
    year = str(source.year) if source.year else ""
    parts = (source.author, source.title, year, source.place, source.reference)
    return visible(", ".join(filter(None, parts)))


def measured_text(cell: Cell) -> str:
    """Return the measured value with its interval; a dash if it is unknown."""
    interval = f" ({cell.interval})" if cell.interval else ""
    return visible(f"{cell.measured}{interval}") or UNKNOWN


def known_text(claim: ClaimResult) -> str:
    """Return whether the verdict is what is known; if not, what is known."""
    if claim.standing is Standing.AS_KNOWN:
        return "yes"
    return f"no: {claim.known}"


def columns() -> list[Column[ClaimRow]]:
    """Return the columns of the table of claims."""
    return [
        Column("claim", lambda row: visible(row.claim.says) if row.is_first else ""),
        Column("source", lambda row: source_place(row.file, row.claim) if row.is_first else ""),
        Column("of", lambda row: visible(row.cell.of) if row.cell else UNKNOWN),
        Column("published", lambda row: visible(row.cell.published) if row.cell else ""),
        Column("measured", lambda row: measured_text(row.cell) if row.cell else UNKNOWN),
        Column("verdict", lambda row: row.claim.verdict.value if row.is_first else ""),
        Column("as known", lambda row: known_text(row.claim) if row.is_first else ""),
    ]


def verdict(reproduction: Reproduction) -> str:
    """Return the result in one line."""
    claims = reproduction.claims
    total = counted(len(claims), "claims")
    if reproduction.status is not Status.COMPLETE:
        done = f"{reproduction.status} after {len(reproduction.files)} of "
        line = f"{done}{counted(len(reproduction.planned), 'files')}"
        return visible(f"{line}: {reproduction.reason}" if reproduction.reason else line)
    if not claims:
        return "no claim was tried"
    standings, short = [each.standing for each in claims], incomplete_files(reproduction)
    if set(standings) == {Standing.AS_KNOWN} and not short:
        return f"all {total} came out as known" if claims[1:] else "the claim came out as known"
    counts = [f"{standings.count(each)} {each}" for each in Standing if each in standings]
    files = counted(len(reproduction.files), "files")
    left_out = f"; {len(short)} of {files} did not complete" if short else ""
    return f"{total}: {', '.join(counts)}{left_out}"


def incomplete_files(reproduction: Reproduction) -> list[FileResult]:
    """Return the files of which runs or results are missing."""
    return [each for each in reproduction.files if each.status is not Status.COMPLETE]


def file_text(file: FileResult) -> str:
    """Return how a file ended that is not complete, and why."""
    reason = f": {file.reason}" if file.reason else ""
    return visible(f"{file.name}: {file.status}{reason}")


def tone(reproduction: Reproduction) -> str:
    """Return the color of the verdict: ``good``, ``bad``, or ``doubt`` if there is no verdict."""
    if reproduction.status is not Status.COMPLETE:
        return "doubt"
    return {HOLDS: "good", FAILS: "bad"}.get(reproduction.exit_code, "doubt")


def answer(reproduction: Reproduction) -> list[str]:
    """Return how many claims have which verdict, in one sentence; empty without claims."""
    claims = reproduction.claims
    if not claims:
        return []
    verdicts = [each.verdict for each in claims]
    counts = ", ".join(f"{verdicts.count(each)} {each}" for each in Verdict)
    sources = {source_name(each.source) for each in reproduction.files}
    return [f"Of {counted(len(claims), 'claims')} of {counted(len(sources), 'sources')}: {counts}."]


def remarks(reproduction: Reproduction) -> Iterator[str]:
    """Yield which files are not complete, and why claims are undecided or not as known."""
    yield from map(file_text, incomplete_files(reproduction))
    for claim in reproduction.claims:
        if claim.standing is not Standing.AS_KNOWN or claim.verdict is Verdict.UNDECIDED:
            known = f"known is {claim.known}"
            known += f" ({claim.known_reason})" if claim.known_reason else ""
            why = f"{claim.verdict}, {known}; {claim.reason}"
            yield visible(f"{claim.says} {claim.expression}: {why}")


def legend(reproduction: Reproduction) -> str:
    """Return what the headings of the table leave open."""
    cells = [cell for claim in reproduction.claims for cell in claim.cells]
    known = sorted({each.coverage for each in cells if each.coverage})
    coverage = f" ({' or '.join(f'{each:.1%}' for each in known)})" if known else ""
    return (
        "published: as the source prints it, on its machine, or by its formula; "
        f"measured: median over the rounds, and its interval{coverage}; "
        "inverted: the contrary holds with the confidence of the claim"
    )
