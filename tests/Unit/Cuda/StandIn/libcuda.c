/*
 * A driver without a GPU, to be built as libcuda.so.1: the functions that Loadline calls, with the types of cuda.h on 64-bit Linux, so that the real
 * declarations and the real worker run against it. Device memory is a file that has no name, which no gauge takes for memory of the host's; copies are made
 * by a thread of their own, some time after they were asked for.
 *
 *   STANDIN_FOLDER   where that file lies
 *   STANDIN_DEVICES  how many GPUs there are: 1
 *   STANDIN_VERSION  for which CUDA the driver is: 12060
 *   STANDIN_BYTES    memory of each: 1 GiB
 *   STANDIN_FAILS    a function that fails with CUDA_ERROR_LAUNCH_FAILED
 *   STANDIN_PRINTS   what it prints to standard output at its start, with no end of a line
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef int CUresult;
typedef int CUdevice;
typedef int CUdevice_attribute;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;

enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_CONTEXT = 201, LAUNCH_FAILED = 719 };
enum { BLOCKS = 65536, COPIES = 4096, CONTEXT_BYTES = 16 << 20 };

struct CUevent_st { unsigned long ticket; };

static struct { char *start; size_t bytes; } blocks[BLOCKS];
static struct { void *to; const void *from; size_t bytes; } copies[COPIES];
static unsigned long asked, done;
static size_t used = CONTEXT_BYTES;
static int contexts;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static __thread int current;

static long setting(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

static int fails(const char *function)
{
    const char *name = getenv("STANDIN_FAILS");
    return name && !strcmp(name, function);
}

#define ENTER() do { if (fails(__func__)) return LAUNCH_FAILED; } while (0)
#define ENTER_IN_CONTEXT() do { ENTER(); if (!current) return INVALID_CONTEXT; } while (0)

static void *copy_later(void *nothing)
{
    pthread_mutex_lock(&lock);
    for (;;) {
        while (done == asked) pthread_cond_wait(&changed, &lock);
        unsigned long next = done % COPIES;
        pthread_mutex_unlock(&lock);
        usleep(200);
        memcpy(copies[next].to, copies[next].from, copies[next].bytes);
        pthread_mutex_lock(&lock);
        done++;
        pthread_cond_broadcast(&changed);
    }
    return nothing;
}

static void start_copying(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, copy_later, NULL);
}

static CUresult copy(void *to, const void *from, size_t bytes)
{
    pthread_mutex_lock(&lock);
    while (asked - done == COPIES) pthread_cond_wait(&changed, &lock);
    unsigned long place = asked % COPIES;
    copies[place].to = to;
    copies[place].from = from;
    copies[place].bytes = bytes;
    asked++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return SUCCESS;
}

static CUresult wait_for(unsigned long ticket)
{
    pthread_mutex_lock(&lock);
    while (done < ticket) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return SUCCESS;
}

CUresult cuInit(unsigned int flags)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    ENTER();
    const char *words = getenv("STANDIN_PRINTS");
    if (words && write(STDOUT_FILENO, words, strlen(words)) < 0) return LAUNCH_FAILED;
    if (flags) return INVALID_VALUE;
    if (setting("STANDIN_DEVICES", 1) == 0) return NO_DEVICE;
    return pthread_once(&once, start_copying) ? LAUNCH_FAILED : SUCCESS;
}

CUresult cuDriverGetVersion(int *version)
{
    ENTER();
    *version = (int)setting("STANDIN_VERSION", 12060);
    return SUCCESS;
}

CUresult cuDeviceGetCount(int *count)
{
    ENTER();
    *count = (int)setting("STANDIN_DEVICES", 1);
    return SUCCESS;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
    ENTER();
    *device = ordinal;
    return SUCCESS;
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device)
{
    ENTER();
    strncpy(name, "Stand-in", (size_t)length);
    return SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device)
{
    ENTER();
    *value = attribute == 75 ? 9 : 0;
    return SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device)
{
    ENTER();
    contexts++;
    *context = (CUcontext)&contexts;
    return SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device)
{
    ENTER();
    return contexts-- > 0 ? SUCCESS : INVALID_CONTEXT;
}

CUresult cuCtxPushCurrent_v2(CUcontext context)
{
    ENTER();
    if (context != (CUcontext)&contexts) return INVALID_CONTEXT;
    current++;
    return SUCCESS;
}

CUresult cuCtxPopCurrent_v2(CUcontext *context)
{
    ENTER_IN_CONTEXT();
    current--;
    *context = (CUcontext)&contexts;
    return SUCCESS;
}

CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes)
{
    ENTER_IN_CONTEXT();
    *total_bytes = (size_t)setting("STANDIN_BYTES", 1L << 30);
    *free_bytes = *total_bytes - used;
    return SUCCESS;
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes)
{
    ENTER_IN_CONTEXT();
    if (bytes == 0) return INVALID_VALUE;
    if (bytes > (size_t)setting("STANDIN_BYTES", 1L << 30) - used) return OUT_OF_MEMORY;
    int file = open(getenv("STANDIN_FOLDER"), O_TMPFILE | O_RDWR, 0600);
    if (file < 0 || ftruncate(file, (off_t)bytes)) return LAUNCH_FAILED;
    char *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (start == MAP_FAILED) return LAUNCH_FAILED;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < BLOCKS; i++) {
        if (blocks[i].start) continue;
        blocks[i].start = start;
        blocks[i].bytes = bytes;
        break;
    }
    used += bytes;
    pthread_mutex_unlock(&lock);
    *address = (CUdeviceptr)start;
    return SUCCESS;
}

CUresult cuMemFree_v2(CUdeviceptr address)
{
    CUresult result = INVALID_VALUE;
    ENTER_IN_CONTEXT();
    pthread_mutex_lock(&lock);
    for (int i = 0; i < BLOCKS; i++) {
        if (blocks[i].start != (char *)address) continue;
        munmap(blocks[i].start, blocks[i].bytes);
        used -= blocks[i].bytes;
        blocks[i].start = NULL;
        result = SUCCESS;
        break;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

/* Pages are locked for the one who asks, as the real one locks them: mlock fails where they are not there. */
CUresult cuMemHostRegister_v2(void *host, size_t bytes, unsigned int flags)
{
    ENTER_IN_CONTEXT();
    return (size_t)host % 4096 || mlock(host, bytes) ? INVALID_VALUE : SUCCESS;
}

