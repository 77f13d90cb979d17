! Tasks, groups and criticals in Fortran.
program fortran_tasks
  use omp_lib
  implicit none
  integer :: answer, count, i
  logical :: final_seen

  !$omp parallel
  !$omp single
  answer = fib(14)
  !$omp end single
  !$omp end parallel
  if (answer /= 377) call fail('fib')

  count = 0
  !$omp parallel
  !$omp single
  !$omp taskgroup
  do i = 1, 200
    !$omp task firstprivate(i) shared(count) untied
    !$omp critical (counter)
    count = count + i
    !$omp end critical (counter)
    !$omp end task
  end do
  !$omp end taskgroup
  if (count /= 20100) call fail('taskgroup')
  !$omp task final(.true.) shared(final_seen)
  final_seen = omp_in_final()
  !$omp end task
  !$omp taskwait
  !$omp end single
  !$omp end parallel
  if (.not. final_seen) call fail('in_final')

contains

  subroutine fail(what)
    character(*), intent(in) :: what
    write (0, *) 'fortran_tasks: wrong: ', what
    stop 1
  end subroutine fail

  recursive integer function fib(n) result(value)
    integer, intent(in) :: n
    integer :: a, b
    if (n < 2) then
      value = n
    else
      !$omp task shared(a)
      a = fib(n - 1)
      !$omp end task
      !$omp task shared(b)
      b = fib(n - 2)
      !$omp end task
      !$omp taskwait
      value = a + b
    end if
  end function fib
end program fortran_tasks
