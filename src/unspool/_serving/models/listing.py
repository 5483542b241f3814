"""GET /v1/models: which models there are, and what there is to know of one."""

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from unspool._artifacts.model_folder import MODEL
from unspool._network.parameters import count_parameters
from unspool._serving.models.loaded import Loaded
from unspool._serving.served import Served


async def list_models(served: Served, request: Request) -> JSONResponse:
    """List the models that there are now, loaded or not."""
    names = await served.library.names()
    data = [_entry(name, _changed(folder)) for name, folder in names.items()]
    return JSONResponse({"object": "list", "data": data})


async def one_model(served: Served, request: Request) -> JSONResponse:
    """Describe a model, which is loaded for it."""
    loaded = await served.library.get(request.path_params["model"])
    try:
        return JSONResponse(_entry(loaded.name, loaded.updated) | {"unspool": _details(loaded)})
    finally:
        loaded.release()


def _changed(folder: Path) -> int:
    try:
        return int((folder / MODEL).stat().st_mtime)
    except OSError:  # it was just removed
        return 0


def _entry(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "unspool"}


def _details(loaded: Loaded) -> dict[str, Any]:
    """Return what a page or a client needs to know of a model."""
    model = loaded.model
    return {
        "parameters": count_parameters(model.network),
        "symbols": model.tokenizer.vocab_size,
        "tokenizer": model.tokenizer.kind,
        "defaults": loaded.defaults,
        "attributes": [
            {
                "name": one.name,
                "kind": "number" if one.is_number else "category",
                "values": None if one.is_number else list(one.values),
            }
            for one in model.schema.attributes
        ],
        "takes_source": model.network.source_vocab_size is not None,
        "vector_size": model.schema.vector_size,
        "novelty_index": loaded.has_novelty,
        "updated": loaded.updated,
    }
