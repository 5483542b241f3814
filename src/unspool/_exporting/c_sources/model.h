// A text generator: a trained recurrent network and its sampling, in C99, without allocation. It needs the
// C library and libm; C++ reads it, too. All memory is a `model_state`, some bytes of the stack, and
// constants.
#ifndef MODEL_H
#define MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

//@put facts

// What goes wrong is told by a number below 0.
enum {
    MODEL_UNKNOWN = -1,  // the model has no symbol for what comes next in a text
    MODEL_NOT_UTF8 = -2,
    MODEL_NO_ROOM = -3,       // the prompt does not fit into `out`
//@if source
    MODEL_NO_SOURCE = -4,     // the model answers a source, and has read none
//@end
//@if attributes
    MODEL_NO_ATTRIBUTE = -5,  // the model knows no attribute of this name, or not this value
//@end
};

// How a symbol is drawn. The samplers apply in this order.
typedef struct model_options {
    float temperature;    // divides the logits; 0 takes the most probable symbol each time
    int32_t top_k;        // draw from the k most probable symbols; 0 for all
    double top_p;         // draw from the fewest most probable ones with this total probability; 1 for all
    float min_p;          // draw from those with this share of the greatest probability; 0 for all
    int32_t min_symbols;  // no text ends before so many symbols
    int32_t max_symbols;  // model_write() ends a text after so many symbols, without those of the prompt
} model_options;

extern const model_options model_defaults;  // the model's own

// The state of a network and of its random numbers, and the room that a step needs. Its size is the memory
// that a model takes.
typedef struct model_state {
    float hidden[MODEL_LAYERS * MODEL_STATES * MODEL_UNITS];
//@if first
    float first[MODEL_LAYERS * MODEL_STATES * MODEL_UNITS];  // the state that a text starts from
//@end
//@if context
    float context[MODEL_GATES];  // what the context adds to the gates of the first layer
//@end
    float gates[MODEL_GATES];
//@if gru
    float candidate[MODEL_UNITS];
//@end
    float layer[MODEL_INPUTS];  // what a layer reads; after a step, the output of the last layer
    float logits[MODEL_SYMBOLS];
    float weights[MODEL_SYMBOLS];
    int32_t order[MODEL_SYMBOLS];
    uint64_t seed, index;  // the random stream of the next text
    uint64_t key, drawn;   // that of this text, and how many of its numbers are used
//@if source
    int32_t has_source;
//@end
} model_state;

// Makes a state ready. Text `index` of a seed is always the same one; the texts after it have the numbers
// index + 1, index + 2, and so on. What was known of the texts is forgotten.
void model_start(model_state* state, uint64_t seed, uint64_t index);

// Writes a text that begins with the prompt, in UTF-8, and a 0 after it.
//   prompt: how the text begins; NULL or "" for nothing
//   out, size: where the text goes, and how many bytes fit; a text that does not fit ends before
//   options: NULL for model_defaults
// Returns the number of bytes without the 0, or what is wrong with the prompt.
ptrdiff_t model_write(model_state* state, const char* prompt, char* out, size_t size,
                      const model_options* options);

// The same one by one: begin a text, read the symbols of a prompt, draw symbols until MODEL_END comes.

// Begins the next text: takes its random stream and reads <eos>.
void model_begin(model_state* state);

// Reads a symbol, from 1 to MODEL_END; MODEL_END itself takes the state back to the start of a text.
void model_read(model_state* state, int32_t symbol);

// Draws the next symbol and reads it; MODEL_END is where the text ends.
int32_t model_next_symbol(model_state* state, const model_options* options);

// Computes the natural logarithms of the probabilities of all symbols that may come next; symbol 0 never
// does.
void model_logprobs(model_state* state, float logprobs[MODEL_SYMBOLS]);

// Returns the symbol that a text in UTF-8 begins with, and moves the text behind it; or what is wrong.
//@if normalized
// The model has learned texts in the Unicode form MODEL_NORMALIZATION: bring a text into it first.
//@end
int32_t model_symbol(const char** text);

// Returns the spelling of a symbol, which is not ended by a 0, and its number of bytes.
const char* model_spelling(int32_t symbol, size_t* size);
//@if context

// Tells what is known of the texts to come: a number for each of MODEL_CONTEXT columns; NULL for nothing.
void model_set_context(model_state* state, const float* context);
//@end
//@if attributes

// Sets the columns of a context, zeros at first, for a value of an attribute.
// Returns 0, or MODEL_NO_ATTRIBUTE.
int32_t model_describe(float context[MODEL_CONTEXT], const char* attribute, const char* value);
//@end
//@if numbers

// The same for an attribute that is a number.
int32_t model_describe_number(float context[MODEL_CONTEXT], const char* attribute, double value);
//@end
//@if vector

// Tells the vector that the texts to come start from, MODEL_VECTOR numbers; NULL for zeros.
void model_set_vector(model_state* state, const float* vector);
//@end
//@if source

// Reads the source that the texts to come answer, in UTF-8. Returns 0, or what is wrong with it.
int32_t model_set_source(model_state* state, const char* source);

// Reads one symbol of a source: first MODEL_SOURCE_END, then its symbols from the last to the first.
void model_read_source(model_state* state, int32_t symbol);
//@end

#ifdef __cplusplus
}
#endif

#endif
