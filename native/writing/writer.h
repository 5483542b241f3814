// The loop that writes whole texts.
#pragma once

#include "writing/draw.h"

namespace unspool::UNSPOOL_ISA {

// One thread's sequences under way, one row each; a finished one gives its place to the next that waits.
class Writer {
 public:
    Writer(const Network& network, const Sequences& sequences, const Decoding& decoding)
        : net_(network), seq_(sequences), decoding_(decoding), drawer_(network, decoding, sequences.end_id) {
        const DrawStage* least = find_stage(decoding.penalties, penalty_row, "min_tokens");
        if (least != nullptr) min_tokens_ = static_cast<int64_t>(least->numbers[0]);
    }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer() {
        delete[] states_;
        delete[] histories_;
        std::free(rows_);
    }

    bool reserve(int room) {
        const size_t layers = net_.shape.num_layers, wide = static_cast<size_t>(room) * net_.width;
        room_ = room;
        states_ = new Buffer[layers * 2];
        rows_ = static_cast<Row*>(std::malloc(sizeof(Row) * room));
        histories_ = new History[room];
        bool ok = rows_ != nullptr && drawer_.reserve() &&
                  gates_.reserve(static_cast<size_t>(room) * net_.row_floats()) &&
                  logits_.reserve(static_cast<size_t>(room) * net_.vocab_width);
        for (int r = 0; ok && r < room; ++r) {
            rows_[r].history = r;
            ok = histories_[r].reserve(decoding_, net_.shape.vocab_size, net_.vocab_width);
        }
        if (net_.shape.residual) ok = ok && sums_.reserve(wide);
        if (net_.shape.embedding_size > 0)
            ok = ok && embedded_.reserve(static_cast<size_t>(room) * net_.input_width);
        for (size_t i = 0; ok && i < layers * 2; ++i) ok = states_[i].reserve(wide) != nullptr;
        return ok;
    }

    // Takes sequences from the shared counter until none is left; false if there is no memory left.
    bool run(int* next) {
        for (;;) {
            while (active_ < room_) {
                const int index = __atomic_fetch_add(next, 1, __ATOMIC_RELAXED);
                if (index >= seq_.count) break;
                if (!start(index)) return false;
            }
            if (active_ == 0) return true;
            step();
        }
    }

 protected:
    struct Row {
        int index;
        int32_t input;     // symbol to read in the next step
        int64_t position;  // of the next prompt symbol, in the prompts
        int32_t drawn;
        int32_t guide_state, stop_state;
        int history;  // which of histories_ is the row's own
        bool done;
    };

    const Network& net_;
    const Sequences& seq_;
    const Decoding& decoding_;
    Drawer drawer_;
    int64_t min_tokens_ = 0;  // before which no stop string ends a text
    int room_ = 0, active_ = 0, unfinished_ = 0;
    bool keeps_rows_ = false;  // a finished row stays where it is, and no other takes its place
    Row* rows_ = nullptr;
    History* histories_ = nullptr;
    Buffer* states_ = nullptr;  // hidden state and cell state of each layer, (room, width)
    Buffer gates_, logits_, embedded_;
    Buffer sums_;  // (room, width): what a residual network's layer in hand hands on

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

    float* logits_of(int row) const { return logits_.get() + static_cast<size_t>(row) * net_.vocab_width; }

    bool start(int index) {
        const int row = active_++;
        const int64_t first = seq_.prompt_starts[index], before = seq_.context_starts[index];
        const int history = rows_[row].history;
        const int32_t guide = seq_.guide_states == nullptr ? 0 : seq_.guide_states[index];
        const int32_t stop = seq_.stop_states == nullptr ? 0 : seq_.stop_states[index];
        rows_[row] = {index, 0, first, 0, guide, stop, history, false};
        ++unfinished_;
        if (!histories_[history].begin(seq_.context + before, seq_.context_starts[index + 1] - before,
                                       seq_.drawn[index], seq_.max_new_tokens))
            return false;
        for (int l = 0; l < net_.shape.num_layers; ++l)
            for (int s = 0; s < 2; ++s) std::memset(state(l, s, row), 0, sizeof(float) * net_.width);
        each_state(index, row, [](float* from, float* to, size_t size) { std::memcpy(to, from, size); });
        if (!seq_.from_state) {
            rows_[row].input = seq_.prompts[rows_[row].position++];
            return true;
        }
        for (int l = 0; l < net_.shape.num_layers; ++l) hand_on(l, row, row + 1, 0, net_.width);
        compute_logits(net_, 1, output(net_.shape.num_layers - 1, row), logits_of(row));
        advance(row);
        return true;
    }

