/* Text of a setting to value and back. Shared by the files of the configuration only.

   Case of ASCII letters and white space around each token are ignored, as OpenMP asks; the locale never matters. */
#ifndef MO_BASE_PARSE_H
#define MO_BASE_PARSE_H

#include "base/config.h"

enum mo_knob_type {
    MO_TYPE_NUMBER,
    MO_TYPE_CAPPED,
    MO_TYPE_COUNT,
    MO_TYPE_BOOL,
    MO_TYPE_WORD,
    MO_TYPE_BYTES,
    MO_TYPE_LIST,
    MO_TYPE_SCHEDULE
};

/* One row of knobs.def. */
struct mo_knob_row {
    enum mo_knob_type type;
    const char *initial;
    uint64_t min, max;
    const char *words;
    const char *name, *alternative;
    const char *sentence;
};

/* `number` holds what is neither a list nor a schedule. All zero: nobody set it. */
struct mo_knob_value {
    bool given;
    uint64_t number;
    struct mo_knob_list list;
    struct mo_schedule schedule;
};

/* False: malformed or out of bounds, and `value` is unspecified. Items of a list beyond MO_LIST_MAX are dropped. */
bool mo_parse_value(const struct mo_knob_row *row, const char *text, struct mo_knob_value *value);

/* Writes the value as a user would set it; "not set" where there is none. */
void mo_print_value(const struct mo_knob_row *row, const struct mo_knob_value *value, char *out, size_t out_bytes);

/* Writes what the row takes, so that it reads well after "is not". */
void mo_print_expected(const struct mo_knob_row *row, char *out, size_t out_bytes);

/* The table, in the order of enum mo_knob. */
extern const struct mo_knob_row mo_knob_rows[MO_KNOB_COUNT];

#endif
