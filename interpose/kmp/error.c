/* The error directive at run time. The text is that of LLVM's runtime: programs are tested for it. */
#include "interpose/kmp/kmp.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_BYTES 256

/* ";file;function;line;column;;" becomes "file:line:column". */
static const char *place_of(const ident_t *loc, char *text)
{
    char file[PLACE_BYTES / 2];
    int line, column;
    if (!loc || !loc->source || sscanf(loc->source, ";%127[^;];%*[^;];%d;%d", file, &line, &column) != 3)
        return "unknown";
    snprintf(text, PLACE_BYTES, "%s:%d:%d", file, line, column);
    return text;
}

/* Severities are 1, warning, and 2, fatal. */
MO_EXPORT void __kmpc_error(ident_t *loc, int severity, const char *message)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    if (mo_unlikely(mo_traced(m)))
        mo_obs_error(&m->worker->obs, severity == 1 ? MO_OBS_WARNING : MO_OBS_FATAL, message,
                     message ? strlen(message) : 0);
    char place[PLACE_BYTES], head[2 * PLACE_BYTES];
    bool fatal = severity != 1;
    snprintf(head, sizeof head, "OMP: %s: %s: Encountered user-directed %s: ", fatal ? "Error #282" : "Warning #283",
             place_of(loc, place), fatal ? "error" : "warning");
    if (!message)
        message = "(null)";
    char line[MO_LOG_LINE_BYTES];
    int bytes = snprintf(line, sizeof line, "%s.", message);
    if (bytes < (int)sizeof line)
        message = line;
    mo_log_text(head, message, strlen(message));
    if (fatal)
        abort();
}
