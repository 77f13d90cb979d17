/* Text of a setting to value and back. Shared by the files of the configuration and by tests. */
#ifndef MO_BASE_PARSE_H
#define MO_BASE_PARSE_H

#include "base/config.h"

enum mo_knob_type {
    MO_TYPE_NUMBER,
    MO_TYPE_CAPPED,
    MO_TYPE_COUNT,
    MO_TYPE_DURATION,
    MO_TYPE_BOOL,
    MO_TYPE_SWITCH,
    MO_TYPE_WORD,
    MO_TYPE_BYTES,
    MO_TYPE_OCTETS,
    MO_TYPE_LIST,
    MO_TYPE_BIND,
    MO_TYPE_SCHEDULE,
    MO_TYPE_TEXT,
    MO_TYPE_FORMAT,
    MO_TYPE_PLACES,
    MO_TYPE_CPUS,
    MO_TYPE_ALLOCATOR,
    MO_TYPE_AFFINITY,
    MO_TYPE_SUBSET
};

/* One row of knobs.def. */
struct mo_knob_row {
    enum mo_knob_type type;
    const char *initial;
    uint64_t min, max;
    const char *words;
    const char *name, *alternatives;
    const char *sentence;
};

/* `number` holds what is neither a list (LIST, BIND), nor a schedule, nor a text (TEXT and what follows). All zero:
   nobody set it. */
struct mo_knob_value {
    bool given;
    union {
        uint64_t number;
        struct mo_knob_list list;
        struct mo_schedule schedule;
        const char *text;
    };
};

/* False: malformed or out of bounds, and `value` is unspecified. A text is not copied. */
bool mo_parse_value(const struct mo_knob_row *row, const char *text, struct mo_knob_value *value);

/* Writes the value as a user would set it; "not set" where there is none. What does not fit ends in dots. */
void mo_print_value(const struct mo_knob_row *row, const struct mo_knob_value *value, char *out, size_t out_bytes);

/* Writes what the row takes, so that it reads well after "is not". */
void mo_print_expected(const struct mo_knob_row *row, char *out, size_t out_bytes);

static inline bool mo_row_is_text(const struct mo_knob_row *row)
{
    return row->type >= MO_TYPE_TEXT;
}

/* Tell about values for devices (OMP_..._DEV, OMP_..._DEV_0) that are malformed; there are no devices to use the others
   (devices.c). */
void mo_config_check_devices(void);

/* The table, in the order of enum mo_knob. */
extern const struct mo_knob_row mo_knob_rows[MO_KNOB_COUNT];

#endif
