/* __kmpc_atomic_*: one table for all of them. A row is a kind of number, an operation and what it computes; the macros
   make the plain form of each, the form that hands back a value (cpt), and where the operands may change places both of
   that (rev).

   Numbers of up to 8 bytes at an address of that alignment change by compare-and-swap; all others under one lock, the
   same that GCC's compilers are given, so objects of both may share a variable. An address has one of the two ways for
   ever, whatever the operation is. Release and acquire are more than a plain atomic construct asks for; for those that
   ask for sequential consistency the compiled code brings its flushes. */
#include "interpose/kmp/kmp.h"

#include <string.h>

typedef float _Complex cmplx4;
typedef double _Complex cmplx8;
typedef long double _Complex cmplx10;

static inline bool is_lock_free(const void *at, size_t bytes)
{
    return bytes <= sizeof(uint64_t) && (uintptr_t)at % bytes == 0;
}

#define WORD(n, at) ((_Atomic uint##n##_t *)(at))

/* Read what is there, to compute what shall be. */
static inline __attribute__((always_inline)) void begin(void *at, void *old, size_t bytes)
{
    if (!is_lock_free(at, bytes)) {
        mo_mutex_lock(&MO_SHARED(atomic));
        memcpy(old, at, bytes);
        return;
    }
    switch (bytes) {
    case 1:
        *(uint8_t *)old = mo_load_acquire(WORD(8, at));
        break;
    case 2:
        *(uint16_t *)old = mo_load_acquire(WORD(16, at));
        break;
    case 4:
        *(uint32_t *)old = mo_load_acquire(WORD(32, at));
        break;
    default:
        *(uint64_t *)old = mo_load_acquire(WORD(64, at));
    }
}

static void end_locked(void *at, const void *now, size_t bytes)
{
    memcpy(at, now, bytes);
    mo_mutex_unlock(&MO_SHARED(atomic));
}

/* Put it there. False: somebody else was faster, `old` is what is there now, and it must be computed again. */
static inline __attribute__((always_inline)) bool attempt(void *at, void *old, const void *now, size_t bytes)
{
    if (!is_lock_free(at, bytes)) {
        end_locked(at, now, bytes);
        return true;
    }
    switch (bytes) {
    case 1:
        return mo_cas_acq_rel(WORD(8, at), (uint8_t *)old, *(const uint8_t *)now);
    case 2:
        return mo_cas_acq_rel(WORD(16, at), (uint16_t *)old, *(const uint16_t *)now);
    case 4:
        return mo_cas_acq_rel(WORD(32, at), (uint32_t *)old, *(const uint32_t *)now);
    default:
        return mo_cas_acq_rel(WORD(64, at), (uint64_t *)old, *(const uint64_t *)now);
    }
}

/* A read changes nothing, so it needs no second half. */
static inline __attribute__((always_inline)) void read_only(void *at, void *old, size_t bytes)
{
    begin(at, old, bytes);
    if (!is_lock_free(at, bytes))
        mo_mutex_unlock(&MO_SHARED(atomic));
}

/* ---- Forms of a function. `value` is in terms of `old` and `rhs`, of types T and R. */
#define CHANGE(T, value)                                                                                               \
    T old, now;                                                                                                        \
    begin(lhs, &old, sizeof old);                                                                                      \
    do                                                                                                                 \
        now = (T)(value);                                                                                              \
    while (!attempt(lhs, &old, &now, sizeof old));

#define UPDATE(name, T, R, value)                                                                                      \
    MO_EXPORT void __kmpc_atomic_##name(ident_t *loc, int32_t gtid, T *lhs, R rhs)                                     \
    {                                                                                                                  \
        CHANGE(T, value)                                                                                               \
    }

#define CAPTURE(name, T, R, value)                                                                                     \
    MO_EXPORT T __kmpc_atomic_##name(ident_t *loc, int32_t gtid, T *lhs, R rhs, int32_t after)                         \
    {                                                                                                                  \
        CHANGE(T, value)                                                                                               \
        return after ? now : old;                                                                                      \
    }

/* The smallest complex numbers come back through an argument. */
#define CAPTURE_OUT(name, T, R, value)                                                                                 \
    MO_EXPORT void __kmpc_atomic_##name(ident_t *loc, int32_t gtid, T *lhs, R rhs, T *out, int32_t after)              \
    {                                                                                                                  \
        CHANGE(T, value)                                                                                               \
        *out = after ? now : old;                                                                                      \
    }

