/* The command `moirai`. Each subcommand gets its own name as argv[0] and returns the exit status. */
#ifndef MO_CMD_CMD_H
#define MO_CMD_CMD_H

#include <stdbool.h>

#define MO_CMD_USAGE_STATUS  2
#define MO_CMD_FAILED_STATUS 125 /* the fault is ours or the machine's, not the command's */

int mo_cmd_info(int argc, char **argv);
int mo_cmd_run(int argc, char **argv);
int mo_cmd_check(int argc, char **argv);
int mo_cmd_top(int argc, char **argv);
int mo_cmd_trace(int argc, char **argv);
int mo_cmd_report(int argc, char **argv);

/* All settings: as a table for people, or as the page docs/configuration.md. */
void mo_cmd_print_settings(void);
void mo_cmd_print_settings_page(void);

/* Path of `name` in the lib folder beside the folder of this very program, in static storage that the next call
   overwrites. NULL and one line on standard error if the system does not tell where the program is. */
const char *mo_cmd_library(const char *name);

#endif
