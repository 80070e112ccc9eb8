/* findings.h - what was found: errors, graphs, histories and traces, as JSON. */
#ifndef EXPLORER_FINDINGS_H
#define EXPLORER_FINDINGS_H

#include "schedule.h"

/* json.c */
void json_string(FILE *file, const char *text);

/* findings.c */
void report(const char *kind, uint64_t pc, uint64_t other_pc, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void report_reset(void);
int report_errors(void);
void print_errors(FILE *file);

/* seen.c */
#define FIRST_ROOM 1024u /* of a table of hashes */
uint64_t mixed(uint64_t hash, uint64_t value);
bool entered(uint64_t *table, uint32_t mask, uint64_t hash);
uint32_t resize(uint64_t **table, uint32_t *room, uint32_t wanted, uint32_t zeros);
void seen_reset(void);
void remember_graph(void);
uint32_t sample_shift(void);
void remember_sites(void);
void print_sites(FILE *file);

/* history.c */
void history_reset(void);
void history_begin(void);
void history_end(void);
void keep_history(void);
void take_back_history(void);
void print_histories(FILE *file);
void print_results(FILE *file, int thread, uint32_t op);

/* words.c */
void words_reset(void);
void words_begin(void);
void words_checkpoint(void);
void word_written_alone(uint64_t address, uint64_t pc, uint64_t old, uint64_t new);
void words_end(void);
void print_words(FILE *file);

/* trace.c */
void trace_begin(void);
void trace_error(uint64_t pc, const char *message);
void trace_plain(const char *kind, uint64_t address, size_t size, uint64_t pc);
void trace_event(int id, const char *kind);

/* `print_results` prints what an operation of a thread returned. */
void print_trace(FILE *file, void (*print_results)(FILE *file, int thread, uint32_t op));

#endif
