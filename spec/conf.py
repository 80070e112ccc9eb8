"""How Sphinx builds the site: `sphinx-build -W -n -b html spec spec/_build/html`, from a checkout."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("_extensions")))

project = "rusted-ring"
copyright = "the rusted-ring authors, MPL-2.0"  # noqa: A001 - the name Sphinx reads
author = "the rusted-ring authors"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_needs",
    "clause_places",
    "reference_pages",
    "clause_evidence",
]
exclude_patterns = ["_build", "_extensions", "states", "performance/*.md"]  # the last are parts of performance.md
myst_enable_extensions = ["colon_fence", "attrs_inline"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "rusted-ring"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
# Where `python -m rusted_ring.verify.necessity --pages FOLDER/witnesses` has put what necessity.md links to.
html_extra_path = [folder for folder in [os.environ.get("RUSTED_RING_PAGES", "")] if folder]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0550ae", "color-brand-content": "#0550ae"},
    "dark_css_variables": {"color-brand-primary": "#79c0ff", "color-brand-content": "#79c0ff"},
}

napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 70
c_maximum_signature_line_length = 70
# One class has the name that users import and that of the module that defines it.
suppress_warnings = ["ref.python"]
# The types of Python's own library, of the C library, and those behind the public ones: the site has no page of them.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!rusted_ring\.(native|reference)\.[A-Z]).*"),
    (r"c:identifier", r"u?int\d+_t|size_t"),
]

needs_types = [{"directive": "clause", "title": "Clause", "prefix": "", "color": "#F2E9D8", "style": "node"}]
needs_id_required = True
needs_id_regex = r"^[A-Z]{3,}-[1-9][0-9]*$"
needs_layouts = {
    "clause": {"grid": "simple", "layout": {"head": ['**<<meta("title")>>** <<meta_id()>>'], "meta": []}},
}
needs_default_layout = "clause"
needs_build_json = True
needs_json_remove_defaults = True
