/* What the C library knows about a thread and tells nobody, and waits with its idea of time. */
#include "plat/plat.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

long mo_plat_tid_offset;

uint32_t mo_plat_tid_slow(void)
{
    int saved = errno;
    long tid = syscall(SYS_gettid);
    errno = saved;
    return (uint32_t)tid;
}

void mo_plat_thread_name(char name[MO_PLAT_NAME_BYTES])
{
    if (prctl(PR_GET_NAME, name) != 0)
        name[0] = 0;
}

void mo_plat_name_thread(const char *name)
{
    int saved = errno;
    prctl(PR_SET_NAME, name);
    errno = saved;
}

/* Where glibc has kept it in all its versions with the present layout of a thread's record; the record of the calling
   thread begins at the address that pthread_self() returns. */
#if defined(__x86_64__)
#define TID_IN_RECORD 720
#else
#define TID_IN_RECORD 208
#endif

/* Believed only if the right number is found there. */
void mo_plat_learn_tid(void)
{
    const char *record = (const char *)pthread_self();
    long offset = record + TID_IN_RECORD - (const char *)__builtin_thread_pointer();
    if (*(const uint32_t *)(record + TID_IN_RECORD) == mo_plat_tid_slow())
        mo_plat_tid_offset = offset;
}

int mo_plat_futex_wait_until(_Atomic uint32_t *word, uint32_t seen, bool realtime, const struct timespec *until)
{
    int op = FUTEX_WAIT_BITSET_PRIVATE | (realtime ? FUTEX_CLOCK_REALTIME : 0);
    if (until && until->tv_sec < 0)
        return ETIMEDOUT;
    int saved = errno;
    long r = syscall(SYS_futex, word, op, seen, until, NULL, FUTEX_BITSET_MATCH_ANY);
    int err = r == 0 ? 0 : errno;
    errno = saved;
    return err;
}

/* As <linux/futex.h> has it since Linux 5.16. */
struct wait_for_word {
    uint64_t seen, address;
    uint32_t flags, reserved;
};
#define WORD_32_PRIVATE (2 | FUTEX_PRIVATE_FLAG)
#define SYS_WAIT_WORDS  449 /* on all architectures */

static struct wait_for_word word_of(_Atomic uint32_t *word, uint32_t seen)
{
    return (struct wait_for_word){.seen = seen, .address = (uintptr_t)word, .flags = WORD_32_PRIVATE};
}

int mo_plat_futex_wait_two(_Atomic uint32_t *a, uint32_t seen_a, _Atomic uint32_t *b, uint32_t seen_b, bool realtime,
                           const struct timespec *until)
{
    struct wait_for_word words[2] = {word_of(a, seen_a), word_of(b, seen_b)};
    if (until && until->tv_sec < 0)
        return ETIMEDOUT;
    int saved = errno;
    long r = syscall(SYS_WAIT_WORDS, words, 2, 0, until, realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC);
    int err = r >= 0 ? 0 : errno;
    errno = saved;
    return err;
}

int mo_plat_futex_wait_many(_Atomic uint32_t *const *words, const uint32_t *seen, unsigned count, uint64_t timeout_ns)
{
    struct wait_for_word list[MO_PLAT_WORDS_MAX];
    uint64_t end = timeout_ns ? mo_plat_now_ns() + timeout_ns : 0;
    struct timespec until = {.tv_sec = (time_t)(end / 1000000000u), .tv_nsec = (long)(end % 1000000000u)};
    for (unsigned i = 0; i < count; i++)
        list[i] = word_of(words[i], seen[i]);
    int saved = errno;
    long r = syscall(SYS_WAIT_WORDS, list, count, 0, timeout_ns ? &until : NULL, CLOCK_MONOTONIC);
    int err = r >= 0 ? 0 : errno;
    errno = saved;
    return err;
}

int mo_plat_futex_move(_Atomic uint32_t *from, uint32_t seen, _Atomic uint32_t *to)
{
    int saved = errno;
    long r = syscall(SYS_futex, from, FUTEX_CMP_REQUEUE_PRIVATE, 0, 1L, to, seen);
    int err = r >= 0 ? 0 : errno;
    errno = saved;
    return err;
}

unsigned mo_plat_usable_cpus(void)
{
    cpu_set_t mask;
    int saved = errno;
    unsigned cpus = sched_getaffinity(0, sizeof mask, &mask) == 0 ? (unsigned)CPU_COUNT(&mask) : 1;
    errno = saved;
    return cpus;
}

bool mo_plat_thread_exists(uint32_t tid)
{
    int saved = errno;
    bool gone = syscall(SYS_tgkill, getpid(), tid, 0) != 0 && errno == ESRCH;
    errno = saved;
    return !gone;
}
