#include "model.h"

#include <math.h>
#include <string.h>

#define UNITS MODEL_UNITS
#define GATES MODEL_GATES
#define NEVER (-1e30f)  // the logit of a symbol that may not come

//@if int8
typedef int8_t weight;  // the scale of its column makes a number of it
//@else
typedef float weight;
//@end

// A matrix: a row for each input, a column for each output.
typedef struct kernel {
    const weight* values;
//@if int8
    const float* scales;
//@end
    int32_t columns;
} kernel;

typedef struct layer {
    kernel input, recurrent;
    const float* bias;
//@if reset_after
    const float* recurrent_bias;
//@end
} layer;

typedef struct network {
//@if embedding
    kernel embedding;
//@end
    layer layers[MODEL_LAYERS];
} network;
//@if spelled

typedef struct spelling {
    size_t size;
    const char* text;
} spelling;
//@end
//@if attributes

// An attribute of a context: its values are columns, or one is its number and one marks that it is known.
typedef struct attribute {
    const char* name;
    int32_t column, values;  // no values: a number
    float mean, deviation;
} attribute;
//@end

//@put data

// Adds a row of numbers times some columns of a kernel to `out`.
static void add_product(const float* row, int32_t rows, const kernel* by, int32_t first, int32_t columns,
                        float* out) {
    enum { BLOCK = 32 };  // columns whose sums are kept in registers
    for (int32_t j = 0; j < columns; j += BLOCK) {
        float sums[BLOCK] = {0.0f};
        const weight* block = by->values + first + j;
        const int32_t size = columns - j < BLOCK ? columns - j : BLOCK;
        for (int32_t i = 0; i < rows; ++i) {
            const weight* values = block + (size_t)i * (size_t)by->columns;
            if (size == BLOCK)
                for (int32_t k = 0; k < BLOCK; ++k) sums[k] += row[i] * (float)values[k];
            else
                for (int32_t k = 0; k < size; ++k) sums[k] += row[i] * (float)values[k];
        }
//@if int8
        for (int32_t k = 0; k < size; ++k) out[j + k] += sums[k] * by->scales[first + j + k];
//@else
        for (int32_t k = 0; k < size; ++k) out[j + k] += sums[k];
//@end
    }
}

// Adds one row of a kernel to `out`.
static void add_row(const kernel* of, int32_t row, float* out) {
    const weight* values = of->values + (size_t)row * (size_t)of->columns;
//@if int8
    for (int32_t j = 0; j < of->columns; ++j) out[j] += (float)values[j] * of->scales[j];
//@else
    for (int32_t j = 0; j < of->columns; ++j) out[j] += values[j];
//@end
}

//@if gated
static float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

//@end
static float hyperbolic(float x) { return 2.0f / (1.0f + expf(-2.0f * x)) - 1.0f; }

// Takes one step of a layer from the part that its input has in the gates.
static void step_layer(model_state* state, const layer* of, float* hidden) {
    float* gates = state->gates;
//@if rnn
    add_product(hidden, UNITS, &of->recurrent, 0, UNITS, gates);
    for (int32_t j = 0; j < UNITS; ++j) hidden[j] = hyperbolic(gates[j]);
//@end
//@if lstm
    float* cell = hidden + UNITS;
    add_product(hidden, UNITS, &of->recurrent, 0, GATES, gates);
    for (int32_t j = 0; j < UNITS; ++j) {  // the gates: input, forget, candidate, output
        const float input = sigmoid(gates[j]) * hyperbolic(gates[2 * UNITS + j]);
        cell[j] = sigmoid(gates[UNITS + j]) * cell[j] + input;
        hidden[j] = sigmoid(gates[3 * UNITS + j]) * hyperbolic(cell[j]);
    }
//@end
//@if gru
    float *candidate = state->candidate, *reset = gates + UNITS, *inputs = gates + 2 * UNITS;
    add_product(hidden, UNITS, &of->recurrent, 0, 2 * UNITS, gates);  // the gates: update, reset, candidate
//@end
//@if reset_after
    memcpy(candidate, of->recurrent_bias, sizeof(float) * UNITS);
    add_product(hidden, UNITS, &of->recurrent, 2 * UNITS, UNITS, candidate);
    for (int32_t j = 0; j < UNITS; ++j) inputs[j] += sigmoid(reset[j]) * candidate[j];
//@end
//@if reset_before
    for (int32_t j = 0; j < UNITS; ++j) candidate[j] = sigmoid(reset[j]) * hidden[j];
    add_product(candidate, UNITS, &of->recurrent, 2 * UNITS, UNITS, inputs);
//@end
//@if gru
    for (int32_t j = 0; j < UNITS; ++j) {
        const float update = sigmoid(gates[j]);
        hidden[j] = update * hidden[j] + (1.0f - update) * hyperbolic(inputs[j]);
    }
//@end
}

