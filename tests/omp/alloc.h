/* Allocators made from a list of traits, for the programs about allocators. */
#ifndef TESTS_ALLOC_H
#define TESTS_ALLOC_H

#include <omp.h>
#include <stdint.h>
#include "check.h"

#define TRAIT(key, value)                                                                                              \
    {                                                                                                                  \
        omp_atk_##key, (omp_uintptr_t)(value)                                                                          \
    }
#define MAKE_IN(space, ...)                                                                                            \
    omp_init_allocator(space, (int)(sizeof((omp_alloctrait_t[]){__VA_ARGS__}) / sizeof(omp_alloctrait_t)),             \
                       (omp_alloctrait_t[]){__VA_ARGS__})
#define MAKE(...) MAKE_IN(omp_default_mem_space, __VA_ARGS__)

static inline int is_aligned(const void *p, size_t align)
{
    return p != NULL && (uintptr_t)p % align == 0;
}

/* Write all bytes of a block, so that a sanitizer or a neighbour finds one that is too small. */
static inline void fill(void *block, size_t bytes, int with)
{
    if (block)
        memset(block, with, bytes);
}

static inline int all_are(const void *block, size_t bytes, int value)
{
    const unsigned char *byte = block;
    for (size_t i = 0; block && i < bytes; i++)
        if (byte[i] != (unsigned char)value)
            return 0;
    return block != NULL;
}

#endif
