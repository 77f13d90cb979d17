/* The grammar of affinity formats (OMP_AFFINITY_FORMAT): text with fields, which are `%`, perhaps a width, and a letter
   or a name in braces. What the fields mean on a thread is for others to say (omp/affinity.h). */
#ifndef MO_BASE_FORMAT_H
#define MO_BASE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

enum mo_format_kind {
    MO_FORMAT_TEXT, /* as it stands */
    MO_FORMAT_TEAM_NUM,
    MO_FORMAT_NUM_TEAMS,
    MO_FORMAT_LEVEL,
    MO_FORMAT_THREAD_NUM,
    MO_FORMAT_NUM_THREADS,
    MO_FORMAT_ANCESTOR,
    MO_FORMAT_AFFINITY,
    MO_FORMAT_HOST,
    MO_FORMAT_PROCESS,
    MO_FORMAT_NATIVE_THREAD,
    MO_FORMAT_UNKNOWN,  /* a field that OpenMP does not have; "undefined" is printed for it */
    MO_FORMAT_MALFORMED /* the same, but the setting does not take it */
};

#define MO_FORMAT_WIDTH_MAX 32767

struct mo_format_item {
    enum mo_format_kind kind;
    const char *text; /* of MO_FORMAT_TEXT */
    size_t bytes;
    unsigned width; /* at least this many characters; 0 = as many as it takes */
    bool right;     /* filled on the left */
    bool zeros;     /* numbers are filled with zeros */
};

/* The next item of a format that begins at *at and ends before `end`; steps over it. False: there is none. */
bool mo_format_next(const char **at, const char *end, struct mo_format_item *item);

bool mo_format_well_formed(const char *text);

#endif
