/* What compiled code calls, for tests that call it themselves: with arguments that no installed compiler would give, or
   entry points that only newer ones or Intel's use. */
#ifndef TESTS_KMP_DIRECT_H
#define TESTS_KMP_DIRECT_H

#include <stdint.h>
#include <stddef.h>

typedef struct {
    int32_t reserved_1, flags, reserved_2, length;
    const char *source;
} ident;

static ident here = {0, 2, 0, 0, ";direct.c;f;7;3;;"};

int32_t __kmpc_global_thread_num(ident *);
#define GTID __kmpc_global_thread_num(&here)

#endif
