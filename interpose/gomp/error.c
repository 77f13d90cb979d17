/* The error directive at run time. The text is that of GCC's runtime, empty line included: programs are tested for it.
   A message without end is one whose length is not known. */
#include "interpose/gomp/gomp.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#define ENCOUNTERED "error directive encountered"

static void say(const char *head, const char *head_of_message, const char *message, size_t bytes)
{
    if (!message)
        mo_log_text(head, "", 0);
    else
        mo_log_text(head_of_message, message, bytes == SIZE_MAX ? strlen(message) : bytes);
}

/* To a tool. */
static void tell(struct mo_member *m, enum mo_obs_severity severity, const char *message, size_t bytes)
{
    if (mo_unlikely(mo_traced(m)))
        mo_obs_error(&m->worker->obs, severity, message, message && bytes == SIZE_MAX ? strlen(message) : bytes);
}

MO_EXPORT void GOMP_warning(const char *message, size_t bytes)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    tell(m, MO_OBS_WARNING, message, bytes);
    say("\nlibgomp: " ENCOUNTERED, "\nlibgomp: " ENCOUNTERED ": ", message, bytes);
}

MO_EXPORT void GOMP_error(const char *message, size_t bytes)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    tell(m, MO_OBS_FATAL, message, bytes);
    say("\nlibgomp: fatal error: " ENCOUNTERED, "\nlibgomp: fatal error: " ENCOUNTERED ": ", message, bytes);
    exit(1);
}