#define READ(name, T)                                                                                                  \
    MO_EXPORT T __kmpc_atomic_##name(ident_t *loc, int32_t gtid, T *from)                                              \
    {                                                                                                                  \
        T old;                                                                                                         \
        read_only(from, &old, sizeof old);                                                                             \
        return old;                                                                                                    \
    }

#define SWAP(name, T)                                                                                                  \
    MO_EXPORT T __kmpc_atomic_##name(ident_t *loc, int32_t gtid, T *lhs, T rhs)                                        \
    {                                                                                                                  \
        CHANGE(T, rhs)                                                                                                 \
        return old;                                                                                                    \
    }

#define SWAP_OUT(name, T)                                                                                              \
    MO_EXPORT void __kmpc_atomic_##name(ident_t *loc, int32_t gtid, T *lhs, T rhs, T *out)                             \
    {                                                                                                                  \
        CHANGE(T, rhs)                                                                                                 \
        *out = old;                                                                                                    \
    }

/* ---- Operations. W is a type in which whole numbers of type T neither overflow nor lose their sign. */
#define ADD(W, a, b)  ((W)(a) + (W)(b))
#define SUB(W, a, b)  ((W)(a) - (W)(b))
#define MUL(W, a, b)  ((W)(a) * (W)(b))
#define DIV(W, a, b)  ((a) / (b))
#define ANDB(W, a, b) ((a) & (b))
#define ORB(W, a, b)  ((a) | (b))
#define XOR(W, a, b)  ((a) ^ (b))
#define EQV(W, a, b)  ((a) ^ ~(b))
#define ANDL(W, a, b) ((a) && (b))
#define ORL(W, a, b)  ((a) || (b))
#define SHL(W, a, b)  ((uint64_t)(a) << ((b)&63))
#define SHR(W, a, b)  ((a) >> ((b)&63))
#define MIN(W, a, b)  ((a) > (b) ? (b) : (a))
#define MAX(W, a, b)  ((a) < (b) ? (b) : (a))

