"""JSON Schema of what the API takes and gives, by the names in the table of endpoints."""

from typing import Any, get_args

from unspool._generation.constraints.constraint import Constraint
from unspool._generation.options.generation_options import GenerationOptions, N
from unspool._generation.selecting.selection import Selection
from unspool._serving.describing.options import Schema, option_schemas, schema_of
from unspool._text.tokenizers.unknown import Unknown

STRING, NUMBER, BOOLEAN = {"type": "string"}, {"type": "number"}, {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ID: Schema = {"type": "integer", "minimum": 0}


def array(items: Schema, **more: Any) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items, **more}


def maybe(schema: Schema) -> Schema:
    """Return the schema of a value, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def record(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """Return the schema of an object without further keys.

    Args:
        required: The schemas of keys that are there.
        optional: The schemas of keys that may be.
    """
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def reference(name: str) -> Schema:
    """Return the schema that has a name."""
    return {"$ref": f"#/components/schemas/{name}"}


MODEL_NAME: Schema = STRING | {"description": "The name of a model, as /v1/models lists them."}
TEXTS: Schema = {"anyOf": [STRING, array(STRING, minItems=1)]}
PROMPT: Schema = {
    "anyOf": [STRING, array(STRING, minItems=1), array(ID, minItems=1), array(array(ID), minItems=1)],
    "default": "",
    "description": "The beginning of the text, or of several; as strings or as ids of tokens.",
}
CONTEXT: Schema = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number"]},
    "description": "The values of attributes that the model was trained with.",
}
UNKNOWN: Schema = {
    "enum": list(get_args(Unknown)),
    "description": "What becomes of symbols that the model does not know.",
}
PAIR: Schema = array({"type": ["string", "number"]}, minItems=2, maxItems=2)
STEERING: dict[str, Schema] = {
    "context": CONTEXT,
    "source": TEXTS | {"description": "The source to answer, for a model of pairs."},
    "vector": maybe(array(NUMBER)) | {"description": "The vector to write about, for a model with vectors."},
    "unknown": UNKNOWN,
}
LOGPROBS: Schema = record(
    {
        "tokens": array(STRING),
        "token_logprobs": array(maybe(NUMBER)),
        "top_logprobs": array(maybe({"type": "object", "additionalProperties": NUMBER})),
        "text_offset": array(COUNT),
    }
)
REPORT: Schema = {
    "type": "object",
    "additionalProperties": NUMBER,
    "description": "How many texts were drawn to find good ones, and what became of the others.",
}
CHOICE: Schema = record(
    {
        "index": COUNT,
        "text": STRING,
        "logprobs": maybe(LOGPROBS),
        "finish_reason": maybe(STRING | {"enum": ["stop", "length", "blocked"]}),
    },
    {"stop_reason": maybe({"type": ["string", "integer"]}), "copied": array(array(COUNT))},
)
USAGE: Schema = record({"prompt_tokens": COUNT, "completion_tokens": COUNT, "total_tokens": COUNT})


def completion_request() -> Schema:
    """Return the schema of a request for texts: what OpenAI's clients send, and all options of unspool."""
    options = option_schemas(GenerationOptions)
    conditions = option_schemas(Constraint) | option_schemas(Selection, novel=bool, valid=str | None)
    ours: dict[str, Schema] = {
        "prompt": PROMPT,
        "n": schema_of(int, N) | {"default": 1, "description": "Number of texts for each prompt."},
        "stream": maybe(BOOLEAN) | {"default": False, "description": "Whether pieces are sent as they come."},
        "stream_options": maybe(record({}, {"include_usage": BOOLEAN, "include_obfuscation": BOOLEAN})),
        "user": STRING,
        "suffix": {"type": "null"},
        "mark_copied": BOOLEAN | {"description": "Whether spans of the training text are marked."},
    }
    return record({"model": MODEL_NAME}, options | conditions | ours | STEERING)


def with_keys(**keys: Schema) -> Schema:
    """Return the schema of an object with these keys, and others that only the page needs.

    Args:
        keys: The schemas of the keys.
    """
    return {"type": "object", "properties": keys, "required": list(keys)}