// Reads a symbol with all layers of a network.
static void step(model_state* state, const network* by, float* hidden, int32_t symbol) {
    for (int32_t l = 0; l < MODEL_LAYERS; ++l, hidden += MODEL_STATES * UNITS) {
        const layer* of = &by->layers[l];
        memcpy(state->gates, of->bias, sizeof state->gates);
//@if embedding
        if (l == 0) {
            memset(state->layer, 0, sizeof state->layer);
            add_row(&by->embedding, symbol, state->layer);
        }
        add_product(state->layer, l == 0 ? MODEL_EMBEDDING : UNITS, &of->input, 0, GATES, state->gates);
//@else
        if (l == 0)
            add_row(&of->input, symbol, state->gates);
        else
            add_product(state->layer, UNITS, &of->input, 0, GATES, state->gates);
//@end
//@if context
        if (l == 0 && by == &decoder)
            for (int32_t j = 0; j < GATES; ++j) state->gates[j] += state->context[j];
//@end
        step_layer(state, of, hidden);
//@if residual
        if (l > 0) {
            for (int32_t j = 0; j < UNITS; ++j) state->layer[j] += hidden[j];
            continue;
        }
//@end
        memcpy(state->layer, hidden, sizeof(float) * UNITS);
    }
}

static void compute_logits(model_state* state) {
    float* logits = state->logits;
    memcpy(logits, output_bias, sizeof output_bias);
//@if tied_output
    for (int32_t v = 0; v < MODEL_SYMBOLS; ++v) {
        const weight* row = decoder.embedding.values + (size_t)v * UNITS;
//@if int8
        const float* scales = decoder.embedding.scales;
        for (int32_t j = 0; j < UNITS; ++j) logits[v] += state->layer[j] * scales[j] * (float)row[j];
//@else
        for (int32_t j = 0; j < UNITS; ++j) logits[v] += state->layer[j] * row[j];
//@end
    }
//@else
    add_product(state->layer, UNITS, &output, 0, MODEL_SYMBOLS, logits);
//@end
    logits[0] = NEVER;
}

