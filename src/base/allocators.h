/* Memory spaces, predefined allocators and traits as OpenMP numbers them; every header of every compiler has these
   numbers and this layout of a trait. Here because the setting OMP_ALLOCATOR names them, too. */
#ifndef MO_BASE_ALLOCATORS_H
#define MO_BASE_ALLOCATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mo_mem_space { MO_SPACE_DEFAULT, MO_SPACE_LARGE_CAP, MO_SPACE_CONST, MO_SPACE_HIGH_BW, MO_SPACE_LOW_LAT };
#define MO_SPACES 5

/* Handles of the predefined allocators. 0, the null allocator, stands for the task's default allocator. */
enum mo_predefined_allocator {
    MO_ALLOC_NULL,
    MO_ALLOC_DEFAULT,
    MO_ALLOC_LARGE_CAP,
    MO_ALLOC_CONST,
    MO_ALLOC_HIGH_BW,
    MO_ALLOC_LOW_LAT,
    MO_ALLOC_CGROUP,
    MO_ALLOC_PTEAM,
    MO_ALLOC_THREAD
};

enum mo_trait_key {
    MO_TRAIT_SYNC_HINT = 1,
    MO_TRAIT_ALIGNMENT,
    MO_TRAIT_ACCESS,
    MO_TRAIT_POOL_SIZE,
    MO_TRAIT_FALLBACK,
    MO_TRAIT_FB_DATA,
    MO_TRAIT_PINNED,
    MO_TRAIT_PARTITION
};

enum mo_trait_value {
    MO_FALSE,
    MO_TRUE,
    MO_SYNC_CONTENDED = 3,
    MO_SYNC_UNCONTENDED,
    MO_SYNC_SERIALIZED,
    MO_SYNC_PRIVATE,
    MO_ACCESS_ALL,
    MO_ACCESS_THREAD,
    MO_ACCESS_PTEAM,
    MO_ACCESS_CGROUP,
    MO_FB_DEFAULT_MEM,
    MO_FB_NULL,
    MO_FB_ABORT,
    MO_FB_ALLOCATOR,
    MO_PART_ENVIRONMENT,
    MO_PART_NEAREST,
    MO_PART_BLOCKED,
    MO_PART_INTERLEAVED
};

/* The value of a trait that is given but is to have its default. */
#define MO_TRAIT_DEFAULT UINTPTR_MAX

struct mo_trait {
    int32_t key; /* enum mo_trait_key */
    uintptr_t value;
};
#define MO_TRAIT_KEYS 8

/* What OMP_ALLOCATOR says: a predefined allocator, or (0) a memory space with traits, each of them, in their order. */
struct mo_allocator_setting {
    uintptr_t allocator; /* enum mo_predefined_allocator */
    uintptr_t space;     /* enum mo_mem_space */
    struct mo_trait trait[MO_TRAIT_KEYS];
};

/* False: malformed. */
bool mo_allocators_read(const char *text, struct mo_allocator_setting *setting);

#endif
