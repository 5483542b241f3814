// The writer as Python sees it: sequences are added, written step by step, and removed.
#pragma once

#include <algorithm>
#include <memory>

#include "binding/counts_binding.h"
#include "binding/network_binding.h"

namespace unspool {

// The arrays of an automaton, from Python.
struct AutomatonArrays {
    Array<const int32_t> classes, transitions, distance;
    int start;

    Automaton view() const {
        return {classes.data(), transitions.data(), distance.data(), static_cast<int>(transitions.shape(1)),
                start};
    }
};

// The name of a row of a table, and the numbers of a stage.
using NamedStage = std::pair<std::string, std::vector<double>>;

// Stages whose rows are found by name.
class Stages {
 public:
    Stages(std::vector<NamedStage> named, const StageRow* (*table)(int)) : named_(std::move(named)) {
        for (const auto& [name, numbers] : named_)
            stages_.push_back(
                {row_of(table, name, numbers), numbers.data(), static_cast<int>(numbers.size())});
    }
    Stages(const Stages&) = delete;
    Stages& operator=(const Stages&) = delete;

    DrawStages view() const { return {stages_.data(), static_cast<int>(stages_.size())}; }

 private:
    std::vector<NamedStage> named_;
    std::vector<DrawStage> stages_;

    static int row_of(const StageRow* (*table)(int), const std::string& name,
                      const std::vector<double>& numbers) {
        int row = 0;
        while (table(row) != nullptr && name != table(row)->name) ++row;
        if (table(row) == nullptr) throw std::invalid_argument("no stage named " + name);
        if (static_cast<int>(numbers.size()) < table(row)->least)
            throw std::invalid_argument(name + ": expected numbers, at least " +
                                        std::to_string(table(row)->least));
        if (!(numbers[0] >= table(row)->lowest && numbers[0] <= table(row)->highest))
            throw std::invalid_argument(name + ": expected a first number from " +
                                        std::to_string(table(row)->lowest) + " to " +
                                        std::to_string(table(row)->highest));
        return row;
    }
};

// The common part of sequences that were added in one call: settings, and the arrays that they point into.
struct Group {
    Stages penalties, samplers;
    std::optional<AutomatonArrays> guide, stop;
    Array<const int32_t> prompts;
    Optional<const float> start, first_bias;
    std::optional<CountArrays> counts;
    CountTable table;  // of `counts`
    bool whole;        // nothing of a sequence is returned before it has ended
    Settings settings;
};

struct WrittenSequence {
    int64_t id;
    std::shared_ptr<Group> group;
    Sequence sequence;
};

// Returns the new reports of one kind, packed: the tokens of sequence i are at offsets[i] to
// offsets[i + 1] - 1. An array that no sequence reports is left out. Empties the reports.
inline nb::dict packed(const std::vector<WrittenSequence*>& sequences, Report Sequence::*kind) {
    NewArray<int64_t> offsets(sequences.size() + 1);
    int64_t count = 0, wide = 0, next = 0;
    bool guided = false, ranked = false;
    for (const WrittenSequence* one : sequences) {
        const Report& report = one->sequence.*kind;
        const int width = one->group->settings.alternatives;
        count += report.count;
        wide += report.count * width;
        guided = guided || one->group->settings.guide.classes != nullptr;
        ranked = ranked || width > 0;
        offsets[++next] = count;
    }
    NewArray<int32_t> tokens(count), alternatives(wide);
    NewArray<float> logprobs(count), constrained(guided ? count : 0), alternative_logprobs(wide);
    for (WrittenSequence* one : sequences) {
        Report& report = one->sequence.*kind;
        const int64_t others = report.count * one->group->settings.alternatives;
        tokens.append(report.tokens, report.count);
        logprobs.append(report.logprobs, report.count);
        if (guided) constrained.append(report.constrained, report.count);
        alternatives.append(report.alternatives, others);
        alternative_logprobs.append(report.alternative_logs, others);
        report.count = 0;
    }
    nb::dict out;
    out["offsets"] = offsets.release();
    out["tokens"] = tokens.release();
    out["logprobs"] = logprobs.release();
    if (guided) out["constrained"] = constrained.release();
    if (!ranked) return out;
    out["alternatives"] = alternatives.release();
    out["alternative_logprobs"] = alternative_logprobs.release();
    return out;
}

// The first threads of a team, without the last ones, which are spared. Alone, the thread that calls waits
// for no turn and wakes nobody.
class PartOfTeam {
 public:
    PartOfTeam(ThreadTeam& team, int spared) : size_(std::max(1, team.size() - spared)) {
        if (size_ > 1) turn_.emplace(team);
    }

