// The native products alone, in GFLOP/s of processor time: what a training step is made of.
//
//   g++ -std=c++20 -O3 -ffp-contract=fast -Wno-psabi -mavx2 -mfma -Inative benchmarks/products.cpp -o
//   products
//   ./products
#define UNSPOOL_ISA avx2
#define UNSPOOL_LANES 8
#define UNSPOOL_ROWS 6
#include <cstdio>
#include <ctime>
#include <initializer_list>

#include "products/transposed.h"

using namespace unspool::avx2;

namespace {

constexpr double kSeconds = 0.25;  // for each product

double now() {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Prints the rate of the fastest run of a product of m x k and k x n.
template <typename Product>
void measure(const char* name, int m, int k, int n, Product product) {
    const int repeats = 1 + static_cast<int>(2e7 / (2.0 * m * k * n));  // the clock is too coarse for less
    double fastest = 1e9;
    for (const double end = now() + kSeconds; now() < end;) {
        const double start = now();
        for (int i = 0; i < repeats; ++i) product();
        const double seconds = (now() - start) / repeats;
        fastest = seconds < fastest ? seconds : fastest;
    }
    std::printf("%-20s %5d x %5d x %5d  %6.1f\n", name, m, k, n, 2e-9 * m * k * n / fastest);
}

void packed(int m, int k, int n) {
    Buffer a, b, c;
    Panels panels;
    a.reserve(static_cast<size_t>(m) * k);
    b.reserve(static_cast<size_t>(k) * n);
    c.reserve(static_cast<size_t>(m) * n);
    panels.shape(k, n);
    panels.pack(b.get(), n, 1, {1, k, k}, {1, n, n}, 0, panels.count());
    measure("multiply", m, k, n, [&] { multiply(m, a.get(), k, panels, c.get(), n, true); });
}

void transposed(int m, int k, int n) {
    Buffer a, b;
    TransposedScratch scratch;
    a.reserve(static_cast<size_t>(k) * m);
    b.reserve(static_cast<size_t>(k) * n);
    scratch.reserve(m, n);
    measure("multiply_transposed", m, k, n, [&] {
        multiply_transposed(m, k, a.get(), m, b.get(), n, 0, n, scratch.product.get(), n, scratch);
    });
}

}  // namespace

int main() {
    for (const int units : {128, 512})
        for (const int rows : {1, 2, 3, 4, 8, 32, 64}) {
            packed(rows, units, 4 * units);
            if (rows >= 8) packed(rows, 4 * units, units);
        }
    for (const int units : {128, 512, 1024}) transposed(units, 2880, 4 * units);
    transposed(128, 360, 512);
}
