/* Where threads run: the places of the process, and how the threads of a region are distributed over them.

   Binding is on or off for the whole process: the environment decides, no call changes it. While it is off no thread
   has a place and nothing here is reached by a region. */
#ifndef MO_OMP_AFFINITY_H
#define MO_OMP_AFFINITY_H

#include "base/config.h"
#include "base/format.h"
#include "topo/places.h"

struct mo_member;
struct mo_team;

/* A thread's place and the part of all places that its regions may use (place-partition-var). Places are numbered from
   0 in the list, but a thread's place is kept plus 1: 0 is none. */
struct mo_spot {
    uint16_t place;
    uint16_t first, count;
};

/* What the distribution of a team depends on. */
struct mo_plan {
    struct mo_spot primary; /* of the thread that opens the region */
    uint16_t policy;        /* enum mo_bind */
    uint32_t threads;
    uint32_t staffings; /* of the team: other threads, other places */
};
_Static_assert(sizeof(struct mo_plan) == 16, "compared bytewise");

/* ---- assign.c: a function of its arguments. The spot of thread `tid` under a plan (OpenMP 5.2, 10.1.3). */
struct mo_spot mo_affinity_assign(const struct mo_plan *plan, unsigned tid);

/* ---- affinity.c: the places of the process. The first call reads the settings, and says what is wrong with them. */
/* bind-var of the initial tasks; MO_BIND_FALSE when there are no places. */
enum mo_bind mo_affinity_initial_policy(void);
/* None while binding is off. */
const struct mo_places *mo_affinity_places(void);
/* CPUs that the process could use when that was found out; a bound thread's own mask does not tell any more. 0 while
   binding is off. */
unsigned mo_affinity_cpus(void);

/* KMP_AFFINITY asks for lines about where threads are. */
bool mo_affinity_is_verbose(void);
/* The CPUs that the process could use when that was found out, bound or not; 0 words where the system does not tell.
   The words after those are zero up to as many as any mask has. */
const unsigned long *mo_affinity_all_cpus(unsigned *words);

/* CPUs of a place by their kernel's numbers, rising. Returns how many; 0 for a place that is not there. `out` may be
   NULL. */
unsigned mo_affinity_place_cpus(int place, void (*out)(void *arg, unsigned index, unsigned cpu), void *arg);

/* ---- bind.c: regions. */
/* Where the calling thread is, whose member this is; binds it to the first place if it is a thread of the program that
   no region has met. All zero while binding is off. */
struct mo_spot mo_affinity_spot(struct mo_member *m);
/* The master `outer` opens a region with that team under a policy: renew its plan if anything has changed. `display`:
   its members are to print where they are, if that was not printed yet. */
void mo_affinity_plan(struct mo_member *outer, struct mo_team *team, enum mo_bind policy, bool display);
/* A member enters a region whose plan it has not seen yet. */
void mo_affinity_follow(struct mo_member *m);

/* The program binds the calling thread by itself: regions of the current task are not bound any more. 0 or an errno
   value. */
int mo_affinity_take_mask(struct mo_member *m, const unsigned long *mask, unsigned words);

/* ---- expand.c: a function of its arguments. */
struct mo_thread_facts {
    long team_num, num_teams, level, thread_num, num_threads;
    long ancestor; /* thread number of the parent, -1 outside all regions */
    long process;
    uintptr_t native_thread;
    const char *host;
    const unsigned long *mask; /* CPUs that the thread may use */
    unsigned words;
};

/* Writes what there is room for, without a zero byte, and returns the length of all of it. */
size_t mo_affinity_expand(const char *format, size_t format_bytes, const struct mo_thread_facts *facts, char *out,
                          size_t out_bytes);

/* ---- display.c. Formats and results come with their length; no zero byte ends them. */
void mo_affinity_set_format(const char *format, size_t bytes);
/* As mo_affinity_expand(), of the format itself. */
size_t mo_affinity_get_format(char *out, size_t out_bytes);
/* The same about the calling thread, whose member this is. A format of 0 bytes means the one that is set. */
size_t mo_affinity_capture(struct mo_member *m, const char *format, size_t bytes, char *out, size_t out_bytes);
/* On a line of standard error. */
void mo_affinity_display(struct mo_member *m, const char *format, size_t bytes);

#endif