// Returns number `counter` of a random stream, 64 bits: SplitMix64 (Steele, Lea and Flood, 2014).
static uint64_t random_bits(uint64_t key, uint64_t counter) {
    uint64_t z = key + (counter + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static int32_t is_before(const float* logits, int32_t a, int32_t b) {
    return logits[a] > logits[b] || (!(logits[a] < logits[b]) && a < b);
}

// Moves a symbol down a heap to its place.
static void sift(const float* logits, int32_t* heap, int32_t size, int32_t place) {
    const int32_t symbol = heap[place];
    for (int32_t child; (child = 2 * place + 1) < size; place = child) {
        if (child + 1 < size && is_before(logits, heap[child + 1], heap[child])) ++child;
        if (!is_before(logits, heap[child], symbol)) break;
        heap[place] = heap[child];
    }
    heap[place] = symbol;
}

// Keeps the most probable symbols: at most `most`, and the fewest that reach `share` of the weights.
static void keep_likeliest(model_state* state, int32_t most, double share) {
    int32_t *heap = state->order, size = 0;
    double total = 0.0, sum = 0.0;
    for (int32_t v = 1; v < MODEL_SYMBOLS; ++v) {
        if (state->weights[v] > 0.0f) heap[size++] = v;
        total += (double)state->weights[v];
    }
    for (int32_t place = size / 2; place-- > 0;) sift(state->logits, heap, size, place);
    for (; size > 0 && most > 0; --most) {
        const int32_t symbol = heap[0];
        sum += (double)state->weights[symbol];
        heap[0] = heap[--size];
        if (size > 0) sift(state->logits, heap, size, 0);
        if (sum >= share * total) break;
    }
    for (int32_t i = 0; i < size; ++i) state->weights[heap[i]] = 0.0f;
}

// Draws a symbol from the logits by inversion with a random number from [0, 1).
static int32_t draw(model_state* state, const model_options* options, double random) {
    const float* logits = state->logits;
    float* weights = state->weights;
    int32_t symbol = 1;
    double total = 0.0, sum = 0.0;
    for (int32_t v = 2; v < MODEL_SYMBOLS; ++v)
        if (logits[v] > logits[symbol]) symbol = v;
    const float top = logits[symbol];
    if (!(top > NEVER)) return MODEL_END;
    if (!(options->temperature > 0.0f)) return symbol;
    for (int32_t v = 0; v < MODEL_SYMBOLS; ++v) {
        const float score = (logits[v] - top) / options->temperature;
        weights[v] = logits[v] > NEVER ? expf(score > -87.0f ? score : -87.0f) : 0.0f;
    }
    if (options->top_k > 0) keep_likeliest(state, options->top_k, 2.0);
    if (options->top_p > 0.0 && options->top_p < 1.0) keep_likeliest(state, MODEL_SYMBOLS, options->top_p);
    for (int32_t v = 1; v < MODEL_SYMBOLS; ++v) {
        if (weights[v] < options->min_p) weights[v] = 0.0f;
        total += (double)weights[v];
    }
    for (int32_t v = 1; v < MODEL_SYMBOLS && sum <= random * total; ++v) {
        sum += (double)weights[v];
        if (weights[v] > 0.0f) symbol = v;
    }
    return symbol;
}
//@if words

// Returns the class of a character: a letter, a letter of a script without spaces, a mark, white space.
static int32_t class_of(uint32_t character) {
    size_t low = 0, high = sizeof classes / sizeof *classes;
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (classes[middle] >> 3 <= character)
            low = middle;
        else
            high = middle;
    }
    return (int32_t)(classes[low] & 7u);
}
//@end
//@if characters

// Returns the number of bytes of the character that a text begins with, and the character; 0 if it is not
// UTF-8.
static size_t character_of(const char* text, uint32_t* character) {
    const unsigned char* bytes = (const unsigned char*)text;
    const uint32_t first = bytes[0];
    const size_t size = first < 0x80   ? 1
                        : first < 0xC2 ? 0
                        : first < 0xE0 ? 2
                        : first < 0xF0 ? 3
                        : first < 0xF5 ? 4
                                       : 0;
    *character = size < 2 ? first : first & (0x7Fu >> size);
    for (size_t i = 1; i < size; ++i) {
        if ((bytes[i] & 0xC0u) != 0x80u) return 0;
        *character = *character << 6 | (bytes[i] & 0x3Fu);
    }
    return size;
}
//@end
//@if words

// Returns whether one of the classes is that of the character that a text begins with, and its size.
static int32_t has_class(const char* text, int32_t wanted, size_t* size) {
    uint32_t character;
    *size = character_of(text, &character);
    return *text != 0 && *size > 0 && class_of(character) == wanted;
}

// Returns whether a text begins with a character from `first` to `last`, and its size.
static int32_t is_within(const char* text, uint32_t first, uint32_t last, size_t* size) {
    uint32_t character;
    *size = character_of(text, &character);
    return *size > 0 && character >= first && character <= last;
}

static const char* after_letters(const char* text) {
    size_t size;
    for (int32_t i = 0; i < LONGEST && has_class(text, LETTER, &size); ++i) text += size;
    return text;
}

// Moves behind the marks of a character, the tones of an emoji and the letters inside a flag.
static const char* after_marks(const char* text) {
    size_t size;
    for (int32_t i = 0; i < LONGEST; ++i, text += size)
        if (!has_class(text, MARK, &size) && !is_within(text, 0x1F3FB, 0x1F3FF, &size) &&
            !is_within(text, 0xE0020, 0xE007F, &size))
            break;
    return text;
}

// Moves behind a word: letters with apostrophes, marks and joiners between them.
static const char* after_word(const char* text) {
    size_t size, next;
    text = after_letters(text);
    for (int32_t i = 0; i < LONGEST; ++i) {
        const int32_t apostrophe =
            is_within(text, 0x27, 0x27, &size) || is_within(text, 0x2019, 0x2019, &size);
        if (!(apostrophe && has_class(text + size, LETTER, &next)) && !has_class(text, MARK, &size) &&
            !is_within(text, 0x200C, 0x200D, &size))
            break;
        text = after_letters(text + size);
    }
    return text;
}

// Returns the number of bytes of the word, mark or space that a text begins with; 0 if it is not UTF-8.
static size_t word_size(const char* text) {
    size_t size, next;
    if (has_class(text, LETTER, &size)) return (size_t)(after_word(text) - text);
    if (size == 0 || has_class(text, SPACE, &size)) return size;
    if (is_within(text, 0x1F1E6, 0x1F1FF, &size) && is_within(text + size, 0x1F1E6, 0x1F1FF, &next))
        return size + next;
    const char* end = after_marks(text + size);
    for (int32_t i = 0; i < LONGEST && is_within(end, 0x200D, 0x200D, &size); ++i) {
        if (end[size] == 0 || !(has_class(end + size, OTHER, &next) || has_class(end + size, MARK, &next)))
            break;
        end = after_marks(end + size + next);
    }
    return (size_t)(end - text);
}
//@end
//@if longest

// Returns the number of bytes of the longest symbol that a text begins with, of `least` bytes or more.
static size_t longest_size(const spelling* spellings, int32_t count, const char* text, size_t least) {
    size_t longest = least;
    for (int32_t v = 1; v < count; ++v)
        if (spellings[v].size > longest && strncmp(spellings[v].text, text, spellings[v].size) == 0)
            longest = spellings[v].size;
    return longest;
}
//@end
//@if spelled

// Returns the symbol that is spelled by some bytes; 0 for none.
static int32_t spelled(const spelling* spellings, int32_t count, const char* text, size_t size) {
    for (int32_t v = 1; v < count; ++v)
        if (spellings[v].size == size && memcmp(spellings[v].text, text, size) == 0) return v;
    return 0;
}
//@end

//@put tokenizers

int32_t model_symbol(const char** text) { return symbol_of(text); }

const char* model_spelling(int32_t symbol, size_t* size) {
//@if bytes_text
    *size = symbol > 0 && symbol < MODEL_END;
    return &byte_values[symbol > 0 && symbol < MODEL_END ? symbol - 1 : 0];
//@else
    const int32_t shown = symbol > 0 && symbol < MODEL_END ? symbol : 0;
    *size = spellings[shown].size;
    return spellings[shown].text;
//@end
}

void model_start(model_state* state, uint64_t seed, uint64_t index) {
    memset(state, 0, sizeof *state);
    state->seed = seed;
    state->index = index;
    state->key = random_bits(seed, index);
//@if start
    memcpy(state->first, start_bias, sizeof start_bias);
//@end
}

void model_begin(model_state* state) {
    state->key = random_bits(state->seed, state->index++);
    state->drawn = 0;
    model_read(state, MODEL_END);
}

void model_read(model_state* state, int32_t symbol) {
    if (symbol < 0 || symbol >= MODEL_SYMBOLS) return;
//@if first
    if (symbol == MODEL_END) memcpy(state->hidden, state->first, sizeof state->hidden);
//@else
    if (symbol == MODEL_END) memset(state->hidden, 0, sizeof state->hidden);
//@end
    step(state, &decoder, state->hidden, symbol);
}

int32_t model_next_symbol(model_state* state, const model_options* options) {
    if (options == NULL) options = &model_defaults;
    compute_logits(state);
//@if unk
    state->logits[MODEL_UNK] = NEVER;
//@end
    if (options->min_symbols > 0 && state->drawn < (uint64_t)options->min_symbols)
        state->logits[MODEL_END] = NEVER;
    const double random =
        (double)(random_bits(state->key, state->drawn++) >> 11) * (1.0 / 9007199254740992.0);
    const int32_t symbol = draw(state, options, random);
    if (symbol != MODEL_END) model_read(state, symbol);
    return symbol;
}

void model_logprobs(model_state* state, float logprobs[MODEL_SYMBOLS]) {
    compute_logits(state);
    float top = NEVER;
    double total = 0.0;
    for (int32_t v = 1; v < MODEL_SYMBOLS; ++v) top = state->logits[v] > top ? state->logits[v] : top;
    for (int32_t v = 1; v < MODEL_SYMBOLS; ++v) total += (double)expf(state->logits[v] - top);
    const float sum = top + (float)log(total);
    for (int32_t v = 0; v < MODEL_SYMBOLS; ++v) logprobs[v] = state->logits[v] - sum;
}

// Puts the spelling of a symbol behind a text, if it and a 0 fit.
static int32_t append(int32_t symbol, char* out, size_t size, size_t* written) {
    size_t more;
    const char* text = model_spelling(symbol, &more);
    if (more >= size - *written) return 0;
    memcpy(out + *written, text, more);
    *written += more;
    out[*written] = 0;
    return 1;
}

ptrdiff_t model_write(model_state* state, const char* prompt, char* out, size_t size,
                      const model_options* options) {
    size_t written = 0;
    if (options == NULL) options = &model_defaults;
    if (size == 0) return MODEL_NO_ROOM;
    out[0] = 0;
//@if source
    if (!state->has_source) return MODEL_NO_SOURCE;
//@end
    model_begin(state);
    while (prompt != NULL && *prompt != 0) {
        const int32_t symbol = model_symbol(&prompt);
        if (symbol < 0) return symbol;
        if (!append(symbol, out, size, &written)) return MODEL_NO_ROOM;
        model_read(state, symbol);
    }
    for (int32_t i = 0; i < options->max_symbols; ++i) {
        const int32_t symbol = model_next_symbol(state, options);
        if (symbol == MODEL_END || !append(symbol, out, size, &written)) break;
    }
    return (ptrdiff_t)written;
}
//@if context

void model_set_context(model_state* state, const float* context) {
    memset(state->context, 0, sizeof state->context);
    if (context != NULL) add_product(context, MODEL_CONTEXT, &by_context, 0, GATES, state->context);
}
//@end
//@if attributes

static const attribute* attribute_of(const char* name) {
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; ++i)
        if (strcmp(attributes[i].name, name) == 0) return &attributes[i];
    return NULL;
}

