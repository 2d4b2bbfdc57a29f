"""What somebody who waits for a training sees: a bar, and a line for each evaluation."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import TaskID
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.utils import logging as transformers_logging

from models.progress import counted


class Watched(TrainerCallback):  # type: ignore[misc]
    """A progress bar over the steps, and the loss beside it."""

    def __init__(self, console: Console, name: str = "training") -> None:
        transformers_logging.disable_progress_bar()  # one for each checkpoint that is written would tear this one apart
        self._progress = counted(console)
        self._task = TaskID(0)
        self._name = name

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Show the bar."""
        self._progress.start()
        self._task = self._progress.add_task(self._name, total=state.max_steps, completed=state.global_step)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """One step further."""
        self._progress.update(self._task, completed=state.global_step)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """The loss, or an evaluation's figures."""
        logs = logs or {}
        if "eval_macro_f1" in logs:
            self._progress.console.print(
                f"step {state.global_step}: validation macro-F1 {logs['eval_macro_f1']:.4f}, loss {logs['eval_loss']:.3f}"
            )
        elif "loss" in logs:
            self._progress.update(self._task, description=f"{self._name}, loss {float(logs['loss']):.3f}")

    def stop(self) -> None:
        """Take the bar away, also after a fault."""
        self._progress.stop()
