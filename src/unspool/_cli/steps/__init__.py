"""Parts of commands, each with a file of its own: one job that a command, or several, hand on."""
