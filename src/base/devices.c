/* Settings of devices: a knob that _ALL may set has the forms _DEV (all devices but the host) and _DEV_<number>. Moirai
   has the host alone, so they are read only to say which of them are malformed. */
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/parse.h"

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool takes_devices(const struct mo_knob_row *row)
{
    return row->alternatives != NULL && starts_with(row->alternatives, row->name) &&
           starts_with(row->alternatives + strlen(row->name), "_ALL");
}

/* The text behind "=" if the entry of the environment sets that knob for a device. */
static const char *device_text(const char *entry, const struct mo_knob_row *row)
{
    static const char device[] = "_DEV";
    if (!takes_devices(row) || !starts_with(entry, row->name) || !starts_with(entry + strlen(row->name), device))
        return NULL;
    const char *at = entry + strlen(row->name) + strlen(device);
    if (at[0] == '_' && at[1] >= '0' && at[1] <= '9')
        at += 1 + strspn(at + 1, "0123456789");
    return *at == '=' ? at + 1 : NULL;
}

static void check(const char *entry, const struct mo_knob_row *row)
{
    struct mo_knob_value value = {0};
    const char *text = device_text(entry, row);
    if (text == NULL || mo_parse_value(row, text, &value))
        return;
    char expected[MO_KNOB_TEXT_BYTES];
    mo_print_expected(row, expected, sizeof expected);
    mo_warn("%.*s=\"%.100s\" is not %s: ignored, as there is no device", (int)(text - entry - 1), entry, text,
            expected);
}

void mo_config_check_devices(void)
{
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        if (!starts_with(*entry, "OMP_"))
            continue;
        for (unsigned k = 0; k < MO_KNOB_COUNT; k++)
            check(*entry, &mo_knob_rows[k]);
    }
}
