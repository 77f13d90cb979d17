/* The grammars of KMP_AFFINITY and KMP_HW_SUBSET. What they mean on a machine is for others to say (topo/places.h). */
#ifndef MO_BASE_KMP_H
#define MO_BASE_KMP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* In the order of the words in kmp.c. */
enum mo_kmp_type {
    MO_KMP_NONE,
    MO_KMP_DISABLED,
    MO_KMP_COMPACT,
    MO_KMP_SCATTER,
    MO_KMP_BALANCED,
    MO_KMP_EXPLICIT,
    MO_KMP_LOGICAL, /* compact whose number is an offset */
    MO_KMP_PHYSICAL /* the same, one thread of each core first */
};

enum mo_kmp_grain { MO_KMP_THREAD, MO_KMP_CORE, MO_KMP_CACHE, MO_KMP_NODE, MO_KMP_SOCKET };

struct mo_kmp_affinity {
    enum mo_kmp_type type;
    enum mo_kmp_grain grain;
    bool verbose, no_warnings, no_respect;
    unsigned permute, offset;
    const char *list; /* of processors, in the setting's text, up to a bracket; NULL: none */
};

/* False: malformed. */
bool mo_kmp_affinity_read(const char *text, struct mo_kmp_affinity *a);

/* A list of processors: "3", a place of one; "{1,2}", a place of two; "4-9:2", places of one each. Each CPU of a place
   goes to
   `add`, and after them `next` is called. False: malformed, or one of the two said so. */
struct mo_kmp_reader {
    bool (*add)(void *arg, unsigned cpu);
    bool (*next)(void *arg);
    void *arg;
};
bool mo_kmp_list_read(const char *list, const struct mo_kmp_reader *reader);

/* How many things of a kind are used, of those in a thing of the kind above, and how many are passed over first. */
struct mo_kmp_part {
    unsigned count; /* UINT_MAX: all */
    unsigned skip;
};

struct mo_kmp_subset {
    struct mo_kmp_part socket, core, thread;
};

bool mo_kmp_subset_read(const char *text, struct mo_kmp_subset *s);

#endif
