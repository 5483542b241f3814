"""The pages of docs/: each is in the site's table of contents, once."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def test_every_page_is_in_the_table_of_contents_once() -> None:
    trees = re.findall(
        r"^```\{toctree\}\n(?::.*\n)*\n((?:.+\n)+)```", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE
    )
    listed = [line for tree in trees for line in tree.split()]
    pages = {path.stem for pattern in ("*.md", "*.ipynb") for path in DOCS.glob(pattern)} - {"index"}
    assert len(trees) == 4
    assert sorted(line for line in listed if "/" not in line) == sorted(pages)
    assert all((DOCS / f"{line}.md").is_file() for line in listed if "/" in line)


def test_the_two_readmes_have_the_same_commands_figures_and_links() -> None:
    english, chinese = ((DOCS.parent / f"README{name}.md").read_text("utf-8") for name in ("", ".zh-CN"))
    assert re.findall(r"^```.*?^```", english, re.MULTILINE | re.DOTALL) == re.findall(
        r"^```.*?^```", chinese, re.MULTILINE | re.DOTALL
    )
    assert len(re.findall(r"^## ", english, re.MULTILINE)) == len(re.findall(r"^## ", chinese, re.MULTILINE))
    for what in (r"`[^`\n]+`", r"\d[\d,.]*\d", r"\]\(([^)]+)\)"):
        found = [sorted(re.findall(what, page)) for page in (english, chinese)]
        others = {"README.md", "README.zh-CN.md"}
        assert [name for name in found[0] if name not in others] == [
            name for name in found[1] if name not in others
        ]