CUresult cuMemHostUnregister(void *host)
{
    ENTER_IN_CONTEXT();
    return host ? SUCCESS : INVALID_VALUE;
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream)
{
    ENTER_IN_CONTEXT();
    return copy((void *)to, from, bytes);
}

CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream)
{
    ENTER_IN_CONTEXT();
    return copy(to, (void *)from, bytes);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream)
{
    ENTER_IN_CONTEXT();
    return copy((void *)to, (void *)from, bytes);
}

CUresult cuStreamCreate(CUstream *stream, unsigned int flags)
{
    ENTER_IN_CONTEXT();
    *stream = malloc(1);
    return SUCCESS;
}

CUresult cuStreamSynchronize(CUstream stream)
{
    ENTER_IN_CONTEXT();
    return wait_for(__atomic_load_n(&asked, __ATOMIC_SEQ_CST));
}

CUresult cuStreamDestroy_v2(CUstream stream)
{
    ENTER_IN_CONTEXT();
    free(stream);
    return SUCCESS;
}

CUresult cuEventCreate(CUevent *event, unsigned int flags)
{
    ENTER_IN_CONTEXT();
    *event = calloc(1, sizeof **event);
    return SUCCESS;
}

CUresult cuEventRecord(CUevent event, CUstream stream)
{
    ENTER_IN_CONTEXT();
    event->ticket = __atomic_load_n(&asked, __ATOMIC_SEQ_CST);
    return SUCCESS;
}

CUresult cuEventSynchronize(CUevent event)
{
    ENTER_IN_CONTEXT();
    return wait_for(event->ticket);
}

CUresult cuEventDestroy_v2(CUevent event)
{
    ENTER_IN_CONTEXT();
    free(event);
    return SUCCESS;
}

CUresult cuGetErrorName(CUresult error, const char **text)
{
    *text = error == LAUNCH_FAILED ? "CUDA_ERROR_LAUNCH_FAILED" : error == INVALID_CONTEXT ? "CUDA_ERROR_INVALID_CONTEXT" : NULL;
    return *text ? SUCCESS : INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult error, const char **text)
{
    *text = error == LAUNCH_FAILED ? "unspecified launch failure" : error == INVALID_CONTEXT ? "invalid device context" : NULL;
    return *text ? SUCCESS : INVALID_VALUE;
}
