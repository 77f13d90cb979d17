#include "cmd/json.h"

/* What is not ASCII is told byte by byte; < could end a script. */
void mo_json_string(FILE *to, const char *text)
{
    putc('"', to);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\' || *c < ' ' || *c == '<' || *c == '>' || *c > '~')
            fprintf(to, "\\u%04x", *c);
        else
            putc(*c, to);
    }
    putc('"', to);
}
