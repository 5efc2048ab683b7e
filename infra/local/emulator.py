"""Runs the AWS emulator as a child that cannot outlive its parent and logs into rotating files.

Usage: emulator.py LOG_DIR, everything else by the emulator's own environment variables.

The parent holds the other end of our standard input. When it closes, which it does however the
parent ends, the emulator is asked to stop and so saves its state.
"""

import logging
import logging.handlers
import os
import signal
import sys
import threading

LOG_BYTES = 1_000_000
LOG_FILES = 10
SAVE_SECONDS = 20


def rotating(path, layout):
    """A handler of at most LOG_FILES files of LOG_BYTES each."""
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter(layout))
    return handler


class Tee:
    """The output of one function: handed on line by line, and written to our log on the way."""

    def __init__(self, stream, name, log):
        self._stream, self._name, self._log = stream, name, log

    def readline(self):
        line = self._stream.readline()
        if line:
            text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
            self._log.info("%s %s", self._name, text.rstrip("\r\n"))
        return line

    def close(self):
        self._stream.close()


def keep_function_logs(log_dir):
    """Writes what functions print to `functions.log` at once, a hanging function's lines too.

    The emulator itself shows them only after the invocation, and to get them all it delays each
    answer by up to 55 ms. With a log of our own that wait can go.
    """
    from ministack.core.lambda_runtime import ProvidedWorker

    log = logging.getLogger("greenhub.functions")
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(rotating(os.path.join(log_dir, "functions.log"), "%(asctime)s %(message)s"))

    pump, drain = ProvidedWorker._pump_output, ProvidedWorker._drain_stderr_bounded

    def teeing_pump(self, stream, log_queue):
        pump(self, Tee(stream, self.func_name, log), log_queue)

    def quick_drain(self, first_line_wait=0.001, idle_confirm=0.0, **rest):
        return drain(self, first_line_wait=first_line_wait, idle_confirm=idle_confirm, **rest)

    ProvidedWorker._pump_output = teeing_pump
    ProvidedWorker._drain_stderr_bounded = quick_drain


def stop_with_parent():
    """Ends the process group when standard input ends, by force after SAVE_SECONDS."""

    def watch():
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        force = threading.Timer(SAVE_SECONDS, lambda: os.killpg(os.getpgrp(), signal.SIGKILL))
        force.daemon = True
        force.start()

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()


def main():
    log_dir = sys.argv.pop(1)
    os.makedirs(log_dir, exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        handlers=[
            rotating(
                os.path.join(log_dir, "emulator.log"),
                "%(asctime)s %(levelname)s %(name)s %(message)s",
            )
        ],
    )
    # A terminal's Ctrl-C goes to the parent, which stops us in its own order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop_with_parent()
    keep_function_logs(log_dir)

    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
