// Few sequences on many threads: the threads share the work of each step, instead of the sequences.
#pragma once

#include "dispatch/system.h"
#include "writing/rows.h"

namespace unspool::UNSPOOL_ISA {

// Returns the number of threads that share a step; the step of a small network takes less time than a meeting
// of threads.
inline int threads_worth(const Network& network, int size) {
    constexpr int64_t kLeast = 24576;  // recurrent weights for each thread
    constexpr int kMost = 8;
    const int64_t weights =
        static_cast<int64_t>(network.gate_columns()) * network.shape.hidden_size * network.shape.num_layers;
    const int64_t worth = weights / kLeast < kMost ? weights / kLeast : kMost;
    return worth < size ? static_cast<int>(worth) : size;
}

// Writes fewer sequences than there are threads. While thread 0 draws, the other threads compute the
// recurrent products of the next step, which do not depend on the drawn tokens; then each thread computes the
// cells of its own units. Two meetings a step for a single layer.
class SharedRows : public Rows {
 public:
    using Rows::Rows;
    ~SharedRows() { delete[] places_; }

    // Allocates memory for all sequences and for the gates of every layer, which are all active at once.
    bool reserve_shared(int rows, int threads) {
        if (threads != threads_) {  // they have met as often as each other
            delete[] places_;
            places_ = new OwnLine[threads];
            threads_ = threads;
        }
        keeps_rows_ = true;
        for (int i = 1; i < threads; ++i)
            if (!reserve_rounded(net_, net_.shape.inference, places_[i].rounded)) return false;
        return reserve(rows) &&
               gates_.reserve(static_cast<size_t>(net_.shape.num_layers) * rows * net_.row_floats());
    }

    bool failed() const { return failed_; }

    // Called by every thread of the team; threads beyond the useful number return at once.
    void run(const Work& work, int thread) {
        if (thread >= threads_) return;
        rounded_rows = places_[thread].rounded.words();
        if (thread == 0) {
            begin(work);
            taken_[0].value = 0;
            for (int i = 0; i < work.count; ++i) take(*work.sequences[i]);
            for (int l = 0; l < net_.shape.num_layers; ++l) start_gates(l, 0, net_.width);
        }
        meet(thread);
        for (int turn = 0;; turn ^= 1) {
            share_recurrent(thread, turn);
            meet(thread);
            if (unfinished_ == 0 || failed_) return;
            if (thread == 0) taken_[turn ^ 1].value = 0;
            for (int l = 0; l < net_.shape.num_layers; ++l) share_layer(l, thread);
            if (thread == 0) next_inputs();
        }
    }

 private:
    struct alignas(64) OwnLine {  // a cache line of its own
        int64_t value = 0;
        Buffer rounded;  // rows of a left side; thread 0 has those of all `Rows`
    };

    static constexpr int kPiece = 4;  // number of panels multiplied at once

    int threads_ = 0;
    OwnLine* places_ = nullptr;  // number of meetings that each thread has reached
    OwnLine taken_[2];           // number of pieces taken from the share of thread 0, for two steps in turn

    // Waits for all threads. A meeting takes less time than a thread needs to fall asleep; if a thread has
    // no processor, the others yield.
    void meet(int thread) {
        const int64_t round = places_[thread].value + 1;
        __atomic_store_n(&places_[thread].value, round, __ATOMIC_RELEASE);
        for (int t = 0; t < threads_; ++t)
            for (int spin = 0; __atomic_load_n(&places_[t].value, __ATOMIC_ACQUIRE) < round; ++spin)
                if (spin > 2000) yield();
    }

    float* gates(int layer) const {
        return gates_.get() + static_cast<size_t>(layer) * active_ * net_.row_floats();
    }

    // Sets the gates of units [first, last) to the bias.
    void start_gates(int layer, int first, int last) {
        for (int r = 0; r < active_; ++r)
            for (int slot = 0; slot < net_.plan.slots; ++slot) {
                const size_t at = static_cast<size_t>(slot) * net_.width + first;
                std::memcpy(gates(layer) + static_cast<size_t>(r) * net_.row_floats() + at,
                            bias(layer, r) + at, sizeof(float) * (last - first));
            }
    }

    // Adds the recurrent products of all layers: each thread computes its own units first, and then the rest
    // of thread 0's units, since thread 0 comes later.
    void share_recurrent(int thread, int turn) {
        const int panels = net_.weights[0].recurrent.count(), in_layer = (panels + kPiece - 1) / kPiece;
        const int pieces = in_layer * net_.shape.num_layers;
        int rounded = -1;  // the layer whose state this thread has rounded
        const auto owner = [&](int piece) {
            const int unit = piece % in_layer * kPiece * kPanel % net_.width;
            return static_cast<int>(static_cast<int64_t>(unit) * threads_ / net_.width);
        };
        const auto compute = [&](int piece) {
            const int layer = piece / in_layer, first = piece % in_layer * kPiece;
            const int last = first + kPiece < panels ? first + kPiece : panels;
            multiply(active_, state(layer, 0, 0), net_.width, net_.weights[layer].recurrent, first, last,
                     gates(layer), net_.row_floats(), true, layer == rounded);
            rounded = layer;
        };
        for (int piece = 0; thread > 0 && piece < pieces; ++piece)
            if (owner(piece) == thread) compute(piece);
        for (;;) {
            const int64_t piece = __atomic_fetch_add(&taken_[turn].value, 1, __ATOMIC_RELAXED);
            if (piece >= pieces) return;
            if (owner(static_cast<int>(piece)) == 0) compute(static_cast<int>(piece));
        }
    }

    // Adds the input products, divided by panels: after the next meeting a thread may read all its gates.
    void share_input(int layer, int thread) {
        if (layer == 0) {
            if (thread == 0) layer_input(0);
            meet(thread);
        }
        const float* input = layer > 0 ? output(layer - 1, 0) : embedded_.get();
        for (int g = 0; g < net_.plan.inputs; ++g) {
            const Panels& panels = net_.weights[layer].input[g];
            const Part part = part_of(panels.count(), threads_, thread);
            multiply(active_, input, input_stride(layer), panels, part.first, part.last,
                     gates(layer) + net_.plan.input[g].slot * net_.width, net_.row_floats(), true);
        }
        meet(thread);
    }

    // Computes the units of this thread in a layer, and prepares their gates for the next step.
    void share_layer(int layer, int thread) {
        if (net_.dense_input(layer)) share_input(layer, thread);
        const Part vectors = part_of(net_.width / kLanes, threads_, thread);
        const int first = vectors.first * kLanes, last = vectors.last * kLanes;
        const int real = last < net_.shape.hidden_size ? last : net_.shape.hidden_size;
        for (int r = 0; r < active_ && !net_.dense_input(layer); ++r)
            net_.add_row(layer, rows_[r].sequence->input,
                         gates(layer) + static_cast<size_t>(r) * net_.row_floats(), first, real);
        compute_cells(layer, gates(layer), first, last);
        start_gates(layer, first, last);
        meet(thread);
    }
};

}  // namespace unspool::UNSPOOL_ISA
