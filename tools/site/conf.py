"""Sphinx's settings for the documentation's site. `tools.build_site` runs it."""

project = "Expression recogniser"
author = "the authors"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
master_doc = "index"

html_theme = "furo"
html_title = project
html_show_copyright = False
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"sidebar_hide_name": False}
html_static_path = ["static"]
html_css_files = ["site.css"]
pygments_style = "friendly"
pygments_dark_style = "github-dark"
highlight_language = "none"
smartquotes = False  # many quotes are around values

# Docstrings are in Google's style and mark code with single back-quotes.
default_role = "code"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
add_module_names = False
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 88

# Headings get the anchors that GitHub gives them, so that links work in both places.
myst_heading_anchors = 4
nb_execution_timeout = 600  # s for a cell, on a busy machine
nb_execution_show_tb = True  # of a notebook that fails, which is a warning
nb_merge_streams = True
nb_number_source_lines = False
suppress_warnings = ["mystnb.unknown_mime_type"]
