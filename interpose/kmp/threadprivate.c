/* threadprivate variables of code that was compiled without thread-local storage for them. */
#include "interpose/kmp/kmp.h"
#include "omp/threadprivate.h"

#include <stddef.h>

MO_EXPORT void *__kmpc_threadprivate(ident_t *loc, int32_t gtid, void *data, size_t bytes)
{
    return mo_threadprivate_find(mo_self(), data, bytes);
}

MO_EXPORT void *__kmpc_threadprivate_cached(ident_t *loc, int32_t gtid, void *data, size_t bytes, void ***cache)
{
    return mo_threadprivate_find_cached(mo_self(), data, bytes, cache);
}

MO_EXPORT void __kmpc_threadprivate_register(ident_t *loc, void *data, void *(*make)(void *),
                                             void *(*make_from)(void *, void *), void (*unmake)(void *))
{
    const struct mo_threadprivate_kind kind = {.make = make, .make_from = make_from, .unmake = unmake};
    mo_threadprivate_register(data, &kind);
}

MO_EXPORT void __kmpc_threadprivate_register_vec(ident_t *loc, void *data, void *(*make)(void *, size_t),
                                                 void *(*make_from)(void *, void *, size_t),
                                                 void (*unmake)(void *, size_t), size_t count)
{
    const struct mo_threadprivate_kind kind = {
        .make_all = make, .make_all_from = make_from, .unmake_all = unmake, .count = count};
    mo_threadprivate_register(data, &kind);
}

/* What old compilers called: the copy with what is known about it, and the first access of the thread that has the
   original. */
MO_EXPORT struct mo_threadprivate_copy *kmp_threadprivate_insert(int gtid, void *original, void *data, size_t bytes)
{
    const void *copy = mo_threadprivate_find(mo_self(), original, bytes);
    return mo_threadprivate_about(mo_self(), copy);
}

MO_EXPORT void kmp_threadprivate_insert_private_data(int gtid, void *original, void *data, size_t bytes)
{
    mo_threadprivate_find(mo_self(), original, bytes);
}
