// Texts: one random network, prompts and way of drawing, and what the kernels write.
#pragma once

#include "checks/windows.h"

namespace checks {

// How symbols are drawn, with the arrays that it points to. Every option stands in at least one variant.
struct Drawing {
    Decoding how{};
    std::vector<double> temperatures;
    Floats bias;
    Ids classes, transitions, distance;
    int variant;
};

constexpr int kDrawings = 6;

inline Drawing make_drawing(Random& random, int vocab, int variant) {
    Drawing d;
    d.variant = variant;
    d.temperatures = variant == 0 ? std::vector<double>{0.0} : std::vector<double>{1.0};
    if (variant == 2) d.temperatures = {0.6, 1.2, 0.9};
    Decoding& how = d.how;
    how.temperature_steps = 8;
    how.num_samplers = kSamplers;
    for (int i = 0; i < kSamplers; ++i) how.samplers[i] = static_cast<Sampler>((i + variant) % kSamplers);
    how.top_p = how.typical_p = 1.0;
    how.repetition_penalty = 1.0f;
    how.alternatives = variant == 0 ? 0 : 2;
    if (variant == 2) how.top_k = vocab / 2 + 1;
    if (variant == 3) how.top_p = 0.8, how.min_p = 0.02f;
    if (variant == 4) {
        how.typical_p = 0.85;
        how.repetition_penalty = 1.3f;
        how.presence_penalty = 0.2f;
        how.frequency_penalty = 0.1f;
        how.penalty_last = 7;
    }
    if (variant != 5) return d;
    how.ngram = 3;  // and an automaton that asks for every second symbol to be odd
    how.min_tokens = 2;
    d.bias = random.floats(vocab, 1.0f);
    d.transitions = {1, 1, -1, 0};
    d.distance = {0, 1};
    for (int id = 0; id < vocab; ++id) d.classes.push_back(id % 2);
    return d;
}

inline Decoding decoding_of(const Drawing& d) {
    Decoding how = d.how;
    how.temperatures = d.temperatures.data();
    how.num_temperatures = static_cast<int>(d.temperatures.size());
    if (d.bias.empty()) return how;
    how.bias = d.bias.data();
    how.guide = {d.classes.data(), d.transitions.data(), d.distance.data(), 2, 0};
    return how;
}

// Texts of `count` prompts of 1 to 5 symbols: what was drawn, its probabilities, and the states at the end.
inline Result write_texts(const Kernels& kernels, ThreadTeam& team, Model& model, const Drawing& drawing,
                          int count, uint64_t seed) {
    constexpr int kSymbols = 12;
    Random random(seed);
    Ids prompts;
    std::vector<int64_t> starts{0}, drawn(count, 0);
    std::vector<uint64_t> keys;
    for (int i = 0; i < count; ++i) {
        for (const int32_t id : random.ids(1 + random.below(5), 1, model.shape.vocab_size))
            prompts.push_back(id);
        starts.push_back(static_cast<int64_t>(prompts.size()));
        keys.push_back(random.next());
    }
    const size_t places = static_cast<size_t>(count) * kSymbols;
    const int most = drawing.how.alternatives;
    const bool guided = !drawing.bias.empty();
    Floats state(model.state_floats() * count), logs(places), constrained(places), others(places * most);
    Floats echo(prompts.size()), echo_others(prompts.size() * most);
    Ids tokens(places), alternatives(places * most), echo_ids(prompts.size() * most), lengths(count);
    Ids guides(count, 0);
    std::vector<Finish> reasons(count);
    Sequences s{};
    s.count = count;
    s.prompts = s.context = prompts.data();
    s.prompt_starts = s.context_starts = starts.data();
    s.keys = keys.data();
    s.drawn = drawn.data();
    s.state = state.data();
    s.max_new_tokens = kSymbols;
    s.limit = kSymbols;
    s.end_id = model.shape.vocab_size - 1;
    s.guide_states = guided ? guides.data() : nullptr;
    s.tokens = tokens.data();
    s.report = {logs.data(), guided ? constrained.data() : nullptr, most > 0 ? alternatives.data() : nullptr,
                others.data()};
    s.echo = {echo.data(), nullptr, most > 0 ? echo_ids.data() : nullptr, echo_others.data()};
    s.lengths = lengths.data();
    s.reasons = reasons.data();
    void* network = kernels.create(model.shape);
    check_memory(kernels.load(network, model.pointers().data()));
    check_memory(kernels.generate(network, ThreadTeam::Turn(team).team(), s, decoding_of(drawing)));
    kernels.destroy(network);
    Result result;
    result.add("symbols", tokens);
    result.add("lengths", lengths);
    result.add("log-probabilities", logs);
    result.add("log-probabilities under the guide", constrained);
    result.add("alternatives", alternatives);
    result.add("log-probabilities of alternatives", others);
    result.add("log-probabilities of the prompt", echo);
    result.add("states", state);
    return result;
}

}  // namespace checks
