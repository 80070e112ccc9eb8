/* serve.c - explorations on request: options as lines of text or as arguments, answers as JSON. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "intercept/intercept.h"

static const explorer_harness *harness EXPLORER_STATE = NULL;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int order_named(const char *name)
{
    static const char *const names[] = {"rlx", "consume", "acq", "rel", "acq_rel", "sc", "plain"};
    for (int order = RELAXED; order <= PLAIN; ++order) {
        if (strcmp(names[order], name) == 0) {
            return order;
        }
    }
    refuse("'%.20s' is no order: give rlx, acq, rel, acq_rel, sc or plain", name);
}

/* weaken=PC:ORDER, or PC:fail:ORDER for the failure order of a compare-exchange. The order `plain` makes a load or a store a
 * plain access. */
static void weaken(const char *text)
{
    char *end = NULL;
    uint64_t pc = strtoull(text, &end, 0);
    if (*end != ':') {
        refuse("'%.40s' is no site: give weaken=PC:ORDER or weaken=PC:fail:ORDER", text);
    }
    ++end;
    bool failure = strncmp(end, "fail:", 5) == 0;
    set_weakening(pc, failure, order_named(failure ? end + 5 : end));
}

static uint64_t number(const char *key, const char *text)
{
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 0);
    if (end == text || *end != 0 || *text == '-') {
        refuse("%s is '%.40s': must be a whole number from 0", key, text);
    }
    return value;
}

/* Reads the graphs from which the exploration begins from standard input: in each line a weight and a graph. */
static void read_sources(void)
{
    static char *line EXPLORER_STATE = NULL;
    static size_t room EXPLORER_STATE = 0;
    while (getline(&line, &room, stdin) > 0) {
        char *end = NULL;
        double weight = strtod(line, &end);
        if (end == line || *end != ' ') {
            refuse("a line of graphs to begin with has no weight: '%.40s'", line);
        }
        end[strcspn(end, "\n")] = 0;
        add_source(end + 1, weight);
    }
}

static double begun EXPLORER_STATE = 0;
static double progress_shown EXPLORER_STATE = 0;

static void print_progress(void)
{
    double t = now();
    if (t - progress_shown > 0.2) {
        progress_shown = t;
        fprintf(stderr, "{\"executions\": %llu, \"blocked\": %llu, \"seconds\": %.3f, \"done\": %.9f}\n",
                (unsigned long long)control.executions, (unsigned long long)control.blocked, t - begun, control.done);
        fflush(stderr);
    }
}

static void take_option(const char *word)
{
    const char *equals = strchr(word, '=');
    char key[32] = "";
    if (equals == NULL || (size_t)(equals - word) >= sizeof key) {
        refuse("'%.40s' is no option: give key=value", word);
    }
    memcpy(key, word, (size_t)(equals - word));
    const char *value = equals + 1;
    struct options *o = &control.options;
    if (strcmp(key, "graphs") == 0) {
        o->graphs = number(key, value) != 0;
    } else if (strcmp(key, "histories") == 0) {
        o->histories = number(key, value) != 0;
    } else if (strcmp(key, "trace") == 0) {
        o->trace = number(key, value) != 0;
    } else if (strcmp(key, "dump") == 0) {
        o->dump = number(key, value) != 0;
    } else if (strcmp(key, "sites") == 0) {
        o->sites = number(key, value) != 0;
    } else if (strcmp(key, "words") == 0) {
        o->words = number(key, value) != 0;
    } else if (strcmp(key, "keep-going") == 0) {
        o->keep_going = number(key, value) != 0;
    } else if (strcmp(key, "max") == 0) {
        o->most = number(key, value);
    } else if (strcmp(key, "random") == 0) {
        o->mode = RANDOM;
        o->most = number(key, value);
    } else if (strcmp(key, "depth") == 0) {
        o->depth = (uint32_t)number(key, value);
    } else if (strcmp(key, "seed") == 0) {
        o->seed = number(key, value);
    } else if (strcmp(key, "weak") == 0) {
        o->weak = number(key, value) != 0;
    } else if (strcmp(key, "wakeups") == 0) {
        o->wakeups = number(key, value) != 0;
    } else if (strcmp(key, "unroll") == 0) {
        o->unroll = (uint32_t)number(key, value);
    } else if (strcmp(key, "callers") == 0) {
        o->callers = number(key, value) != 0;
    } else if (strcmp(key, "barriers") == 0) {
        o->ordered_barriers = strcmp(value, "ordered") == 0;
    } else if (strcmp(key, "std") == 0) {
        o->c11 = strcmp(value, "c11") == 0;
        if (!o->c11 && strcmp(value, "c++20") != 0) {
            refuse("std is '%.20s': give c11 or c++20", value);
        }
    } else if (strcmp(key, "weaken") == 0) {
        weaken(value);
    } else if (strcmp(key, "progress") == 0) {
        o->progress = number(key, value) != 0;
    } else if (strcmp(key, "from") == 0) {
        if (strcmp(value, "-") == 0) {
            read_sources();
        } else {
            add_source(value, 1);
        }
    } else if (strcmp(key, "replay") == 0) {
        add_source(value, 1);
        o->mode = REPLAY;
    } else {
        refuse("'%.31s' is no option", key);
    }
}

static bool is_exhaustive(void)
{
    return control.options.mode == EXHAUSTIVE && explored_all() && control.cut == 0 && control.bounded == 0 && !control.stop;
}

