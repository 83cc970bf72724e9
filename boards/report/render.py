"""Sets a report in type: report.md with its pictures beside it; report.html, all in one file."""

from pathlib import Path

from sobolpath.golden.support import cli, page

from .pictures import draw
from .sections import sections

TEMPLATES = Path(__file__).parent


def write(data: dict, folder: Path) -> tuple[Path, ...]:
    """Write the report of ``data`` into ``folder``; the paths of report.md and report.html."""
    pictures = draw(data)
    for name, (kind, content) in pictures.items():
        cli.write_atomically(folder / f"{name}.{kind}", content)
    title = f"{data['result']['board']}: {data['result']['device']}"
    parts = [{**page.EMPTY, **section} for section in sections(data)]
    files = {name: f"{name}.{kind}" for name, (kind, _) in pictures.items()}
    text = page.environment(TEMPLATES).get_template("report.md")
    inline = [{**part, "picture": pictures.get(part["picture"])} for part in parts]
    contents = {
        "report.md": text.render(
            title=title, summary=data["summary"], sections=parts, pictures=files
        ),
        "report.html": page.html(title, data["summary"], inline),
    }
    for name, content in contents.items():
        cli.write_atomically(folder / name, content)
    return tuple(folder / name for name in contents)
