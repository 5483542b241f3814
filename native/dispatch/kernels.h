// The interface between the binding and the kernels: plain structures and one table of functions per
// instruction set.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace unspool {

enum class Precision : int { kFloat32 = 0, kBf16 = 1, kInt8 = 2 };

enum class Cell : int { kRnn = 0, kLstm = 1, kGru = 2 };

struct Shape {
    Cell cell;
    bool reset_after;  // for a GRU: the reset gate acts after the recurrent product
    int vocab_size;
    int embedding_size;  // 0: the first layer's input kernel is a table with one row per token
    int hidden_size;
    int num_layers;
    bool residual;        // each layer but the first adds its input to its output
    Precision precision;  // of the products in a training step: float32 or bf16; the rest is float32
    Precision inference = Precision::kFloat32;  // of the products where there are no gradients
};

// A network's arrays, row-major float32, in the stored order: [embedding], then per layer input kernel,
// recurrent kernel, bias, [recurrent bias], then output kernel and bias.
using Arrays = const float* const*;

// The conditions that steer a window; an array that is not used is null.
struct Conditions {
    const int32_t* records = nullptr;     // (steps, lanes): the row of `context` at each position
    int contexts = 0;                     // rows of `context`
    const float* context = nullptr;       // (contexts, gates x hidden), added to the first layer's gates
    float* context_grad = nullptr;        // the same shape, out
    const int32_t* starts = nullptr;      // (steps, lanes): the start state that replaces the carried state
                                          // before a step, or -1. It replaces reset_id; each occurs once
    const float* start_states = nullptr;  // (starts, layers, states, hidden)
    float* start_states_grad = nullptr;   // the same shape, out
    const float* final_grad = nullptr;    // (layers, states, lanes, hidden): gradient by the last state
};

// One window of `steps` x `lanes` tokens, time-major.
struct Batch {
    int steps, lanes;
    const int32_t* ids;
    const int32_t* targets;  // 0: not counted; null without targets
    int32_t reset_id;        // a lane's state is set to zero before a step with this input; -1: never
    const float* masks;      // (layers, lanes, hidden) factors on each layer's output, or null
    Conditions conditions = {};
    const std::atomic<bool>* stop = nullptr;  // once it is set, a step gives up: its results mean nothing

    bool stopped() const { return stop != nullptr && stop->load(std::memory_order_relaxed); }
};

constexpr int kMostOrder = 16;  // symbols of the longest context of a table of counts

// A table of counts. Its nodes are contexts: from node 0, the empty one, a path goes from the newest symbol
// to the oldest. The children of a node lie side by side, in the order of their symbols.
struct CountTable {
    int order;                    // symbols of the longest context
    const uint32_t* first_child;  // (nodes + 1)
    const uint32_t* first_entry;  // (nodes + 1)
    const uint16_t* symbols;      // (nodes): the oldest symbol of a context
    const uint16_t* tokens;       // (entries): what follows a context, ascending
    const uint16_t* counts;       // (entries)
    const float* discounts;       // (order + 1, 3): of counts of 1, 2 and more, by the length of the context
    const float* weights;         // (order + 1, 2, 2): of the network and of the counts, by the length of the
                                  // longest known context, and by whether one token alone follows it
};

constexpr double kMostTokens = 2147483647.0;  // the largest count of tokens that a stage may be given

// A deterministic automaton over tokens; `classes` is null without one.
struct Automaton {
    const int32_t* classes;      // (vocab)
    const int32_t* transitions;  // (states, num_classes); -1: not allowed
    const int32_t* distance;     // (states): fewest tokens to an accepting state, 0 in one
    int num_classes;
    int32_t start;
};

// What every row of the tables of penalties and of samplers begins with.
struct StageRow {
    const char* name;
    int least;  // number of numbers that a stage of this row has at least
    double lowest = std::numeric_limits<double>::lowest(),
           highest = std::numeric_limits<double>::max();  // of its first number
};

// One step from logits to a draw: a row in the table of penalties or of samplers, and its numbers. A stage
// that is off is not in the list.
struct DrawStage {
    int row;
    const double* numbers;
    int count;  // at least the row's `least`
};

struct DrawStages {
    const DrawStage* stages;
    int count;
};

// How sequences begin, are drawn and end. Any number of sequences may share one.
struct Settings {
    DrawStages penalties;  // rows of writing/penalties.h, in the order in which they apply
    DrawStages samplers;   // rows of writing/filters.h, in order; none: the model's own distribution
    int64_t penalty_last;  // number of last tokens that penalties look at; 0: all
    Automaton guide, stop;
    int alternatives;  // number of most probable tokens to report; 0: off
    bool echo;         // whether to report on the tokens of the prompt
    bool from_state;   // the start state has read a text: no token is read before the first draw
    int64_t max_new_tokens;
    int32_t end_id;           // drawing it ends a sequence; -1: nothing does
    const float* first_bias;  // (gates x hidden), in place of the first layer's bias; null: the network's own
    const CountTable* counts;  // what is mixed into the logits; null: nothing
};

// Why a sequence ended; kGoesOn: it has not.
enum class Finish : int32_t { kGoesOn = -1, kLength = 0, kEnd = 1, kStop = 2, kBlocked = 3, kOverflow = 4 };

