"""Train from the page: texts that are uploaded, what is read in them, trainings that outlive the server."""
