#include "plat/plat.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* The bitset form takes an absolute time on the monotonic clock. */
int mo_plat_futex_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t timeout_ns, uint32_t bits)
{
    uint64_t until = timeout_ns ? mo_plat_now_ns() + timeout_ns : 0;
    struct timespec ts = {.tv_sec = (time_t)(until / 1000000000u), .tv_nsec = (long)(until % 1000000000u)};
    int saved = errno;
    long r = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, seen, timeout_ns ? &ts : NULL, NULL, bits);
    int err = r == 0 ? 0 : errno;
    errno = saved;
    return err;
}

int mo_plat_futex_wake(_Atomic uint32_t *word, int count, uint32_t bits)
{
    int saved = errno;
    long woken = syscall(SYS_futex, word, FUTEX_WAKE_BITSET_PRIVATE, count, NULL, NULL, bits);
    errno = saved;
    return woken > 0 ? (int)woken : 0;
}

void mo_plat_yield(void)
{
    sched_yield();
}

static uint64_t ns_of(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t mo_plat_now_ns(void)
{
    return ns_of(CLOCK_MONOTONIC);
}

uint64_t mo_plat_about_ns(void)
{
    return ns_of(CLOCK_MONOTONIC_COARSE);
}

int mo_plat_timer_new(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (fd >= 0)
        mo_plat_fd_mark(fd);
    return fd;
}

int mo_plat_timer_set(int fd, uint64_t at_ns)
{
    struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)(at_ns / 1000000000u), .tv_nsec = (long)(at_ns % 1000000000u)}};
    int saved = errno;
    int err = timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL) == 0 ? 0 : errno;
    errno = saved;
    return err;
}

int mo_plat_timer_wait(int fd)
{
    uint64_t times;
    return read(fd, &times, sizeof times) == sizeof times ? 0 : errno;
}

void mo_plat_timer_free(int fd)
{
    close(fd);
}

/* The signal that would be sent if somebody asked for signals (O_ASYNC), which nobody does here. */
void mo_plat_fd_mark(int fd)
{
    int saved = errno;
    fcntl(fd, F_SETSIG, SIGRTMAX - 1);
    errno = saved;
}

bool mo_plat_fd_is_marked(int fd)
{
    int saved = errno;
    bool marked = fcntl(fd, F_GETSIG) == SIGRTMAX - 1;
    errno = saved;
    return marked;
}

bool mo_plat_barrier_arm(void)
{
    return __libc_single_threaded && mo_plat_barrier_arm_late();
}

bool mo_plat_barrier_arm_late(void)
{
    int saved = errno;
    long r = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    errno = saved;
    return r == 0;
}

bool mo_plat_barrier_all(void)
{
    int saved = errno;
    long r = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    errno = saved;
    return r == 0;
}

void *mo_plat_map(size_t bytes)
{
    int saved = errno;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    errno = saved;
    return p == MAP_FAILED ? NULL : p;
}

void *mo_plat_map_wiped(size_t bytes)
{
    void *p = mo_plat_map(bytes);
    int saved = errno;
    if (p && madvise(p, bytes, MADV_WIPEONFORK) != 0) {
        mo_plat_unmap(p, bytes);
        p = NULL;
    }
    errno = saved;
    return p;
}

void mo_plat_unmap(void *p, size_t bytes)
{
    int saved = errno;
    munmap(p, bytes);
    errno = saved;
}

unsigned mo_plat_node(void)
{
    unsigned cpu = 0, node = 0;
    return getcpu(&cpu, &node) == 0 ? node : 0;
}

#define BITS_PER_LONG (8 * sizeof(unsigned long))

static bool is_in(const struct mo_cpu_mask *mask, unsigned cpu)
{
    return mask->bits[cpu / BITS_PER_LONG] >> cpu % BITS_PER_LONG & 1;
}

/* How many processors the mask has room for; 0: it cannot be had. */
static unsigned own_mask(struct mo_cpu_mask *mask)
{
    int saved = errno;
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask->bits, mask->bits);
    errno = saved;
    if (bytes <= 0)
        return 0;
    memset((char *)mask->bits + bytes, 0, sizeof mask->bits - (size_t)bytes);
    return 8 * (unsigned)bytes;
}

unsigned mo_plat_least_counted_cpu(struct mo_cpu_mask *mask, const unsigned *count)
{
    unsigned best = MO_PLAT_CPUS_MAX, cpus = own_mask(mask);
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        if (is_in(mask, cpu) && (best == MO_PLAT_CPUS_MAX || count[cpu] < count[best]))
            best = cpu;
    return best;
}

void mo_plat_move(unsigned cpu, const struct mo_cpu_mask *mask)
{
    int saved = errno;
    struct mo_cpu_mask one = {{0}};
    one.bits[cpu / BITS_PER_LONG] = 1ul << cpu % BITS_PER_LONG;
    if (syscall(SYS_sched_setaffinity, 0, sizeof one.bits, one.bits) == 0)
        syscall(SYS_sched_setaffinity, 0, sizeof mask->bits, mask->bits);
    errno = saved;
}

void mo_plat_move_to(unsigned cpu)
{
    struct mo_cpu_mask mask;
    if (cpu < own_mask(&mask) && is_in(&mask, cpu))
        mo_plat_move(cpu, &mask);
}

int mo_plat_set_affinity(const unsigned long *mask, unsigned words)
{
    int saved = errno;
    long r = syscall(SYS_sched_setaffinity, 0, words * sizeof mask[0], mask);
    int err = r == 0 ? 0 : errno;
    errno = saved;
    return err;
}

unsigned mo_plat_cpu(void)
{
    int cpu = sched_getcpu();
    return cpu < 0 ? 0 : (unsigned)cpu;
}

char *mo_plat_stack_end(void)
{
    pthread_attr_t attr;
    void *low = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return NULL;
    pthread_attr_getstack(&attr, &low, &size);
    pthread_attr_destroy(&attr);
    return low;
}

static uint64_t measure_ticks_per_us(void)
{
    uint64_t n0 = mo_plat_now_ns(), t0 = mo_plat_ticks(), n1;
    do
        n1 = mo_plat_now_ns();
    while (n1 - n0 < 20000);
    uint64_t t1 = mo_plat_ticks();
    uint64_t rate = (t1 - t0) * 1000 / (n1 - n0);
    return rate ? rate : 1;
}

uint64_t mo_plat_ticks_per_us(void)
{
    static _Atomic uint64_t rate;
    uint64_t r = mo_load_relaxed(&rate);
    if (mo_unlikely(!r)) {
        r = measure_ticks_per_us(); /* racing callers measure the same thing */
        mo_store_relaxed(&rate, r);
    }
    return r;
}
