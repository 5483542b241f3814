// The writer of sequences: packed weights, and rows that sequences are put into for each call.
#pragma once

#include "writing/write_by_units.h"

namespace unspool::UNSPOOL_ISA {

class Writer {
 public:
    explicit Writer(const Shape& shape) : network_(shape), shared_(network_) {}
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer() {
        for (int i = 0; i < threads_; ++i) delete rows_[i];
        delete[] rows_;
    }

    bool load(Arrays parameters) { return network_.load_parameters(parameters); }

    // Returns false if there is no memory left; the sequences must then not be used any more.
    bool advance(const Team& team, const Work& work) {
        if (work.count == 0) return true;
        const int worth = threads_worth(network_, team.size);
        if (work.count < worth && !network_.plan.two_products) {
            if (!shared_.reserve_shared(work.count, worth)) return false;
            run_team(team, [&](int thread) { shared_.run(work, thread); });
            return !shared_.failed();
        }
        return advance_apart(team, work);
    }

 private:
    Network network_;
    SharedRows shared_;
    Rows** rows_ = nullptr;  // the rows of each thread
    int threads_ = 0;

    // Makes the rows of so many threads; those of fewer are kept.
    void make_rows(int threads) {
        if (threads <= threads_) return;
        Rows** const more = new Rows* [threads] {};
        for (int i = 0; i < threads; ++i) more[i] = i < threads_ ? rows_[i] : new Rows(network_);
        delete[] rows_;
        rows_ = more;
        threads_ = threads;
    }

    // Each thread takes its own sequences.
    bool advance_apart(const Team& team, const Work& work) {
        constexpr int kRoom = 64;  // rows of a thread: enough for full tiles, and few enough for the cache
        const int share = (work.count + team.size - 1) / team.size, rows = share < kRoom ? share : kRoom;
        make_rows(team.size);
        int next = 0, failed = 0;
        run_team(team, [&](int thread) {
            if (!rows_[thread]->reserve(rows) || !rows_[thread]->run(work, rows, &next))
                __atomic_store_n(&failed, 1, __ATOMIC_RELAXED);
        });
        return failed == 0;
    }
};

}  // namespace unspool::UNSPOOL_ISA
