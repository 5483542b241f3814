"""POST /v1/completions: texts, whole or piece by piece."""

from starlette.requests import Request
from starlette.responses import Response

from unspool._configuration import check
from unspool._serving.bodies import body_of
from unspool._serving.served import Served
from unspool._serving.texts.answers import StreamedTexts, WholeTexts
from unspool._serving.texts.collecting import GoodTexts
from unspool._serving.texts.planning import plan_of


async def complete(served: Served, request: Request) -> Response:
    """Answer with texts that continue the prompts."""
    asked = served.asking.read(body_of(request))
    if asked.stream:
        check("best_of", asked.best_of, f"n ({asked.n}) or left out in a stream", asked.best_of == asked.n)
    loaded = await served.library.get(asked.model)
    try:
        plan = await plan_of(served.library, served.limits, asked, loaded)
        known = await loaded.novelty(served.library) if asked.mark_copied else None
        if plan.selection is not None:
            refused = await loaded.novelty(served.library) if plan.selection.novel else None
            return GoodTexts(served, plan, known, refused)
    except BaseException:
        loaded.release()
        raise
    return (StreamedTexts if asked.stream else WholeTexts)(served, plan, known)
