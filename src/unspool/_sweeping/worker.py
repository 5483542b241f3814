"""A process that trains for a sweep: it receives the corpus once, then one job after another."""

import gc
import os
import threading
import time
from typing import TYPE_CHECKING

from unspool._sweeping.trial import Job, SweepCorpus, run_trial
from unspool._system import inherited_connection

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SECONDS_BETWEEN = 1.0  # two looks at whether the sweep's process is there


def main(number: int) -> None:
    """Run the jobs that come through a connection, until it is closed.

    After every event the process waits for True, to continue, or False, to drop the training.

    Args:
        number: The number of the connection.
    """
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    with inherited_connection(number) as connection:
        try:
            corpus: SweepCorpus = connection.recv()
            while True:
                serve(connection.recv(), corpus, connection)
                gc.collect()  # frees the last network before the next one comes
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return  # the sweep is over, or its process is gone


def end_with(parent: int) -> None:
    """End this process, also in the middle of a training, once the sweep's process has been killed.

    Args:
        parent: The number of the sweep's process.
    """
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN)
    os._exit(1)


def serve(job: Job, corpus: SweepCorpus, connection: "Connection[object, object]") -> None:
    """Run one job, an event at a time; an error is an event too, after which another job can follow."""
    try:
        for event in run_trial(job, corpus):
            connection.send(event)
            if not connection.recv():
                return
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:
        connection.send(error)
