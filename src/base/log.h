/* Lines for the person who started the program.

   Each call writes one line to standard error with one write(2), so lines of several threads and processes do not mix.
   Nothing here allocates, takes a lock or changes errno: a line may come from inside an interposed function.
   A line longer than MO_LOG_LINE_BYTES is cut. */
#ifndef MO_BASE_LOG_H
#define MO_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define MO_LOG_LINE_BYTES 512
#define MO_LOG_TEXT_BYTES 4096

/* "moirai: ...": something is degraded but right. Context: any thread. */
void mo_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Whether mo_warn() writes anything; it does at first. */
void mo_log_set_warnings(bool on);

/* "moirai: fatal: ...", then the process ends with status 1. Through _exit(): exit handlers may wait for the very
   thread that calls this. */
_Noreturn void mo_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same where the program is what went wrong and the runtime is sound: ends like exit(1), so exit handlers run and
   stdio is flushed. */
_Noreturn void mo_fatal_exit(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* `head`, `bytes` of `text` as they are, a line end; in one write unless it is longer than MO_LOG_TEXT_BYTES. For what
   the program itself has to say. */
void mo_log_text(const char *head, const char *text, size_t bytes);

/* As mo_warn(), but only the first time that this place in the code is reached. */
#define mo_warn_once(...)                                                                                              \
    do {                                                                                                               \
        static atomic_flag mo_warned = ATOMIC_FLAG_INIT;                                                               \
        if (!atomic_flag_test_and_set_explicit(&mo_warned, memory_order_relaxed))                                      \
            mo_warn(__VA_ARGS__);                                                                                      \
    } while (0)

#endif
