"""The sources as pages of the site, so that a link from a clause to a line stays within it.

A page is made for each file that a clause is cited in. Each line has an id, and each clause that a line names is a link
back to it.
"""

import html
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename
from sphinx.application import Sphinx

FOLDER = "sources"


def page_of(path: str) -> str:
    """Return the name of the page of a file, given from the root of the checkout."""
    return f"{FOLDER}/{path}"


def id_of(line: int) -> str:
    """Return the id of a line on the page of its file."""
    return f"line-{line}"


def pages(
    app: Sphinx, root: Path, files: Iterable[str], chapters: dict[str, str]
) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the pages of some files and the list of them.

    Args:
        app: Sphinx, whose builder knows how one page is linked from another.
        root: the root of the checkout.
        files: the files, from the root.
        chapters: the page of each clause, by the clause's id.
    """
    formatter = HtmlFormatter(nowrap=True)
    named = re.compile(r"\b[A-Z]{3,}-[1-9][0-9]*\b")
    listed = sorted(set(files))
    for path in listed:
        page = page_of(path)
        text = (root / path).read_text(encoding="utf-8")
        shown = highlight(text, get_lexer_for_filename(path, stripnl=False), formatter).rstrip("\n")

        def link(found: re.Match[str], page: str = page) -> str:
            clause = found[0]
            if clause not in chapters:
                return clause
            return f'<a href="{app.builder.get_relative_uri(page, chapters[clause])}#{clause}">{clause}</a>'

        lines = [
            f'<span class="line" id="{id_of(number)}"><a class="number" href="#{id_of(number)}">{number}</a>'
            f"{named.sub(link, line)}</span>"
            for number, line in enumerate(shown.split("\n"), 1)
        ]
        name = Path(path).name
        up = app.builder.get_relative_uri(page, f"{FOLDER}/index")
        body = (
            f"<h1>{html.escape(name)}</h1>"
            f'<p class="source-path"><a href="{up}">Sources</a> / <code>{html.escape(path)}</code></p>'
            f'<div class="highlight source" tabindex="0"><pre>{chr(10).join(lines)}</pre></div>'
        )
        yield page, {"title": name, "body": body, "parents": [], "metatags": _NOINDEX}, "page.html"
    rooms: dict[str, list[str]] = {}
    for path in listed:
        uri = app.builder.get_relative_uri(f"{FOLDER}/index", page_of(path))
        item = f'<li><a href="{uri}"><code>{html.escape(path)}</code></a></li>'
        rooms.setdefault(path.split("/", 1)[0], []).append(item)
    items = "".join(f"<h2><code>{room}/</code></h2><ul>{''.join(lines)}</ul>" for room, lines in rooms.items())
    note = "<p>The files of this version that cite a clause. A clause that a line names leads back to its chapter.</p>"
    yield f"{FOLDER}/index", {"title": "Sources", "body": f"<h1>Sources</h1>{note}{items}", "parents": []}, "page.html"


_NOINDEX = '<meta name="robots" content="noindex" />'
