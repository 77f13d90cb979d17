/* Every __kmpc_atomic_*: all threads apply one operation with one operand again and again. Whatever their order is, the
   values that the variable goes through are those of a plain loop; its last value shows whether a step was lost, and a
   sum over what the capturing forms hand back shows whether each step was seen once. */
#include <complex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include <omp.h>

#define STEPS       2000 /* fewer, and the threads do not meet */
#define QUOTED(x)   #x
#define VALUE_BYTES 32

typedef float _Complex cmplx4;
typedef double _Complex cmplx8;
typedef long double _Complex cmplx10;

int32_t __kmpc_global_thread_num(void *);

static const char *what;
static int threads;

/* x87 numbers have 6 bytes that mean nothing. */
static uint64_t hash(const void *value, size_t bytes, size_t used, size_t stride)
{
    uint64_t sum = 14695981039346656037u;
    for (size_t i = 0; i < bytes; i++)
        if (i % stride < used)
            sum = (sum ^ ((const unsigned char *)value)[i]) * 1099511628211u;
    return sum;
}

#define NUMBER_WORD(T)                                                                                                 \
    static uint64_t hash_##T(T value)                                                                                  \
    {                                                                                                                  \
        return hash(&value, sizeof value, sizeof value, sizeof value);                                                 \
    }
#define NUMBER_X87(T)                                                                                                  \
    static uint64_t hash_##T(T value)                                                                                  \
    {                                                                                                                  \
        return hash(&value, sizeof value, sizeof(long double) == 16 && __LDBL_MANT_DIG__ == 64 ? 10 : 16, 16);         \
    }
typedef long double float10;
NUMBER_WORD(int8_t)
NUMBER_WORD(int16_t)
NUMBER_WORD(int32_t)
NUMBER_WORD(int64_t)
NUMBER_WORD(uint8_t)
NUMBER_WORD(uint16_t)
NUMBER_WORD(uint32_t)
NUMBER_WORD(uint64_t)
NUMBER_WORD(float)
NUMBER_WORD(double)
NUMBER_X87(float10)
NUMBER_WORD(cmplx4)
NUMBER_WORD(cmplx8)
NUMBER_X87(cmplx10)

static void compare(bool same, const char *aspect)
{
    if (!same && check_first_lines())
        fprintf(stderr, "%s: %s differs from a plain loop's\n", what, aspect);
}

/* One variable that all threads hammer on. `call` uses x, gtid, rhs and adds to `mine` what it captured; `step` is the
   plain form, of x and rhs; `seen` is what is captured of old and x. */