// The report on tokens of a sequence; `logprobs` are those of the model at temperature 1, without filters. An
// array is null if nothing of its kind is reported.
struct Report {
    int64_t count = 0, room = 0;
    int32_t* tokens = nullptr;
    float* logprobs = nullptr;
    float* constrained = nullptr;       // log-probabilities among allowed tokens
    int32_t* alternatives = nullptr;    // (count, settings.alternatives), the most probable first
    float* alternative_logs = nullptr;  // their log-probabilities, in the same shape
};

// One text that is being written. Its random numbers come from a counter, so that the text depends only on
// its key. `release` frees the memory that the kernels hold for it.
struct Sequence {
    const Settings* settings;
    uint64_t key;  // of its random stream
    const int32_t* prompt;
    int64_t prompt_length;
    const float* start;  // (layers, states, hidden), null for zeros
    int32_t guide_state, stop_state;
    Finish finish = Finish::kGoesOn;
    Report drawn, echo;  // on new tokens; the reader sets `count` to 0
    // kept by the kernels:
    bool begun = false;
    int32_t input = 0;                // the token to read next
    int64_t position = 0;             // of the next token in the prompt
    int64_t length = 0;               // tokens drawn
    float* state = nullptr;           // after a call that did not end it
    int32_t recent[kMostOrder] = {};  // the last tokens read, the newest first, for a table of counts
    double* memory = nullptr;         // of samplers that remember the text: one number for each of `samplers`
    void* history = nullptr;          // the earlier tokens, for penalties
};

constexpr int kMostSlots = 2;  // most arrays that an optimizer stores for each array of parameters

struct OptimizerStep {
    int kind;  // an `Optimizer` of network/optimizer.h
    int arrays;
    const int64_t* sizes;
    float* const* parameters;
    const float* const* gradients;
    float* const* slots[kMostSlots];  // in the order of the kind; null if it has fewer
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

// The functions of one instruction set. Those that return bool return false if there is no memory left.
struct Kernels {
    const char* name;
    int lanes;
    bool bf16_hardware;  // else products in bf16 are emulated
    void* (*create)(const Shape& shape);
    void (*destroy)(void* network);
    // Writes the sum of the nats of counted targets to *total, the gradients of their mean to `gradients`,
    // and the new state to `state` (layers, states, lanes, hidden). `losses` (steps, lanes) may be null. With
    // null `gradients` it only runs forward.
    bool (*step)(void* network, const Team& team, Arrays parameters, const Batch& batch, float* state,
                 double* total, int64_t* count, float* losses, float* const* gradients);
    // Returns the wall time of each stage of the last step, with the wait for other threads.  // (kStages)
    const double* (*stage_seconds)(void* network);
    // Writes (steps, lanes, vocab) logits, minus infinity for <pad>. With null `parameters` it uses those
    // that `load` has packed.
    bool (*logits)(void* network, const Team& team, Arrays parameters, const Batch& batch, float* state,
                   float* out);
    // Packs the parameters for `logits`, which keeps pointers to them.
    bool (*load)(void* network, Arrays parameters);
    // A writer has its own packed weights, and rows for each thread of a team.
    void* (*create_writer)(const Shape& shape);
    void (*destroy_writer)(void* writer);
    bool (*load_writer)(void* writer, Arrays parameters);  // keeps pointers to them
    // In each step every sequence reads a token of its prompt or draws one, until it ends.
    bool (*advance)(void* writer, const Team& team, Sequence* const* sequences, int count, int64_t steps);
    void (*release)(Sequence& sequence);
    // Returns a row of the tables of stages; null after the last one.
    const StageRow* (*penalty)(int row);
    const StageRow* (*sampler)(int row);
    // Mixes counts into (rows, vocab) logits, after (rows, order) contexts; see writing/counts.h. `targets`
    // and `losses` (rows) may be null.
    bool (*mix)(const Team& team, const CountTable& table, int vocab, int64_t rows, const int32_t* contexts,
                const int32_t* targets, float* logits, float* losses, int32_t* used);
    // Returns the gradients' global norm before clipping; if it is not finite, nothing is changed.
    double (*optimize)(const Team& team, const OptimizerStep& step);
    // Computes a plain product C = A B of these sizes with the tile. For tests. With `transposed`, `a` is A^T
    // (k x m), which is not there in int8.
    bool (*multiply)(Precision precision, bool transposed, int m, int n, int k, const float* a,
                     const float* b, float* c);
    // Rounds to the values of bf16. For tests.
    void (*round_to_bf16)(int64_t count, const float* from, float* to);
    // Writes BLAKE2b digests of the bytes between the bounds (begin and end of each line), see blake2b.h.
    void (*hash_lines)(const uint8_t* bytes, const int64_t* bounds, int64_t lines, uint64_t* digests);
};

// Kernels of each instruction set: avx512 with products in bf16 by tiles (amx), by vectors, or without bf16;
// avx2; neon with or without bf16; and "generic" for other processors. Those with bf16 or VNNI also have
// instructions for products in int8. A build has some of them.
const Kernels* kernels_avx512_bf16();
const Kernels* kernels_amx_bf16();
const Kernels* kernels_avx512_vnni();
const Kernels* kernels_avx512();
const Kernels* kernels_avx2_vnni();
const Kernels* kernels_avx2();
const Kernels* kernels_neon_bf16();
const Kernels* kernels_baseline();

constexpr int kMostKernels = 8;  // more than any build has

// Writes the kernels that this processor and this build have, the best first; returns their number.
int available_kernels(const Kernels** out, int room);

}  // namespace unspool
