# What is to be known about single programs of this folder, whatever compiles them.

# Programs whose subject does not depend on the number of threads, or that are about just these.
set(threads_environment 2)
set(threads_alloc_environment 2)
set(threads_places 2)
set(threads_binding 2)
set(threads_doacross_stress 8)
set(threads_affinity_format 2)
set(threads_display_env 2)
set(threads_rule_chain 1 2)
set(threads_rule_lock 1 2)
set(threads_rule_flag 1 2 4)
# Frames grow so much under ThreadSanitizer and AddressSanitizer that these say nothing there.
set(not_sanitized environment alloc_environment places affinity_format display_env rule_depth)

# Programs that run once more with members that are fibers: one or two of each way to wait. They have no thread-local
# variables, and nobody in them waits for a flag.
set(with_fibers barrier critical single locks nest_locks nested task_group task_depend task_mutexinoutset random_cancel
  random_cancel_tasks random_depend cancel_uneven loop_ordered doacross reduction)
