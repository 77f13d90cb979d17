! Doacross loops as gfortran emits them: up and down, one to three dimensions, collapsed, every schedule.
program fortran_doacross
  use omp_lib
  implicit none
  integer, parameter :: n = 60, m = 20, l = 9
  integer :: failures = 0, round
  character(len=16) :: mode
  integer :: rounds = 5

  call get_environment_variable("TEST_MODE", mode)
  if (mode == "reference") rounds = merge(1, 0, omp_get_max_threads() <= 2)
  do round = 1, rounds
     call lines()
     call planes()
     call boxes()
  end do
  if (failures /= 0) stop 1

contains

  subroutine check(ok, what)
    logical, intent(in) :: ok
    character(len=*), intent(in) :: what
    if (.not. ok) then
       print *, what
       failures = failures + 1
    end if
  end subroutine

  subroutine lines()
    integer(8) :: x(0:n), y(n + 1), z(0:n)
    integer :: i
    integer(8) :: k
    x = 0
    y = 0
    z = 0
    !$omp parallel do ordered(1) schedule(dynamic)
    do i = 1, n
       !$omp ordered depend(sink: i - 1)
       x(i) = x(i - 1) + i
       !$omp ordered depend(source)
    end do
    !$omp parallel do ordered(1) schedule(static, 3)
    do i = n, 1, -1
       !$omp ordered depend(sink: i + 1) depend(sink: i + 4)
       y(i) = y(i + 1) + i
       !$omp ordered depend(source)
    end do
    !$omp parallel do ordered(1) schedule(guided)
    do k = 2, n, 2
       !$omp ordered depend(sink: k - 2)
       z(k) = z(k - 2) + k
       !$omp ordered depend(source)
    end do
    do i = 1, n
       call check(x(i) == i * (i + 1_8) / 2, "up")
       call check(y(i) == sum([(int(k, 8), k = i, n)]), "down")
    end do
    call check(z(n) == n / 2 * (n / 2 + 1), "by two")
  end subroutine

  subroutine planes()
    integer :: x(0:n, 0:m), y(0:n, 0:m), i, j
    x = 1
    y = 1
    !$omp parallel private(i, j)
    !$omp do ordered(2) schedule(static)
    do i = 1, n
       do j = 1, m
          !$omp ordered depend(sink: i - 1, j) depend(sink: i, j - 1)
          x(i, j) = iand(x(i - 1, j) + 3 * x(i, j - 1), 65535)
          !$omp ordered depend(source)
       end do
    end do
    !$omp end do
    !$omp end parallel
    do i = 1, n
       do j = 1, m
          y(i, j) = iand(y(i - 1, j) + 3 * y(i, j - 1), 65535)
       end do
    end do
    call check(all(x == y), "plane")
  end subroutine

  subroutine boxes()
    integer :: x(0:n, 0:m, 0:l), y(0:n, 0:m, 0:l), i, j, k
    x = 1
    y = 1
    !$omp parallel do collapse(2) ordered(3) schedule(runtime) private(j, k)
    do i = 1, n
       do j = 1, m
          do k = 1, l
             !$omp ordered depend(sink: i - 1, j, k) depend(sink: i, j - 1, k) depend(sink: i, j, k - 1)
             x(i, j, k) = iand(x(i - 1, j, k) + 3 * x(i, j - 1, k) + x(i, j, k - 1), 65535)
             !$omp ordered depend(source)
          end do
       end do
    end do
    do i = 1, n
       do j = 1, m
          do k = 1, l
             y(i, j, k) = iand(y(i - 1, j, k) + 3 * y(i, j - 1, k) + y(i, j, k - 1), 65535)
          end do
       end do
    end do
    call check(all(x == y), "box")
  end subroutine
end program
