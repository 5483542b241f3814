"""The command lines whose output is golden, by area.

Each runs in a folder with the corpora, and with the models of the kinds that it names, in folders of these
names. ``< FILE`` at its end gives it a file as standard input; ``cat FILE`` shows a file that it wrote,
and ``digest FILE`` its digest.
"""

TINY = "--hidden-size 8 --batch-size 8 --sequence-length 24 --epochs 2"

TRAIN = f"""
unspool train headlines.txt --out runs/a {TINY}
unspool train headlines.txt --out runs/b {TINY} --json --cell gru --seed 3
unspool train headlines.txt.gz --out runs/c {TINY} --cell rnn --prompt Oil --prompt The --temperature 0.5
unspool train windows.txt --out runs/d {TINY} --num-layers 2 --residual --no-reset-after --cell gru
unspool train several --out runs/e {TINY} --embedding-size 8 --tied-output --schedule one-cycle --dropout 0.1
unspool train - --out runs/f {TINY} < headlines.txt
unspool train news.csv --text title --out runs/g {TINY} --tokenizer word --max-vocab-size 20
unspool train news.csv --text title --context label --context length --out runs/h {TINY}
unspool train bare.tsv --text 2 --no-header --out runs/i {TINY} --validation-fraction none
unspool train news.jsonl --text label --text title --separator " / " --out runs/j {TINY} --ema 0.9
unspool train poem.txt --document --out runs/k {TINY} --state-reset 1 --cell gru
unspool train poem.txt --split sentences --out runs/l {TINY} --validation-fraction 0.3
unspool train dates.tsv --source 0 --target 1 --out runs/m {TINY} --cell gru
unspool train dates.tsv --source 0 --target 1 --out runs/n {TINY} --json
unspool train headlines.txt --validation others.txt --out runs/o {TINY} --evaluate-every 8
unspool train headlines.txt --canaries 2 --canary-repeats 2 --out runs/p {TINY} --novelty-index
unspool train others.txt --init-from runs/a --epochs 1 --out runs/q --learning-rate 0.005
unspool train headlines.txt --normalization NFD --clip-norm none --optimizer sgd --out runs/r {TINY}
unspool train headlines.txt --out runs/a {TINY} --overwrite --optimizer adam --weight-decay 0 --precision auto
unspool train --resume runs/a
unspool train headlines.txt --resume --out runs/b
unspool train headlines.txt --epochs 1 --hidden-size 4
digest runs/b/config.json
digest runs/d/loss.svg
digest runs/o/loss.svg
cat runs/h/config.json
cat runs/m/config.json
cat runs/g/tokenizer.json
cat runs/a/generation_config.json
cat runs/a/README.md
"""

SAMPLE = """
unspool sample lstm --seed 1
unspool sample lstm "Oil " --seed 1
unspool sample lstm "Oil " "The " --n 3 --seed 2 --temperature 0.6
unspool sample lstm "Oil " --n 2 --seed 2 --json
unspool sample lstm "Oil " --seed 2 --json --logprobs 2 --echo --max-new-tokens 4
unspool sample lstm --n 3 --seed 3 --temp 0.2,1.4 --temperature-steps 9 --top-k 12 --top-p 0.9 --min-p 0.01
unspool sample lstm --n 3 --seed 3 --typ-p 0.8 --samplers "typical_p;temp" --repeat-penalty 1.3
unspool sample lstm --n 3 --seed 4 --presence-penalty 0.6 --frequency-penalty 0.3 --no-repeat-ngram-size 3
unspool sample lstm --n 3 --seed 4 --logit-bias e=2 --logit-bias " =-inf" --bad-words in --min-tokens 9
unspool sample lstm --n 3 --seed 5 --stop s --include-stop --max-tokens 20
unspool sample lstm --n 2 --seed 5 --best-of 5
unspool sample lstm "Oil Ж" --seed 5 --unknown drop
unspool sample lstm --n 3 --seed 6 --regex "[A-Z][a-z]+( [a-z]+){1,2}"
unspool sample lstm --seed 6 --starts-with Gold --ends-with again --max-length 24
unspool sample lstm --n 3 --seed 6 --contains sing --excludes e --min-length 6
unspool sample lstm --n 3 --seed 6 --choice Oil --choice "Gold falls" --choice Rain
unspool sample lstm "Oil " --n 2 --seed 6 --characters "[a-m ]" --scope continuation
unspool sample lstm --n 2 --seed 6 --excluded-characters aeiou --json
unspool sample lstm --n 5 --seed 7 --unique --valid "[A-Z].{8,}" --finished
unspool sample lstm --n 4 --seed 7 --novel --temperature 0.3 --json
unspool sample lstm --n 9 --seed 7 --unique --temperature 0 --max-attempts 20
unspool sample lstm --n 4 --seed 7 --against headlines.txt --temperature 0.5
unspool sample lstm --n 3 --seed 7 --unique --out texts.jsonl
unspool sample lstm --n 3 --seed 7 --unique --out texts.csv
unspool sample lstm --n 3 --seed 7 --unique --out texts.csv
unspool sample lstm --n 3 --seed 7 --unique --out texts.txt
cat texts.jsonl
cat texts.csv
cat texts.txt
unspool sample word --n 3 --seed 8
unspool sample word-cut --n 3 --seed 8
unspool sample document --seed 8 --max-new-tokens 90
unspool sample deep --n 2 --seed 8 --threads 2
unspool sample steered --context label=Sports --n 3 --seed 9
unspool sample steered "B" --context label=Business --context length=20 --n 2 --seed 9 --json
unspool sample pairs --source "3 march"
unspool sample pairs --source "3 march" --source "14 may" --json
unspool sample pairs --source-file sources.txt --temperature 0.9 --seed 1
unspool sample pairs --source-file - --seed 1 < sources.txt
"""

