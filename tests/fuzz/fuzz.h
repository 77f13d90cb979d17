/* What a fuzz target is made of.

   Each target is one function of bytes that must hold what it requires, whatever the bytes. libFuzzer calls it with
   what it makes up (clang, preset `fuzz`, tests/fuzz/run); replay.c calls it with the files of the corpus (any
   compiler, ctest). */
#ifndef MO_TESTS_FUZZ_FUZZ_H
#define MO_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Not assert(): release builds keep it. The text says which property does not hold and for what. */
#define REQUIRE(condition, ...)                                                                                        \
    do {                                                                                                               \
        if (condition)                                                                                                 \
            break;                                                                                                     \
        fprintf(stderr, "%s:%d: %s does not hold: ", __FILE__, __LINE__, #condition);                                  \
        fprintf(stderr, __VA_ARGS__);                                                                                  \
        fputc('\n', stderr);                                                                                           \
        abort();                                                                                                       \
    } while (0)

/* A copy with a zero byte behind it, in a block of just that size: who reads on is found out. */
char *fuzz_text(const uint8_t *data, size_t bytes);

/* What the parsers see of the world: system calls that the linker leads here (--wrap).

   Files whose path begins with WORLD_ROOT are in memory. Reads give at most `read_bytes` at once (0: all there is), and
   with a bound every other one is interrupted first. */
#define WORLD_ROOT      "/world"
#define WORLD_FILES_MAX 64

struct world_file {
    const char *path; /* behind the root */
    const uint8_t *text;
    size_t bytes;
};

void world_show(const struct world_file *files, unsigned count, size_t read_bytes);
unsigned world_open_files(void);

/* From now on lines for standard error are kept, until world_heard() gives them back. */
void world_listen(void);
const char *world_heard(void);

#endif