int32_t model_describe(float context[MODEL_CONTEXT], const char* name, const char* value) {
    const attribute* one = attribute_of(name);
    if (one == NULL) return MODEL_NO_ATTRIBUTE;
    for (int32_t i = 0; i < one->values; ++i) {
        if (strcmp(columns[one->column + i], value) != 0) continue;
        for (int32_t j = 0; j < one->values; ++j) context[one->column + j] = i == j ? 1.0f : 0.0f;
        return 0;
    }
    return MODEL_NO_ATTRIBUTE;
}
//@end
//@if numbers

int32_t model_describe_number(float context[MODEL_CONTEXT], const char* name, double value) {
    const attribute* one = attribute_of(name);
    if (one == NULL || one->values > 0) return MODEL_NO_ATTRIBUTE;
    context[one->column] = ((float)value - one->mean) / one->deviation;
    context[one->column + 1] = 1.0f;
    return 0;
}
//@end
//@if vector

void model_set_vector(model_state* state, const float* vector) {
    memcpy(state->first, start_bias, sizeof start_bias);
    if (vector != NULL)
        add_product(vector, MODEL_VECTOR, &by_vector, 0, MODEL_LAYERS * MODEL_STATES * UNITS, state->first);
}
//@end
//@if source

void model_read_source(model_state* state, int32_t symbol) {
    if (symbol < 0 || symbol >= MODEL_SOURCE_SYMBOLS) return;
    if (symbol == MODEL_SOURCE_END) memset(state->first, 0, sizeof state->first);
    step(state, &encoder, state->first, symbol);
    state->has_source = 1;
}

int32_t model_set_source(model_state* state, const char* source) {
    size_t count = 0;
    for (const char* rest = source; *rest != 0; ++count) {
        const int32_t symbol = source_symbol_of(&rest);
        if (symbol < 0) return symbol;
    }
    model_read_source(state, MODEL_SOURCE_END);
    for (; count > 0; --count) {  // from the last symbol to the first, without a list of them
        const char* rest = source;
        int32_t symbol = 0;
        for (size_t i = 0; i < count; ++i) symbol = source_symbol_of(&rest);
        model_read_source(state, symbol);
    }
    return 0;
}
//@end

//@put description
