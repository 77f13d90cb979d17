/* firstprivate data of tasks, from 8 bytes to 100 KB and aligned up to 64, arrives unharmed. */
#include <omp.h>
#include <stdint.h>
#include "check.h"

#define PAYLOAD(bytes)                                                                                                 \
    struct payload_##bytes {                                                                                           \
        unsigned char data[bytes];                                                                                     \
    };                                                                                                                 \
    static void with_##bytes(int tasks)                                                                                \
    {                                                                                                                  \
        _Pragma("omp parallel") _Pragma("omp single") for (int i = 0; i < tasks; i++)                                  \
        {                                                                                                              \
            struct payload_##bytes p;                                                                                  \
            fill(p.data, bytes, i);                                                                                    \
            _Pragma("omp task firstprivate(p)") verify(p.data, bytes, i);                                              \
            memset(&p, 0xee, sizeof p);                                                                                \
        }                                                                                                              \
        CHECK_EQ(__atomic_exchange_n(&verified, 0, __ATOMIC_RELAXED), tasks);                                          \
    }

static int verified;

static void fill(unsigned char *data, int bytes, int seed)
{
    for (int i = 0; i < bytes; i++)
        data[i] = (unsigned char)(i * 7 + seed);
}

static void verify(const unsigned char *data, int bytes, int seed)
{
    int wrong = 0;
    for (int i = 0; i < bytes; i++)
        wrong += data[i] != (unsigned char)(i * 7 + seed);
    CHECK_EQ(wrong, 0);
    __atomic_fetch_add(&verified, 1, __ATOMIC_RELAXED);
}

PAYLOAD(8)
PAYLOAD(100)
PAYLOAD(1000)
PAYLOAD(4096)
PAYLOAD(100000)

struct line {
    _Alignas(64) long words[16];
};

struct page {
    _Alignas(16) long double wide[5];
};

static void aligned(int tasks)
{
    int right = 0;
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < tasks; i++) {
        struct line line = {{i, i + 1, [15] = i}};
        struct page page = {{i}};
        char odd = (char)i;
#pragma omp task firstprivate(line, odd, page) shared(right)
        {
            CHECK_EQ((uintptr_t)&line % 64, 0);
            CHECK_EQ((uintptr_t)&page % 16, 0);
            int ok = line.words[0] == i && line.words[1] == i + 1 && line.words[15] == i && odd == (char)i &&
                     page.wide[0] == i;
#pragma omp atomic
            right += ok;
        }
    }
    CHECK_EQ(right, tasks);
}

/* Variable length arrays and shared pointers take the route of a copy function. */
static void variable_length(int tasks, int length)
{
    int right = 0;
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < tasks; i++) {
        int values[length];
        for (int k = 0; k < length; k++)
            values[k] = i + k;
#pragma omp task firstprivate(values) shared(right)
        {
            int ok = values[0] == i && values[length - 1] == i + length - 1;
#pragma omp atomic
            right += ok;
        }
    }
    CHECK_EQ(right, tasks);
}

int main(void)
{
    with_8(SCALED(3000));
    with_100(SCALED(3000));
    with_1000(SCALED(1000));
    with_4096(SCALED(500));
    with_100000(50);
    aligned(SCALED(2000));
    variable_length(SCALED(500), 3);
    variable_length(SCALED(500), 700);
    return check_result();
}