    void finish(int row, Finish reason) {
        const Row done = rows_[row];
        each_state(done.index, row, [](float* to, float* from, size_t size) { std::memcpy(to, from, size); });
        seq_.lengths[done.index] = done.drawn;
        seq_.reasons[done.index] = reason;
        if (seq_.guide_states != nullptr) seq_.guide_states[done.index] = done.guide_state;
        if (seq_.stop_states != nullptr) seq_.stop_states[done.index] = done.stop_state;
        --unfinished_;
        if (keeps_rows_) {
            rows_[row].done = true;
            return;
        }
        const int last = --active_;
        if (row == last) return;
        rows_[row] = rows_[last];
        rows_[last].history = done.history;
        for (int l = 0; l < net_.shape.num_layers; ++l)
            for (int s = 0; s < 2; ++s)
                std::memcpy(state(l, s, row), state(l, s, last), sizeof(float) * net_.width);
        std::memcpy(logits_of(row), logits_of(last), sizeof(float) * net_.vocab_width);
    }

    bool echoes() const { return seq_.echo.logprobs != nullptr; }
    bool reads_prompt(const Row& row) const { return row.position < seq_.prompt_starts[row.index + 1]; }

    void step() {
        for (int l = 0; l < net_.shape.num_layers; ++l) step_layer(l);
        next_inputs();
    }

    void next_inputs() {
        bool wanted = false;
        for (int r = 0; r < active_; ++r)
            wanted = wanted || (!rows_[r].done && (echoes() || !reads_prompt(rows_[r])));
        if (wanted) compute_logits(net_, active_, output(net_.shape.num_layers - 1, 0), logits_.get());
        for (int r = active_; r-- > 0;)
            advance(r);  // backwards: finish() moves the last row, done already, to r
    }

    // Sums run in the order bias, recurrent product, input, as in `Together`: a text has the same bits there.
    void step_layer(int layer) {
        const size_t stride = net_.row_floats();
        float* gates = gates_.get();
        for (int r = 0; r < active_; ++r)
            std::memcpy(gates + r * stride, net_.weights[layer].bias.get(), sizeof(float) * stride);
        multiply(active_, state(layer, 0, 0), net_.width, net_.weights[layer].recurrent, gates, stride, true);
        if (net_.dense_input(layer))
            net_.add_input(layer, active_, layer_input(layer), input_stride(layer), gates);
        else
            for (int r = 0; r < active_; ++r)
                net_.add_row(layer, rows_[r].input, gates + r * stride, 0, net_.shape.hidden_size);
        compute_cells(layer, gates, 0, net_.width);
    }

    // Computes units [first, last) of the layer's new state.
    void compute_cells(int layer, float* gates, int first, int last) {
        float *hidden = state(layer, 0, 0), *cell = state(layer, 1, 0);
        cell_forward(net_.shape, net_.plan, net_.weights[layer],
                     {active_, net_.width, first, last, gates, hidden, cell, hidden, cell, nullptr});
        hand_on(layer, 0, active_, first, last);
    }

    // Adds units [first, last) of a residual layer's new state to what the layer below has handed on.
    void hand_on(int layer, int first_row, int last_row, int first, int last) {
        for (int r = first_row; net_.shape.residual && r < last_row; ++r) {
            float* sum = sums_.get() + static_cast<size_t>(r) * net_.width;
            const float* hidden = state(layer, 0, r);
            if (layer == 0)
                std::memcpy(sum + first, hidden + first, sizeof(float) * (last - first));
            else
                Network::add_rows(last - first, hidden + first, sum + first, sum + first);
        }
    }

