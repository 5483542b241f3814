"""How Sphinx makes the site from the repository's own pages, as they are: `make docs` writes build/docs."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "unspool"
author = "the unspool authors"
version = release = installed_version("unspool")

root_doc = "docs/index"
include_patterns = ["README*.md", "C*.md", "benchmarks/README.md", "tests/golden/README.md", "docs/**"]
exclude_patterns = [
    "docs/site",
    "docs/*.svg",
    ".*",
    "build",
    "native",
    "src",
    "benchmarks/*.py",
    "tests/*/data",
]
myst_enable_extensions = ["deflist"]
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "reference"]

nb_execution_mode = "off"  # the tests run the notebooks
myst_heading_anchors = 4  # as a code host makes them, so that links to headings work in both
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
python_maximum_signature_line_length = 80
add_module_names = False
default_role = "code"
napoleon_numpy_docstring = False

smartquotes = False  # --epochs stays --epochs

html_theme = "furo"
html_title = f"unspool {release}"
html_copy_source = False
html_additional_pages = {"index": "redirect.html"}
templates_path = ["templates"]
html_static_path = ["static"]
html_css_files = ["site.css"]
pygments_dark_style = "github-dark"
