"""The table of what the server answers."""

from unspool._serving.endpoint import EVENTS, JSON, Endpoint

STATE: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/health",
        handler="health:health",
        access="open",
        summary="Say that the server is alive",
        answer="Status",
    ),
    Endpoint(
        method="GET",
        path="/ready",
        handler="health:ready",
        access="open",
        summary="Say whether new requests are taken",
        answer="Status",
    ),
    Endpoint(
        method="GET",
        path="/metrics",
        handler="health:metrics",
        summary="Return what was counted, as Prometheus reads it",
        media=("text/plain",),
    ),
    Endpoint(
        method="GET",
        path="/openapi.json",
        handler="describing.openapi:openapi",
        summary="Return this document",
        answer="Document",
    ),
)

PAGE: tuple[Endpoint, ...] = (
    Endpoint(method="GET", path="/", handler="pages:index", access="open"),
    Endpoint(method="GET", path="/page/{file}", handler="pages:page_file", access="open"),
)

OF_READING = ("column", "label", "document", "header", "encoding", "tokenizer", "minutes")
TRAIN: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST",
        path="/api/corpora",
        handler="training.corpora:receive",
        access="token",
        summary="Store a text, and say what is read in it",
        query=("name", *OF_READING),
        takes_file=True,
        answer="Corpus",
        status=(201,),
    ),
    Endpoint(
        method="GET",
        path="/api/corpora/{corpus}",
        handler="training.corpora:read",
        summary="Say what is read in a text that was uploaded",
        query=OF_READING,
        answer="Corpus",
    ),
    Endpoint(
        method="GET",
        path="/api/corpora/{corpus}/plan",
        handler="training.corpora:plan",
        summary="Say what a training of some minutes would do with a text",
        query=OF_READING,
        answer="Plan",
    ),
    Endpoint(
        method="POST",
        path="/api/trainings",
        handler="training.trainings:begin",
        access="token",
        summary="Begin a training of a text that was uploaded",
        body="TrainingRequest",
        answer="Training",
        status=(201,),
    ),
    Endpoint(
        method="GET",
        path="/api/trainings",
        handler="training.trainings:every",
        summary="List the trainings, the one that was begun last first",
        answer="Trainings",
    ),
    Endpoint(
        method="GET",
        path="/api/trainings/{name}",
        handler="training.trainings:one",
        summary="Return the state of a training",
        answer="Training",
    ),
    Endpoint(
        method="POST",
        path="/api/trainings/{name}",
        handler="training.trainings:resume",
        access="token",
        summary="Go on with a training",
        body="ResumeRequest",
        answer="Training",
    ),
    Endpoint(
        method="DELETE",
        path="/api/trainings/{name}",
        handler="training.trainings:stop",
        access="token",
        summary="Stop a training, of which what it has learnt is kept",
        answer="Training",
    ),
)

MODELS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/v1/models",
        handler="models.listing:list_models",
        summary="List the models",
        answer="Models",
    ),
    Endpoint(
        method="GET",
        path="/v1/models/{model:path}",
        handler="models.listing:one_model",
        summary="Tell of a model",
        answer="Model",
    ),
    Endpoint(
        method="POST",
        path="/v1/tokenize",
        handler="models.reading:tokenize",
        summary="Return the tokens of a text",
        body="TokenizeRequest",
        answer="Tokens",
    ),
    Endpoint(
        method="POST",
        path="/v1/detokenize",
        handler="models.reading:detokenize",
        summary="Return the text of tokens",
        body="DetokenizeRequest",
        answer="Text",
    ),
    Endpoint(
        method="POST",
        path="/v1/score",
        handler="models.reading:score",
        summary="Return how probable texts are",
        body="ScoreRequest",
        answer="Scores",
    ),
    Endpoint(
        method="POST",
        path="/v1/classify",
        handler="models.reading:classify",
        summary="Return which value of an attribute texts have",
        body="ClassifyRequest",
        answer="Classes",
    ),
    Endpoint(
        method="POST",
        path="/v1/next",
        handler="models.reading:following",
        summary="Return what may follow a text",
        body="NextRequest",
        answer="Next",
    ),
)

TEXTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST",
        path="/v1/completions",
        handler="texts.completions:complete",
        summary="Continue prompts",
        body="CompletionRequest",
        answer="Completion",
        media=(JSON, EVENTS),
    ),
)

RUNS: tuple[Endpoint, ...] = (  # the name of a run may have slashes in it, so the longer paths come first
    Endpoint(
        method="GET",
        path="/api/runs",
        handler="watching.handlers:list_runs",
        summary="List the runs",
        answer="Runs",
    ),
    Endpoint(
        method="GET",
        path="/api/runs/{run:path}/events",
        handler="watching.handlers:run_events",
        summary="Send the figures of a run as events, those so far and then what is new",
        media=(EVENTS,),
    ),
    Endpoint(
        method="GET",
        path="/api/runs/{run:path}/audit",
        handler="watching.handlers:run_audit",
        summary="Return the audit of a run, or how far it is",
        answer="Audit",
    ),
    Endpoint(
        method="POST",
        path="/api/runs/{run:path}/audit",
        handler="watching.handlers:start_audit",
        access="token",
        summary="Begin the audit of a run",
        answer="Audit",
        status=(200, 202),
    ),
    Endpoint(
        method="GET",
        path="/api/runs/{run:path}",
        handler="watching.handlers:one_run",
        summary="Return all that is known of a run but its curves",
        answer="Run",
    ),
    Endpoint(
        method="GET",
        path="/api/sweeps",
        handler="watching.handlers:list_sweeps",
        summary="List the sweeps",
        answer="Sweeps",
    ),
    Endpoint(
        method="GET",
        path="/api/sweeps/{sweep:path}",
        handler="watching.handlers:one_sweep",
        summary="Return a sweep with its trials",
        answer="Sweep",
    ),
)

ENDPOINTS: tuple[Endpoint, ...] = (*STATE, *MODELS, *TEXTS, *PAGE, *RUNS, *TRAIN)
