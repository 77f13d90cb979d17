/* Outlined functions of regions, and their arguments. */
#ifndef MO_INTERPOSE_KMP_INVOKE_H
#define MO_INTERPOSE_KMP_INVOKE_H

#include "interpose/kmp/kmp.h"
#include "plat/plat.h"

#include <alloca.h>
#include <stdarg.h>

/* The arguments lie on the stack of the thread that opens the region. */
struct kmp_outlined {
    kmpc_micro fn;
    unsigned count;
    void **words;
};

/* Call it as the calling thread; `data` is one of those. */
void kmp_run_outlined(void *data);

/* From the variable arguments of the function that this stands in. A processor's calling convention reads some words
   whether or not they are there. */
#define KMP_TAKE_OUTLINED(o, argc, function)                                                                           \
    do {                                                                                                               \
        unsigned count_ = (argc) > 0 ? (unsigned)(argc) : 0;                                                           \
        va_list list_;                                                                                                 \
        (o) = (struct kmp_outlined){(function), count_, alloca((count_ + MO_PLAT_INVOKE_WORDS) * sizeof(void *))};     \
        va_start(list_, function);                                                                                     \
        for (unsigned i_ = 0; i_ < count_ + MO_PLAT_INVOKE_WORDS; i_++)                                                \
            (o).words[i_] = i_ < count_ ? va_arg(list_, void *) : NULL;                                                \
        va_end(list_);                                                                                                 \
    } while (0)

#endif
