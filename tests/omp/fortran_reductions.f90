! Task reductions and scans as gfortran emits them.
program fortran_reductions
  use omp_lib
  implicit none
  integer :: failures = 0, round

  do round = 1, 10
     call groups()
     call constructs()
     call scans()
  end do
  if (failures /= 0) stop 1

contains

  subroutine check(ok, what)
    logical, intent(in) :: ok
    character(len=*), intent(in) :: what
    if (.not. ok) then
       !$omp critical
       print *, what
       failures = failures + 1
       !$omp end critical
    end if
  end subroutine

  recursive subroutine count_below(total, depth)
    integer, intent(inout) :: total
    integer, value :: depth
    !$omp task in_reduction(+: total)
    total = total + 1
    if (depth > 0) then
       call count_below(total, depth - 1)
       call count_below(total, depth - 1)
    end if
    !$omp end task
  end subroutine

  subroutine groups()
    integer :: total, i
    integer(8) :: product
    integer :: array(5)
    logical :: flag
    total = 0
    product = 1
    array = 1
    flag = .true.
    !$omp parallel
    !$omp single
    !$omp taskgroup task_reduction(+: total, array) task_reduction(*: product) task_reduction(.and.: flag)
    do i = 1, 30
       !$omp task in_reduction(+: total, array) in_reduction(*: product) in_reduction(.and.: flag)
       total = total + i
       array(1 + mod(i, 5)) = array(1 + mod(i, 5)) + 1
       if (i <= 4) product = product * 2
       flag = flag .and. i < 30
       !$omp end task
    end do
    !$omp end taskgroup
    !$omp end single
    !$omp end parallel
    call check(total == 465, "sum")
    call check(all(array == 7), "array")
    call check(product == 16, "product")
    call check(.not. flag, "flag")
    total = 0
    !$omp parallel
    !$omp single
    !$omp taskgroup task_reduction(+: total)
    call count_below(total, 6)
    !$omp end taskgroup
    !$omp end single
    !$omp end parallel
    call check(total == 127, "recursion")
  end subroutine

  subroutine constructs()
    integer :: a, b, c, threads, i
    a = 0
    b = 0
    c = 0
    threads = 0
    !$omp parallel reduction(task, +: a) reduction(+: threads)
    threads = threads + 1
    !$omp task in_reduction(+: a)
    a = a + 1
    !$omp end task
    !$omp do reduction(task, +: b) schedule(dynamic)
    do i = 1, 50
       !$omp task in_reduction(+: b)
       b = b + i
       !$omp end task
    end do
    !$omp end do
    call check(b == 1275, "loop")
    !$omp sections reduction(task, +: c)
    !$omp task in_reduction(+: c)
    c = c + 1
    !$omp end task
    !$omp section
    c = c + 10
    !$omp end sections
    call check(c == 11, "sections")
    !$omp end parallel
    call check(a == threads .and. threads > 0, "region")
  end subroutine

  subroutine scans()
    integer, parameter :: n = 1000
    integer :: i, total, inclusive(n), exclusive(n)
    total = 0
    !$omp parallel do reduction(inscan, +: total)
    do i = 1, n
       total = total + i
       !$omp scan inclusive(total)
       inclusive(i) = total
    end do
    call check(total == n * (n + 1) / 2, "scan")
    total = 0
    !$omp parallel do reduction(inscan, +: total)
    do i = 1, n
       exclusive(i) = total
       !$omp scan exclusive(total)
       total = total + i
    end do
    do i = 1, n
       call check(inclusive(i) == i * (i + 1) / 2, "inclusive")
       call check(exclusive(i) == i * (i - 1) / 2, "exclusive")
    end do
  end subroutine
end program
