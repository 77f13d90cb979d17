/* The depend clause. GCC makes it an array of words in one of two forms:
     { items, how many of them are out or inout, addresses: those first, then in }, or, when more kinds take part,
     { 0, items, out or inout, mutexinoutset, in, addresses in this order, then addresses of omp_depend_t objects }. */
#include "interpose/depobj.h"
#include "interpose/gomp/gomp.h"

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
    return depend_object_read(d[5 + i]);
}

struct mo_deps gomp_deps(void **depend)
{
    if (depend[0])
        return (struct mo_deps){(unsigned)(uintptr_t)depend[0], short_form_at, depend};
    return (struct mo_deps){(unsigned)(uintptr_t)depend[1], long_form_at, depend};
}
