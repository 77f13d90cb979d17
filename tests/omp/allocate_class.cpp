// Objects in allocate clauses: built where the allocator put them, copied, destroyed, reduced; variable length, references.
#include <omp.h>
#include <cstdint>
#include <vector>
#include "check.h"

namespace
{
constexpr std::uintptr_t align = 128;
int alive;

struct Object {
    int value;
    char tail[200];
    Object(int v = 0) : value(v), tail()
    {
        __atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);
    }
    Object(const Object &other) : value(other.value), tail()
    {
        __atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);
    }
    Object &operator=(const Object &other)
    {
        value = other.value;
        return *this;
    }
    ~Object()
    {
        __atomic_fetch_sub(&alive, 1, __ATOMIC_RELAXED);
    }
    bool placed() const
    {
        return reinterpret_cast<std::uintptr_t>(this) % align == 0;
    }
};

#pragma omp declare reduction(join : Object : omp_out.value += omp_in.value) initializer(omp_priv = Object(0))

void regions(omp_allocator_handle_t a)
{
    Object first(3), mine, sum, last;
    Object &reference = first;
    int threads = 0;
#pragma omp parallel firstprivate(first) private(mine) reduction(join : sum) reduction(+ : threads) \
    allocate(a : first, mine, sum)
    {
        CHECK(first.placed() && mine.placed() && sum.placed());
        CHECK(first.value == 3 && mine.value == 0);
        mine.value = omp_get_thread_num();
        sum.value += first.value;
        threads++;
    }
    CHECK_EQ(sum.value, 3 * threads);
#pragma omp parallel for lastprivate(last) firstprivate(reference) allocate(a : last, reference)
    for (int i = 0; i < 100; i++) {
        CHECK(last.placed() && reference.placed());
        last.value = i + reference.value;
    }
    CHECK_EQ(last.value, 102);
}

void tasks(omp_allocator_handle_t a)
{
    Object object(9);
    int right = 0;
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < 50; i++) {
#pragma omp task firstprivate(object, i) shared(right) allocate(a : object)
        {
            object.value += i;
#pragma omp atomic
            right += object.placed() && object.value == 9 + i;
        }
    }
    CHECK_EQ(right, 50);
    CHECK_EQ(object.value, 9);
}

// C++ has default arguments: no allocator named is the null one.
void calls()
{
#pragma omp parallel
    for (int i = 0; i < 200; i++) {
        int *p = static_cast<int *>(omp_alloc(sizeof(int)));
        int *q = static_cast<int *>(omp_aligned_calloc(512, 10, sizeof(int)));
        CHECK(p != nullptr && q != nullptr && q[9] == 0 && reinterpret_cast<std::uintptr_t>(q) % 512 == 0);
        *p = i;
        p = static_cast<int *>(omp_realloc(p, 1000 * sizeof(int)));
        CHECK_EQ(*p, i);
        omp_free(p);
        omp_free(q);
    }
}

// A container whose memory is an allocator's.
template <class T> struct Allocator {
    using value_type = T;
    omp_allocator_handle_t handle;
    explicit Allocator(omp_allocator_handle_t h) : handle(h)
    {
    }
    template <class U> Allocator(const Allocator<U> &other) : handle(other.handle)
    {
    }
    T *allocate(std::size_t n)
    {
        return static_cast<T *>(omp_aligned_alloc(alignof(T), n * sizeof(T), handle));
    }
    void deallocate(T *p, std::size_t)
    {
        omp_free(p, handle);
    }
    template <class U> bool operator==(const Allocator<U> &other) const
    {
        return handle == other.handle;
    }
    template <class U> bool operator!=(const Allocator<U> &other) const
    {
        return handle != other.handle;
    }
};

void containers(omp_allocator_handle_t a)
{
    long total = 0;
#pragma omp parallel reduction(+ : total)
    {
        std::vector<int, Allocator<int>> numbers{Allocator<int>(a)};
        for (int i = 0; i < 1000; i++)
            numbers.push_back(i);
        long sum = 0;
        for (int number : numbers)
            sum += number;
        CHECK_EQ(sum, 499500);
        total += sum;
    }
    CHECK_EQ(total % 499500, 0);
}
} // namespace

int main()
{
    omp_alloctrait_t traits[] = {{omp_atk_alignment, align}, {omp_atk_fallback, omp_atv_abort_fb}};
    omp_allocator_handle_t a = omp_init_allocator(omp_default_mem_space, 2, traits);
    for (int round = 0; round < SCALED(40) + 1; round++) {
        regions(a);
        tasks(a);
        calls();
        containers(a);
        CHECK_EQ(alive, 0);
    }
    omp_destroy_allocator(a);
    return check_result();
}
