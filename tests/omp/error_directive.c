/* error at(execution): the program starts itself again, once for each form, and reads what that said. */
#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"
#include "gomp_abi.h"

void GOMP_warning(const char *message, size_t bytes);
void GOMP_error(const char *message, size_t bytes);

#define WARNING "\nlibgomp: error directive encountered"
#define FATAL   "\nlibgomp: fatal error: error directive encountered"

static const char *self;

static void say_goodbye(void)
{
    fputs(" goodbye", stdout);
}

static void warn_in_many_ways(const char *variable)
{
#pragma omp error at(execution) severity(warning)
#pragma omp error at(execution) severity(warning) message("constant")
#pragma omp error at(execution) severity(warning) message(variable)
    GOMP_warning("cut off", 3);
    GOMP_warning("until the end", (size_t)-1);
    GOMP_warning("", 0);
}

static void warn_at_length(void)
{
    static char text[10000];
    memset(text, 'x', sizeof text);
    GOMP_warning(text, sizeof text);
}

static void report(const char *what)
{
    printf("begin");
    atexit(say_goodbye);
    if (!strcmp(what, "warnings"))
        warn_in_many_ways("variable");
    else if (!strcmp(what, "long"))
        warn_at_length();
    else if (!strcmp(what, "lines"))
#pragma omp parallel num_threads(4)
        for (int i = 0; i < 50; i++)
            GOMP_warning("0123456789012345678901234567890123456789", 40);
    else if (!strcmp(what, "plain")) {
#pragma omp error at(execution)
    } else if (!strcmp(what, "message")) {
#pragma omp error at(execution) severity(fatal) message("it is over")
    } else if (!strcmp(what, "parallel"))
#pragma omp parallel num_threads(4)
    {
#pragma omp barrier
        if (omp_get_thread_num() == omp_get_num_threads() - 1)
            GOMP_error("in a region", 11);
#pragma omp barrier
    }
    printf(" end");
}

/* Both streams of a run, and its status. */
static int run(const char *what, char *text, size_t room)
{
    char command[1000];
    snprintf(command, sizeof command, "'%s' %s 2>&1", self, what);
    FILE *pipe = popen(command, "r");
    size_t length = fread(text, 1, room - 1, pipe);
    text[length] = 0;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static void expect(const char *what, int status, const char *text)
{
    char seen[20000];
    CHECK_EQ(run(what, seen, sizeof seen), status);
    if (strcmp(seen, text) && check_first_lines())
        fprintf(stderr, "%s: said \"%s\", expected \"%s\"\n", what, seen, text);
}

static void long_messages(void)
{
    char seen[20000];
    size_t count = 0;
    CHECK_EQ(run("long", seen, sizeof seen), 0);
    for (const char *at = seen; *at; at++)
        count += *at == 'x';
    CHECK_EQ(count, 10000);
    CHECK(strstr(seen, WARNING ": xxx") == seen);
    CHECK(strstr(seen, "xxx\nbegin end goodbye") != NULL);
}

/* Messages of several threads do not mix. */
static void whole_lines(void)
{
    static char seen[200 * 100 + 1000];
    const char *line = WARNING ": 0123456789012345678901234567890123456789\n", *at = seen;
    CHECK_EQ(run("lines", seen, sizeof seen), 0);
    for (int i = 0; i < 200 && !strncmp(at, line, strlen(line)); i++)
        at += strlen(line);
    CHECK(!strcmp(at, "begin end goodbye"));
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1) {
        report(argv[1]);
        return 0;
    }
    expect("warnings", 0,
           WARNING "\n" WARNING ": constant\n" WARNING ": variable\n" WARNING ": cut\n" WARNING
                   ": until the end\n" WARNING ": \nbegin end goodbye");
    expect("plain", 1, FATAL "\nbegin goodbye");
    expect("message", 1, FATAL ": it is over\nbegin goodbye");
    expect("parallel", 1, FATAL ": in a region\nbegin goodbye");
    long_messages();
    if (!check_is_reference())
        whole_lines();
    return check_result();
}
