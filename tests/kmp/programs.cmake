# What is to be known about single programs that clang compiles.

# About entry points that only GCC calls.
set(gcc_only mode alloc_direct doacross_direct loop_attached loop_direct parallel_start reduction_direct target_direct
  task_direct)

# They use what the release of clang does not know: align in an allocate clause, arrays of variable length in firstprivate,
# two bounds in num_teams, scope, and in 14 the error directive, strict, and thread_limit of target.
set(not_clang_19 allocate_clause error_directive task_payload task_reduction_classes task_reduction_regions teams)
set(not_clang_14 ${not_clang_19} random_taskloop target_region)

# LLVM's runtime, 14 or 19, does something else or breaks; what it does wrong is beside each.
set(not_reference
  # other texts: OMP_DISPLAY_ENV, affinity formats, warnings
  affinity_format display_env environment
  # allocator traits, fallbacks and pools
  alloc_blocks alloc_environment alloc_fallback alloc_pool alloc_realloc alloc_traits allocate_class allocate_taskloop
  # places that are given twice, binding to them
  binding places
  # it hangs: threads that are not at the cancelled barrier, chains of tasks that go deep, untied work, flags
  cancel_uneven random_cancel random_cancel_tasks rule_depth rule_flag task_ends
  # it aborts: its assertions, a use after omp_pause_resource
  pause random_depend task_reduction
  # libomptarget is needed
  device_memory
  # the depth that omp_test_nest_lock returns, schedule kinds, order of priorities, grain of a taskloop
  nest_locks icv_threads task_priority random_taskloop
  # devices and target tasks
  target_nowait target_offload target_region
  taskloop_class scan scan_classes lastprivate_conditional)

# Built once more as -fopenmp-enable-irbuilder does it and for libiomp5.so; threadprivate data without the compiler's TLS.
set(variants parallel barrier critical single sections loop_schedules task_wait)
set(threadprivate)
