/* The one seam to the operating system and the processor: every system call, intrinsic and `#if` on them lives here.
   Functions return 0 or a positive errno value unless said otherwise; none of them allocates. */
#ifndef MO_PLAT_PLAT_H
#define MO_PLAT_PLAT_H

#include "base/atomic.h"

/* Sleep while *word == seen, for at most timeout_ns (0 = for ever). Returns 0 when woken (perhaps spuriously), EAGAIN
   when the word differed, EINTR, or ETIMEDOUT. The word is private to the process. Only wakes that name one of `bits`
   count. */
int mo_plat_futex_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t timeout_ns, uint32_t bits);
/* Wake at most `count` sleepers that wait for one of `bits`; returns how many. Safe on memory that has been unmapped
 * meanwhile: the kernel only compares addresses.
 */
int mo_plat_futex_wake(_Atomic uint32_t *word, int count, uint32_t bits);

/* The same until a point in time of a clock, NULL = for ever. ETIMEDOUT also when that point is before the clock's
   beginning; its nanoseconds must be valid. `until` stays the caller's clock's: a jump of CLOCK_REALTIME counts. */
struct timespec;
int mo_plat_futex_wait_until(_Atomic uint32_t *word, uint32_t seen, bool realtime, const struct timespec *until);
/* The same on two words, while each is as seen; a wake of either ends it. ENOSYS or EPERM where that does not exist. */
int mo_plat_futex_wait_two(_Atomic uint32_t *a, uint32_t seen_a, _Atomic uint32_t *b, uint32_t seen_b, bool realtime,
                           const struct timespec *until);
/* The same on up to MO_PLAT_WORDS_MAX words, for at most timeout_ns (0 = for ever). */
#define MO_PLAT_WORDS_MAX 128
int mo_plat_futex_wait_many(_Atomic uint32_t *const *words, const uint32_t *seen, unsigned count, uint64_t timeout_ns);
/* Move one sleeper of `from`, if that still is `seen`, to `to`, without waking it. EAGAIN: it is not. */
int mo_plat_futex_move(_Atomic uint32_t *from, uint32_t seen, _Atomic uint32_t *to);

void mo_plat_yield(void);
uint64_t mo_plat_now_ns(void);
/* Not after that, and by some milliseconds before it, but quicker. */
uint64_t mo_plat_about_ns(void);

/* A timer of the kernel's on the monotonic clock: a descriptor, or -1. set() arms it anew, also while somebody waits;
   wait() returns when it has gone off since, or with EINTR, or the error of a descriptor that is none any more. */
int mo_plat_timer_new(void);
int mo_plat_timer_set(int fd, uint64_t at_ns);
int mo_plat_timer_wait(int fd);
void mo_plat_timer_free(int fd);
/* A descriptor of ours may have been closed by the program, which gets its number for a file of its own: a mark on the
   file itself, which means nothing to the system, tells. Files that the program opens have none. */
void mo_plat_fd_mark(int fd);
bool mo_plat_fd_is_marked(int fd);

/* Make every running thread of this process pass a full barrier (membarrier, private expedited). arm() is cheap only
   while the process has one thread (else the kernel waits for a grace period) and refuses otherwise; false also when
   the kernel or a sandbox denies it. barrier_all() is false if that happens later. */
bool mo_plat_barrier_arm(void);
/* As arm(), at any time: may take tens of milliseconds. */
bool mo_plat_barrier_arm_late(void);
bool mo_plat_barrier_all(void);

/* Zeroed pages; NULL when memory is exhausted. */
void *mo_plat_map(size_t bytes);
/* The same, and zeroed again in a child of fork; NULL also where the system has no such pages. */
void *mo_plat_map_wiped(size_t bytes);
void mo_plat_unmap(void *p, size_t bytes);
/* Give whole pages back to the system; they stay mapped, and are zeroed again when they are touched. */
int mo_plat_empty(void *p, size_t bytes);
/* The same for stacks: counts against no limit before it is touched, and huge pages are not wanted. */
void *mo_plat_map_stacks(size_t bytes);
/* Whole pages that nobody may touch from now on: by a mark in the kernel's tables, which takes no mapping of its own
   (EINVAL before Linux 6.13), or by a mapping. */
int mo_plat_guard(void *p, size_t bytes);
int mo_plat_deny(void *p, size_t bytes);

/* Tell valgrind, if it watches, that these bytes will be a stack: what moves there is none then. */
void mo_plat_name_stack(void *low, size_t bytes);

/* Keep whole pages in memory until they are unmapped. */
size_t mo_plat_page_bytes(void);
int mo_plat_pin(void *p, size_t bytes);

/* Have pages that nobody has touched come from these NUMA nodes when they are touched: from any of them as long as they
   have memory, or from one after the other. Nodes that the process may not use are left out, unless none is left. */
#define MO_PLAT_NODES_MAX 1024
struct mo_node_mask {
    unsigned long bits[MO_PLAT_NODES_MAX / (8 * sizeof(unsigned long))];
};
int mo_plat_prefer_nodes(void *p, size_t bytes, const struct mo_node_mask *nodes);
int mo_plat_interleave_nodes(void *p, size_t bytes, const struct mo_node_mask *nodes);