SEARCH = """
unspool sample lstm "Oil " --num-beams 4 --n 3
unspool sample lstm "Oil " "Gold" --num-beams 4 --n 2 --json
unspool sample lstm --num-beams 6 --n 3 --length-penalty 1 --max-new-tokens 20
unspool sample lstm --num-beams 6 --num-beam-groups 3 --diversity-penalty 1 --n 4 --early-stopping
unspool sample lstm --num-beams 3 --regex "(Oil|Rain) [a-z]+"
unspool sample pairs --source "3 march" --num-beams 3 --n 2
unspool sample steered --context label=World --num-beams 3
unspool enumerate lstm "Oil falls" --limit 5
unspool enumerate lstm "Oil falls" --min-probability 0.02 --max-new-tokens 6 --json
unspool enumerate lstm "Oil falls" --min-logprob -4 --any-order --max-new-tokens 5
unspool enumerate word "The team " --limit 4 --ended-only --json
unspool enumerate steered --context label=Sports --limit 3 --max-new-tokens 30
unspool enumerate lstm "Ж" --limit 3 --unknown drop --max-new-tokens 3
"""

SCORE = """
unspool score lstm others.txt
unspool score lstm others.txt --json --top 3
unspool score lstm others.txt --sort worst --top 3 --by logprob
unspool score lstm others.txt --sort best --top 3 --prompt "Oil " --no-end
unspool score lstm unknown.txt --unknown drop --per-symbol --json
unspool score lstm others.txt --top 2 --show
unspool score lstm others.txt --against gru --sort best --top 4
unspool score lstm others.txt --against gru --sort worst --by ratio --top 2 --json
unspool score lstm others.txt --guess-number --samples 200 --seed 3 --top 4
unspool score lstm others.txt --out scores.csv --top 4
unspool score lstm others.txt --out scores.tsv --top 4
unspool score lstm others.txt --out scores.jsonl --top 2 --per-symbol
unspool score lstm others.txt --svg scores.svg --top 2
cat scores.csv
cat scores.tsv
cat scores.jsonl
digest scores.svg
unspool score lstm - --top 3 < others.txt
unspool score word-cut others.txt --top 3
unspool score steered news.csv --text title --context label --top 3
unspool score lstm news.jsonl --text title --unknown drop --top 3
unspool eval lstm headlines.txt
unspool eval lstm headlines.txt --json
unspool eval lstm - --unknown drop < unknown.txt
unspool eval document poem.txt --document
unspool eval steered news.csv --text title --context label --context score --context length --json
unspool eval pairs dates.tsv --source 0 --target 1
unspool classify steered news.csv --by label --text title
unspool classify steered others.txt --by label --no-prior --json
"""

OTHERS = """
unspool
unspool --version
unspool info lstm
unspool info lstm --json
unspool info deep
unspool info tied
unspool info word-cut
unspool info steered
unspool info pairs
unspool info pairs --json
unspool info canaries
unspool info continued
unspool info headlines.txt
unspool info headlines.txt --json
unspool info news.csv --text title --context label --context score
unspool info poem.txt --document
unspool info dates.tsv --source 0 --target 1 --json
unspool audit lstm --samples 60 --seed 1
unspool audit lstm --samples 8 --json
unspool audit canaries headlines.txt --samples 6 --json
unspool audit canaries --samples 6 --secret "pin 565" --out audited
unspool audit document --samples 20 --max-new-tokens 80 --temperature 0.7
digest audited/audit.json
digest audited/audit.svg
unspool corpora
unspool corpora --json
unspool cache
unspool cache --json
unspool cache --clear
"""

