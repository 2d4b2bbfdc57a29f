"""For all tests: the process is what the tests take it for, however it was started."""

from __future__ import annotations

import signal

# A shell's background job starts with interrupts ignored, and its children inherit that; a terminal's program does not.
signal.signal(signal.SIGINT, signal.default_int_handler)
