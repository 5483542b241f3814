// What the binding sees of the kernels: plain structures and one table of functions per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace unspool {

enum class Precision : int { kFloat32 = 0, kBf16 = 1 };

enum class Cell : int { kRnn = 0, kLstm = 1, kGru = 2 };

struct Shape {
    Cell cell;
    bool reset_after;  // of a GRU: the reset gate acts after the recurrent product
    int vocab_size;
    int embedding_size;  // 0: the first layer's input kernel is a table of one row per symbol
    int hidden_size;
    int num_layers;
    bool residual;        // each layer but the first hands on its output plus its input
    Precision precision;  // of the products of a step that makes gradients; all else is float32
};

// A network's arrays, row-major float32, in the order in which they are stored:
// [embedding], then per layer input kernel, recurrent kernel, bias, [recurrent bias], then output kernel and
// bias.
using Arrays = float* const*;

// What steers a window from outside; an array is null where nothing of its kind is given.
struct Conditions {
    const int32_t* records = nullptr;     // (steps, lanes): the row of `context` that each position has
    int contexts = 0;                     // rows of `context`
    const float* context = nullptr;       // (contexts, gates x hidden), added to the first layer's gates
    float* context_grad = nullptr;        // the same shape, out
    const int32_t* starts = nullptr;      // (steps, lanes): the start state put in place of the carried one
                                          // before a step, -1: none. In place of reset_id; each stands once
    const float* start_states = nullptr;  // (starts, layers, states, hidden)
    float* start_states_grad = nullptr;   // the same shape, out
    const float* final_grad = nullptr;  // (layers, states, lanes, hidden): of the loss by the state after all
};

// One window of `steps` x `lanes` symbols, time-major.
struct Batch {
    int steps, lanes;
    const int32_t* ids;
    const int32_t* targets;  // 0: not counted; null where nothing is compared
    int32_t reset_id;        // a lane's state is zeroed before a step whose input is this; -1: never
    const float* masks;      // (layers, lanes, hidden) factors on each layer's own output, or null
    Conditions conditions = {};
};

// A deterministic automaton over symbols; `classes` is null where there is none.
struct Automaton {
    const int32_t* classes;      // (vocab)
    const int32_t* transitions;  // (states, num_classes); -1: nowhere
    const int32_t* distance;     // (states): fewest symbols to an accepting state, 0 for one
    int num_classes;
    int32_t start;
};

// A step from the logits of a place to a draw: a row in the table of penalties or in that of samplers, and
// its numbers. What is off is not there.
struct DrawStage {
    int row;
    const double* numbers;
    int count;  // at least 1
};

struct DrawStages {
    const DrawStage* stages;
    int count;
};

// How sequences are drawn, where they begin and what ends them. Any number of sequences may share one.
struct Settings {
    DrawStages penalties;  // rows of writing/penalties.h, in the order in which they apply
    DrawStages samplers;   // rows of writing/filters.h, likewise; none: the model's own distribution
    int64_t penalty_last;  // tokens that penalties look back at; 0: all
    Automaton guide, stop;
    int alternatives;  // most probable tokens to report; 0: off
    bool echo;         // whether to report about the tokens of the prompt
    bool from_state;   // the state has read all: draw before anything is read. Else no prompt is empty
    int64_t max_new_tokens;
    int32_t end_id;           // drawing it ends a sequence; -1: nothing does
    const float* first_bias;  // (gates x hidden), in place of the first layer's bias; null: the network's own
};

// Why a sequence is over, if it is.
enum class Finish : int32_t { kGoesOn = -1, kLength = 0, kEnd = 1, kStop = 2, kBlocked = 3, kOverflow = 4 };

// What is reported about tokens of a sequence, one after the other; `logprobs` of the model itself, at
// temperature 1 and without filters. An array is null where nothing of its kind is reported.
struct Report {
    int64_t count = 0, room = 0;
    int32_t* tokens = nullptr;
    float* logprobs = nullptr;
    float* constrained = nullptr;     // of what the guide allows
    int32_t* alternatives = nullptr;  // (count, settings.alternatives), the most probable first
    float* alternative_logs = nullptr;
};

