! A detached task's event in Fortran: the handle is passed by value.
program fortran_detach
  use omp_lib
  implicit none
  integer (kind=omp_event_handle_kind) :: first, second, event
  integer :: x, y, after, round

  do round = 1, 200
    call chain
    call group
  end do

contains

  ! Each task ends the one before it; what depends on the first runs after all that.
  subroutine chain
    x = 0
    y = 0
    after = 0
    !$omp parallel
    !$omp single
      !$omp task detach(first) depend(out: x)
        x = 1
      !$omp end task
      !$omp task detach(second)
        y = 2
        call omp_fulfill_event(first)
      !$omp end task
      !$omp task depend(in: x)
        after = x
      !$omp end task
      !$omp task
        call omp_fulfill_event(second)
      !$omp end task
    !$omp end single
    !$omp end parallel
    if (x /= 1 .or. y /= 2 .or. after /= 1) stop 1
  end subroutine

  ! The group waits for the event, though the body has ended.
  subroutine group
    x = 0
    !$omp parallel
    !$omp single
      !$omp taskgroup
        !$omp task detach(event)
          y = 3 ! GCC 12 drops a task without a body, its event too
        !$omp end task
        !$omp task
          !$omp atomic write
          x = 1
          call omp_fulfill_event(event)
        !$omp end task
      !$omp end taskgroup
      if (x /= 1 .or. y /= 3) stop 2
    !$omp end single
    !$omp end parallel
  end subroutine
end program