    // The part as the writing kernels see it, which have no barriers.
    Team team() {
        return {
            size_, this,
            [](void* self, Task task, void* argument) {
                static_cast<PartOfTeam*>(self)->run({task, argument, static_cast<PartOfTeam*>(self)->size_});
            },
            nullptr};
    }

 private:
    using Task = void (*)(void*, int);
    struct Call {
        Task task;
        void* argument;
        int size;
    };

    void run(Call call) {
        if (size_ == 1) return call.task(call.argument, 0);
        const Team whole = turn_->team();
        whole.run(
            whole.self,
            [](void* argument, int thread) {
                const Call& call = *static_cast<Call*>(argument);
                if (thread < call.size) call.task(call.argument, thread);
            },
            &call);
    }

    const int size_;
    std::optional<ThreadTeam::Turn> turn_;
};

// One thread at a time uses a writer. A second thread gets an error and does not wait: in the child of a fork
// the first thread may not exist any more.
class WriterHandle {
 public:
    WriterHandle(NetworkHandle& network, ParameterArrays parameters)
        : network_(network), parameters_(std::move(parameters)), writer_(network.take_writer()) {
        const std::vector<const float*> values = pointers(parameters_);
        WithoutLock unlocked;
        check_memory(network_.kernels().load_writer(writer_, values.data()));
    }
    WriterHandle(const WriterHandle&) = delete;
    WriterHandle& operator=(const WriterHandle&) = delete;
    ~WriterHandle() {
        if (busy_) return;  // the child of a fork
        for (auto& one : sequences_) network_.kernels().release(one->sequence);
        network_.give_back_writer(writer_);
    }

    // Adds one sequence for each key; returns the id of the first.
    int64_t add(Array<const int32_t> prompts, Array<const int64_t> prompt_starts, Array<const uint64_t> keys,
                Optional<const float> start, const Optional<const int32_t>& guide_states,
                std::optional<AutomatonArrays> guide, std::optional<AutomatonArrays> stop,
                std::vector<NamedStage> penalties, std::vector<NamedStage> samplers,
                Optional<const float> first_bias, std::optional<CountArrays> counts,
                const Optional<const int32_t>& recent, int64_t penalty_last, int alternatives, bool echo,
                bool from_state, int64_t max_new_tokens, int end_id, bool whole) {
        const Busy busy(busy_);
        const Kernels& kernels = network_.kernels();
        const std::shared_ptr<Group> group(new Group{{std::move(penalties), kernels.penalty},
                                                     {std::move(samplers), kernels.sampler},
                                                     std::move(guide),
                                                     std::move(stop),
                                                     prompts,
                                                     start,
                                                     first_bias,
                                                     std::move(counts),
                                                     {},
                                                     whole,
                                                     {}});
        if (group->counts) group->table = group->counts->view();
        const Automaton none{};
        group->settings = {group->penalties.view(),
                           group->samplers.view(),
                           penalty_last,
                           group->guide ? group->guide->view() : none,
                           group->stop ? group->stop->view() : none,
                           alternatives,
                           echo,
                           from_state,
                           max_new_tokens,
                           end_id,
                           data_or_null(group->first_bias),
                           group->counts ? &group->table : nullptr};
        const size_t count = keys.shape(0);
        const size_t stride =
            start && start->shape(0) == count ? start->size() / std::max<size_t>(count, 1) : 0;
        const int64_t* starts = prompt_starts.data();
        for (size_t i = 0; i < count; ++i) {
            Sequence sequence{};
            sequence.settings = &group->settings;
            sequence.key = keys.data()[i];
            sequence.prompt = prompts.data() + starts[i];
            sequence.prompt_length = starts[i + 1] - starts[i];
            sequence.start = start ? start->data() + i * stride : nullptr;
            sequence.guide_state = guide_states ? guide_states->data()[i] : 0;
            sequence.stop_state = group->settings.stop.start;
            if (recent)
                std::memcpy(sequence.recent, recent->data() + i * kMostOrder, sizeof(sequence.recent));
            sequences_.emplace_back(new WrittenSequence{next_id_++, group, sequence});
        }
        return next_id_ - static_cast<int64_t>(count);
    }

