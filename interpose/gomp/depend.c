/* The depend clause. GCC makes it an array of words in one of two forms:
     { items, how many of them are out or inout, addresses: those first, then in }, or, when more kinds take part,
     { 0, items, out or inout, mutexinoutset, in, addresses in this order, then addresses of omp_depend_t objects }. */
#include "interpose/depobj.h"
#include "interpose/gomp/gomp.h"

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
        return (struct mo_deps){
            .count = (unsigned)(uintptr_t)depend[0], .list = depend + 2, .outs = (unsigned)(uintptr_t)depend[1]};
    uintptr_t items = (uintptr_t)depend[1];
    if (!items) /* also the short form of none at all, which has no more words */
        return (struct mo_deps){0};
    uintptr_t mutexes = items - (uintptr_t)depend[2] - (uintptr_t)depend[4]; /* or in objects, of whatever kind */
    return (struct mo_deps){(unsigned)items, (unsigned)mutexes, long_form_at, depend, 0};
}
