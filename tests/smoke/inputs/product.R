# Small integers: sums are exact in any order.
library(parallel)
n <- 300
a <- matrix(seq_len(n * n) %% 17, n)
b <- a %*% (t(a) %% 13)
cat(sum(b), max(b), "\n")
parts <- mclapply(1:8, function(i) { m <- a + i; sum(m %*% a) }, mc.cores = 4)
cat(unlist(parts), "\n")
