// The active sequences of one thread: each has a row, and reads or draws one token a step.
#pragma once

#include <cstdlib>

#include "network/rounding.h"
#include "writing/counts.h"
#include "writing/draw.h"

namespace unspool::UNSPOOL_ISA {

// The work of one call of `advance`.
struct Work {
    Sequence* const* sequences;
    int count;
    int64_t steps;
};

inline void release(Report& report) {
    std::free(report.tokens);
    std::free(report.logprobs);
    std::free(report.constrained);
    std::free(report.alternatives);
    std::free(report.alternative_logs);
    report = {};
}

// Frees the memory that the kernels keep for a sequence.
inline void release_sequence(Sequence& sequence) {
    release(sequence.drawn);
    release(sequence.echo);
    std::free(sequence.state);
    std::free(sequence.memory);
    delete static_cast<History*>(sequence.history);
    sequence.state = nullptr;
    sequence.memory = nullptr;
    sequence.history = nullptr;
}

// Makes room in a report for one more token.
inline bool reserve_one(Report& report, const Settings& settings, bool guided) {
    if (report.count < report.room) return true;
    const int64_t room = report.room == 0 ? 32 : 2 * report.room, wide = room * settings.alternatives;
    report.room = room;
    return enlarge(report.tokens, room) && enlarge(report.logprobs, room) &&
           (!guided || enlarge(report.constrained, room)) &&
           (wide == 0 || (enlarge(report.alternatives, wide) && enlarge(report.alternative_logs, wide)));
}

// The rows of one thread. A sequence that has ended, or has made its steps, frees its row for the next one.
class Rows {
 public:
    explicit Rows(const Network& network) : net_(network), drawer_(network) {}
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;
    ~Rows() {
        delete[] states_;
        std::free(rows_);
    }

    bool reserve(int room) {
        if (room <= room_) return true;
        const size_t layers = net_.shape.num_layers, wide = static_cast<size_t>(room) * net_.width;
        if (states_ == nullptr) states_ = new Buffer[layers * 2];
        bool ok = enlarge(rows_, room) && drawer_.reserve() &&
                  mixer_.reserve(net_.shape.vocab_size, net_.vocab_width) &&
                  reserve_rounded(net_, net_.shape.inference, rounded_) &&
                  gates_.reserve(static_cast<size_t>(room) * net_.row_floats()) &&
                  biases_.reserve(static_cast<size_t>(room) * net_.row_floats()) &&
                  logits_.reserve(static_cast<size_t>(room) * net_.vocab_width);
        if (net_.shape.residual) ok = ok && sums_.reserve(wide);
        if (net_.shape.embedding_size > 0)
            ok = ok && embedded_.reserve(static_cast<size_t>(room) * net_.input_width);
        for (size_t i = 0; ok && i < layers * 2; ++i) ok = states_[i].reserve(wide) != nullptr;
        if (ok) room_ = room;
        return ok;
    }

    // Takes up to this many sequences at a time from the shared counter, until none is left; false if there
    // is no memory left.
    bool run(const Work& work, int rows, int* next) {
        begin(work);
        for (;;) {
            while (active_ < rows) {
                const int index = __atomic_fetch_add(next, 1, __ATOMIC_RELAXED);
                if (index >= work.count) break;
                take(*work.sequences[index]);
            }
            if (active_ == 0 || failed_) return !failed_;
            step();
        }
    }

 protected:
    struct Row {
        Sequence* sequence;
        int64_t steps;  // steps left in this call
        bool done;
    };

    const Network& net_;
    Drawer drawer_;
    CountMixer mixer_;
    int room_ = 0, active_ = 0, unfinished_ = 0;
    int64_t steps_ = 0;        // of each sequence in this call
    bool failed_ = false;      // for want of memory
    bool keeps_rows_ = false;  // a finished row keeps its place, and no other row takes it
    Row* rows_ = nullptr;
    Buffer* states_ = nullptr;  // hidden state and cell state of each layer, (room, width)
    Buffer gates_, logits_, embedded_;
    Buffer biases_;   // first-layer biases of the rows with a context
    Buffer sums_;     // (room, width): output of the present layer of a residual network
    Buffer rounded_;  // rows of a left side

