/* omp_depend_t as in GCC's omp.h: an address and what is done to it. */
#ifndef MO_INTERPOSE_DEPOBJ_H
#define MO_INTERPOSE_DEPOBJ_H

#include "omp/core.h"

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

#endif
