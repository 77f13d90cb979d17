/* What some parameters of the model are on this machine. */
#ifndef SIM_MEASURE_H
#define SIM_MEASURE_H

/* Prints them as JSON; the exit status. */
int sim_measure(void);

#endif