static void answer(double seconds, bool refused)
{
    FILE *out = stdout;
    if (refused) {
        fputs("{\"refused\": ", out);
        json_string(out, control.refusal);
        if (control.grow != NULL) {
            fprintf(out, ", \"grow\": \"%s\"", control.grow);
        }
        fputs("}\n", out);
        fflush(out);
        return;
    }
    bool exhaustive = is_exhaustive();
    fprintf(out,
            "{\"executions\": %llu, \"distinct\": %llu, \"blocked\": %llu, \"redundant\": %llu, \"sampled\": %u, "
            "\"cut\": %llu, \"bounded\": %llu, \"dead\": %llu, \"runs\": %llu, \"exhaustive\": %s, \"seconds\": %.6f, \"done\": %.9f, \"errors\": ",
            (unsigned long long)control.executions, (unsigned long long)(control.executions - control.redundant),
            (unsigned long long)control.blocked, (unsigned long long)control.redundant, 1u << sample_shift(),
            (unsigned long long)control.cut, (unsigned long long)control.bounded, (unsigned long long)control.dead, (unsigned long long)control.runs,
            exhaustive ? "true" : "false", seconds, control.done);
    print_errors(out);
    if (control.options.histories) {
        fputs(", \"histories\": ", out);
        print_histories(out);
    }
    if (control.options.sites) {
        fputs(", \"sites\": ", out);
        print_sites(out);
    }
    if (control.options.words) {
        fputs(", \"words\": ", out);
        print_words(out);
    }
    if (control.options.graphs && control.print_more != NULL) {
        control.print_more(out);
    }
    if (control.options.trace) {
        fputs(", \"trace\": ", out);
        print_trace(out, print_results);
    }
    if (control.options.dump) {
        fputs(", \"pending\": ", out);
        print_pending(out);
    }
    fputs("}\n", out);
    fflush(out);
}

static void begin(void)
{
    control.options = (struct options){.mode = EXHAUSTIVE, .weak = true};
    control.executions = 0;
    control.blocked = 0;
    control.dead = 0;
    control.cut = 0;
    control.bounded = 0;
    control.grow = NULL;
    control.runs = 0;
    control.redundant = 0;
    control.stop = false;
    control.refused = false;
    control.on_fiber = false;
    graph.unlocated = false;
    control.refusal[0] = 0;
    clear_weakenings();
    forget_sources();
    report_reset();
    history_reset();
    words_reset();
    seen_reset();
    trace_begin();
}

/* Explores `body` under the options that were read. Returns the exit status. */
static int explore_body(int (*body)(void))
{
    begun = now();
    progress_shown = begun;
    control.on_progress = print_progress;
    control.random = control.options.seed * 2 + 1;
    explore_reset();
    program_begin(body);
    graph.ordered_barriers = control.options.ordered_barriers;
    explore();
    answer(now() - begun, control.refused);
    if (control.refused) {
        return 2;
    }
    return report_errors() > 0 ? 1 : is_exhaustive() ? 0 : 3;
}

int explorer_run(int argc, char **argv, int (*body)(void))
{
    begin();
    if (sigsetjmp(refusal_landing, 1) != 0) {
        answer(0, true);
        return 2;
    }
    for (int i = 1; i < argc; ++i) {
        take_option(argv[i]);
    }
    control.whole_program = true;
    environment_prepare();
    return explore_body(body);
}

static void *harness_thread(void *argument)
{
    harness->thread((uint32_t)(uintptr_t)argument);
    return NULL;
}

static int harness_body(void)
{
    int threads[MAX_THREADS];
    uint32_t count = harness->threads();
    if (harness->setup != NULL) {
        harness->setup();
    }
    for (uint32_t n = 1; n <= count; ++n) {
        threads[n] = thread_create_event(harness_thread, (void *)(uintptr_t)n, 0);
    }
    for (uint32_t n = 1; n <= count; ++n) {
        (void)thread_join_event(threads[n], 0);
    }
    /* Every event happens before what comes now, so each read has one possible value, which is in memory: no more events are
     * needed. */
    run.concurrent = false;
    if (harness->finish != NULL) {
        harness->finish();
    }
    return 0;
}

int explorer_serve(int argc, char **argv, const explorer_harness *chosen)
{
    static char *line EXPLORER_STATE = NULL;
    static size_t room EXPLORER_STATE = 0;
    (void)argc;
    (void)argv;
    harness = chosen;
    control.word_at = chosen->word;
    while (getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = 0;
        begin();
        if (sigsetjmp(refusal_landing, 1) != 0) {
            answer(0, true);
            continue;
        }
        char *text = strstr(line, "-- ");
        if (text == NULL) {
            refuse("the line has no '-- ' before its program");
        }
        text[-(text > line)] = 0;
        char *rest = NULL;
        for (char *word = strtok_r(text > line ? line : text + 3 + strlen(text + 3), " ", &rest); word != NULL;
             word = strtok_r(NULL, " ", &rest)) {
            take_option(word);
        }
        char complaint[200] = "";
        if (harness->load(text + 3, complaint, sizeof complaint) != 0) {
            refuse("%s", complaint);
        }
        if (harness->threads() >= MAX_THREADS) {
            refuse("%u threads are more than %d", harness->threads(), MAX_THREADS - 1);
        }
        (void)explore_body(harness_body);
        if (harness->unload != NULL) {
            harness->unload();
        }
    }
    return 0;
}
