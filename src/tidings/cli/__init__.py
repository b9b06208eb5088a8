"""The command line. Its commands, options, output and exit codes are a contract that scripts rely on."""

from tidings.cli.main import main

__all__ = ["main"]
