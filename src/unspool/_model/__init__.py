"""The model that a user holds: `Generator` is its face, and the functions behind it take one plain record."""

from unspool._model.generator import Generator as Generator
from unspool._model.loading import load as load
