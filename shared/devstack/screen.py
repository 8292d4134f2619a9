"""What a person sees while the stack comes up, and the tables afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared.devstack.errors import StackProblem

Note = Callable[[str], None]


class Screen:
    """Steps with a spinner on a terminal, one line a finished step elsewhere. Steps may run side by side."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or _console()
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self.console,
        )

    def live(self) -> AbstractContextManager[object]:
        """Within it steps are animated, where there is a terminal."""
        return self._progress if self.console.is_terminal else nullcontext()

    @contextmanager
    def step(self, label: str) -> Iterator[Note]:
        """One step; what it is given to note stands beside its label."""
        started = time.monotonic()
        task = self._progress.add_task(label, total=1)
        noted = label

        def note(text: str) -> None:
            nonlocal noted
            noted = f"{label} · {text}"
            self._progress.update(task, description=noted)

        yield note
        self._progress.update(task, completed=1)
        if not self.console.is_terminal:
            self.console.print(f"✓ {noted}  {time.monotonic() - started:.1f} s")

    def say(self, text: str) -> None:
        self.console.print(text)

    def show_problem(self, problem: StackProblem) -> None:
        self.console.print(f"\n[bold red]✗[/] {problem.message}", soft_wrap=True)
        for line in problem.log_lines:
            self.console.print(line, style="dim", markup=False, soft_wrap=True)
        if problem.remedy:
            self.console.print(problem.remedy, markup=False, soft_wrap=True)

    def show_table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
        for column in columns:
            # A narrow window folds the addresses and leaves the rest whole.
            table.add_column(column, no_wrap=column != "where", overflow="fold")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)


def _console() -> Console:
    console = Console(highlight=False)
    # A pipe or a log file has no width of its own.
    return console if console.is_terminal else Console(highlight=False, width=120)
