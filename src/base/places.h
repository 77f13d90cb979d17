/* The grammar of OMP_PLACES and GOMP_CPU_AFFINITY. What a text means on a machine is for others to say (topo/places.h);
   here it is only taken apart, without memory. */
#ifndef MO_BASE_PLACES_H
#define MO_BASE_PLACES_H

#include <stdbool.h>
#include <stdint.h>

/* CPU numbers are below this: twice what the kernel can be built for. */
#define MO_CPUS_MAX 16384
/* Places that one list may have. */
#define MO_PLACES_MAX 32767

/* In the order of mo_places_names. */
enum mo_places_name {
    MO_PLACES_THREADS,
    MO_PLACES_CORES,
    MO_PLACES_LL_CACHES,
    MO_PLACES_SOCKETS,
    MO_PLACES_NUMA_DOMAINS
};
extern const char mo_places_names[];

/* A name, perhaps with a number of places in parentheses. *limit is MO_PLACES_MAX where there is none. */
bool mo_places_read_name(const char *text, enum mo_places_name *name, unsigned *limit);

/* Who is told what a list says, piece by piece. A place is described by CPUs that are put into it or taken out again;
   then it is ended. Each function may stop the reading by false. Numbers are in bounds: CPUs below MO_CPUS_MAX, counts
   from 1 to MO_PLACES_MAX, strides below MO_CPUS_MAX in size. */
struct mo_places_reader {
    /* CPUs first, first + stride, ..., `count` of them; all are valid numbers. */
    bool (*add_cpus)(void *arg, unsigned first, unsigned count, int stride);
    bool (*remove_cpu)(void *arg, unsigned cpu);
    /* The list goes on with `count` places: the described one, and again moved by stride, 2 * stride, ... */
    bool (*add_places)(void *arg, unsigned count, int stride);
    /* The described place is taken out of the list. */
    bool (*remove_place)(void *arg);
    void *arg;
};

/* False: malformed, or the reader stopped. Without a reader only the form is looked at. */
bool mo_places_read_list(const char *text, const struct mo_places_reader *reader);

/* The form of GOMP_CPU_AFFINITY: each CPU is a place of its own. */
bool mo_places_read_cpus(const char *text, const struct mo_places_reader *reader);

/* A name or a list. */
bool mo_places_well_formed(const char *text);

#endif