#define TRY(name, T, R, first, operand, call, step, seen)                                                              \
    do {                                                                                                               \
        static T x __attribute__((aligned(32)));                                                                       \
        uint64_t sum = 0, expected = 0;                                                                                \
        R rhs = (R)(operand);                                                                                          \
        what = QUOTED(name);                                                                                           \
        x = (T)(first);                                                                                                \
        _Pragma("omp parallel")                                                                                        \
        {                                                                                                              \
            uint64_t mine = 0;                                                                                         \
            _Pragma("omp barrier")                                                                                     \
                                                                                                                       \
                int32_t gtid = __kmpc_global_thread_num(NULL);                                                         \
            for (int i = 0; i < STEPS; i++) {                                                                          \
                call;                                                                                                  \
            }                                                                                                          \
            __atomic_fetch_add(&sum, mine, __ATOMIC_RELAXED);                                                          \
            (void)gtid;                                                                                                \
        }                                                                                                              \
        T last = x;                                                                                                    \
        x = (T)(first);                                                                                                \
        for (int i = 0; i < threads * STEPS; i++) {                                                                    \
            T old = x;                                                                                                 \
            x = (T)(step);                                                                                             \
            expected += seen;                                                                                          \
            (void)old;                                                                                                 \
        }                                                                                                              \
        compare(hash_##T(last) == hash_##T(x), "the last value");                                                      \
        compare(sum == expected, "what was captured");                                                                 \
    } while (0);

#define DECLARE(result, name, ...) result __kmpc_atomic_##name(void *, int32_t, __VA_ARGS__);
#define PLAIN(name, T, R, first, operand, step)                                                                        \
    {                                                                                                                  \
        DECLARE(void, name, T *, R)                                                                                    \
        TRY(name, T, R, first, operand, __kmpc_atomic_##name(NULL, gtid, &x, rhs), step, 0)                            \
    }
#define CAPTURED(name, T, first, operand, step)                                                                        \
    {                                                                                                                  \
        DECLARE(T, name, T *, T, int)                                                                                  \
        TRY(name, T, T, first, operand, mine += hash_##T(__kmpc_atomic_##name(NULL, gtid, &x, rhs, 1)), step,          \
            hash_##T(x))                                                                                               \
        TRY(name, T, T, first, operand, mine += hash_##T(__kmpc_atomic_##name(NULL, gtid, &x, rhs, 0)), step,          \
            hash_##T(old))                                                                                             \
    }
#define CAPTURED_OUT(name, T, first, operand, step)                                                                    \
    {                                                                                                                  \
        DECLARE(void, name, T *, T, T *, int)                                                                          \
        TRY(name, T, T, first, operand, T out; __kmpc_atomic_##name(NULL, gtid, &x, rhs, &out, 1);                     \
            mine += hash_##T(out), step, hash_##T(x))                                                                  \
        TRY(name, T, T, first, operand, T out; __kmpc_atomic_##name(NULL, gtid, &x, rhs, &out, 0);                     \
            mine += hash_##T(out), step, hash_##T(old))                                                                \
    }

#define BOTH(tag, op, T, first, operand, step)                                                                         \
    PLAIN(tag##_##op, T, T, first, operand, step)                                                                      \
    CAPTURED(tag##_##op##_cpt, T, first, operand, step)
#define BOTH_REV(tag, op, T, first, operand, step)                                                                     \
    PLAIN(tag##_##op##_rev, T, T, first, operand, step)                                                                \
    CAPTURED(tag##_##op##_cpt_rev, T, first, operand, step)

/* Reads see whole values only, a swap hands on each value once. */
#define SWAPPED(tag, T)                                                                                                \
    {                                                                                                                  \
        DECLARE(T, tag##_rd, T *)                                                                                      \
        DECLARE(T, tag##_swp, T *, T)                                                                                  \
        DECLARE(void, tag##_wr, T *, T)                                                                                \
        static T x __attribute__((aligned(32)));                                                                       \
        what = QUOTED(tag##_rd);                                                                                       \
        x = (T)7;                                                                                                      \
        _Pragma("omp parallel")                                                                                        \
        {                                                                                                              \
            int32_t gtid = __kmpc_global_thread_num(NULL);                                                             \
            T mine = (T)(gtid & 1 ? 7 : 100);                                                                          \
            for (int i = 0; i < STEPS; i++) {                                                                          \
                __kmpc_atomic_##tag##_wr(NULL, gtid, &x, mine);                                                        \
                T seen = __kmpc_atomic_##tag##_rd(NULL, gtid, &x);                                                     \
                compare(seen == (T)7 || seen == (T)100, "what was read");                                              \
            }                                                                                                          \
        }                                                                                                              \
        what = QUOTED(tag##_swp);                                                                                      \
        uint64_t in = hash_##T((T)7), out = 0;                                                                         \
        x = (T)7;                                                                                                      \
        _Pragma("omp parallel")                                                                                        \
        {                                                                                                              \
            int32_t gtid = __kmpc_global_thread_num(NULL);                                                             \
            for (int i = 0; i < STEPS; i++) {                                                                          \
                T mine = (T)(omp_get_thread_num() + i);                                                                \
                __atomic_fetch_add(&in, hash_##T(mine), __ATOMIC_RELAXED);                                             \
                __atomic_fetch_add(&out, hash_##T(__kmpc_atomic_##tag##_swp(NULL, gtid, &x, mine)), __ATOMIC_RELAXED); \
            }                                                                                                          \
        }                                                                                                              \
        compare(in == out + hash_##T(x), "what was swapped");                                                          \
    }

/* Shifted by itself again and again it would soon be too far. */
#define SHIFTED_ONCE(tag, T)                                                                                           \
    {                                                                                                                  \
        DECLARE(void, tag##_shl_rev, T *, T)                                                                           \
        DECLARE(T, tag##_shl_cpt_rev, T *, T, int)                                                                     \
        T x = 3;                                                                                                       \
        __kmpc_atomic_##tag##_shl_rev(NULL, 0, &x, 5);                                                                 \
        CHECK_EQ(x, 40);                                                                                               \
        x = 4;                                                                                                         \
        CHECK_EQ(__kmpc_atomic_##tag##_shl_cpt_rev(NULL, 0, &x, 5, 1), 80);                                            \
    }

#define FIXED(tag, T, U)                                                                                               \
    BOTH(tag, add, T, 5, 3, (uint64_t)x + (uint64_t)rhs)                                                               \
    BOTH(tag, sub, T, 5, 3, (uint64_t)x - (uint64_t)rhs)                                                               \
    BOTH(tag, mul, T, 5, 3, (uint64_t)x *(uint64_t)rhs)                                                                \
    BOTH(tag, div, T, -120, 2, x / rhs)                                                                                \
    BOTH(tag, andb, T, -1, 0x55, x &rhs)                                                                               \
    BOTH(tag, orb, T, 2, 0x55, x | rhs)                                                                                \
    BOTH(tag, xor, T, 2, 0x55, x ^ rhs)                                                                                \
    BOTH(tag, neqv, T, 2, 0x55, x ^ rhs)                                                                               \
    BOTH(tag, eqv, T, 2, 0x55, x ^ ~rhs)                                                                               \
    BOTH(tag, andl, T, 2, 3, x &&rhs)                                                                                  \
    BOTH(tag, andl, T, 2, 0, x &&rhs)                                                                                  \
    BOTH(tag, orl, T, 0, 3, x || rhs)                                                                                  \
    BOTH(tag, orl, T, 0, 0, x || rhs)                                                                                  \
    BOTH(tag, shl, T, 5, 1, (uint64_t)x << rhs)                                                                        \
    BOTH(tag, shr, T, -100, 1, x >> rhs)                                                                               \
    BOTH(tag, min, T, 5, -3, x > rhs ? rhs : x)                                                                        \
    BOTH(tag, max, T, -5, 3, x < rhs ? rhs : x)                                                                        \
    BOTH_REV(tag, sub, T, 5, 3, (uint64_t)rhs - (uint64_t)x)                                                           \
    BOTH_REV(tag, div, T, 5, 35, rhs / x)                                                                              \
    BOTH_REV(tag, shl, T, 3, 0, (uint64_t)rhs << x)                                                                    \
    SHIFTED_ONCE(tag, T)                                                                                               \
    BOTH_REV(tag, shr, T, 1, 5, rhs >> x)                                                                              \
    PLAIN(tag##_mul_float8, T, double, 5, -1.0, x *rhs)                                                                \
    PLAIN(tag##_div_float8, T, double, 100, 1.5, x / rhs)                                                              \
    BOTH(tag##u, div, U, -120, 2, x / rhs)                                                                             \
    BOTH(tag##u, shr, U, -100, 1, x >> rhs)                                                                            \
    BOTH_REV(tag##u, div, U, 5, 250, rhs / x)                                                                          \
    BOTH_REV(tag##u, shr, U, 1, 5, rhs >> x)                                                                           \
    SWAPPED(tag, T)

#define FLOAT(tag, T)                                                                                                  \
    BOTH(tag, add, T, 5, 0.1, x + rhs)                                                                                 \
    BOTH(tag, sub, T, 5, 0.1, x - rhs)                                                                                 \
    BOTH(tag, mul, T, 5, 1.01, x *rhs)                                                                                 \
    BOTH(tag, div, T, 5, 1.01, x / rhs)                                                                                \
    BOTH(tag, min, T, 5, -3, x > rhs ? rhs : x)                                                                        \
    BOTH(tag, max, T, -5, 3, x < rhs ? rhs : x)                                                                        \
    BOTH_REV(tag, sub, T, 5, 3, rhs - x)                                                                               \
    BOTH_REV(tag, div, T, 5, 35, rhs / x)                                                                              \
    SWAPPED(tag, T)

/* On the unit circle, so that it stays finite. */
#define TURN (0.6 + 0.8 * I)
#define COMPLEX(tag, T)                                                                                                \
    BOTH(tag, add, T, 5, 0.5 + I, x + rhs)                                                                             \
    BOTH(tag, sub, T, 5, 0.5 + I, x - rhs)                                                                             \
    BOTH(tag, mul, T, 5, TURN, x *rhs)                                                                                 \
    BOTH(tag, div, T, 5, TURN, x / rhs)                                                                                \
    BOTH_REV(tag, sub, T, 5 * I, 3, rhs - x)                                                                           \
    BOTH_REV(tag, div, T, TURN, 1, rhs / x)                                                                            \
    SWAPPED(tag, T)

#define COMPLEX_OUT(op, first, operand, step)                                                                          \
    PLAIN(cmplx4_##op, cmplx4, cmplx4, first, operand, step)                                                           \
    CAPTURED_OUT(cmplx4_##op##_cpt, cmplx4, first, operand, step)
#define COMPLEX_OUT_REV(op, first, operand, step)                                                                      \
    PLAIN(cmplx4_##op##_rev, cmplx4, cmplx4, first, operand, step)                                                     \
    CAPTURED_OUT(cmplx4_##op##_cpt_rev, cmplx4, first, operand, step)

static void try_fixed1(void)
{
    FIXED(fixed1, int8_t, uint8_t)
}
static void try_fixed2(void)
{
    FIXED(fixed2, int16_t, uint16_t)
}
static void try_fixed4(void)
{
    FIXED(fixed4, int32_t, uint32_t)
}
static void try_fixed8(void)
{
    FIXED(fixed8, int64_t, uint64_t)
}

static void try_float(void)
{
    FLOAT(float4, float)
    FLOAT(float8, double)
    FLOAT(float10, float10)
    PLAIN(float4_add_float8, float, double, 5, 0.1, x + rhs)
    PLAIN(float4_sub_float8, float, double, 5, 0.1, x - rhs)
    PLAIN(float4_mul_float8, float, double, 5, 1.01, x *rhs)
    PLAIN(float4_div_float8, float, double, 5, 1.01, x / rhs)
}

static void try_complex(void){COMPLEX(cmplx8, cmplx8) COMPLEX(cmplx10, cmplx10) COMPLEX_OUT(add, 5, 0.5 + I, x + rhs)
                                  COMPLEX_OUT(sub, 5, 0.5 + I, x - rhs) COMPLEX_OUT(mul, 5, TURN, x *rhs)
                                      COMPLEX_OUT(div, 5, TURN, x / rhs) COMPLEX_OUT_REV(sub, 5 * I, 3, rhs - x)
                                          COMPLEX_OUT_REV(div, TURN, 1, rhs / x)
                                              PLAIN(cmplx4_add_cmplx8, cmplx4, cmplx8, 5, 0.1 + I, x + rhs)
                                                  PLAIN(cmplx4_sub_cmplx8, cmplx4, cmplx8, 5, 0.1 + I, x - rhs)
                                                      PLAIN(cmplx4_mul_cmplx8, cmplx4, cmplx8, 5, TURN, x *rhs)
                                                          PLAIN(cmplx4_div_cmplx8, cmplx4, cmplx8, 5, TURN, x / rhs)}

cmplx4 __kmpc_atomic_cmplx4_rd(void *, int32_t, cmplx4 *);
void __kmpc_atomic_cmplx4_wr(void *, int32_t, cmplx4 *, cmplx4);
void __kmpc_atomic_cmplx4_swp(void *, int32_t, cmplx4 *, cmplx4, cmplx4 *);

static void try_small_complex(void)
{
    static cmplx4 x[2];
    uint64_t in = hash_cmplx4(0), out = 0;
    what = "cmplx4_swp";
#pragma omp parallel
    for (int i = 0; i < STEPS; i++) {
        cmplx4 mine = i + omp_get_thread_num() * I, old;
        __atomic_fetch_add(&in, hash_cmplx4(mine), __ATOMIC_RELAXED);
        __kmpc_atomic_cmplx4_swp(NULL, __kmpc_global_thread_num(NULL), &x[0], mine, &old);
        __atomic_fetch_add(&out, hash_cmplx4(old), __ATOMIC_RELAXED);
    }
    compare(in == out + hash_cmplx4(__kmpc_atomic_cmplx4_rd(NULL, 0, &x[0])), "what was swapped");
    __kmpc_atomic_cmplx4_wr(NULL, 0, &x[1], TURN);
    CHECK(__kmpc_atomic_cmplx4_rd(NULL, 0, &x[1]) == (cmplx4)(TURN));
}

/* ---- Operations of the program, on as many bytes as the name says. */
struct wide {
    unsigned char byte[VALUE_BYTES];
};

#define GENERIC(n)                                                                                                     \
    static void rotate_##n(void *result, void *left, void *right)                                                      \
    {                                                                                                                  \
        struct wide now;                                                                                               \
        for (int i = 0; i < n; i++)                                                                                    \
            now.byte[i] = (unsigned char)(((unsigned char *)left)[(i + 1) % n] + ((unsigned char *)right)[i] + 1);     \
        memcpy(result, &now, n);                                                                                       \
    }                                                                                                                  \
    DECLARE(void, n, void *, void *, void (*)(void *, void *, void *))                                                 \
    static void try_generic_##n(void)                                                                                  \
    {                                                                                                                  \
        static struct wide x __attribute__((aligned(32))), same __attribute__((aligned(32))), rhs;                     \
        memset(&rhs, 5, sizeof rhs);                                                                                   \
        what = #n;                                                                                                     \
        _Pragma("omp parallel") for (int i = 0; i < STEPS; i++)                                                        \
            __kmpc_atomic_##n(NULL, __kmpc_global_thread_num(NULL), &x, &rhs, rotate_##n);                             \
        for (int i = 0; i < threads * STEPS; i++)                                                                      \
            rotate_##n(&same, &same, &rhs);                                                                            \
        compare(memcmp(&x, &same, sizeof x) == 0, "the last value");                                                   \
    }
GENERIC(1)
GENERIC(2)
GENERIC(4)
GENERIC(8)
GENERIC(10)
GENERIC(16)
GENERIC(20)
GENERIC(32)

void __kmpc_atomic_start(void);
void __kmpc_atomic_end(void);

static void try_section(void)
{
    long count = 0;
#pragma omp parallel
    for (int i = 0; i < STEPS; i++) {
        __kmpc_atomic_start();
        count++;
        __kmpc_atomic_end();
    }
    CHECK_EQ(count, threads * STEPS);
}

/* ---- Compare and exchange: whoever succeeds counts one further, so nothing is lost. */
#define EXCHANGE(n, T)                                                                                                 \
    DECLARE(bool, bool_##n##_cas, T *, T, T)                                                                           \
    DECLARE(bool, bool_##n##_cas_cpt, T *, T, T, T *)                                                                  \
    DECLARE(T, val_##n##_cas, T *, T, T)                                                                               \
    DECLARE(T, val_##n##_cas_cpt, T *, T, T, T *)                                                                      \
    static void try_exchange_##n(void)                                                                                 \
    {                                                                                                                  \
        static T a, b, c, d;                                                                                           \
        _Pragma("omp parallel") for (int i = 0; i < STEPS; i++)                                                        \
        {                                                                                                              \
            T seen = __atomic_load_n(&a, __ATOMIC_RELAXED), after;                                                     \
            while (!__kmpc_atomic_bool_##n##_cas(NULL, 0, &a, seen, (T)(seen + 1)))                                    \
                seen = __atomic_load_n(&a, __ATOMIC_RELAXED);                                                          \
            seen = 0;                                                                                                  \
            while (!__kmpc_atomic_bool_##n##_cas_cpt(NULL, 0, &b, seen, (T)(seen + 1), &seen))                         \
                continue;                                                                                              \
            T old = 0;                                                                                                 \
            do                                                                                                         \
                seen = old;                                                                                            \
            while ((old = __kmpc_atomic_val_##n##_cas(NULL, 0, &c, seen, (T)(seen + 1))) != seen);                     \
            old = 0;                                                                                                   \
            do                                                                                                         \
                seen = old;                                                                                            \
            while ((old = __kmpc_atomic_val_##n##_cas_cpt(NULL, 0, &d, seen, (T)(seen + 1), &after)) != seen);         \
            CHECK_EQ(after, (T)(seen + 1));                                                                            \
        }                                                                                                              \
        CHECK_EQ(a, (T)(threads * STEPS));                                                                             \
        CHECK_EQ(b, (T)(threads * STEPS));                                                                             \
        CHECK_EQ(c, (T)(threads * STEPS));                                                                             \
        CHECK_EQ(d, (T)(threads * STEPS));                                                                             \
        T after = 0;                                                                                                   \
        CHECK_EQ(__kmpc_atomic_val_##n##_cas_cpt(NULL, 0, &d, (T)(d + 1), 1, &after), d);                              \
        CHECK_EQ(after, d);                                                                                            \
    }
EXCHANGE(1, int8_t)
EXCHANGE(2, int16_t)
EXCHANGE(4, int32_t)
EXCHANGE(8, int64_t)

int main(void)
{
#pragma omp parallel
#pragma omp single
    threads = omp_get_num_threads();
    try_fixed1();
    try_fixed2();
    try_fixed4();
    try_fixed8();
    try_float();
    try_complex();
    try_small_complex();
    try_generic_1();
    try_generic_2();
    try_generic_4();
    try_generic_8();
    try_generic_10();
    try_generic_16();
    try_generic_20();
    try_generic_32();
    try_section();
    try_exchange_1();
    try_exchange_2();
    try_exchange_4();
    try_exchange_8();
    return check_result();
}
