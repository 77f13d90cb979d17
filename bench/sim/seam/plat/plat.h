/* The runtime's seam to the system, with what has to do with time, CPUs and sleep led to the modelled machine. */
#ifndef SIM_SEAM_PLAT_H
#define SIM_SEAM_PLAT_H

#define mo_plat_futex_wait        sim_futex_wait
#define mo_plat_futex_wake        sim_futex_wake
#define mo_plat_yield             sim_yield
#define mo_plat_now_ns            sim_now_ns
#define mo_plat_barrier_arm       sim_barrier_arm
#define mo_plat_barrier_all       sim_barrier_all
#define mo_plat_least_counted_cpu sim_least_counted_cpu
#define mo_plat_cpu               sim_cpu
#define mo_plat_node              sim_node
#define mo_plat_stack_end         sim_stack_end
#define mo_plat_ticks_per_us      sim_ticks_per_us
#define mo_plat_pause             sim_real_pause
#define mo_plat_ticks             sim_real_ticks

#include "../../../../src/plat/plat.h"

#undef mo_plat_pause
#undef mo_plat_ticks
#define mo_plat_pause sim_pause
#define mo_plat_ticks sim_ticks

void sim_pause(void);
uint64_t sim_ticks(void);

#endif