    void begin(const Work& work) {
        rounded_rows = rounded_.words();
        steps_ = work.steps;
        active_ = unfinished_ = 0;
        failed_ = false;
    }

    float* state(int layer, int slot, int row) const {
        return states_[layer * 2 + slot].get() + static_cast<size_t>(row) * net_.width;
    }

    // Calls copy(part in the sequence, part in the row, bytes) for each part of a state (layers, states,
    // hidden).
    template <typename Floats, typename Copy>
    void each_state(Floats* sequence, int row, Copy&& copy) const {
        const int hidden = net_.shape.hidden_size;
        for (int l = 0; l < net_.shape.num_layers; ++l)
            for (int s = 0; s < net_.plan.states; ++s, sequence += hidden)
                copy(sequence, state(l, s, row), sizeof(float) * hidden);
    }

    float* logits_of(int row) const { return logits_.get() + static_cast<size_t>(row) * net_.vocab_width; }
    float* own_bias(int row) const { return biases_.get() + static_cast<size_t>(row) * net_.row_floats(); }

    // Returns the bias of a layer for a row, as a row of gates.
    const float* bias(int layer, int row) const {
        const bool own = layer == 0 && rows_[row].sequence->settings->first_bias != nullptr;
        return own ? own_bias(row) : net_.weights[layer].bias.get();
    }

    // Puts a sequence into the next row.
    void take(Sequence& s) {
        const Settings& settings = *s.settings;
        const int row = active_++;
        rows_[row] = {&s, steps_, false};
        ++unfinished_;
        if (settings.first_bias != nullptr) net_.pack_bias(0, settings.first_bias, own_bias(row));
        for (int l = 0; l < net_.shape.num_layers; ++l)
            for (int slot = 0; slot < 2; ++slot)
                std::memset(state(l, slot, row), 0, sizeof(float) * net_.width);
        const float* from = s.state != nullptr ? s.state : s.start;
        if (from != nullptr)
            each_state(from, row,
                       [](const float* theirs, float* to, size_t size) { std::memcpy(to, theirs, size); });
        if (s.begun) return;
        s.begun = true;
        if (!begin_memory(s) || !begin_history(s)) return fail();
        if (!settings.from_state) {
            s.input = s.prompt[s.position++];
            return;
        }
        for (int l = 0; l < net_.shape.num_layers; ++l) hand_on(l, row, row + 1, 0, net_.width);
        compute_logits(net_, 1, output(net_.shape.num_layers - 1, row), logits_of(row));
        mix(s, logits_of(row));
        advance(row);
    }

    bool begin_memory(Sequence& s) {
        const DrawStages& samplers = s.settings->samplers;
        bool remembers = false;
        for (int i = 0; i < samplers.count; ++i)
            remembers = remembers || sampler_row(samplers.stages[i].row)->first != nullptr;
        if (!remembers) return true;
        if (!enlarge(s.memory, samplers.count)) return false;
        for (int i = 0; i < samplers.count; ++i) {
            const SamplerRow* row = sampler_row(samplers.stages[i].row);
            s.memory[i] = row->first == nullptr ? 0.0 : row->first(samplers.stages[i]);
        }
        return true;
    }

    bool begin_history(Sequence& s) {
        if (s.settings->penalties.count == 0) return true;
        History* history = new History;
        s.history = history;
        return history->reserve(*s.settings, net_.shape.vocab_size, net_.vocab_width) &&
               history->begin(s.prompt, s.prompt_length);
    }

    void fail() { failed_ = true; }