    // What a layer hands on once its cells are computed, until those of the next layer are.
    const float* output(int layer, int row) const {
        return net_.shape.residual ? sums_.get() + static_cast<size_t>(row) * net_.width
                                   : state(layer, 0, row);
    }

    // What a layer with a dense input reads: the output of the layer below, or the symbols' embeddings.
    const float* layer_input(int layer) {
        if (layer > 0) return output(layer - 1, 0);
        for (int r = 0; r < active_; ++r)
            net_.embed(rows_[r].input, embedded_.get() + static_cast<size_t>(r) * net_.input_width);
        return embedded_.get();
    }

    int input_stride(int layer) const { return layer > 0 ? net_.width : net_.input_width; }

    // Gives the row its next input: from the prompt, or drawn.
    void advance(int r) {
        Row& row = rows_[r];
        if (row.done) return;
        const float* logits = logits_of(r);
        if (reads_prompt(row)) {
            const int32_t symbol = seq_.prompts[row.position];
            if (echoes()) {
                if (!are_finite(net_, logits)) return finish(r, Finish::kOverflow);
                report(seq_.echo, row.position, logits, symbol);
            }
            row.input = symbol;
            ++row.position;
            return;
        }
        if (row.drawn == seq_.max_new_tokens) return finish(r, Finish::kLength);
        if (!are_finite(net_, logits)) return finish(r, Finish::kOverflow);
        History& history = histories_[row.history];
        const int64_t before = seq_.drawn[row.index] + row.drawn;
        const double random = uniform(seq_.keys[row.index], static_cast<uint64_t>(before));
        const Drawn drawn =
            drawer_.draw(logits, {before, seq_.limit - before, random, row.guide_state, &history});
        if (drawn.token < 0) return finish(r, Finish::kBlocked);
        const int64_t at = static_cast<int64_t>(row.index) * seq_.max_new_tokens + row.drawn++;
        seq_.tokens[at] = drawn.token;
        seq_.report.logprobs[at] = drawn.logprob;
        if (seq_.report.constrained != nullptr) seq_.report.constrained[at] = drawn.constrained;
        if (seq_.report.alternatives != nullptr)
            report_alternatives(seq_.report, at, logits, logits[drawn.token] - drawn.logprob);
        row.input = drawn.token;
        if (drawn.token == seq_.end_id) return finish(r, Finish::kEnd);
        history.add(drawn.token);
        if (follow(row, drawn.token)) return finish(r, Finish::kStop);
        if (row.drawn == seq_.max_new_tokens) finish(r, Finish::kLength);
    }

    // Takes the row's automata one symbol further; says whether a stop string ends it there.
    bool follow(Row& row, int32_t token) const {
        const Automaton &guide = decoding_.guide, &stop = decoding_.stop;
        const auto after = [token](const Automaton& automaton, int32_t state) {
            return automaton
                .transitions[static_cast<size_t>(state) * automaton.num_classes + automaton.classes[token]];
        };
        if (guide.classes != nullptr) row.guide_state = after(guide, row.guide_state);
        if (stop.classes == nullptr) return false;
        row.stop_state = after(stop, row.stop_state);
        if (row.stop_state >= 0) return false;
        row.stop_state = stop.start;
        const bool accepted = guide.classes == nullptr || guide.distance[row.guide_state] == 0;
        return accepted && seq_.drawn[row.index] + row.drawn >= min_tokens_;
    }

    // Tells about one place where `symbol` stands.
    void report(const Report& to, int64_t at, const float* logits, int32_t symbol) {
        const float normaliser = log_sum_exp(logits, net_.vocab_width);
        to.logprobs[at] = symbol < net_.shape.vocab_size ? logits[symbol] - normaliser : 0.0f;
        if (to.alternatives != nullptr) report_alternatives(to, at, logits, normaliser);
    }

    void report_alternatives(const Report& to, int64_t at, const float* logits, float normaliser) {
        const int64_t first = at * decoding_.alternatives;
        drawer_.report(logits, normaliser, to.alternatives + first, to.alternative_logs + first);
    }
};

}  // namespace unspool::UNSPOOL_ISA
