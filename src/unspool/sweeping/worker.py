"""A process that trains for a sweep: it is sent the corpus once, then one job after another."""

import gc
from multiprocessing.connection import Connection

from unspool.sweeping.trial import Job, SweepCorpus, run_trial


def main(descriptor: int) -> None:
    """Serve whoever holds the other end of a connection, until that is closed.

    After every event it waits to be told whether to go on (True) or to drop the training (False).

    Args:
        descriptor: File descriptor of the connection.
    """
    with Connection(descriptor) as connection:
        try:
            corpus: SweepCorpus = connection.recv()
            while True:
                serve(connection.recv(), corpus, connection)
                gc.collect()  # before the next network comes, the last one goes
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return  # the sweep is over, or whoever ran it is gone


def serve(job: Job, corpus: SweepCorpus, connection: "Connection[object, object]") -> None:
    """Run one job, an event at a time; an error is an event too, and the next job may do better."""
    try:
        for event in run_trial(job, corpus):
            connection.send(event)
            if not connection.recv():
                return
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:
        connection.send(error)
