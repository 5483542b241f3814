"""Models on the Hugging Face Hub: fetched with every check of a folder, pushed as one commit."""