    // Keeps a sequence for the next call.
    void pause(int row) {
        Sequence& s = *rows_[row].sequence;
        const int64_t floats =
            static_cast<int64_t>(net_.shape.num_layers) * net_.plan.states * net_.shape.hidden_size;
        if (s.state == nullptr && !enlarge(s.state, floats)) return fail();
        each_state(s.state, row,
                   [](float* theirs, float* from, size_t size) { std::memcpy(theirs, from, size); });
        leave(row);
    }

    // Moves the last row to the place of this row.
    void leave(int row) {
        --unfinished_;
        if (keeps_rows_) {
            rows_[row].done = true;
            return;
        }
        const int last = --active_;
        if (row == last) return;
        rows_[row] = rows_[last];
        for (int l = 0; l < net_.shape.num_layers; ++l)
            for (int s = 0; s < 2; ++s)
                std::memcpy(state(l, s, row), state(l, s, last), sizeof(float) * net_.width);
        std::memcpy(logits_of(row), logits_of(last), sizeof(float) * net_.vocab_width);
        if (bias(0, row) == own_bias(row))
            std::memcpy(own_bias(row), own_bias(last), sizeof(float) * net_.row_floats());
    }

    static bool reads_prompt(const Sequence& s) { return s.position < s.prompt_length; }

    void step() {
        for (int l = 0; l < net_.shape.num_layers; ++l) step_layer(l);
        next_inputs();
    }

    void next_inputs() {
        bool wanted = false;
        for (int r = 0; r < active_ && !wanted; ++r)
            wanted =
                !rows_[r].done && (rows_[r].sequence->settings->echo || !reads_prompt(*rows_[r].sequence));
        if (wanted) compute_logits(net_, active_, output(net_.shape.num_layers - 1, 0), logits_.get());
        for (int r = active_;
             r-- > 0;) {  // backwards: leave() moves the last row, which is done already, to r
            Sequence& s = *rows_[r].sequence;
            if (!rows_[r].done && s.settings->counts != nullptr) {
                std::memmove(s.recent + 1, s.recent, sizeof(int32_t) * (kMostOrder - 1));
                s.recent[0] = s.input;
                if (wanted) mix(s, logits_of(r));
            }
            advance(r);
        }
    }

    void mix(const Sequence& s, float* logits) {
        const bool used = s.settings->echo || !reads_prompt(s);
        if (used && s.settings->counts != nullptr) mixer_.mix(*s.settings->counts, s.recent, logits);
    }

    // Sums run in the order bias, recurrent product, input, as in `Together`: a text has the same bits there.
    void step_layer(int layer) {
        const size_t stride = net_.row_floats();
        float* gates = gates_.get();
        for (int r = 0; r < active_; ++r)
            std::memcpy(gates + r * stride, bias(layer, r), sizeof(float) * stride);
        multiply(active_, state(layer, 0, 0), net_.width, net_.weights[layer].recurrent, gates, stride, true);
        if (net_.dense_input(layer))
            net_.add_input(layer, active_, layer_input(layer), input_stride(layer), gates);
        else
            for (int r = 0; r < active_; ++r)
                net_.add_row(layer, rows_[r].sequence->input, gates + r * stride, 0, net_.shape.hidden_size);
        compute_cells(layer, gates, 0, net_.width);
    }

    // Computes units [first, last) of the layer's new state.
    void compute_cells(int layer, float* gates, int first, int last) {
        float *hidden = state(layer, 0, 0), *cell = state(layer, 1, 0);
        cell_forward(net_.shape, net_.plan, net_.weights[layer],
                     {active_, net_.width, first, last, gates, hidden, cell, hidden, cell, nullptr});
        hand_on(layer, 0, active_, first, last);
    }

    // Adds units [first, last) of a residual layer's new state to the output of the layer below.
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

    // Returns the output of a layer, valid until the cells of the next layer are computed.
    const float* output(int layer, int row) const {
        return net_.shape.residual ? sums_.get() + static_cast<size_t>(row) * net_.width
                                   : state(layer, 0, row);
    }

