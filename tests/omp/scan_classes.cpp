// scan over objects, and doacross loops over iterators and in templates.
#include <omp.h>
#include <string>
#include <vector>
#include "check.h"

// Its operation is not commutative. GCC assigns to places in the shared memory that it never constructed, so all zero has
// to be an object.
struct text {
    int n = 0;
    char s[100] = "";

    void append(const char *from, int count)
    {
        CHECK(n + count < (int)sizeof s);
        memcpy(s + n, from, (size_t)count);
        n += count;
        s[n] = 0;
    }
};

#pragma omp declare reduction(append:text : omp_out.append(omp_in.s, omp_in.n))

static const char letters[] = "the quick brown fox jumps over the lazy dog and the dog does not care";
enum { N = sizeof letters - 1 };

static void inclusive()
{
    text t;
    std::vector<std::string> prefix(N);
    t.append("> ", 2);
#pragma omp parallel for reduction(inscan, append : t)
    for (int i = 0; i < N; i++) {
        t.append(&letters[i], 1);
#pragma omp scan inclusive(t)
        prefix[i] = t.s;
    }
    for (int i = 0; i < N; i++)
        CHECK(prefix[i] == "> " + std::string(letters, letters + i + 1));
    CHECK(std::string("> ") + letters == t.s);
}

static text shared_text;

static void exclusive()
{
    std::vector<std::string> prefix(N);
    shared_text = text();
#pragma omp parallel
#pragma omp for reduction(inscan, append : shared_text)
    for (int i = 0; i < N; i++) {
        prefix[i] = shared_text.s;
#pragma omp scan exclusive(shared_text)
        shared_text.append(&letters[i], 1);
    }
    for (int i = 0; i < N; i++)
        CHECK(prefix[i] == std::string(letters, letters + i));
    CHECK(std::string(letters) == shared_text.s);
}

static void over_iterators()
{
    std::vector<long> v(200);
    std::vector<long>::iterator first = v.begin(), last = v.end();
#pragma omp parallel for ordered(1) schedule(dynamic, 2)
    for (std::vector<long>::iterator i = first + 1; i < last; i++) {
#pragma omp ordered depend(sink : i - 1)
        *i = i[-1] + 1;
#pragma omp ordered depend(source)
    }
    for (int i = 0; i < 200; i++)
        CHECK_EQ(v[i], i);
}

template <typename T> static void in_template(T rows, T columns)
{
    std::vector<std::vector<T>> g(rows + 1, std::vector<T>(columns + 1, 1)), e = g;
#pragma omp parallel for ordered(2) schedule(static, 1)
    for (T i = 1; i <= rows; i++)
        for (T j = columns; j >= 1; j -= 1) {
#pragma omp ordered depend(sink : i - 1, j) depend(sink : i, j + 1)
            g[i][j] = (g[i - 1][j] + (j < columns ? g[i][j + 1] : 0) + 1) & 0xffff;
#pragma omp ordered depend(source)
        }
    for (T i = 1; i <= rows; i++)
        for (T j = columns; j >= 1; j -= 1)
            e[i][j] = (e[i - 1][j] + (j < columns ? e[i][j + 1] : 0) + 1) & 0xffff;
    CHECK(g == e);
}

int main()
{
    for (int round = 0; round < SCALED(20) + 1; round++) {
        inclusive();
        exclusive();
        if (check_is_reference() && omp_get_max_threads() > 2)
            continue; // it keeps its processor while it waits
        over_iterators();
        in_template<int>(40, 9);
        in_template<long>(9, 40);
    }
    return check_result();
}
