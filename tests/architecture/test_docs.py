"""The pages that GitHub shows: their links lead somewhere, and what they say can be run."""

import re
from collections import Counter
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from conformance import ROOT
from labkit.server.settings import Choice, Own, Settings, variable
from orchestrator.scenario.models import own_settings, read_models

README = ROOT / "README.md"
README_LINES = 200
ROOMS = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(page for room in ROOMS if room.name != "results" for page in room.rglob("*.md")),
    ]
)
CODE = re.compile(r"^ *```.*?^ *```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.*?) *$", re.MULTILINE)
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of ``page``."""
    found: Counter[str] = Counter()
    names = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        names.add(f"{name}-{found[name]}" if found[name] else name)
        found[name] += 1
    return names


def broken(page: Path, link: str) -> bool:
    """Whether ``link`` of ``page`` leads to no file of the repository, or to no heading in it."""
    name, _, anchor = unquote(link).partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.is_relative_to(ROOT) or not target.exists():
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = LINK.findall(CODE.sub("", page.read_text(encoding="utf-8")))
    ours = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in ours if broken(page, link)] == []


def test_a_broken_link_is_noticed() -> None:
    for link in ("no-such.md", "#no-such-heading", "docs/ci.md#no-such-heading", "../outside.md"):
        assert broken(README, link)
    for link in ("docs/ci.md", "docs", "#exit-codes", "docs/ci.md#what-ci-can-read"):
        assert not broken(README, link)


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= README_LINES


def test_the_readme_lists_every_ready_scenario() -> None:
    listed = re.findall(r"\]\((scenarios/[^)]*)\)", README.read_text(encoding="utf-8"))
    ready = (str(path.relative_to(ROOT)) for path in ROOT.glob("scenarios/*.yaml"))
    assert sorted(listed) == sorted(ready)


def test_the_protocol_page_lists_every_setting_of_a_server() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(LAB_\w+)` \|", page, re.MULTILINE)
    common = [variable(name) for name in Settings._fields if name != "own"]
    assert listed == common + [variable(name) for name in own_settings()]


def test_the_protocol_page_says_which_models_have_a_setting_and_its_values() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| `(LAB_\w+)` \| (.+?) \| `(.+?)` \| (.+?) \| [^|]+ \|$", page, re.MULTILINE
    )
    assert rows == [
        (
            variable(name),
            ", ".join(
                f"`{model.name}`" for model in read_models().values() if name in model.settings
            ),
            str(own.default),
            _allowed(own),
        )
        for name, own in own_settings().items()
    ]


def _allowed(own: Own) -> str:
    if isinstance(own, Choice):
        return ", ".join(f"`{word}`" for word in own.choices)
    return f"{own.low} to {own.high}"


def test_the_readme_names_every_model_in_its_group() -> None:
    text = README.read_text(encoding="utf-8")
    family = text[text.index("The rest of the family") :].partition("\n\n")[2].partition("\n\n")[0]
    found = {
        model: " ".join(group.split())
        for line in re.split(r"^- | · (?=a )", family, flags=re.MULTILINE)
        for group, _, rest in [line.partition(":")]
        for model in re.findall(r"services/(\w+)/README", rest)
    }
    assert found == {name: model.group for name, model in read_models().items()}
