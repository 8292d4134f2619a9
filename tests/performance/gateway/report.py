"""The figures for people: a table on the screen, the same in the README, and a chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

Results = Mapping[str, Any]

_COLUMNS = (("cpu_ms", "CPU ms", 3), ("p50_ms", "p50 ms", 2), ("p99_ms", "p99 ms", 2), ("per_second", "req/s", 0))
_BAR, _LABEL, _ROW = 420, 190, 22


def table(results: Results) -> str:
    """Markdown: medians, with least and most of the CPU time, which is what candidates are compared by."""
    lines: list[str] = []
    for query, rows in results["queries"].items():
        head = [f"**{query}**", *(title for _, title, _ in _COLUMNS), "CPU min to max", "x floor", "core busy"]
        lines += ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
        floor = rows["floor"]["cpu_ms"]["median"]
        lines += [_row(name, row, floor) for name, row in rows.items()]
        lines.append("")
    lines += [f"Not measured: {name}: {reason}." for name, reason in results["absent"].items()]
    cold, memory = results["cold_ms"], results["memory"]
    first, following = (f"{cold[k]['median']} ms ({cold[k]['min']} to {cold[k]['max']})" for k in ("first", "next"))
    lines.append(
        f"Cold operation (deep query): {first} by a fresh planner, {following} by one that has planned before."
    )
    sizes = ", ".join(f"{sample['resident_mb']} MB after {sample['requests']:,}" for sample in memory)
    lines.append(f"Resident memory of the gateway: {sizes} requests.")
    lines.append(f"Planning: {'; '.join(_planned(name, bound) for name, bound in results['planning_bounds'].items())}")
    return "\n".join(lines)


def _planned(name: str, bound: Mapping[str, Any]) -> str:
    ms = bound["ms"]
    return f"{name}: {ms['median']} ms ({ms['min']} to {ms['max']}), {bound['outcome'].rstrip('.')}"


def _row(name: str, row: Mapping[str, Any], floor: float) -> str:
    cpu = row["cpu_ms"]
    cells = [f"{row[key]['median']:,.{digits}f}" for key, _, digits in _COLUMNS]
    cells += [f"{cpu['min']:.3f} to {cpu['max']:.3f}", f"{cpu['median'] / floor:.2f}", f"{row['busy']['median']:.0%}"]
    return f"| {name} | " + " | ".join(cells) + " |"


def chart(results: Results) -> str:
    """An SVG with one bar a candidate: CPU ms a request, medians, with a line from least to most."""
    bars: list[str] = []
    top = 0
    for query, rows in results["queries"].items():
        bars.append(_text(4, top + 18, f"{query}: CPU ms a request", bold=True))
        bars += _bars({name: row["cpu_ms"] for name, row in rows.items()}, top + 28)
        top += 44 + _ROW * len(rows)
    width = _LABEL + _BAR + 80
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" font-family="sans-serif" '
        f'font-size="12"><rect width="{width}" height="{top}" fill="#ffffff"/>{"".join(bars)}</svg>\n'
    )


def _bars(figures: Mapping[str, Mapping[str, float]], top: int) -> Iterator[str]:
    most = max(figure["max"] for figure in figures.values())
    for number, (name, figure) in enumerate(figures.items()):
        y = top + number * _ROW
        median, least, greatest = (figure[key] / most * _BAR for key in ("median", "min", "max"))
        fill = "#2f6f4f" if name.startswith("gateway") else "#b8b8b8" if name.startswith("floor") else "#7a93b5"
        yield _text(4, y + 13, name)
        yield f'<rect x="{_LABEL}" y="{y + 2}" width="{median:.1f}" height="14" fill="{fill}"/>'
        yield (
            f'<line x1="{_LABEL + least:.1f}" x2="{_LABEL + greatest:.1f}" y1="{y + 9}" y2="{y + 9}" stroke="#222222"/>'
        )
        yield _text(_LABEL + greatest + 6, y + 13, f"{figure['median']:.2f}")


def _text(x: float, y: float, text: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{weight}>{escape(text)}</text>'


def between(text: str, marks: Sequence[str], content: str) -> str:
    """`text` with what stands between two marks replaced."""
    start, end = marks
    before, _, rest = text.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n{content}\n{end}{after}"
