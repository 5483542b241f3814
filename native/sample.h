// Drawing a symbol from a row of logits, and the loop that writes whole texts.
#pragma once

#include "loss.h"

namespace unspool::UNSPOOL_ISA {

// Number `counter` of a random stream, uniform in [0, 1): the SplitMix64 generator (Steele, Lea, Flood 2014),
// entered at any place without walking there.
inline double uniform(uint64_t key, uint64_t counter) {
    uint64_t z = key + (counter + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

// Symbols 1 .. vocab - 1 may be drawn; 0 is <pad>.
inline int32_t most_probable(const float* logits, int vocab) {
    int32_t best = 1;
    for (int32_t j = 2; j < vocab; ++j)
        if (logits[j] > logits[best]) best = j;
    return best;
}

// Sifts `order`, a heap with its least probable symbol on top, down from `at`; equal weights keep the smaller
// id longer.
inline void sift(int32_t* order, int count, int at, const float* weights) {
    const auto less = [&](int32_t a, int32_t b) {
        return weights[a] < weights[b] || (weights[a] == weights[b] && a > b);
    };
    for (int child = 2 * at + 1; child < count; at = child, child = 2 * at + 1) {
        if (child + 1 < count && less(order[child + 1], order[child])) ++child;
        if (!less(order[child], order[at])) return;
        const int32_t held = order[at];
        order[at] = order[child];
        order[child] = held;
    }
}

// Orders the symbols from the most to the least probable.
inline void sort_descending(int32_t* order, int count, const float* weights) {
    for (int i = count / 2; i-- > 0;) sift(order, count, i, weights);
    for (int end = count; end-- > 1;) {
        const int32_t least = order[0];
        order[0] = order[end];
        order[end] = least;
        sift(order, end, 0, weights);
    }
}

// Sets to zero what the filters take away: top_k, then top_p of what is left, then min_p.
inline void filter(float* weights, int vocab, const Sequences& options, int32_t* order) {
    if (options.top_k > 0 || options.top_p < 1.0f) {
        for (int32_t j = 1; j < vocab; ++j) order[j - 1] = j;
        sort_descending(order, vocab - 1, weights);
        int kept = vocab - 1;
        if (options.top_k > 0 && options.top_k < kept) kept = options.top_k;
        double total = 0.0, sum = 0.0;
        for (int i = 0; i < kept; ++i) total += static_cast<double>(weights[order[i]]);
        int few = 0;
        while (few < kept && (few == 0 || sum < static_cast<double>(options.top_p) * total))
            sum += static_cast<double>(weights[order[few++]]);
        for (int i = few; i < vocab - 1; ++i) weights[order[i]] = 0.0f;
    }
    if (options.min_p > 0.0f)  // the most probable symbol has weight 1
        for (int j = 1; j < vocab; ++j) weights[j] = weights[j] < options.min_p ? 0.0f : weights[j];
}

struct Drawn {
    int32_t token;
    float logprob;  // under the model itself: temperature 1, no filter
};

// Draws by inversion: the first symbol at which the running sum passes `random` times the total.
inline Drawn draw(const float* logits, int width, int vocab, const Sequences& options, double random,
                  float* weights, int32_t* order) {
    if (options.temperature == 0.0f) {
        const int32_t best = most_probable(logits, vocab);
        return {best, logits[best] - log_sum_exp(logits, width)};
    }
    const float top = largest(logits, width);
    const Vec temperature = broadcast(options.temperature);
    // divided, not multiplied by the inverse: the inverse of the smallest temperatures is infinite
    for (int j = 0; j < width; j += kLanes)
        store(weights + j, exponential((load(logits + j) - top) / temperature));
    weights[0] = 0.0f;
    for (int j = vocab; j < width; ++j) weights[j] = 0.0f;
    const bool filtered = options.top_k > 0 || options.top_p < 1.0f || options.min_p > 0.0f;
    if (filtered) filter(weights, vocab, options, order);
    Vec sums{};
    for (int j = 0; j < width; j += kLanes) sums += load(weights + j);
    const float total = sum_lanes(sums);
    const bool plain = !filtered && options.temperature == 1.0f;
    const float normaliser = plain ? std::log(total) + top : log_sum_exp(logits, width);
    const double goal = random * static_cast<double>(total);
    double sum = 0.0;
    int32_t token = 1;  // never <pad>, not even from a network whose numbers have overflowed
    for (int32_t j = 1; j < vocab && sum <= goal; ++j) {
        if (weights[j] == 0.0f) continue;
        sum += static_cast<double>(weights[j]);
        token = j;  // at the end the last one that may be drawn: rounding may keep the sum below the goal
    }
    return {token, logits[token] - normaliser};
}

// One thread's sequences under way, one row each; a finished one gives its place to the next that waits.
class Writer {
 public:
    Writer(const Network& network, const Sequences& sequences) : net_(network), seq_(sequences) {}
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer() {
        delete[] states_;
        std::free(rows_);
        std::free(order_);
    }

    bool reserve(int room) {
        const size_t layers = net_.shape.num_layers, wide = static_cast<size_t>(room) * net_.width;
        room_ = room;
        states_ = new Buffer[layers * 2];
        rows_ = static_cast<Row*>(std::malloc(sizeof(Row) * room));
        order_ = static_cast<int32_t*>(std::malloc(sizeof(int32_t) * net_.vocab_width));
        bool ok = rows_ != nullptr && order_ != nullptr &&
                  gates_.reserve(static_cast<size_t>(room) * net_.row_floats()) &&
                  logits_.reserve(static_cast<size_t>(room) * net_.vocab_width) &&
                  weights_.reserve(net_.vocab_width);
        if (net_.shape.embedding_size > 0)
            ok = ok && embedded_.reserve(static_cast<size_t>(room) * net_.input_width);
        for (size_t i = 0; ok && i < layers * 2; ++i) ok = states_[i].reserve(wide) != nullptr;
        return ok;
    }

    // Takes sequences from the shared counter until none is left.
    void run(int* next) {
        for (;;) {
            while (active_ < room_) {
                const int index = __atomic_fetch_add(next, 1, __ATOMIC_RELAXED);
                if (index >= seq_.count) break;
                start(index);
            }
            if (active_ == 0) return;
            step();
        }
    }

 private:
    struct Row {
        int index;
        int32_t input;     // symbol to read in the next step
        int64_t position;  // of the next prompt symbol, in the prompts
        int32_t drawn;
    };

    const Network& net_;
    const Sequences& seq_;
    int room_ = 0, active_ = 0;
    Row* rows_ = nullptr;
    int32_t* order_ = nullptr;
    Buffer* states_ = nullptr;  // hidden state and cell state of each layer, (room, width)
    Buffer gates_, logits_, weights_, embedded_;

    float* state(int layer, int slot, int row) const {
        return states_[layer * 2 + slot].get() + static_cast<size_t>(row) * net_.width;
    }

    template <typename Copy>
    void each_state(int index, int row, Copy&& copy) const {
        const int hidden = net_.shape.hidden_size, slots = net_.plan.states;
        float* theirs = seq_.state + static_cast<size_t>(index) * net_.shape.num_layers * slots * hidden;
        for (int l = 0; l < net_.shape.num_layers; ++l)
            for (int s = 0; s < slots; ++s, theirs += hidden)
                copy(theirs, state(l, s, row), sizeof(float) * hidden);
    }

    void start(int index) {
        const int row = active_++;
        const int64_t first = seq_.prompt_starts[index];
        rows_[row] = {index, seq_.prompts[first], first + 1, 0};
        for (int l = 0; l < net_.shape.num_layers; ++l)
            for (int s = 0; s < 2; ++s) std::memset(state(l, s, row), 0, sizeof(float) * net_.width);
        each_state(index, row, [](float* from, float* to, size_t size) { std::memcpy(to, from, size); });
    }

    void finish(int row) {
        each_state(rows_[row].index, row,
                   [](float* to, float* from, size_t size) { std::memcpy(to, from, size); });
        seq_.lengths[rows_[row].index] = rows_[row].drawn;
        const int last = --active_;
        if (row == last) return;
        rows_[row] = rows_[last];
        for (int l = 0; l < net_.shape.num_layers; ++l)
            for (int s = 0; s < 2; ++s)
                std::memcpy(state(l, s, row), state(l, s, last), sizeof(float) * net_.width);
        std::memcpy(logits_.get() + static_cast<size_t>(row) * net_.vocab_width,
                    logits_.get() + static_cast<size_t>(last) * net_.vocab_width,
                    sizeof(float) * net_.vocab_width);
    }

    bool reads_prompt(const Row& row) const { return row.position < seq_.prompt_starts[row.index + 1]; }

    void step() {
        for (int l = 0; l < net_.shape.num_layers; ++l) step_layer(l);
        bool wanted = false;
        for (int r = 0; r < active_; ++r) wanted = wanted || !reads_prompt(rows_[r]);
        if (wanted) compute_logits(net_, active_, state(net_.shape.num_layers - 1, 0, 0), logits_.get());
        for (int r = active_; r-- > 0;)
            advance(r);  // backwards: finish() moves the last row, done already, to r
    }

    void step_layer(int layer) {
        float* gates = gates_.get();
        for (int r = 0; r < active_; ++r)
            net_.start_row(layer, rows_[r].input, gates + static_cast<size_t>(r) * net_.row_floats());
        if (layer > 0) net_.add_input(layer, active_, state(layer - 1, 0, 0), net_.width, gates);
        if (layer == 0 && net_.dense_input(0)) {
            for (int r = 0; r < active_; ++r)
                net_.embed(rows_[r].input, embedded_.get() + static_cast<size_t>(r) * net_.input_width);
            net_.add_input(0, active_, embedded_.get(), net_.input_width, gates);
        }
        float *hidden = state(layer, 0, 0), *cell = state(layer, 1, 0);
        step_forward(net_.shape, net_.plan, net_.weights[layer],
                     {active_, net_.width, gates, hidden, cell, hidden, cell, nullptr});
    }

    // Gives the row its next input: from the prompt, or drawn.
    void advance(int r) {
        Row& row = rows_[r];
        if (reads_prompt(row)) {
            row.input = seq_.prompts[row.position++];
            return;
        }
        if (row.drawn == seq_.max_new_tokens) return finish(r);
        const float* logits = logits_.get() + static_cast<size_t>(r) * net_.vocab_width;
        const uint64_t counter = static_cast<uint64_t>(seq_.drawn[row.index] + row.drawn);
        const Drawn drawn = draw(logits, net_.vocab_width, net_.shape.vocab_size, seq_,
                                 uniform(seq_.keys[row.index], counter), weights_.get(), order_);
        const size_t at = static_cast<size_t>(row.index) * seq_.max_new_tokens + row.drawn++;
        seq_.tokens[at] = drawn.token;
        seq_.logprobs[at] = drawn.logprob;
        row.input = drawn.token;
        if (drawn.token == seq_.end_id || row.drawn == seq_.max_new_tokens) finish(r);
    }
};

inline bool generate(Network& network, const Team& team, const Sequences& sequences) {
    constexpr int kRoom = 64;  // rows of a thread: enough for full tiles, few enough for the cache
    const int share = (sequences.count + team.size - 1) / team.size;
    int next = 0, failed = 0;
    run_team(team, [&](int) {
        Writer writer(network, sequences);
        if (writer.reserve(share < kRoom ? (share > 0 ? share : 1) : kRoom))
            writer.run(&next);
        else
            __atomic_store_n(&failed, 1, __ATOMIC_RELAXED);
    });
    return failed == 0;
}

}  // namespace unspool::UNSPOOL_ISA
