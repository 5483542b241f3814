// The table of functions of one instruction set. One source file per set includes it, and defines the name of
// the set (UNSPOOL_ISA), the floats of a vector (UNSPOOL_LANES), the rows of a tile (UNSPOOL_ROWS) and the
// name of the function to define.

#include "network/backward.h"
#include "network/optimizer.h"
#include "text/blake2b.h"
#include "writing/writer.h"

namespace unspool::UNSPOOL_ISA {
namespace {

#define UNSPOOL_STRING_(x) #x
#define UNSPOOL_STRING(x) UNSPOOL_STRING_(x)

Network& as_network(void* network) { return *static_cast<Network*>(network); }

bool step(void* handle, const Team& team, Arrays parameters, const Batch& batch, float* state, double* total,
          int64_t* count, float* losses, float* const* gradients) {
    Network& network = as_network(handle);
    const int64_t rows = static_cast<int64_t>(batch.steps) * batch.lanes;
    *count = 0;
    for (int64_t r = 0; r < rows; ++r) *count += batch.targets[r] != 0;
    network.bind(parameters, gradients);
    if (!run_window(network, team, batch, state, losses, nullptr, gradients != nullptr, *count)) return false;
    *total = 0.0;
    for (int64_t r = 0; r < rows; ++r) *total += static_cast<double>(network.row_losses.get()[r]);
    if (losses != nullptr) std::memcpy(losses, network.row_losses.get(), sizeof(float) * rows);
    return true;
}

bool logits(void* handle, const Team& team, Arrays parameters, const Batch& batch, float* state, float* out) {
    Network& network = as_network(handle);
    const bool loaded = parameters == nullptr;
    if (!loaded) network.bind(parameters, nullptr);
    return run_window(network, team, batch, state, nullptr, out, false, 0, loaded);
}

// Copies rows to memory where consecutive rows are `to_stride` floats apart.
void copy_rows(int rows, int columns, const float* from, size_t from_stride, float* to, size_t to_stride) {
    for (int r = 0; r < rows; ++r)
        std::memcpy(to + r * to_stride, from + r * from_stride, sizeof(float) * columns);
}

bool plain_multiply_transposed(bool bf16, int m, int n, int k, const float* a, const float* b, float* c) {
    const int rows = round_up(m, kLanes), columns = round_up(n, kLanes);
    Buffer left, right;
    TransposedScratch scratch;
    scratch.bf16 = bf16;
    if (!left.reserve(static_cast<size_t>(k) * rows) || !right.reserve(static_cast<size_t>(k) * columns) ||
        !scratch.reserve(m, columns) || !scratch.rows.reserve(static_cast<size_t>(kPairStrip) * rows))
        return false;
    copy_rows(k, m, a, m, left.get(), rows);
    copy_rows(k, n, b, n, right.get(), columns);
    if (k > 0)
        multiply_transposed(m, k, left.get(), rows, right.get(), columns, 0, columns, scratch.product.get(),
                            columns, scratch);
    copy_rows(m, n, scratch.product.get(), columns, c, n);
    return true;
}

bool plain_multiply(Precision precision, bool transposed, int m, int n, int k, const float* a, const float* b,
                    float* c) {
    if (transposed) return plain_multiply_transposed(precision == Precision::kBf16, m, n, k, a, b, c);
    Panels panels;
    const int columns = round_up(n, kLanes);
    Buffer out, rows;
    if (!panels.shape(k, columns, precision) || !out.reserve(static_cast<size_t>(m) * columns) ||
        !rows.reserve(static_cast<size_t>(kPairRows) * (panels.depth() + quad_row_words(k))))
        return false;
    rounded_rows = rows.words();
    panels.pack(b, n, 1, {1, k, k}, {1, n, columns}, 0, panels.count());
    multiply(m, a, k, panels, out.get(), columns, false);
    copy_rows(m, n, out.get(), columns, c, n);
    return true;
}

void round_to_bf16(int64_t count, const float* from, float* to) {
    for (int64_t i = 0; i < count; i += kLanes) {
        const int n = count - i < kLanes ? static_cast<int>(count - i) : kLanes;
        const Pairs bits = rounded_bits(load_some(from + i, 1, n)) & kUpperHalf;
        std::memcpy(to + i, &bits, sizeof(float) * n);
    }
}

constexpr Kernels kTable{
    UNSPOOL_STRING(UNSPOOL_ISA),
    kLanes,
    kBf16Hardware,
    [](const Shape& shape) -> void* { return new Network(shape); },
    [](void* handle) { delete static_cast<Network*>(handle); },
    step,
    [](void* handle) -> const double* { return as_network(handle).stopwatch.seconds; },
    logits,
    [](void* handle, Arrays parameters) { return as_network(handle).load_parameters(parameters); },
    [](const Shape& shape) -> void* { return new Writer(shape); },
    [](void* writer) { delete static_cast<Writer*>(writer); },
    [](void* writer, Arrays parameters) { return static_cast<Writer*>(writer)->load(parameters); },
    [](void* writer, const Team& team, Sequence* const* sequences, int count, int64_t steps) {
        return static_cast<Writer*>(writer)->advance(team, {sequences, count, steps});
    },
    release_sequence,
    [](int row) -> const StageRow* { return penalty_row(row); },
    [](int row) -> const StageRow* { return sampler_row(row); },
    mix_rows,
    optimize,
    plain_multiply,
    round_to_bf16,
    hash_lines,
};

}  // namespace
}  // namespace unspool::UNSPOOL_ISA

namespace unspool {
const Kernels* UNSPOOL_FUNCTION() { return &UNSPOOL_ISA::kTable; }
}  // namespace unspool
