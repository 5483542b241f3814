// Texts: a random network, prompts and way of drawing, and the texts that the kernels write.
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "checks/windows.h"

namespace checks {

// A stage by its name, with its numbers.
struct NamedStage {
    const char* name;
    std::vector<double> numbers;
};

// A way of drawing tokens, with the arrays that it points to. Every stage is in at least one variant.
struct Drawing {
    Settings how{};
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
    if (variant == 1)
        d.samplers = {{"top_n_sigma", {1.5}}, {"xtc_probability", {0.5, 0.1}}, {"mirostat_tau", {2.0, 0.3}}};
    if (variant == 3) {
        d.samplers = {
            {"min_p", {0.02}}, {"top_p", {0.8}}, {"epsilon_cutoff", {0.01}}, {"eta_cutoff", {0.01}}};
        d.penalties = {{"ignore_eos", {1}}};
    }
    if (variant == 4) {
        d.samplers = {{"typical_p", {0.85}}};
        d.penalties = {{"repetition_penalty", {1.3}},
                       {"presence_penalty", {0.2}},
                       {"frequency_penalty", {0.1}},
                       {"dry_multiplier", {0.5, 1.75, 1, 9, 2, 1, 2, 1, 3}}};
        d.how.penalty_last = 7;
    }
    if (variant != 5) return d;
    // and an automaton in which every second token must be odd
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

inline std::vector<DrawStage> stages_of(const std::vector<NamedStage>& named, const StageRow* (*table)(int)) {
    std::vector<DrawStage> out;
    for (const NamedStage& stage : named) {
        int row = 0;
        while (std::strcmp(table(row)->name, stage.name) != 0) ++row;
        out.push_back({row, stage.numbers.data(), static_cast<int>(stage.numbers.size())});
    }
    return out;
}

// Adds a report on up to `places` tokens; zeros stand for the rest.
inline void add_report(Result& result, const Report& report, size_t places, int alternatives) {
    const auto filled = [](auto* values, size_t count, size_t size) {
        std::vector<std::remove_const_t<std::remove_pointer_t<decltype(values)>>> out(size);
        if (values != nullptr) std::copy(values, values + count, out.begin());
        return out;
    };
    const size_t count = static_cast<size_t>(report.count), wide = places * alternatives;
    result.add("tokens", filled(report.tokens, count, places));
    result.add("log-probabilities", filled(report.logprobs, count, places));
    result.add("log-probabilities under the guide", filled(report.constrained, count, places));
    result.add("alternatives", filled(report.alternatives, count * alternatives, wide));
    result.add("log-probabilities of alternatives",
               filled(report.alternative_logs, count * alternatives, wide));
}

// Texts of `count` prompts of 1 to 5 tokens: the reports on them, and why each ended.
inline Result write_texts(const Kernels& kernels, ThreadTeam& team, Model& model, const Drawing& drawing,
                          int count, uint64_t seed) {
    constexpr int kTokens = 12;
    Random random(seed);
    const auto penalties = stages_of(drawing.penalties, kernels.penalty);
    const auto samplers = stages_of(drawing.samplers, kernels.sampler);
    Settings how = drawing.how;
    how.penalties = {penalties.data(), static_cast<int>(penalties.size())};
    how.samplers = {samplers.data(), static_cast<int>(samplers.size())};
    if (!drawing.classes.empty())
        how.guide = {drawing.classes.data(), drawing.transitions.data(), drawing.distance.data(), 2, 0};
    how.echo = true;
    how.max_new_tokens = kTokens;
    how.end_id = model.shape.vocab_size - 1;
    std::vector<Ids> prompts;
    std::vector<Sequence> sequences(count);
    std::vector<Sequence*> work;
    for (int i = 0; i < count; ++i) prompts.push_back(random.ids(1 + random.below(5), 1, how.end_id + 1));
    for (int i = 0; i < count; ++i) {
        sequences[i].settings = &how;
        sequences[i].key = random.next();
        sequences[i].prompt = prompts[i].data();
        sequences[i].prompt_length = static_cast<int64_t>(prompts[i].size());
        work.push_back(&sequences[i]);
    }
    void* writer = kernels.create_writer(model.shape);
    check_memory(kernels.load_writer(writer, model.pointers().data()));
    for (int step = 0; step < 2 * kTokens && !work.empty(); step += 3) {  // in several calls
        check_memory(kernels.advance(writer, ThreadTeam::Turn(team).team(), work.data(),
                                     static_cast<int>(work.size()), 3));
        std::erase_if(work, [](const Sequence* one) { return one->finish != Finish::kGoesOn; });
    }
    kernels.destroy_writer(writer);
    Result result;
    Ids reasons;
    for (Sequence& sequence : sequences) {
        add_report(result, sequence.drawn, kTokens, how.alternatives);
        add_report(result, sequence.echo, 5, how.alternatives);
        reasons.push_back(static_cast<int32_t>(sequence.finish));
        kernels.release(sequence);
    }
    result.add("reasons", reasons);
    return result;
}

}  // namespace checks
