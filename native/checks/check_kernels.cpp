// Compares every instruction set of this processor with a plain build of the same source, and one thread with
// two; ends with 1 if they disagree. It is meant for processors that are not at hand, and for emulators, see
// CONTRIBUTING.md. The Python tests check much more.
//
//   check_kernels [CASES [SET]]    random cases of each group, 400 unless told; one instruction set alone
#include "checks/texts.h"

namespace unspool {
const Kernels* kernels_reference();
}

namespace checks {
namespace {

constexpr float kTolerance = 3e-5f;  // relative to the largest number of an array

constexpr float kRoundedTolerance = 2e-2f;  // the last bit of a float32 may change how a number is rounded

// The number formats of a training step and of what has no gradients.
constexpr Precision kFormats[][2] = {{Precision::kFloat32, Precision::kFloat32},
                                     {Precision::kBf16, Precision::kBf16},
                                     {Precision::kFloat32, Precision::kInt8}};

// Runs a computation with one thread and with two, and compares them; returns its result.
template <typename Run>
Result compare_threads(const Kernels& kernels, const std::string& where, Run run) {
    static ThreadTeam one(1), two(2);
    const Result alone = run(kernels, one);
    expect_equal(where + ", two threads beside one", run(kernels, two), alone, 0.0f);
    return alone;
}

// Runs a computation in the reference, with one thread and with two, and compares them.
template <typename Run>
void compare(const Kernels& kernels, const std::string& what, Run run, float tolerance = kTolerance) {
    static ThreadTeam one(1);
    const std::string where = std::string(kernels.name) + ": " + what;
    const Result expected = run(*kernels_reference(), one);
    expect_equal(where, compare_threads(kernels, where, run), expected, tolerance);
}

void check_products(const Kernels& kernels, int cases) {
    for (int i = 0; i < cases; ++i) {
        Random random(i);
        const int m = 1 + random.below(40), n = 1 + random.below(150), k = 1 + random.below(200);
        const Floats a = random.floats(static_cast<size_t>(m) * k, 1.0f);
        const Floats b = random.floats(static_cast<size_t>(k) * n, 1.0f);
        const std::string what = "product of " + std::to_string(m) + " x " + std::to_string(k) + " and " +
                                 std::to_string(n) + " columns";
        compare(kernels, what, [&](const Kernels& set, ThreadTeam&) {
            Result result;
            for (const Precision precision : {Precision::kFloat32, Precision::kBf16})
                for (const bool transposed : {false, true}) {  // `a` can also be read as a matrix of k x m
                    Floats c(static_cast<size_t>(m) * n);
                    check_memory(set.multiply(precision, transposed, m, n, k, a.data(), b.data(), c.data()));
                    result.add(std::string(precision == Precision::kBf16 ? "bf16" : "float32") +
                                   (transposed ? " product, left side transposed" : " product"),
                               c);
                }
            return result;
        });
        const auto in_int8 = [&](const Kernels& set, ThreadTeam&) {
            Floats c(static_cast<size_t>(m) * n);
            check_memory(set.multiply(Precision::kInt8, false, m, n, k, a.data(), b.data(), c.data()));
            Result result;
            result.add("int8 product", c);
            return result;
        };
        compare(kernels, what, in_int8, kRoundedTolerance);
    }
}

void check_window(const Kernels& kernels, const Shape& shape, int steps, int lanes, uint64_t seed) {
    Random random(seed);
    Model model = make_model(random, shape);
    const Window window = make_window(random, model, steps, lanes);
    const bool rounded = shape.inference != Precision::kFloat32;
    compare(
        kernels, model.describe() + window.describe(),
        [&](const Kernels& set, ThreadTeam& team) { return run_window(set, team, model, window); },
        rounded ? kRoundedTolerance : kTolerance);
}

void check_windows(const Kernels& kernels, int cases) {
    for (int i = 0; i < cases; ++i) {
        Random random(1000 + i);
        Shape shape = random_shape(random, i);
        const int lanes = random.one_of({1, 2, 3, 8, 17, 40}), steps = 1 + random.below(9);
        for (const auto& formats : kFormats) {
            shape.precision = formats[0];
            shape.inference = formats[1];
            check_window(kernels, shape, steps, lanes, 1000 + i);
        }
    }
}

// More rows than one block of K has, a vocabulary whose logits need several blocks, and layers wide enough
// for threads to share the units of few lanes.
void check_large(const Kernels& kernels, int cases) {
    const struct {
        Shape shape;
        int steps, lanes;
    } large[] = {{{Cell::kLstm, false, 27, 0, 33, 2, true}, 33, 17},
                 {{Cell::kGru, true, 27, 5, 33, 1, false}, 33, 17},
                 {{Cell::kGru, false, 27, 0, 33, 2, false}, 33, 17},
                 {{Cell::kRnn, false, 27, 0, 33, 1, false}, 33, 17},
                 {{Cell::kLstm, false, 84, 0, 130, 2, true}, 3, 1},
                 {{Cell::kGru, true, 84, 0, 150, 2, false}, 3, 1},
                 {{Cell::kRnn, false, 84, 16, 230, 2, true}, 3, 1},
                 {{Cell::kLstm, false, 84, 5, 190, 1, false}, 3, 5},
                 {{Cell::kLstm, false, 65601, 0, 7, 1, false}, 9, 17}};
    int number = 0;
    for (const auto& one : large)
        if (number++ < cases)
            for (const auto& formats : kFormats) {
                Shape shape = one.shape;
                shape.precision = formats[0];
                shape.inference = formats[1];
                check_window(kernels, shape, one.steps, one.lanes, 5000 + number);
            }
}

void check_texts(const Kernels& kernels, int cases) {
    for (int i = 0; i < cases; ++i) {
        Random random(9000 + i);
        Shape shape = random_shape(random, i);
        if (shape.hidden_size == 16) shape.hidden_size = 270;  // enough work for two threads on one text
        Model model = make_model(random, shape);
        const Drawing drawing = make_drawing(random, shape.vocab_size, i / 4 % kDrawings);
        const int count = random.one_of({1, 1, 2, 3, 17, 70});
        const std::string what = model.describe() + " way of drawing " + std::to_string(drawing.variant) +
                                 " texts " + std::to_string(count);
        const auto write = [&](const Kernels& set, ThreadTeam& team) {
            return write_texts(set, team, model, drawing, count, i);
        };
        compare(kernels, what, write);
        for (const Precision format : {Precision::kBf16, Precision::kInt8}) {  // other tokens elsewhere
            model.shape.inference = format;
            compare_threads(kernels, std::string(kernels.name) + ": " + model.describe(), write);
        }
    }
}

// Three steps of an optimizer; the last one has a gradient that is not finite and changes nothing.
Result optimize(const Kernels& kernels, ThreadTeam& team, int kind, float clip, uint64_t seed) {
    Random random(seed);
    std::vector<Floats> arrays[4];  // parameters, gradients, first and second slots
    std::vector<float*> pointers[4];
    std::vector<int64_t> sizes;
    for (const int size : {1, 7, 16, 33, 8192, 8193, 20000}) {
        for (int a = 0; a < 4; ++a)
            arrays[a].push_back(a < 2 ? random.floats(size, 1.0f) : Floats(size, 0.0f));
        sizes.push_back(size);
    }
    for (int a = 0; a < 4; ++a)
        for (Floats& array : arrays[a]) pointers[a].push_back(array.data());
    const Floats decays = {0.0f, 0.1f, 0.0f, 0.1f, 0.1f, 0.0f, 0.1f};
    Result result;
    for (int step = 1; step <= 3; ++step) {
        if (step == 3) arrays[1].back().back() = INFINITY;
        OptimizerStep work{kind,
                           static_cast<int>(sizes.size()),
                           sizes.data(),
                           pointers[0].data(),
                           pointers[1].data(),
                           {pointers[2].data(), pointers[3].data()},
                           decays.data(),
                           step,
                           0.01f,
                           0.9f,
                           0.99f,
                           1e-6f,
                           clip};
        result.add("norm", Floats{static_cast<float>(kernels.optimize(ThreadTeam::Turn(team).team(), work))});
        for (int a : {0, 2, 3})
            for (const Floats& array : arrays[a]) result.add("array of kind " + std::to_string(a), array);
    }
    return result;
}

void check_optimizers(const Kernels& kernels, int cases) {
    for (int i = 0; i < 6 && i < cases; ++i)
        compare(kernels, "optimizer " + std::to_string(i % 3) + (i < 3 ? "" : ", clipped"),
                [&](const Kernels& set, ThreadTeam& team) {
                    return optimize(set, team, i % 3, i < 3 ? 0.0f : 1.0f, i);
                });
}

// Hashes of lines of all lengths, each stored as two ids.
void check_hashes(const Kernels& kernels, int cases) {
    for (int i = 0; i < cases; ++i) {
        Random random(12000 + i);
        std::vector<uint8_t> bytes;
        std::vector<int64_t> bounds;
        for (int line = random.below(40); line > 0; --line) {
            bounds.push_back(static_cast<int64_t>(bytes.size()));
            for (int size = random.below(random.one_of({1, 50, 140, 600})); size > 0; --size)
                bytes.push_back(static_cast<uint8_t>(random.below(256)));
            bounds.push_back(static_cast<int64_t>(bytes.size()));
        }
        compare(kernels, "lines " + std::to_string(i), [&](const Kernels& set, ThreadTeam&) {
            std::vector<uint64_t> digests(bounds.size() / 2);
            set.hash_lines(bytes.data(), bounds.data(), static_cast<int64_t>(digests.size()), digests.data());
            Ids halves(bounds.size());
            if (!digests.empty())  // nothing has no address
                std::memcpy(halves.data(), digests.data(), sizeof(uint64_t) * digests.size());
            Result result;
            result.add("hash", halves);
            return result;
        });
    }
}

}  // namespace
}  // namespace checks

int main(int count, char** arguments) {
    using namespace checks;
    const int cases = count > 1 ? std::atoi(arguments[1]) : 400;
    if (cases < 1) {
        std::printf("expected a number of cases of at least 1, got '%s'\n", arguments[1]);
        return 2;
    }
    const Kernels* all[8];
    const struct {
        const char* name;
        void (*check)(const Kernels&, int);
    } groups[] = {{"plain products", check_products},
                  {"training steps and logits", check_windows},
                  {"long, wide and many-symbol windows", check_large},
                  {"texts", check_texts},
                  {"optimizers", check_optimizers},
                  {"hashes of lines", check_hashes}};
    const int sets = available_kernels(all, 8);
    int checked = 0;
    for (int i = 0; i < sets; ++i) {
        if (count > 2 && std::strcmp(arguments[2], all[i]->name) != 0) continue;
        ++checked;
        for (const auto& group : groups) {
            group.check(*all[i], cases);
            std::printf("%s: %s agree\n", all[i]->name, group.name);
            std::fflush(stdout);
        }
    }
    if (checked == 0) std::printf("this processor or this build has no kernels of that name\n");
    return checked == 0;
}