SCHEMAS: dict[str, Schema] = {
    "Run": with_keys(name=STRING, state={"enum": ["training", "finished", "stopped", "broken"]}),
    "Runs": record({"object": {"const": "list"}, "data": array(reference("Run"))}),
    "Sweep": with_keys(name=STRING, state={"enum": ["training", "finished", "stopped", "broken"]}),
    "Sweeps": record({"object": {"const": "list"}, "data": array(reference("Sweep"))}),
    "Audit": with_keys(state=STRING),
    "Corpus": with_keys(id=STRING, object={"const": "corpus"}, name=STRING, bytes=COUNT),
    "Plan": {"type": "object"},
    "TrainingRequest": record(
        {"corpus": STRING, "minutes": NUMBER | {"exclusiveMinimum": 0}},
        {
            **dict.fromkeys(("name", "column", "label", "encoding", "tokenizer"), STRING),
            **dict.fromkeys(("document", "header", "novelty_index"), BOOLEAN),
        },
    ),
    "ResumeRequest": record({}, {"minutes": NUMBER | {"exclusiveMinimum": 0}}),
    "Training": with_keys(name=STRING, state=STRING, running=BOOLEAN),
    "Trainings": record(
        {
            "object": {"const": "list"},
            "data": array(reference("Training")),
            "limits": with_keys(upload=COUNT, running=COUNT, minutes=NUMBER),
        }
    ),
    "Status": record({"status": STRING}),
    "Document": {"type": "object", "required": ["openapi", "info", "paths", "components"]},
    "Error": record(
        {"error": record({"message": STRING, "type": STRING, "param": maybe(STRING), "code": maybe(STRING)})}
    ),
    "Model": record(
        {"id": STRING, "object": {"const": "model"}, "created": COUNT, "owned_by": STRING},
        {
            "unspool": record(
                {
                    "parameters": COUNT,
                    "symbols": COUNT,
                    "tokenizer": STRING,
                    "defaults": {"type": "object"},
                    "attributes": array(
                        record({"name": STRING, "kind": STRING, "values": maybe(array(STRING))})
                    ),
                    "takes_source": BOOLEAN,
                    "vector_size": maybe(COUNT),
                    "novelty_index": BOOLEAN,
                    "updated": COUNT,
                }
            )
        },
    ),
    "Models": record({"object": {"const": "list"}, "data": array(reference("Model"))}),
    "CompletionRequest": completion_request(),
    "Completion": record(
        {
            "id": STRING,
            "object": {"const": "text_completion"},
            "created": COUNT,
            "model": STRING,
            "system_fingerprint": STRING,
            "choices": array(CHOICE),
        },
        {"seed": COUNT, "usage": maybe(USAGE), "report": REPORT},
    ),
    "TokenizeRequest": record({"model": MODEL_NAME, "text": STRING}, {"unknown": UNKNOWN}),
    "Tokens": record({"tokens": array(ID), "symbols": array(STRING), "count": COUNT}),
    "DetokenizeRequest": record({"model": MODEL_NAME, "tokens": array(ID)}),
    "Text": record({"text": STRING}),
    "ScoreRequest": record(
        {"model": MODEL_NAME, "input": TEXTS}, {"prompt": STRING, "detail": BOOLEAN} | STEERING
    ),
    "Scores": record(
        {
            "object": {"const": "list"},
            "data": array(
                record(
                    {
                        "index": COUNT,
                        "logprob": NUMBER,
                        "bits_per_character": maybe(NUMBER),
                        "characters": COUNT,
                    },
                    {"symbols": array(PAIR)},
                )
            ),
        },
        {"model": STRING},
    ),
    "ClassifyRequest": record(
        {"model": MODEL_NAME, "input": TEXTS}, {"attribute": STRING, "unknown": UNKNOWN}
    ),
    "Classes": record(
        {
            "object": {"const": "list"},
            "data": array(
                record(
                    {
                        "index": COUNT,
                        "label": STRING,
                        "probabilities": {"type": "object", "additionalProperties": NUMBER},
                    }
                )
            ),
        },
        {"model": STRING},
    ),
    "NextRequest": record(
        {"model": MODEL_NAME}, {"prompt": STRING, "top": COUNT | {"minimum": 1}} | STEERING
    ),
    "Next": record({"symbols": array(PAIR)}),
}