    // Returns the input of a layer with a dense input: the output of the layer below, or the embeddings.
    const float* layer_input(int layer) {
        if (layer > 0) return output(layer - 1, 0);
        for (int r = 0; r < active_; ++r)
            net_.embed(rows_[r].sequence->input, embedded_.get() + static_cast<size_t>(r) * net_.input_width);
        return embedded_.get();
    }

    int input_stride(int layer) const { return layer > 0 ? net_.width : net_.input_width; }

    // Gives the row its next input, or frees the row if the sequence has ended or has made its steps.
    void advance(int r) {
        Row& row = rows_[r];
        if (row.done) return;
        Sequence& s = *row.sequence;
        s.finish = reads_prompt(s) ? read(s, logits_of(r)) : draw(s, logits_of(r));
        if (s.finish != Finish::kGoesOn)
            leave(r);
        else if (--row.steps == 0)
            pause(r);
    }

    // Reads the next token of the prompt.
    Finish read(Sequence& s, const float* logits) {
        const int32_t token = s.prompt[s.position++];
        s.input = token;
        if (!s.settings->echo) return Finish::kGoesOn;
        if (!are_finite(net_, logits)) return Finish::kOverflow;
        const float normaliser = log_sum_exp(logits, net_.vocab_width);
        const float logprob = token < net_.shape.vocab_size ? logits[token] - normaliser : 0.0f;
        report(s.echo, *s.settings, false, {token, logprob, 0.0f}, logits, normaliser);
        return Finish::kGoesOn;
    }

    // Draws the next token.
    Finish draw(Sequence& s, const float* logits) {
        if (!are_finite(net_, logits)) return Finish::kOverflow;
        const Settings& settings = *s.settings;
        History* history = static_cast<History*>(s.history);
        const double random = uniform(s.key, static_cast<uint64_t>(s.length));
        const Drawn drawn =
            drawer_.draw(logits, settings, {s.length, random, s.guide_state, history, s.key, s.memory});
        if (drawn.token < 0) return Finish::kBlocked;
        ++s.length;
        s.input = drawn.token;
        report(s.drawn, settings, settings.guide.classes != nullptr, drawn, logits,
               logits[drawn.token] - drawn.logprob);
        if (drawn.token == settings.end_id) return Finish::kEnd;
        if (history != nullptr && !history->add(drawn.token)) fail();
        if (follow(s, drawn.token)) return Finish::kStop;
        return s.length == settings.max_new_tokens ? Finish::kLength : Finish::kGoesOn;
    }

    // Advances the automata of the sequence by one token; returns whether a stop string ends it there.
    static bool follow(Sequence& s, int32_t token) {
        const Automaton &guide = s.settings->guide, &stop = s.settings->stop;
        const auto after = [token](const Automaton& automaton, int32_t state) {
            return automaton
                .transitions[static_cast<size_t>(state) * automaton.num_classes + automaton.classes[token]];
        };
        if (guide.classes != nullptr) s.guide_state = after(guide, s.guide_state);
        if (stop.classes == nullptr) return false;
        s.stop_state = after(stop, s.stop_state);
        if (s.stop_state >= 0) return false;
        s.stop_state = stop.start;
        const bool accepted = guide.classes == nullptr || guide.distance[s.guide_state] == 0;
        const DrawStage* least = find_stage(s.settings->penalties, penalty_row, "min_tokens");
        return accepted && (least == nullptr || static_cast<double>(s.length) >= least->numbers[0]);
    }

    // Adds the token at a place to the report.
    void report(Report& to, const Settings& settings, bool guided, const Drawn& token, const float* logits,
                float normaliser) {
        if (!reserve_one(to, settings, guided)) return fail();
        const int64_t at = to.count++;
        to.tokens[at] = token.token;
        to.logprobs[at] = token.logprob;
        if (guided) to.constrained[at] = token.constrained;
        if (settings.alternatives == 0) return;
        const int64_t first = at * settings.alternatives;
        drawer_.report(logits, normaliser, settings.alternatives, to.alternatives + first,
                       to.alternative_logs + first);
    }
};

}  // namespace unspool::UNSPOOL_ISA
