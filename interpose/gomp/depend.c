/* The depend clause. GCC makes it an array of words in one of two forms:
     { items, how many of them are out or inout, addresses: those first, then in }, or, when more kinds take part,
     { 0, items, out or inout, mutexinoutset, in, addresses in this order, then addresses of omp_depend_t objects }.
   A depend object is { address, kind }; its kinds are numbered as below. */
#include "interpose/gomp/gomp.h"

struct depend_object {
    void *addr;
    uintptr_t kind;
};

enum { OBJECT_IN = 1, OBJECT_OUT, OBJECT_INOUT, OBJECT_MUTEXINOUTSET, OBJECT_INOUTSET };

static struct mo_dep object_at(const struct depend_object *object)
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

static struct mo_dep short_form_at(const void *list, unsigned i)
{
    void *const *d = list;
    return (struct mo_dep){d[2 + i], i < (uintptr_t)d[1] ? MO_DEP_OUT : MO_DEP_IN};
}

static struct mo_dep long_form_at(const void *list, unsigned i)
{
    void *const *d = list;
    uintptr_t outs = (uintptr_t)d[2], mutexes = (uintptr_t)d[3], ins = (uintptr_t)d[4];
    if (i < outs)
        return (struct mo_dep){d[5 + i], MO_DEP_OUT};
    if (i < outs + mutexes)
        return (struct mo_dep){d[5 + i], MO_DEP_MUTEXINOUTSET};
    if (i < outs + mutexes + ins)
        return (struct mo_dep){d[5 + i], MO_DEP_IN};
    return object_at(d[5 + i]);
}

struct mo_deps gomp_deps(void **depend)
{
    if (depend[0])
        return (struct mo_deps){(unsigned)(uintptr_t)depend[0], short_form_at, depend};
    return (struct mo_deps){(unsigned)(uintptr_t)depend[1], long_form_at, depend};
}
