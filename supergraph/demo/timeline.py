"""Tells the story as it happens: an act, its steps with their times, tables of figures."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from rich.console import Console
from rich.table import Table


class Timeline:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = monotonic()
        self._failed: list[str] = []

    def act(self, title: str) -> None:
        self._console.print(f"\n[bold]{title}[/bold]")

    def step(self, who: str, what: str) -> None:
        at = monotonic() - self._started
        self._console.print(f"  [dim]{at:6.2f} s[/dim]  [cyan]{who:<16}[/cyan] {what}", highlight=False)

    def check(self, what: str, *, holds: bool, detail: str = "") -> None:
        """A figure that must balance. What does not is remembered: the story then ends with exit status 1."""
        mark = "[green]✓[/green]" if holds else "[red]✗[/red]"
        self._console.print(f"  {mark} {what} [dim]{detail}[/dim]", highlight=False)
        if not holds:
            self._failed.append(what)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        shown = Table(title=title, title_justify="left", header_style="bold", box=None, padding=(0, 2))
        for column in columns:
            shown.add_column(column)
        for row in rows:
            shown.add_row(*[str(cell) for cell in row])
        self._console.print(shown)

    def end(self) -> bool:
        """Say how it went; True where every figure balances."""
        took = monotonic() - self._started
        if self._failed:
            self._console.print(f"\n[red]{len(self._failed)} figures do not balance:[/red] {', '.join(self._failed)}")
        else:
            self._console.print(f"\n[green]Every figure balances.[/green] The story took {took:.1f} s.")
        return not self._failed


def euros(cents: int) -> str:
    return f"{cents / 100:,.2f} EUR"
