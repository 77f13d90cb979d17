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