#define BOTH(tag, op, T, W, VALUE)                                                                                     \
    UPDATE(tag##_##op, T, T, VALUE(W, old, rhs))                                                                       \
    CAPTURE(tag##_##op##_cpt, T, T, VALUE(W, old, rhs))
#define REVERSED(tag, op, T, W, VALUE)                                                                                 \
    UPDATE(tag##_##op##_rev, T, T, VALUE(W, rhs, old))                                                                 \
    CAPTURE(tag##_##op##_cpt_rev, T, T, VALUE(W, rhs, old))
#define MIXED(tag, op, other, T, R, VALUE) UPDATE(tag##_##op##_##other, T, R, VALUE(R, old, rhs))
#define WHOLE(tag, T)                                                                                                  \
    READ(tag##_rd, T)                                                                                                  \
    SWAP(tag##_swp, T)                                                                                                 \
    UPDATE(tag##_wr, T, T, rhs)

/* ---- Kinds of numbers. */
#define UNSIGNED(tag, T)                                                                                               \
    BOTH(tag, div, T, T, DIV)                                                                                          \
    BOTH(tag, shr, T, T, SHR)                                                                                          \
    REVERSED(tag, div, T, T, DIV)                                                                                      \
    REVERSED(tag, shr, T, T, SHR)

/* Sums of signed numbers wrap around. */
#define FIXED(tag, T)                                                                                                  \
    BOTH(tag, add, T, uint64_t, ADD)                                                                                   \
    BOTH(tag, sub, T, uint64_t, SUB)                                                                                   \
    BOTH(tag, mul, T, uint64_t, MUL)                                                                                   \
    BOTH(tag, div, T, T, DIV)                                                                                          \
    BOTH(tag, andb, T, T, ANDB)                                                                                        \
    BOTH(tag, orb, T, T, ORB)                                                                                          \
    BOTH(tag, xor, T, T, XOR)                                                                                          \
    BOTH(tag, neqv, T, T, XOR)                                                                                         \
    BOTH(tag, eqv, T, T, EQV)                                                                                          \
    BOTH(tag, andl, T, T, ANDL)                                                                                        \
    BOTH(tag, orl, T, T, ORL)                                                                                          \
    BOTH(tag, shl, T, T, SHL)                                                                                          \
    BOTH(tag, shr, T, T, SHR)                                                                                          \
    BOTH(tag, min, T, T, MIN)                                                                                          \
    BOTH(tag, max, T, T, MAX)                                                                                          \
    REVERSED(tag, sub, T, uint64_t, SUB)                                                                               \
    REVERSED(tag, div, T, T, DIV)                                                                                      \
    REVERSED(tag, shl, T, T, SHL)                                                                                      \
    REVERSED(tag, shr, T, T, SHR)                                                                                      \
    MIXED(tag, mul, float8, T, double, MUL)                                                                            \
    MIXED(tag, div, float8, T, double, DIV)                                                                            \
    WHOLE(tag, T)

#define FLOAT(tag, T)                                                                                                  \
    BOTH(tag, add, T, T, ADD)                                                                                          \
    BOTH(tag, sub, T, T, SUB)                                                                                          \
    BOTH(tag, mul, T, T, MUL)                                                                                          \
    BOTH(tag, div, T, T, DIV)                                                                                          \
    BOTH(tag, min, T, T, MIN)                                                                                          \
    BOTH(tag, max, T, T, MAX)                                                                                          \
    REVERSED(tag, sub, T, T, SUB)                                                                                      \
    REVERSED(tag, div, T, T, DIV)                                                                                      \
    WHOLE(tag, T)

#define COMPLEX(tag, T)                                                                                                \
    BOTH(tag, add, T, T, ADD)                                                                                          \
    BOTH(tag, sub, T, T, SUB)                                                                                          \
    BOTH(tag, mul, T, T, MUL)                                                                                          \
    BOTH(tag, div, T, T, DIV)                                                                                          \
    REVERSED(tag, sub, T, T, SUB)                                                                                      \
    REVERSED(tag, div, T, T, DIV)                                                                                      \
    WHOLE(tag, T)

#define COMPLEX_OUT(tag, op, T, VALUE)                                                                                 \
    UPDATE(tag##_##op, T, T, VALUE(T, old, rhs))                                                                       \
    CAPTURE_OUT(tag##_##op##_cpt, T, T, VALUE(T, old, rhs))
#define COMPLEX_OUT_REVERSED(tag, op, T, VALUE)                                                                        \
    UPDATE(tag##_##op##_rev, T, T, VALUE(T, rhs, old))                                                                 \
    CAPTURE_OUT(tag##_##op##_cpt_rev, T, T, VALUE(T, rhs, old))
#define FOUR_MIXED(tag, other, T, R)                                                                                   \
    MIXED(tag, add, other, T, R, ADD)                                                                                  \
    MIXED(tag, sub, other, T, R, SUB)                                                                                  \
    MIXED(tag, mul, other, T, R, MUL)                                                                                  \
    MIXED(tag, div, other, T, R, DIV)

FIXED(fixed1, int8_t)
FIXED(fixed2, int16_t)
FIXED(fixed4, int32_t)
FIXED(fixed8, int64_t)
UNSIGNED(fixed1u, uint8_t)
UNSIGNED(fixed2u, uint16_t)
UNSIGNED(fixed4u, uint32_t)
UNSIGNED(fixed8u, uint64_t)
FLOAT(float4, float)
FLOAT(float8, double)
FLOAT(float10, long double)
FOUR_MIXED(float4, float8, float, double)
COMPLEX(cmplx8, cmplx8)
COMPLEX(cmplx10, cmplx10)

COMPLEX_OUT(cmplx4, add, cmplx4, ADD)
COMPLEX_OUT(cmplx4, sub, cmplx4, SUB)
COMPLEX_OUT(cmplx4, mul, cmplx4, MUL)
COMPLEX_OUT(cmplx4, div, cmplx4, DIV)
COMPLEX_OUT_REVERSED(cmplx4, sub, cmplx4, SUB)
COMPLEX_OUT_REVERSED(cmplx4, div, cmplx4, DIV)
FOUR_MIXED(cmplx4, cmplx8, cmplx4, cmplx8)
READ(cmplx4_rd, cmplx4)
SWAP_OUT(cmplx4_swp, cmplx4)
UPDATE(cmplx4_wr, cmplx4, cmplx4, rhs)

/* ---- Numbers of 16 bytes, which Intel's compilers have, also beside all others. */
#ifdef __SIZEOF_FLOAT128__
typedef __float128 float16;
typedef _Complex float __attribute__((mode(TC))) cmplx16;

#define QUAD(tag, op, T, VALUE)                                                                                        \
    UPDATE(tag##_##op##_fp, T, float16, VALUE(float16, old, rhs))                                                      \
    CAPTURE(tag##_##op##_cpt_fp, T, float16, VALUE(float16, old, rhs))
#define QUAD_REVERSED(tag, op, T, VALUE)                                                                               \
    UPDATE(tag##_##op##_rev_fp, T, float16, VALUE(float16, rhs, old))                                                  \
    CAPTURE(tag##_##op##_cpt_rev_fp, T, float16, VALUE(float16, rhs, old))
#define QUADS(tag, T)                                                                                                  \
    QUAD(tag, add, T, ADD)                                                                                             \
    QUAD(tag, sub, T, SUB)                                                                                             \
    QUAD(tag, mul, T, MUL)                                                                                             \
    QUAD(tag, div, T, DIV)                                                                                             \
    QUAD_REVERSED(tag, sub, T, SUB)                                                                                    \
    QUAD_REVERSED(tag, div, T, DIV)

FLOAT(float16, float16)
COMPLEX(cmplx16, cmplx16)
QUADS(fixed1, int8_t)
QUADS(fixed2, int16_t)
QUADS(fixed4, int32_t)
QUADS(fixed8, int64_t)
QUADS(fixed1u, uint8_t)
QUADS(fixed2u, uint16_t)
QUADS(fixed4u, uint32_t)
QUADS(fixed8u, uint64_t)
QUADS(float4, float)
QUADS(float8, double)
QUADS(float10, long double)
#endif

/* ---- Compare and exchange. */
static inline __attribute__((always_inline)) bool exchange_if(void *at, void *expected, const void *wanted,
                                                              size_t bytes)
{
    char old[sizeof(uint64_t)];
    bool same, done;
    begin(at, old, bytes);
    do {
        same = memcmp(old, expected, bytes) == 0;
        done = attempt(at, old, same ? wanted : old, bytes);
    } while (!done);
    memcpy(expected, old, bytes);
    return same;
}

#define EXCHANGE_IF(n, T)                                                                                              \
    MO_EXPORT bool __kmpc_atomic_bool_##n##_cas(ident_t *loc, int32_t gtid, T *at, T expected, T wanted)               \
    {                                                                                                                  \
        return exchange_if(at, &expected, &wanted, n);                                                                 \
    }                                                                                                                  \
    /* What was found instead. */                                                                                      \
    MO_EXPORT bool __kmpc_atomic_bool_##n##_cas_cpt(ident_t *loc, int32_t gtid, T *at, T expected, T wanted, T *found) \
    {                                                                                                                  \
        bool same = exchange_if(at, &expected, &wanted, n);                                                            \
        if (!same)                                                                                                     \
            *found = expected;                                                                                         \
        return same;                                                                                                   \
    }                                                                                                                  \
    MO_EXPORT T __kmpc_atomic_val_##n##_cas(ident_t *loc, int32_t gtid, T *at, T expected, T wanted)                   \
    {                                                                                                                  \
        exchange_if(at, &expected, &wanted, n);                                                                        \
        return expected;                                                                                               \
    }                                                                                                                  \
    /* What is there afterwards. */                                                                                    \
    MO_EXPORT T __kmpc_atomic_val_##n##_cas_cpt(ident_t *loc, int32_t gtid, T *at, T expected, T wanted, T *after)     \
    {                                                                                                                  \
        bool same = exchange_if(at, &expected, &wanted, n);                                                            \
        *after = same ? wanted : expected;                                                                             \
        return expected;                                                                                               \
    }

EXCHANGE_IF(1, int8_t)
EXCHANGE_IF(2, int16_t)
EXCHANGE_IF(4, int32_t)
EXCHANGE_IF(8, int64_t)

/* ---- Operations of the compiled code: f(result, left, right). */
typedef void operation(void *result, void *left, void *right);

#define WITH_OPERATION(n)                                                                                              \
    MO_EXPORT void __kmpc_atomic_##n(ident_t *loc, int32_t gtid, void *lhs, void *rhs, operation *f)                   \
    {                                                                                                                  \
        _Alignas(MO_ALIGN_MAX) char old[n], now[n];                                                                    \
        begin(lhs, old, n);                                                                                            \
        do                                                                                                             \
            f(now, old, rhs);                                                                                          \
        while (!attempt(lhs, old, now, n));                                                                            \
    }
#define MO_ALIGN_MAX 16

WITH_OPERATION(1)
WITH_OPERATION(2)
WITH_OPERATION(4)
WITH_OPERATION(8)
WITH_OPERATION(10)
WITH_OPERATION(16)
WITH_OPERATION(20)
WITH_OPERATION(32)

MO_EXPORT void __kmpc_atomic_start(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_ATOMIC);
    mo_omp_acquire(m, &MO_SHARED(atomic));
}

MO_EXPORT void __kmpc_atomic_end(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_ATOMIC);
    mo_omp_release(m, &MO_SHARED(atomic));
}
