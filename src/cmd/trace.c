/* `moirai trace`: a recording as the JSON that Perfetto and chrome://tracing open. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/recording.h"

static void note(void *arg, const struct mo_span *s)
{
    (void)arg;
    if (mo_span_has_place(s))
        mo_place_note(s->a, s->kind != MO_TRACE_JOB);
}

struct writer {
    const struct mo_recording *r;
    uint32_t tid; /* whose name has been written */
};

static void begin_event(struct writer *w, const char *phase, uint32_t tid)
{
    printf(",\n{\"ph\":\"%s\",\"pid\":%u,\"tid\":%u", phase, w->r->head->pid, tid);
}

static void tell(void *arg, const struct mo_span *s)
{
    struct writer *w = arg;
    if (s->tid != w->tid) {
        w->tid = s->tid;
        begin_event(w, "M", s->tid);
        printf(",\"name\":\"thread_name\",\"args\":{\"name\":\"%s %u\"}}",
               s->tid == w->r->head->pid ? "main" : "thread", s->tid);
    }
    bool instant = s->kind == MO_TRACE_STEAL || s->kind == MO_TRACE_CREATE;
    begin_event(w, instant ? "i" : "X", s->tid);
    printf(",\"ts\":%.3f,", s->begin);
    if (instant)
        fputs("\"s\":\"t\",", stdout);
    else
        printf("\"dur\":%.3f,", s->us);
    printf("\"cat\":\"%s\",\"name\":", mo_recording_kind(s->kind));
    char name[512];
    const char *place = *s->name ? s->name : mo_span_has_place(s) ? mo_place_name(s->a) : mo_span_detail(s->kind, s->c);
    snprintf(name, sizeof name, "%s%s%s", mo_recording_kind(s->kind), *place ? " " : "", place);
    mo_json_string(stdout, name);
    fputs(",\"args\":{", stdout);
    if (mo_span_has_place(s)) {
        fputs("\"place\":", stdout);
        mo_json_string(stdout, mo_place_line(s->a));
        fputs(",", stdout);
    }
    if (*s->executor) {
        fputs("\"executor\":", stdout);
        mo_json_string(stdout, s->executor);
        fputs(",", stdout);
    }
    if (s->b)
        printf("\"object\":\"0x%llx\",", (unsigned long long)s->b);
    if (s->how)
        printf("%s%s", s->how & MO_WAIT_FUTILE ? "\"futile\":true," : "",
               s->how & MO_WAIT_SPURIOUS ? "\"spurious\":true," : "");
    printf("\"n\":%u%s}}", s->c, s->unfinished ? ",\"unfinished\":true" : "");
}

int mo_cmd_trace(int argc, char **argv)
{
    struct mo_recording r;
    if (argc != 2 || argv[1][0] == '-') {
        fputs("usage: moirai trace FILE\n", stderr);
        return MO_CMD_USAGE_STATUS;
    }
    if (!mo_recording_open(&r, argv[1]))
        return MO_CMD_FAILED_STATUS;
    struct writer w = {&r, 0};
    mo_recording_each(&r, note, NULL);
    mo_places_resolve(&r);
    printf("{\"displayTimeUnit\":\"ns\",\"otherData\":{\"format\":\"moirai-trace-1\",\"overwritten\":%llu,\"dropped\":%"
           "llu},\n"
           "\"traceEvents\":[{\"ph\":\"M\",\"pid\":%u,\"name\":\"process_name\",\"args\":{\"name\":",
           (unsigned long long)r.overwritten, (unsigned long long)r.head->dropped, r.head->pid);
    char program[sizeof r.head->program + 1] = "";
    memcpy(program, r.head->program, sizeof r.head->program);
    mo_json_string(stdout, program);
    fputs("}}", stdout);
    mo_recording_each(&r, tell, &w);
    puts("]}");
    mo_recording_close(&r);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : MO_CMD_FAILED_STATUS;
}
