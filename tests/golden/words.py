"""Golden answers to words: what users of other libraries write by habit, names of columns, look-alikes."""

import re

from .commands import shown
from .refusals import said

METHODS = """
compile complete compute_transition_scores config count_params cpu cuda describe dump embed
fine_tune finetune fit from_pretrained generate_text get_config get_params get_weights hparams infer
info load_model load_state_dict load_weights log_prob logprobs n_parameters named_parameters
partial_fit perplexity predict predict_log_proba predict_proba sample save_model save_pretrained
save_weights score_samples state_dict to train transform vocab vocabulary weights write
"""
FUNCTIONS = """
Dataset GenerationConfig Model Sequential Tokenizer Trainer TrainingArguments fit from_pretrained
load_dataset load_model pipeline read_csv
"""
OF_TRAIN = """
accelerator adam_beta1 adam_beta2 adam_epsilon amp analyzer backend batch beta_1 beta_2 bf16
block_size bptt bs callback callbacks cell_type checkpoint_path clip clip_grad_norm clipnorm column
columns condition context_length continue cpu d_model dataloader_num_workers dataset_text_field
default_root_dir depth device disable_tqdm dropout_rate dtype early_stopping early_stopping_patience
ema_decay ema_momentum emb_dim embd_pdrop embed_dim embed_size embedding_dim embedding_dropout eps
eta eta0 eval_dataset eval_every eval_file eval_interval eval_set eval_steps eval_strategy
evaluation_strategy file_format file_type force fp16 global_clipnorm gpu grad_clip gradient_clip_val
gradient_clipping hidden hidden_dim hidden_dropout_prob hidden_layer_sizes hidden_units init_model
iterations l2 label label_column labels lang layer_type layers learning_rate_init log_dir logger
logging_steps lr lr_schedule lr_scheduler lr_scheduler_type manual_seed max_epochs max_features
max_grad_norm max_iter max_len max_length max_seq_length max_steps max_time max_tokens maxlen
minibatch_size mixed_precision model_type n_embd n_epochs n_hidden n_iter n_iter_no_change n_jobs
n_layer n_layers nb_epoch nthread num_epochs num_hidden_layers num_threads num_train_epochs
num_words num_workers one_document optim output output_dim output_dir output_file
overwrite_output_dir per_device_train_batch_size pretrained processing_class prompt prompts
random_seed random_state report_to resume_from_checkpoint rnn_size rnn_type rnn_units save save_dir
save_interval save_steps save_strategy scheduler sep seq_len seq_length show_progress solver
step_size steps temperature temperatures test_size text_column text_field tie_embeddings tie_weights
tie_word_embeddings tied time time_limit torch_dtype train_batch_size units use_ema val
val_check_interval val_fraction val_split valid_file validation_data validation_split verbose vocab
vocab_size warm_start warmup warmup_ratio wd weight_drop weight_dropout
"""
OF_GENERATE = """
bad_words_ids banned_words count dedup deduplicate do_sample end grammar greedy
include_stop_str_in_output input input_ids inputs length manual_seed max_completion_tokens max_len
max_length max_tokens maxlen min_len min_length min_new_tokens n_predict n_probs n_samples n_tokens
ngram_size no_repeat_ngram num num_return_sequences num_samples num_texts num_tokens output_logits
output_scores pattern prefix_allowed_tokens_fn prompts random_seed random_state randomness regex
rep_pen repeat_last_n repeat_penalty seed_text start_string stop_sequence stop_sequences
stop_strings stop_token stop_words stopping_criteria suppress_tokens temp text text_inputs tokens
top_logprobs typ_p typical
"""
FLAGS = {
    "sample lstm": """beam-size beam-width beams count dedup do-sample grammar greedy length limit max-len
        max-length no-copies num num-samples num-texts num-tokens o pattern prefix random-seed s samples t
        tokens prompt model dir folder checkpoint model-dir""",
    "train headlines.txt": """device e m o s time dataset data corpus file input input-file train-file lr
        units num-workers""",
    "sweep headlines.txt": "num-workers time device n",
    "enumerate lstm": "n count num",
    "score lstm": "limit n corpus",
    "audit lstm": "n count",
}
COMMANDS = """
benchmark chat check datasets describe download evaluate fine-tune finetune fit generate infer
inspect interactive label learn list perplexity predict rank resume run search show summary test
tune write trian
"""
COLUMNS = """
abstract author body caption category class comment content date description headline id index key
label language message name question quote score sentence source split summary tag target text title
topic tweet type url utterance value review_text word
"""
ALIKE = "'‘’‚‛′`´“”„«»″‐‑‒–—−•×÷。、ßøł\t\n\r[]{};:éЖ٣"
KNOWN = "'`,\"<>-*x/.s o l(): n"


def of(name: str, told: str) -> str:
    """Return an answer in one line, from where it has repeated the word."""
    line = " ".join(row.removeprefix("! ") for row in told.strip().splitlines())
    return re.sub(r"; see unspool.*|; change it.*", "", line.partition(f"{name}'")[2].strip() or line)


def answers() -> str:
    """Return each word with its answer."""
    rows = [(name, said(f'm("lstm").{name}')) for name in METHODS.split()]
    rows += [(name, said(f"unspool.{name}")) for name in FUNCTIONS.split()]
    rows += [(name, said(f'fitted(FEW, **{{"{name}": {{}}}})')) for name in OF_TRAIN.split()]
    rows += [(name, said(f'g(**{{"{name}": {{}}}})')) for name in OF_GENERATE.split()]
    for command, flags in FLAGS.items():
        for flag in flags.split():
            name = f"-{flag}" if len(flag) == 1 else f"--{flag}"
            rows.append((name, shown(f"unspool {command} {name} x").partition("\n")[2]))
    rows += [(name, shown(f"unspool {name}").partition("\n")[2]) for name in COMMANDS.split()]
    rows += [(name, said(f'held(b"{name}\\nones\\ntwos\\n", "x.csv", text=0)')) for name in COLUMNS.split()]
    for letter in ALIKE:
        tokenizer = f"unspool.CharTokenizer({list(dict.fromkeys(KNOWN))!r})"
        rows.append((repr(letter), said(f"{tokenizer}.encode({letter!r})").partition("knows")[2]))
    return "".join(f"{name}: {of(name, told)}\n" for name, told in rows)
