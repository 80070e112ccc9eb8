/* main.cpp - bench_core: registers all figures and runs them with Google Benchmark, whose options it takes. */
#include <unistd.h>

#include "common.hpp"

namespace {

/* jemalloc keeps its thread's state in memory that glibc sets aside as a program starts, too little of it for a library that is
 * loaded later unless it is told so: starts the program again with that told. */
void make_room_for_malloc_libraries(char **argv)
{
    constexpr const char *name = "GLIBC_TUNABLES";
    constexpr const char *room = "glibc.rtld.optional_static_tls";
    const char *old = std::getenv(name);
    std::string tunables = old == nullptr ? "" : old;
    if (tunables.find(room) != std::string::npos) {
        return;
    }
    tunables += std::string(tunables.empty() ? "" : ":") + room + "=16384";
    bench::require(setenv(name, tunables.c_str(), 1) == 0, "the environment could not be set");
    execv("/proc/self/exe", argv);
    bench::fail("/proc/self/exe could not be started");
}

/* Hands on what it is given, without the "/manual_time" that Google Benchmark adds to the name of a figure. */
class PlainNames : public benchmark::BenchmarkReporter {
  public:
    explicit PlainNames(benchmark::BenchmarkReporter *inner) : inner(inner) {}

    bool ReportContext(const Context &context) override { return inner->ReportContext(context); }

    void ReportRuns(const std::vector<Run> &runs) override
    {
        std::vector<Run> plain = runs;
        for (Run &run : plain) {
            run.run_name.time_type.clear();
            run.run_name.min_time.clear();
        }
        inner->ReportRuns(plain);
    }

    void Finalize() override { inner->Finalize(); }

  private:
    benchmark::BenchmarkReporter *inner;
};

} // namespace

int main(int argc, char **argv)
{
    make_room_for_malloc_libraries(argv);
    std::string names;
    for (int cpu : bench::cpus()) {
        names += (names.empty() ? "" : ",") + std::to_string(cpu);
    }
    bench::pin(0);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 2;
    }
    benchmark::AddCustomContext("cpus", names);
    benchmark::AddCustomContext("wait", "pause; with more threads than cpus, sched_yield after every 64");
    bench::register_limits();
    bench::register_pools();
    bench::register_rings();
    bench::register_threads();
    PlainNames reporter(benchmark::CreateDefaultDisplayReporter());
    return benchmark::RunSpecifiedBenchmarks(&reporter) > 0 ? 0 : 1;
}
