/* serve.c - explorations asked for by lines of text or by arguments, and their answers as JSON. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

extern sigjmp_buf refusal_landing;
uint32_t sample_shift(void);

static const explorer_harness *harness EXPLORER_STATE = NULL;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int order_named(const char *name)
{
    static const char *const names[] = {"rlx", "consume", "acq", "rel", "acq_rel", "sc"};
    for (int order = 0; order < 6; ++order) {
        if (strcmp(names[order], name) == 0) {
            return order;
        }
    }
    refuse("'%.20s' is no order: give rlx, acq, rel, acq_rel or sc", name);
}

/* weaken=PC:ORDER, or PC:fail:ORDER for the order of a compare-exchange that fails. */
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

/* Graphs to begin with from standard input, a line each: a weight and a graph. */
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

void print_progress(void)
{
    double t = now();
    if (t - progress_shown > 0.2) {
        progress_shown = t;
        fprintf(stderr, "{\"executions\": %llu, \"blocked\": %llu, \"seconds\": %.3f, \"done\": %.9f}\n",
                (unsigned long long)X->executions, (unsigned long long)X->blocked, t - begun, X->done);
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
    struct options *o = &X->options;
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

static void answer(double seconds, bool refused)
{
    FILE *out = stdout;
    if (refused) {
        fputs("{\"refused\": ", out);
        json_string(out, X->refusal);
        fputs("}\n", out);
        fflush(out);
        return;
    }
    bool exhaustive = X->options.mode == EXHAUSTIVE && explored_all() && X->cut == 0 && !X->stop;
    fprintf(out,
            "{\"executions\": %llu, \"distinct\": %llu, \"blocked\": %llu, \"redundant\": %llu, \"sampled\": %u, "
            "\"cut\": %llu, \"dead\": %llu, \"runs\": %llu, \"exhaustive\": %s, \"seconds\": %.6f, \"done\": %.9f, \"errors\": ",
            (unsigned long long)X->executions, (unsigned long long)(X->executions - X->redundant),
            (unsigned long long)X->blocked, (unsigned long long)X->redundant, 1u << sample_shift(),
            (unsigned long long)X->cut, (unsigned long long)X->dead, (unsigned long long)X->runs,
            exhaustive ? "true" : "false", seconds, X->done);
    print_errors(out);
    if (X->options.histories) {
        fputs(", \"histories\": ", out);
        print_histories(out);
    }
    if (X->options.sites) {
        fputs(", \"sites\": ", out);
        print_sites(out);
    }
    if (X->options.graphs && X->print_more != NULL) {
        X->print_more(out);
    }
    if (X->options.trace) {
        fputs(", \"trace\": ", out);
        print_trace(out);
    }
    if (X->options.dump) {
        fputs(", \"pending\": ", out);
        print_pending(out);
    }
    fputs("}\n", out);
    fflush(out);
}

static void begin(void)
{
    X->options = (struct options){.mode = EXHAUSTIVE};
    X->executions = 0;
    X->blocked = 0;
    X->dead = 0;
    X->cut = 0;
    X->runs = 0;
    X->redundant = 0;
    X->stop = false;
    X->refused = false;
    X->on_fiber = false;
    X->unlocated = false;
    X->refusal[0] = 0;
    clear_weakenings();
    forget_sources();
    report_reset();
}

/* Explores `body` under options that were taken. Returns the exit status. */
static int explore_body(int (*body)(void))
{
    begun = now();
    progress_shown = begun;
    X->random = X->options.seed * 2 + 1;
    program_begin(body);
    explore();
    answer(now() - begun, X->refused);
    if (X->refused) {
        return 2;
    }
    return report_errors() > 0 ? 1 : X->options.mode == EXHAUSTIVE && explored_all() && X->cut == 0 ? 0 : 3;
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
    /* Every event happens before what comes now, so each read has one answer, which lies in memory: no more events. */
    X->concurrent = false;
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
