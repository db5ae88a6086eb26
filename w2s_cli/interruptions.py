"""Signals that end a program raise an exception, so that it ends in good order."""

import signal
import sys
import time
from _thread import interrupt_main
from contextlib import suppress
from threading import Timer, main_thread
from typing import Any, ClassVar

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU", "SIGUSR1", "SIGUSR2", "SIGBREAK")
_CLEANING = 5.0  # seconds in which another signal is not heard
_AGAIN = 0.01  # seconds until one is heard again that Python has dropped


class Stopped(KeyboardInterrupt):
    """The program was asked to end by a signal."""

    heard: ClassVar[int] = 0  # the number of a signal that this was raised for

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @staticmethod
    def exit_code_of(interrupt: KeyboardInterrupt) -> int:
        """Return what the program ends with, as a shell would have it."""
        return 128 + getattr(interrupt, "number", signal.SIGINT)


def raise_stopped_on_signals() -> None:
    """Have signals that end a program raise `Stopped`, also while destructors run.

    Those that were ignored before, as under nohup, are still.
    """
    latest = -_CLEANING
    print_dropped = sys.unraisablehook

    def stop(number: int, _: Any) -> None:
        nonlocal latest
        if time.monotonic() - latest >= _CLEANING:
            latest, Stopped.heard = time.monotonic(), number
            raise Stopped(number)

    def stop_again(dropped: "sys.UnraisableHookArgs") -> None:
        # Python prints and drops what destructors and the like raise.
        nonlocal latest
        if not isinstance(stopped := dropped.exc_value, Stopped):
            print_dropped(dropped)
            return
        latest = -_CLEANING
        with suppress(RuntimeError):  # where Python itself is ending by now
            Timer(_AGAIN, _signal_main_thread, [stopped.number]).start()

    sys.unraisablehook = stop_again
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, stop)


def _signal_main_thread(number: int) -> None:
    if sys.platform == "win32":
        interrupt_main(number)
    elif thread := main_thread().ident:
        signal.pthread_kill(thread, number)  # also where it sleeps or waits
