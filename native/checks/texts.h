// Texts: one random network, prompts and way of drawing, and what the kernels write.
#pragma once

#include <cstring>

#include "checks/windows.h"

namespace checks {

// A stage by its name, with its numbers.
struct NamedStage {
    const char* name;
    std::vector<double> numbers;
};

// How symbols are drawn, with what it points to. Every stage stands in at least one variant.
struct Drawing {
    Decoding how{};
    std::vector<NamedStage> penalties, samplers;
    Ids classes, transitions, distance;
    int variant;
};

constexpr int kDrawings = 6;

inline Drawing make_drawing(Random& random, int vocab, int variant) {
    Drawing d;
    d.variant = variant;
    d.how.alternatives = variant == 0 ? 0 : 2;
    if (variant == 0) d.samplers = {{"temperature", {8, 0.0}}};
    if (variant == 2) d.samplers = {{"top_k", {vocab / 2 + 1.0}}, {"temperature", {8, 0.6, 1.2, 0.9}}};
    if (variant == 3) d.samplers = {{"min_p", {0.02}}, {"top_p", {0.8}}};
    if (variant == 4) {
        d.samplers = {{"typical_p", {0.85}}};
        d.penalties = {
            {"repetition_penalty", {1.3}}, {"presence_penalty", {0.2}}, {"frequency_penalty", {0.1}}};
        d.how.penalty_last = 7;
    }
    if (variant != 5) return d;
    // and an automaton that asks for every second symbol to be odd
    NamedStage bias{"logit_bias", {}};
    for (const float value : random.floats(vocab, 1.0f)) {
        bias.numbers.push_back(static_cast<double>(bias.numbers.size() / 2));
        bias.numbers.push_back(static_cast<double>(value));
    }
    d.penalties = {{"min_tokens", {2}}, {"no_repeat_ngram_size", {3}}, bias};
    d.transitions = {1, 1, -1, 0};
    d.distance = {0, 1};
    for (int id = 0; id < vocab; ++id) d.classes.push_back(id % 2);
    return d;
}

inline std::vector<DrawStage> stages_of(const std::vector<NamedStage>& named, const char* (*name_of)(int)) {
    std::vector<DrawStage> out;
    for (const NamedStage& stage : named) {
        int row = 0;
        while (std::strcmp(name_of(row), stage.name) != 0) ++row;
        out.push_back({row, stage.numbers.data(), static_cast<int>(stage.numbers.size())});
    }
    return out;
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
    const bool guided = !drawing.classes.empty();
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
    const auto penalties = stages_of(drawing.penalties, kernels.penalty);
    const auto samplers = stages_of(drawing.samplers, kernels.sampler);
    Decoding how = drawing.how;
    how.penalties = {penalties.data(), static_cast<int>(penalties.size())};
    how.samplers = {samplers.data(), static_cast<int>(samplers.size())};
    if (guided)
        how.guide = {drawing.classes.data(), drawing.transitions.data(), drawing.distance.data(), 2, 0};
    check_memory(kernels.generate(network, ThreadTeam::Turn(team).team(), s, how));
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
