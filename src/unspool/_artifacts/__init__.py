"""Models on disk: a folder that is written as a whole and checked before it is used.

`model_folder` knows the files and how they belong together, `tensor_files` the layout of arrays in a
safetensors file. Nothing here runs a network, and nothing is ever unpickled.
"""

from unspool._artifacts.model_folder import SavedModel, load_model, save_model

__all__ = ["SavedModel", "load_model", "save_model"]
