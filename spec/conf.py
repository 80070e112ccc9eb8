"""How Sphinx builds the spec as a site: `sphinx-build -W -b html spec spec/_build/html`."""

import os

project = "rusted-ring"
copyright = "the rusted-ring authors, MPL-2.0"  # noqa: A001 - the name Sphinx reads
author = "the rusted-ring authors"

extensions = ["myst_parser", "sphinx_needs"]
exclude_patterns = ["_build", "states", "performance/*.md"]  # the last are parts of performance.md
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 2
html_theme = "alabaster"
html_title = "rusted-ring: the spec"
# Where `python -m rusted_ring.verify.necessity --pages FOLDER/witnesses` has put what necessity.md links to.
html_extra_path = [folder for folder in [os.environ.get("RUSTED_RING_PAGES", "")] if folder]

needs_types = [{"directive": "clause", "title": "Clause", "prefix": "", "color": "#F2E9D8", "style": "node"}]
needs_id_required = True
needs_id_regex = r"^[A-Z]{3,}-[1-9][0-9]*$"
needs_build_json = True
needs_json_remove_defaults = True
