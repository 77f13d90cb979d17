/* Strings in JSON; also fit to stand inside of a page. */
#ifndef MO_CMD_JSON_H
#define MO_CMD_JSON_H

#include <stdio.h>

void mo_json_string(FILE *to, const char *text);

#endif
