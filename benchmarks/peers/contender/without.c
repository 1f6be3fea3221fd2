/* A libc whose calls leave out one technique, for a program that lies in the same folder: .NET finds this library there before the system's, and gets
   from it what it does not define from the real one behind it. WITHOUT names the technique; whoever asked is told that all went well. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

static int without(const char *technique)
{
    const char *left_out = getenv("WITHOUT");
    return left_out != NULL && strcmp(left_out, technique) == 0;
}

int madvise(void *address, size_t length, int advice)
{
    static int (*next)(void *, size_t, int);
    if (next == NULL) next = (int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "madvise");
    if (advice == MADV_HUGEPAGE && without("huge-pages")) return 0;
    if (advice == MADV_DONTNEED && without("drop-behind")) return 0;
    return next(address, length, advice);
}

int open(const char *path, int flags, ...)
{
    static int (*next)(const char *, int, ...);
    if (next == NULL) next = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    if ((flags & O_DIRECT) && without("direct-reads")) {
        errno = EINVAL; /* as from a file system that has none */
        return -1;
    }
    return next(path, flags);
}

int posix_fadvise(int file, off_t offset, off_t length, int advice)
{
    static int (*next)(int, off_t, off_t, int);
    if (next == NULL) next = (int (*)(int, off_t, off_t, int))dlsym(RTLD_NEXT, "posix_fadvise");
    if (advice == POSIX_FADV_SEQUENTIAL && without("read-ahead")) advice = POSIX_FADV_RANDOM;
    if (advice == POSIX_FADV_DONTNEED && without("drop-behind")) return 0;
    return next(file, offset, length, advice);
}

ssize_t preadv2(int file, const struct iovec *vectors, int count, off_t offset, int flags)
{
    static ssize_t (*next)(int, const struct iovec *, int, off_t, int);
    if (next == NULL) next = (ssize_t (*)(int, const struct iovec *, int, off_t, int))dlsym(RTLD_NEXT, "preadv2");
    if (without("fetched-headers")) return 1; /* as if it were cached */
    return next(file, vectors, count, offset, flags);
}
