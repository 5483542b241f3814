"""What other libraries call the methods and properties of a model."""

# What to write here -> its names in scikit-learn, Keras, transformers and elsewhere.
HERE: dict[str, tuple[str, ...]] = {
    "generate(prompt)": ("sample", "predict", "write", "complete", "generate_text", "infer"),
    "unspool.train(texts, init_from=model)": ("fit", "partial_fit", "train", "fine_tune", "finetune"),
    "next_symbols(text) or classify(text, by=...)": ("predict_proba", "predict_log_proba"),
    "evaluate(texts).perplexity": ("perplexity",),
    "score(texts)": ("score_samples", "log_prob", "logprobs", "compute_transition_scores"),
    "hidden_states(text)": ("transform", "embed"),
    "save(folder)": ("save_pretrained", "save_weights", "save_model", "dump"),
    "unspool.load(folder)": ("from_pretrained", "load_weights", "load_model", "load_state_dict"),
    "num_parameters": ("count_params", "n_parameters"),
    "parameters": ("weights", "get_weights", "state_dict", "named_parameters"),
    "network and training": ("config", "get_config", "get_params", "hparams"),
    "summary()": ("describe", "info"),
    "tokenizer": ("vocab", "vocabulary"),
    "unspool.load(folder, engine=...)": ("to", "cuda", "cpu", "compile"),
}
ELSEWHERE = {name: here for here, names in HERE.items() for name in names}


def no_attribute(name: str) -> str:
    """Return the message for an attribute that a model does not have, with what it is called here."""
    here = ELSEWHERE.get(name)
    return f"'Generator' object has no attribute {name!r}" + (f"; it is {here} here" if here else "")
