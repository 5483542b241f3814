"""What errors say, test by test, word for word: `python -m tests.told.renew ROOM` records it on purpose."""
