# Prints the gap statistic of a table on stdin (comma-separated, no header) by cluster::clusGap, for k from 1 to 6.
library(cluster)
x <- as.matrix(read.csv(file("stdin"), header = FALSE))
set.seed(1)
fit <- function(x, k) list(cluster = kmeans(x, k, nstart = 10, iter.max = 100)$cluster)
found <- clusGap(x, fit, K.max = 6, B = 200, d.power = 2, verbose = FALSE)$Tab
cat(as.character(packageVersion("cluster")), "\n")
write.table(found[, c("gap", "SE.sim")], row.names = FALSE, col.names = FALSE)
