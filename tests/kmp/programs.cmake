# What is to be known about single programs that clang compiles; those of ../omp begin with omp_ here.

# About entry points that only GCC calls.
set(gcc_only mode alloc_direct doacross_direct loop_attached loop_direct parallel_start reduction_direct target_direct
  task_direct)

# They use what the release of clang does not know: align in an allocate clause, arrays of variable length in firstprivate,
# two bounds in num_teams, scope, and in 14 the error directive, strict, and thread_limit of target. Or they are compiled
# without what they are about: conditional lastprivate, strict grains, the allocator of a task's private copies, scan in
# an orphaned loop, lastprivate of globals in taskloops, reductions of target tasks, dependences and settings of target
# regions that are compiled as code of the host, dependences on several iterators of objects; or print what GCC's do, or
# give GCC's depend objects to routines, or rely on the block of a cancelled copyprivate being run.
set(not_clang_19 omp_allocate_clause omp_error_directive omp_task_payload omp_task_reduction_classes
  omp_task_reduction_regions omp_teams omp_lastprivate_conditional omp_random_taskloop omp_allocate_class
  omp_allocate_taskloop omp_scan omp_scan_classes omp_taskloop_class omp_task_reduction omp_target_nowait
  omp_target_region omp_target_offload omp_random_depend omp_display_env omp_device_newer
  omp_cancel_copyprivate)
set(not_clang_14 ${not_clang_19})
set(not_clang_16 ${not_clang_19})

# LLVM's runtime, 14 or 19, does something else or breaks.
set(not_reference
  # other texts: affinity formats, warnings
  omp_affinity_format omp_environment
  # allocator traits, fallbacks and pools
  omp_alloc_blocks omp_alloc_environment omp_alloc_fallback omp_alloc_pool omp_alloc_realloc omp_alloc_traits
  # places that are given twice, binding to them
  omp_binding omp_places
  # it hangs: threads that are not at the cancelled barrier, chains of tasks that go deep, untied work, flags
  omp_cancel_uneven omp_random_cancel omp_random_cancel_tasks omp_rule_depth omp_rule_flag omp_task_ends
  # it aborts in use after omp_pause_resource; libomptarget is needed
  omp_pause omp_device_memory depend_objects
  # it crashes or hangs with one thread
  omp_rule_chain omp_rule_lock
  # the depth that omp_test_nest_lock returns, schedule kinds, order of priorities
  omp_nest_locks omp_icv_threads omp_task_priority
  # its assertions do not hold for calls that compiled code may make; the last task of a loop; copies of late threads
  task_events task_untied task_loop_direct threadprivate_class)
# Names that came after 14.
set(not_reference_14 sync_direct omp_lastprivate)
set(not_reference_19 omp_task_mutexinoutset extensions omp_lastprivate)

# Under ThreadSanitizer: they fork with threads or start shells, or hand events from thread to thread, which is not seen.
set(not_sanitized_thread kmp_settings threadprivate_class omp_binding omp_task_detach)

# Built once more for libiomp5.so.
set(for_libiomp5 omp_parallel omp_barrier omp_critical omp_single omp_sections omp_loop_schedules omp_task_wait)
# With the compiler's TLS they are not about the runtime.
set(only_without_tls threadprivate_class)

set(gcc_only_faults constructs alloc_limits alloc_fork fibers)

# They run once more with members that are fibers, as release 14 compiles them.
set(with_fibers_14 regions reduction doacross task_reductions task_events threadprivate_direct-notls
  threadprivate_class-notls omp_random_cancel)

# What ../omp says about its programs.
foreach(name environment alloc_environment places binding doacross_stress affinity_format display_env rule_chain rule_lock
    rule_flag)
  set(threads_omp_${name} ${threads_${name}})
endforeach()
list(TRANSFORM not_sanitized PREPEND omp_)