/* The node that the page of this address is on; -1: nobody has touched it, or the system does not tell. */
int mo_plat_node_of(const void *address);

/* Processors beyond this number are left out of account where one is looked for. */
#define MO_PLAT_CPUS_MAX 1024
struct mo_cpu_mask {
    unsigned long bits[MO_PLAT_CPUS_MAX / (8 * sizeof(unsigned long))];
};

/* The processor with the smallest count among those the calling thread may run on, and the mask of those;
   MO_PLAT_CPUS_MAX when the mask cannot be had. */
unsigned mo_plat_least_counted_cpu(struct mo_cpu_mask *mask, const unsigned *count);
/* Put the calling thread on that processor now; afterwards it may run wherever `mask` says. */
void mo_plat_move(unsigned cpu, const struct mo_cpu_mask *mask);
/* The same, if the thread may run there now. */
void mo_plat_move_to(unsigned cpu);

/* Let the calling thread run on the CPUs of that mask only; no bound on the number of words. */
int mo_plat_set_affinity(const unsigned long *mask, unsigned words);

/* How many the calling thread may run on; 1 when that cannot be had. */
unsigned mo_plat_usable_cpus(void);

/* The processor that the caller runs on now; a hint. */
unsigned mo_plat_cpu(void);
/* The NUMA node of that processor, 0 when unknown; a hint. */
unsigned mo_plat_node(void);

/* Have `explain`, which runs in a signal handler, told of each SIGSEGV before it ends the process. False: the program
   handles that signal itself. */
bool mo_plat_explain_faults(bool (*explain)(const void *address));
/* The calling thread has a stack for signal handlers; give it one, NULL: take it away. */
bool mo_plat_has_alternate_stack(void);
int mo_plat_set_alternate_stack(void *stack, size_t bytes);

/* Lowest usable address of the calling thread's stack; NULL when unknown. Asks the C library: slow, may allocate. */
char *mo_plat_stack_end(void);

/* The kernel's number of the calling thread, as the C library knows it (so it is right in a forked child from the first
   moment): read from the library's own record of the thread, once mo_plat_learn_tid() has found out where it is. Until
   then, and where it cannot be found, a system call. */
extern long mo_plat_tid_offset __attribute__((visibility("hidden"))); /* from the thread pointer; 0 = not known */
uint32_t mo_plat_tid_slow(void);
/* What others see the calling thread called (/proc/PID/task/TID/comm): at most 15 bytes and a zero byte. */
#define MO_PLAT_NAME_BYTES 16
void mo_plat_thread_name(char name[MO_PLAT_NAME_BYTES]);
void mo_plat_name_thread(const char *name);
void mo_plat_learn_tid(void);
/* Is there a thread of that number in this process? */
bool mo_plat_thread_exists(uint32_t tid);

static inline bool mo_plat_knows_tid(void)
{
    return mo_plat_tid_offset != 0;
}

/* Requires that it is known where to look. */
static inline uint32_t mo_plat_tid_quick(void)
{
    uint32_t tid;
#if defined(__x86_64__)
    __asm__("movl %%fs:(%1), %0" : "=r"(tid) : "r"(mo_plat_tid_offset));
#else
    tid = *(const uint32_t *)((const char *)__builtin_thread_pointer() + mo_plat_tid_offset);
#endif
    return tid;
}

static inline uint32_t mo_plat_tid(void)
{
    return mo_likely(mo_plat_knows_tid()) ? mo_plat_tid_quick() : mo_plat_tid_slow();
}

static inline void mo_plat_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* A clock that costs a few ns and runs at mo_plat_ticks_per_us(); differences only, monotonic enough for budgets. */
static inline uint64_t mo_plat_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t t;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
#endif
}

/* Call fn(a, b, words[0], ..., words[count - 1]), every argument a pointer or an integer of 8 bytes. The array is read
   up to MO_PLAT_INVOKE_WORDS whatever the count is. */
#define MO_PLAT_INVOKE_WORDS 6
void mo_plat_invoke(void (*fn)(void), void *a, void *b, unsigned count, void *const *words);

/* Ticks in a microsecond, at least 1; measured during the first call (20 us). */
uint64_t mo_plat_ticks_per_us(void);

/* Keeps the compiler, not the processor, from moving accesses across. Pairs with mo_plat_barrier_all() in the other
   thread, which supplies the processor's half. */
static inline void mo_plat_light_barrier(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

/* A flush that the program asks for: whatever it does to its own memory is ordered, by no word of ours. */
static inline void mo_plat_flush(void)
{
#if defined(__x86_64__)
    __asm__ volatile("lock; orl $0, (%%rsp)" ::: "memory", "cc");
#elif defined(__aarch64__)
    __asm__ volatile("dmb ish" ::: "memory");
#endif
}

/* A full barrier of the calling thread: an RMW that changes nothing on a word which the protocol shares anyway, since
   ThreadSanitizer models that and not fences. */
static inline void mo_plat_full_barrier(_Atomic uint64_t *word)
{
    mo_fetch_add_seqcst(word, 0u);
}

#endif
