/* The settings of the process: one table (knobs.def), one row a knob.

   Settings are read from the environment at the first look, not when the library is loaded, so a setenv() before the
   first use counts. Afterwards they never change and every getter is a plain load. Storage is constant: reading the
   environment allocates nothing. Environment names that start with MOIRAI_ are ignored in privileged programs. */
#ifndef MO_BASE_CONFIG_H
#define MO_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mo_knob {
#define MO_KNOB(id, ...) MO_KNOB_##id,
#include "base/knobs.def"
#undef MO_KNOB
    MO_KNOB_COUNT
};

enum mo_knob_source { MO_SOURCE_DEFAULT, MO_SOURCE_ENV };

/* One item for each nesting level; no more levels than this have several threads. */
#define MO_LIST_MAX 255

/* count 0: not given. */
struct mo_knob_list {
    unsigned count;
    uint16_t item[MO_LIST_MAX];
};

enum mo_sched_kind { MO_SCHED_STATIC = 1, MO_SCHED_DYNAMIC = 2, MO_SCHED_GUIDED = 3, MO_SCHED_AUTO = 4 };

/* chunk 0: the kind's own default. */
struct mo_schedule {
    enum mo_sched_kind kind;
    bool monotonic;
    uint32_t chunk;
};

/* Values of the enumerated knobs. */
enum mo_wait_policy { MO_WAIT_UNDEFINED, MO_WAIT_ACTIVE, MO_WAIT_PASSIVE };
enum mo_library {
    MO_LIBRARY_SERIAL,
    MO_LIBRARY_TURNAROUND,
    MO_LIBRARY_THROUGHPUT,
    MO_LIBRARY_DEDICATED, /* as turnaround */
    MO_LIBRARY_MULTIUSER  /* as throughput */
};
enum mo_display_env { MO_DISPLAY_NOTHING, MO_DISPLAY_OPENMP, MO_DISPLAY_ALL };
enum mo_offload { MO_OFFLOAD_DEFAULT, MO_OFFLOAD_MANDATORY, MO_OFFLOAD_DISABLED };
enum mo_team_kind { MO_TEAM_THREADS, MO_TEAM_ULT };
enum mo_budget { MO_BUDGET_NONE, MO_BUDGET_CPUS };
enum mo_io_choice { MO_IO_CHOICE_AUTO, MO_IO_CHOICE_EPOLL, MO_IO_CHOICE_URING };
enum mo_steal_strategy { MO_STEAL_ONE, MO_STEAL_HALF, MO_STEAL_QUARTER, MO_STEAL_ADAPTIVE };

/* Items of MO_KNOB_OMP_PROC_BIND, with OpenMP's numbers. */
enum mo_bind { MO_BIND_FALSE, MO_BIND_TRUE, MO_BIND_PRIMARY, MO_BIND_CLOSE, MO_BIND_SPREAD };

/* MO_KNOB_GOMP_SPINCOUNT or KMP_BLOCKTIME when it was given as "infinite". */
#define MO_COUNT_INFINITE UINT64_MAX

/* Read the environment, once per process. Context: any thread; every getter calls it. Malformed values: one warning
   each, and the default stays. */
void mo_config_load(void);

/* Settings that the program gives before they are read, "NAME=value", with | between them; they count before the
   environment. False: too late or too long. */
bool mo_config_assign(const char *text, size_t bytes);

/* Value of a number, boolean (0 or 1), enumeration (index), size (bytes) or duration (ns). */
uint64_t mo_knob(enum mo_knob k);
/* The same for a knob that is needed before anything else is: reads its first name alone. */
uint64_t mo_knob_early(enum mo_knob k);
/* And for a text: NULL where it is not set. Not checked, and not kept. */
const char *mo_knob_early_text(enum mo_knob k);
enum mo_knob_source mo_knob_source(enum mo_knob k);

/* The knob must be a list, a schedule, a text. Lists and texts live as long as the process. */
const struct mo_knob_list *mo_knob_list(enum mo_knob k);
struct mo_schedule mo_knob_schedule(enum mo_knob k);
/* NULL: not given. Places, CPUs and formats are texts that are well formed. */
const char *mo_knob_text(enum mo_knob k);

#define MO_KNOB_TEXT_BYTES 96

/* What people are told about a knob. Strings that are pointers are constant. A value that does not fit ends in dots. */
struct mo_knob_info {
    const char *name;
    const char *alternatives; /* further environment names, with ", " between them, or NULL */
    const char *sentence;
    const char *set_by;                /* environment name that set it, or NULL: the default */
    char expected[MO_KNOB_TEXT_BYTES]; /* type and bounds */
    char value[MO_KNOB_TEXT_BYTES];
    char initial[MO_KNOB_TEXT_BYTES]; /* the default */
};

void mo_knob_describe(enum mo_knob k, struct mo_knob_info *info);

/* Forget what was read: the next look reads the environment again. Only while no other thread uses the settings. */
void mo_config_reload_for_test(void);

#endif
