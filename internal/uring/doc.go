// Package uring has Linux's io_uring: requests that are prepared, submitted together, and told of
// when they are done. The rest of this comment follows with the code.
package uring
