"""Makes notebook files of the percent scripts of examples/notebooks, for Sphinx to run."""

from pathlib import Path

from tools.site.gather_pages import NOTEBOOKS, name_on_site, rewrite_links


def write_notebook_pages(folder: Path, files: dict[str, Path]) -> None:
    """Writes each notebook as `.ipynb` into the site's pages, with links that work there.

    Args:
        folder: The site's pages.
        files: Gets the files that the notebooks link to, as `rewrite_links` names them.
    """
    import jupytext

    for source in sorted(NOTEBOOKS.glob("*.py")):
        name = name_on_site(source)
        assert name is not None
        notebook = jupytext.read(source, fmt="py:percent")
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = rewrite_links(cell.source, source, name, files)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        jupytext.write(notebook, path, fmt="ipynb")