    // Advances every sequence by this number of steps and returns the news: of all sequences that were not
    // added as whole ones, or only of those that have ended. Finished sequences are removed.
    nb::dict advance(int64_t steps, bool whole, int spared) {
        const Busy busy(busy_);
        check_stop();
        std::vector<Sequence*> work;
        for (auto& one : sequences_) work.push_back(&one->sequence);
        bool ok;
        {
            WithoutLock unlocked;
            PartOfTeam part(network_.team(), spared);
            ok = network_.kernels().advance(writer_, part.team(), work.data(), static_cast<int>(work.size()),
                                            steps);
        }
        if (!ok) remove_if([](const WrittenSequence&) { return true; });  // they are in an unknown state
        check_memory(ok);
        return written(whole);
    }

    // Removes a sequence; returns whether it was there.
    bool remove(int64_t id) {
        const Busy busy(busy_);
        return remove_if([id](const WrittenSequence& one) { return one.id == id; }) > 0;
    }

    size_t size() const { return sequences_.size(); }

 private:
    class Busy {
     public:
        explicit Busy(std::atomic<bool>& busy) : busy_(busy) {
            if (busy_.exchange(true)) throw std::runtime_error("a writer is driven by one thread at a time");
        }
        ~Busy() { busy_ = false; }

     private:
        std::atomic<bool>& busy_;
    };

    nb::dict written(bool whole) {
        std::vector<WrittenSequence*> changed;
        for (auto& one : sequences_) {
            const Sequence& s = one->sequence;
            const bool news = s.drawn.count > 0 || s.echo.count > 0;
            if (s.finish != Finish::kGoesOn || (news && !whole && !one->group->whole))
                changed.push_back(one.get());
        }
        NewArray<int64_t> ids(changed.size());
        NewArray<int32_t> finish(changed.size()), widths(changed.size());
        NewArray<bool> guided(changed.size()), echoed(changed.size());
        bool plain = true;
        for (size_t i = 0; i < changed.size(); ++i) {
            const Settings& settings = changed[i]->group->settings;
            ids[i] = changed[i]->id;
            finish[i] = static_cast<int32_t>(changed[i]->sequence.finish);
            widths[i] = settings.alternatives;
            guided[i] = settings.guide.classes != nullptr;
            echoed[i] = settings.echo;
            plain = plain && !settings.echo && !guided[i] && settings.alternatives == 0;
        }
        nb::dict out;
        out["ids"] = ids.release();
        out["finish"] = finish.release();
        out["drawn"] = packed(changed, &Sequence::drawn);
        if (!plain) {
            out["widths"] = widths.release();
            out["guided"] = guided.release();
            out["echoed"] = echoed.release();
            out["echo"] = packed(changed, &Sequence::echo);
        }
        remove_if([](const WrittenSequence& one) { return one.sequence.finish != Finish::kGoesOn; });
        return out;
    }

    template <typename Goes>
    size_t remove_if(Goes goes) {
        return std::erase_if(sequences_, [&](const auto& one) {
            if (!goes(*one)) return false;
            network_.kernels().release(one->sequence);
            return true;
        });
    }

    NetworkHandle& network_;
    ParameterArrays parameters_;  // the kernels keep pointers to them
    void* writer_;
    std::vector<std::unique_ptr<WrittenSequence>> sequences_;  // in the order of their ids
    int64_t next_id_ = 0;
    std::atomic<bool> busy_ = false;
};

inline void bind_writer(nb::module_& module) {
    nb::class_<AutomatonArrays>(module, "Automaton")
        .def(
            "__init__",
            [](AutomatonArrays* self, Array<const int32_t> classes, Array<const int32_t> transitions,
               Array<const int32_t> distance, int start) {
                new (self) AutomatonArrays{classes, transitions, distance, start};
            },
            nb::arg("classes"), nb::arg("transitions"), nb::arg("distance"), nb::arg("start"));
    nb::class_<WriterHandle>(module, "Writer")
        .def(nb::init<NetworkHandle&, ParameterArrays>(), nb::keep_alive<1, 2>())
        .def("add", &WriterHandle::add, nb::kw_only(), nb::arg("prompts"), nb::arg("prompt_starts"),
             nb::arg("keys"), nb::arg("start").none(), nb::arg("guide_states").none(),
             nb::arg("guide").none(), nb::arg("stop").none(), nb::arg("penalties"), nb::arg("samplers"),
             nb::arg("first_bias").none(), nb::arg("counts").none(), nb::arg("recent").none(),
             nb::arg("penalty_last"), nb::arg("alternatives"), nb::arg("echo"), nb::arg("from_state"),
             nb::arg("max_new_tokens"), nb::arg("end_id"), nb::arg("whole"))
        .def("advance", &WriterHandle::advance)
        .def("remove", &WriterHandle::remove)
        .def("__len__", &WriterHandle::size);
}

}  // namespace unspool
