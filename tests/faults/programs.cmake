# The programs that find out for themselves whether all went well, whatever compiles them.
set(tested constructs alloc_limits alloc_nodes alloc_fork fork fork_beside surplus thread_limits exit_inside masters
  budget denied signals no_threads idle affinity fibers)
if(MOIRAI_SANITIZE)
  # The sanitizers' own threads, memory and fork handling get into the way of the others.
  set(tested exit_inside masters signals fibers)
  if(NOT MOIRAI_SANITIZE STREQUAL thread)
    list(APPEND tested fork no_threads)
  endif()
endif()

# What ctest has to know about the test of one of them.
function(set_fault_properties test name)
  if(name MATCHES "^(alloc_nodes|denied)$")
    set_tests_properties(${test} PROPERTIES SKIP_RETURN_CODE 77)
  elseif(name STREQUAL idle)
    # CPU time is only told apart when nothing else runs.
    set_tests_properties(${test} PROPERTIES RUN_SERIAL ON)
  elseif(name STREQUAL thread_limits)
    # The limit on processes is one of the user, whom these share.
    set_tests_properties(${test} PROPERTIES RESOURCE_LOCK strange-user)
  endif()
endfunction()
