/* omp_depend_t of both compilers, and what clang's depend clauses are made of. */
#ifndef MO_INTERPOSE_DEPOBJ_H
#define MO_INTERPOSE_DEPOBJ_H

#include "base/log.h"
#include "omp/core.h"

/* As in GCC's omp.h: an address and what is done to it. */
struct depend_object {
    void *addr;
    uintptr_t kind;
};

enum { OBJECT_IN = 1, OBJECT_OUT, OBJECT_INOUT, OBJECT_MUTEXINOUTSET, OBJECT_INOUTSET };

static inline struct mo_dep depend_object_read(const struct depend_object *object)
{
    switch (object->kind) {
    case OBJECT_IN:
        return (struct mo_dep){object->addr, MO_DEP_IN};
    case OBJECT_MUTEXINOUTSET:
        return (struct mo_dep){object->addr, MO_DEP_MUTEXINOUTSET};
    case OBJECT_INOUTSET:
        return (struct mo_dep){object->addr, MO_DEP_INOUTSET};
    case OBJECT_OUT:
    case OBJECT_INOUT:
        return (struct mo_dep){object->addr, MO_DEP_OUT};
    default:
        mo_fatal("a depend object that was never initialised, or is destroyed, is used in a depend clause");
    }
}

/* Of clang: one item of a clause. omp_depend_t is the address of the first of several, and in front of that is another
   one, whose address is their number. */
typedef struct kmp_depend_info {
    void *address;
    size_t bytes;
    uint8_t flags;
} kmp_depend_info_t;

enum { DEP_IN = 1, DEP_OUT = 2, DEP_MUTEXINOUTSET = 4, DEP_INOUTSET = 8, DEP_ALL_MEMORY = 0x80 };

/* Address 0 means all memory to the core, but nothing special to compiled code. */
static inline struct mo_dep kmp_depend_read(const kmp_depend_info_t *d)
{
    void *address = d->address ? d->address : (void *)1;
    if (d->flags & DEP_ALL_MEMORY)
        return (struct mo_dep){NULL, MO_DEP_OUT};
    if (d->flags & DEP_OUT)
        return (struct mo_dep){address, MO_DEP_OUT};
    if (d->flags & DEP_MUTEXINOUTSET)
        return (struct mo_dep){address, MO_DEP_MUTEXINOUTSET};
    return (struct mo_dep){address, d->flags & DEP_INOUTSET ? MO_DEP_INOUTSET : MO_DEP_IN};
}

static inline size_t kmp_depend_object_items(const kmp_depend_info_t *object)
{
    if (!object)
        mo_fatal("a depend object that was never initialised is used");
    return (size_t)object[-1].address;
}

#endif