// One text that is being written. Its random numbers come from a counter, so that it depends on nothing but
// its key. The memory that is the kernels' own is given back by `release`.
struct Sequence {
    const Settings* settings;
    uint64_t key;  // of its random stream
    const int32_t* prompt;
    int64_t prompt_length;
    const float* start;  // (layers, states, hidden), null for zeros
    int32_t guide_state, stop_state;
    Finish finish = Finish::kGoesOn;
    Report drawn, echo;  // what is new; whoever has read it sets `count` to 0
    // the kernels' own
    bool begun = false;
    int32_t input = 0;        // the token to read next
    int64_t position = 0;     // of the next token in the prompt
    int64_t length = 0;       // tokens drawn
    float* state = nullptr;   // between two calls
    void* history = nullptr;  // of what penalties look at
};

constexpr int kMostSlots = 2;  // arrays that an optimizer keeps for each array of parameters

struct OptimizerStep {
    int kind;  // an `Optimizer` of network/optimizer.h
    int arrays;
    const int64_t* sizes;
    float* const* parameters;
    const float* const* gradients;
    float* const* slots[kMostSlots];  // in the kind's own order; null where it has fewer
    const float* decays;              // decoupled weight decay of each array
    int64_t step;                     // from 1
    float learning_rate, beta1, beta2, epsilon;
    float clip_norm;  // 0: off
};

// Threads that run the same task and can wait for each other inside it.
struct Team {
    int size;
    void* self;
    void (*run)(void* self, void (*task)(void* argument, int thread), void* argument);
    void (*barrier)(void* self);
};

// The parts of a step, in their order.
enum Stage { kPacking, kForward, kOutput, kBackward, kWeightGradients, kStages };

// The functions of one instruction set. Those that return bool say false when there is no memory left.
struct Kernels {
    const char* name;
    int lanes;
    bool bf16_hardware;  // else products in bf16 are emulated
    void* (*create)(const Shape& shape);
    void (*destroy)(void* network);
    // Sum of the nats over counted targets in *total, gradients of their mean in `gradients`, new state in
    // `state` (layers, states, lanes, hidden). `losses` (steps, lanes) may be null; so may `gradients`:
    // forward only.
    bool (*step)(void* network, const Team& team, Arrays parameters, const Batch& batch, float* state,
                 double* total, int64_t* count, float* losses, float* const* gradients);
    // Wall time of each stage of the last step, waiting for other threads included.  // (kStages)
    const double* (*stage_seconds)(void* network);
    // Writes (steps, lanes, vocab) logits, minus infinity for the padding symbol. Where `parameters` is null,
    // those that `load` has packed are used.
    bool (*logits)(void* network, const Team& team, Arrays parameters, const Batch& batch, float* state,
                   float* out);
    // Packs the parameters for `logits`, which keeps pointers to them.
    bool (*load)(void* network, Arrays parameters);
    // A writer has packed weights of its own, and the rows of each thread of one team.
    void* (*create_writer)(const Shape& shape);
    void (*destroy_writer)(void* writer);
    bool (*load_writer)(void* writer, Arrays parameters);  // keeps pointers to them
    // In each step every sequence reads a token of its prompt or draws one, until it is over.
    bool (*advance)(void* writer, const Team& team, Sequence* const* sequences, int count, int64_t steps);
    void (*release)(Sequence& sequence);
    // Names of the rows of the tables that a stage stands in; null behind the last one.
    const char* (*penalty)(int row);
    const char* (*sampler)(int row);
    // Returns the gradients' global norm before clipping; where it is not finite nothing is changed.
    double (*optimize)(const Team& team, const OptimizerStep& step);
    // Runs a plain product C = A B of these sizes `repeat` times: what the machine's tile reaches. For tests.
    // With `transposed` a is given as A^T (k x m).
    bool (*multiply)(Precision precision, bool transposed, int m, int n, int k, const float* a,
                     const float* b, float* c);
    // Rounds to the values of bf16. For tests.
    void (*round_to_bf16)(int64_t count, const float* from, float* to);
    // BLAKE2b digests of 8 bytes of the bytes between the bounds (begin and end of each line), see blake2b.h.
    void (*hash_lines)(const uint8_t* bytes, const int64_t* bounds, int64_t lines, uint64_t* digests);
};

// Kernels of each instruction set: avx512 with products in bf16 by tiles (amx), by vectors and without, avx2,
// neon with and without, and "generic" where there is none of these. A build has some of them.
const Kernels* kernels_avx512_bf16();
const Kernels* kernels_amx_bf16();
const Kernels* kernels_avx512();
const Kernels* kernels_avx2();
const Kernels* kernels_neon_bf16();
const Kernels* kernels_baseline();

// Names, in order of preference, of the instruction sets that this processor and this build have.
int available_kernels(const Kernels** out, int room);

}  // namespace unspool
