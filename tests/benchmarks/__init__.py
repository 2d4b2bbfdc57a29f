"""How fast the monitor is, against what it could be: `python -m tests.benchmarks.run` measures on this machine."""
