/* A disk that loses its cache: what was written and not synced is not in the shadow of a file.
 *
 * Loaded before the C library (LD_PRELOAD). Of every file in the folder FANFARE_DISK whose name begins with "fanfare.db",
 * there is a shadow in the folder FANFARE_SHADOW: it changes only when the file is synced, and then as far as it was
 * written. With FANFARE_LIES=n, every n-th sync does nothing, as a disk does that lies.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FDS 4096
#define FILES 16

struct file {
    char name[64];
    off_t from, to; /* written since the last sync */
};

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static struct file files[FILES];
static signed char known[FDS]; /* 0: not looked at; -1: not ours; else the place of the file, from 1 */
static unsigned long syncs;

static void *next_of(const char *name) { return dlsym(RTLD_NEXT, name); }

static const char *ours(const char *path) {
    const char *disk = getenv("FANFARE_DISK");
    size_t length = disk ? strlen(disk) : 0;
    if (!length || strncmp(path, disk, length) || path[length] != '/') return NULL;
    const char *name = path + length + 1;
    if (strncmp(name, "fanfare.db", 10) || strchr(name, '/') || strlen(name) >= sizeof files[0].name) return NULL;
    return strcmp(name, "fanfare.db-shm") && strcmp(name, "fanfare.db-lock") ? name : NULL;
}

/* The file behind a descriptor; none where it is not ours. The lock is held. */
static struct file *file_of(int fd) {
    if (fd < 0 || fd >= FDS || known[fd] < 0) return NULL;
    if (known[fd]) return &files[known[fd] - 1];
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    const char *name = ours(path);
    known[fd] = -1;
    for (int at = 0; name && at < FILES; at++) {
        if (!files[at].name[0]) strcpy(files[at].name, name);
        if (strcmp(files[at].name, name)) continue;
        known[fd] = (signed char)(at + 1);
        return &files[at];
    }
    return NULL;
}

static void wrote(int fd, off_t at, ssize_t count) {
    if (count <= 0) return;
    pthread_mutex_lock(&lock);
    struct file *file = file_of(fd);
    if (file) {
        if (file->from == file->to) file->from = at, file->to = at + count;
        if (at < file->from) file->from = at;
        if (at + count > file->to) file->to = at + count;
    }
    pthread_mutex_unlock(&lock);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) real = next_of("pwrite64");
    ssize_t done = real(fd, bytes, count, at);
    wrote(fd, at, done);
    return done;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = next_of("write");
    ssize_t done = real(fd, bytes, count);
    if (fd >= 0 && fd < FDS && known[fd] >= 0) wrote(fd, lseek(fd, 0, SEEK_CUR) - (done > 0 ? done : 0), done);
    return done;
}

static void shadow_path(char *path, const char *name) {
    const char *folder = getenv("FANFARE_SHADOW");
    snprintf(path, PATH_MAX, "%s/%s", folder ? folder : "/nonexistent", name);
}

/* Brings into the shadow what was written, and how long the file is. */
static void keep(int fd, struct file *file) {
    static ssize_t (*put)(int, const void *, size_t, off64_t);
    if (!put) put = next_of("pwrite64");
    char path[PATH_MAX], bytes[1 << 16];
    shadow_path(path, file->name);
    int shadow = open(path, O_CREAT | O_WRONLY, 0600);
    struct stat now;
    if (shadow < 0 || fstat(fd, &now)) abort();
    for (off_t at = file->from; at < file->to;) {
        size_t want = file->to - at < (off_t)sizeof bytes ? (size_t)(file->to - at) : sizeof bytes;
        ssize_t got = pread(fd, bytes, want, at);
        if (got <= 0) break;
        if (put(shadow, bytes, got, at) != got) abort();
        at += got;
    }
    if (ftruncate(shadow, now.st_size)) abort();
    close(shadow);
    file->from = file->to = 0;
}

static int synced(int fd, int done) {
    if (done) return done;
    const char *lies = getenv("FANFARE_LIES");
    unsigned long every = lies ? strtoul(lies, NULL, 10) : 0;
    pthread_mutex_lock(&lock);
    struct file *file = file_of(fd);
    if (file && !(every && ++syncs % every == 0)) keep(fd, file);
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = next_of("fsync");
    return synced(fd, real(fd));
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = next_of("fdatasync");
    return synced(fd, real(fd));
}

int unlink(const char *path) {
    static int (*real)(const char *);
    if (!real) real = next_of("unlink");
    const char *name = ours(path);
    if (name) {
        char shadow[PATH_MAX];
        shadow_path(shadow, name);
        real(shadow);
    }
    return real(path);
}

int close(int fd) {
    static int (*real)(int);
    if (!real) real = next_of("close");
    if (fd >= 0 && fd < FDS) {
        pthread_mutex_lock(&lock);
        known[fd] = 0;
        pthread_mutex_unlock(&lock);
    }
    return real(fd);
}