COMMANDS = (
    "demo", "train", "sample", "play", "enumerate", "score", "eval", "classify", "audit", "info", "sweep",
    "corpora", "cache", "bench",
)  # fmt: skip
HELP = "\n".join(["unspool --help", *(f"unspool {name} --help" for name in COMMANDS)])

ERRORS = """
unspool trian headlines.txt
unspool train
unspool train nowhere.txt
unspool train empty.txt --out runs/x
unspool train latin.txt --out runs/x
unspool train ragged.csv --text title --out runs/x
unspool train news.csv --text headline --out runs/x
unspool train news.csv --out runs/x
unspool train headlines.txt --text title --out runs/x
unspool train headlines.txt --cell cnn --out runs/x
unspool train headlines.txt --hidden-size 0 --out runs/x
unspool train headlines.txt --hidden-size many --out runs/x
unspool train headlines.txt --tokenizer bpo --out runs/x
unspool train headlines.txt --tied-output --out runs/x
unspool train headlines.txt --optimizer adagrad --out runs/x
unspool train headlines.txt --hiden-size 8 --out runs/x
unspool train headlines.txt --canary-repeats 2 --out runs/x
unspool train headlines.txt --out lstm
unspool train --resume nowhere
unspool train --resume lstm --seed 4
unspool train --resume lstm --tokenizer word
unspool train news.csv --text title --source label --context length --split sentences --out runs/x
unspool sample nowhere
unspool sample lstm --temperature -1
unspool sample lstm --top-p 2
unspool sample lstm "Ж"
unspool sample lstm --regex "(?=a)b"
unspool sample lstm --regex "[0-9"
unspool sample lstm --bad-words a --best-of 2 --n 3
unspool sample lstm --context label=Sports
unspool sample steered --context label=Weather
unspool sample steered --context Sports
unspool sample pairs
unspool sample gru --novel
unspool sample lstm --out texts.doc
unspool sample lstm --num-beams 2 --n 3
unspool enumerate lstm
unspool score lstm unknown.txt
unspool score lstm others.txt --by ratio
unspool score lstm nowhere.txt
unspool eval lstm empty.txt
unspool eval pairs headlines.txt
unspool classify lstm news.csv --text title
unspool audit pairs
unspool audit canaries --samples 6 --secret "pin 123"
unspool info nowhere
unspool sweep headlines.txt --cell cnn --out sweeps/x
unspool bench --seconds 0
unspool sample lstm --seed
unspool sample lstm --num-beams 2 --top-k 3
unspool sample lstm --against-text 1
unspool play lstm
unspool sample pairs --source a --source b --unique
unspool score lstm headlines.txt --guess-number --no-end
unspool score lstm headlines.txt --context label
unspool score lstm headlines.txt --show --json
unspool score lstm headlines.txt --per-symbol
unspool score lstm headlines.txt --sort random
unspool score lstm headlines.txt --top 0
unspool sweep - --train-best runs/y --out sweeps/x < headlines.txt
unspool sweep headlines.txt --hidden-size 4..x --out sweeps/x
unspool sample lstm --out nowhere/x.txt
unspool sample lstm --out headlines.txt
unspool sample document --n 3 --out x.txt
unspool bench --cell cnn
unspool bench --threads 0
unspool bench --precision float16
unspool bench --hidden-size 0
unspool train headlines.txt --config nowhere.toml
unspool train headlines.txt --config headlines.txt
unspool train headlines.txt --config several
unspool train headlines.txt --config wrong.toml
unspool train headlines.txt --config unknown.toml
unspool train --resume lstm --epochs 1
unspool train --resume lstm others.txt
unspool train headlines.txt --max-vocab-size 3 --out runs/x
unspool train headlines.txt --validation-fraction 1 --out runs/x
unspool audit vector
unspool audit lstm others.txt --secret "pin 12"
unspool enumerate lstm --limit 0
unspool eval steered headlines.txt
unspool cache nothing
unspool info lstm --nothing
unspool sample lstm --temperature
unspool sample lstm --n many
unspool sample lstm --format x
unspool demo --seconds 3
unspool sample lstm --stop ""
unspool sample lstm --logit-bias x
unspool sample lstm --logit-bias a=x
unspool sample lstm --context =
unspool sample word Ж --unknown nothing
"""
