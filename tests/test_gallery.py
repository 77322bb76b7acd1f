"""A gallery is a folder of pages and an index that leads to them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SMALL = Path(__file__).parent / "small"


def gallery(*words: str, code: int = 0) -> str:
    """Call the command; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "mutualize", "gallery", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_the_index_leads_to_every_page(tmp_path: Path) -> None:
    """Each run has a page, variants too where they are asked for; the same call gives the same bytes."""
    told = json.loads(gallery(str(tmp_path / "class"), str(SMALL), "--variants", "--json"))
    index = (tmp_path / "class" / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'href="([^"]+)"', index)
    assert links == ["small.html", "small.par.html"]
    assert [Path(page["file"]).name for page in told["pages"]] == links
    assert all((tmp_path / "class" / link).stat().st_size == page["bytes"]
               for link, page in zip(links, told["pages"], strict=True))  # fmt: skip
    gallery(str(tmp_path / "again"), str(SMALL), "--variants")
    for name in ("index.html", *links):
        assert (tmp_path / "class" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_an_index_asks_for_nothing_and_runs_nothing(tmp_path: Path) -> None:
    """No script, nothing from elsewhere; hostile titles stay text."""
    text = (SMALL / "scenario.toml").read_text(encoding="utf-8")
    hostile = text.replace("A small crash", "<script>alert(1)</script><img src=x onerror=y>A small crash")
    assert hostile != text
    (tmp_path / "scenario.toml").write_text(hostile, encoding="utf-8")
    gallery(str(tmp_path / "class"), str(tmp_path / "scenario.toml"))
    index = (tmp_path / "class" / "index.html").read_text(encoding="utf-8")
    assert "default-src &#39;none&#39;; script-src &#39;none&#39;" in index
    assert "<script" not in index
    assert "<img" not in index
    assert "&lt;script&gt;" in index


@pytest.mark.parametrize("taken", ["index.html", "small.html"])
def test_nothing_is_replaced_unasked(tmp_path: Path, taken: str) -> None:
    """A page that is there stays, unless --force says otherwise."""
    (tmp_path / taken).write_text("mine", encoding="utf-8")
    assert "--force" in gallery(str(tmp_path), str(SMALL), code=74)
    assert (tmp_path / taken).read_text(encoding="utf-8") == "mine"
    gallery(str(tmp_path), str(SMALL), "--force")
    assert (tmp_path / taken).read_text(encoding="utf-8") != "mine"


def test_a_scenario_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Before anything is run or written."""
    assert "there is no scenario" in gallery(str(tmp_path / "class"), "nothing-of-the-kind", code=4)
    assert not (tmp_path / "class").exists()
