/* Many WebSocket readers of /v1/stream over the Unix socket, all in one epoll thread.
 *
 *   fanout SOCKET READERS STALLED EXPECTED TIMEOUT_SECONDS LATENCY
 *
 * STALLED more connections read the upgrade's answer and then never again. Prints "ready" when all are connected, "at N"
 * whenever the slowest reader has got further, and one line of JSON when every reader has EXPECTED frames or the time is up;
 * then keeps its connections open until standard input is closed. With LATENCY 1 the time that every frame took since the
 * event's own time is taken (same clock, CLOCK_REALTIME); last_s is a CLOCK_MONOTONIC time. Sequences that don't follow on
 * each other are counted as breaks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES (256 * 1024)
#define REPORT_EVERY 50
static const char UPGRADE[] =
    "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

typedef struct {
  int fd, filled;
  uint64_t frames, sequence;
  char *buffer;
} reader;

static uint64_t frames, bytes, breaks, closed;
static int wants_latency;
static float *latencies;
static size_t latency_count, latency_room;

static double clock_s(clockid_t which) {
  struct timespec t;
  clock_gettime(which, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Connect and read the answer to the upgrade byte by byte: what follows it are frames already. */
static int open_stream(const char *path) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  strncpy(to.sun_path, path, sizeof to.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  while (connect(fd, (struct sockaddr *)&to, sizeof to)) {
    if (errno != EAGAIN) fail("connect"); /* the server's backlog is full for a moment */
    usleep(2000);
  }
  if (write(fd, UPGRADE, sizeof UPGRADE - 1) != sizeof UPGRADE - 1) fail("write");
  char head[4096];
  size_t size = 0;
  do {
    if (size == sizeof head - 1 || read(fd, head + size, 1) != 1) fail("upgrade");
    head[++size] = 0;
  } while (size < 4 || memcmp(head + size - 4, "\r\n\r\n", 4));
  if (strncmp(head, "HTTP/1.1 101", 12)) {
    fprintf(stderr, "no upgrade: %s\n", head);
    exit(1);
  }
  return fd;
}

static double event_time(const char *line, size_t size) {
  const char *at = memmem(line, size, "\"time\":\"", 8);
  if (!at) return 0;
  at += 8;
  struct tm day = {.tm_year = atoi(at) - 1900, .tm_mon = atoi(at + 5) - 1, .tm_mday = atoi(at + 8),
                   .tm_hour = atoi(at + 11), .tm_min = atoi(at + 14), .tm_sec = atoi(at + 17)};
  return timegm(&day) + (at[19] == '.' ? strtod(at + 19, NULL) : 0);
}

static void note_latency(const char *line, size_t size) {
  double happened = event_time(line, size);
  if (!happened) return;
  if (latency_count == latency_room) {
    latency_room = latency_room ? 2 * latency_room : 1 << 20;
    if (!(latencies = realloc(latencies, latency_room * sizeof *latencies))) fail("realloc");
  }
  latencies[latency_count++] = (clock_s(CLOCK_REALTIME) - happened) * 1e3;
}

static void take_text(reader *r, const char *line, size_t size) {
  frames++;
  bytes += size;
  r->frames++;
  uint64_t sequence = size > 14 && !memcmp(line, "{\"sequence\":\"", 13) ? strtoull(line + 13, NULL, 10) : 0;
  if (!sequence || (r->sequence && sequence != r->sequence + 1)) breaks++;
  r->sequence = sequence;
  if (wants_latency) note_latency(line, size);
}

static void pong(reader *r, const char *payload, size_t size) {
  unsigned char frame[6 + 125] = {0x8a, 0x80 | size}; /* the mask is four zeros, so the payload stays as it is */
  memcpy(frame + 6, payload, size);
  if (write(r->fd, frame, 6 + size) < 0) closed++;
}

static void take_frames(reader *r) {
  char *at = r->buffer, *end = r->buffer + r->filled;
  while (end - at >= 2) {
    int code = at[0] & 15;
    size_t head = 2, size = at[1] & 127;
    if (size >= 126) {
      int extra = size == 126 ? 2 : 8;
      if (end - at < 2 + extra) break;
      size = 0;
      for (int i = 0; i < extra; i++) size = size << 8 | (uint8_t)at[2 + i];
      head += extra;
    }
    if ((size_t)(end - at) < head + size) break;
    if (code == 1) take_text(r, at + head, size);
    else if (code == 9 && size <= 125) pong(r, at + head, size);
    at += head + size;
  }
  r->filled = end - at;
  memmove(r->buffer, at, r->filled);
}

/* Whether the connection goes on. */
static int read_some(reader *r) {
  ssize_t got = read(r->fd, r->buffer + r->filled, BUFFER_BYTES - r->filled);
  if (got < 0 && errno == EAGAIN) return 1;
  if (got <= 0) return 0;
  r->filled += got;
  take_frames(r);
  return r->filled < BUFFER_BYTES;
}

static uint64_t slowest(const reader *readers, int count) {
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < count; i++)
    if (readers[i].frames < least) least = readers[i].frames;
  return least;
}

static int by_size(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double at_share(double share) {
  return latency_count ? latencies[(size_t)((latency_count - 1) * share)] : 0;
}

static void print_result(double last, uint64_t least) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  qsort(latencies, latency_count, sizeof *latencies, by_size);
  printf("{\"frames\":%lu,\"slowest\":%lu,\"bytes\":%lu,\"last_s\":%.6f,\"breaks\":%lu,\"closed\":%lu,\"cpu_s\":%.3f,"
         "\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"max_ms\":%.4f}\n", frames, least, bytes, last, breaks, closed, cpu,
         at_share(.5), at_share(.99), at_share(1));
  fflush(stdout);
}

int main(int count, char **words) {
  if (count != 7) {
    fprintf(stderr, "usage: fanout SOCKET READERS STALLED EXPECTED TIMEOUT_SECONDS LATENCY\n");
    return 2;
  }
  int total = atoi(words[2]), stalled = atoi(words[3]), epoll = epoll_create1(0);
  uint64_t expected = strtoull(words[4], NULL, 10), reported = 0, least = 0;
  wants_latency = atoi(words[6]);
  reader *readers = calloc(total, sizeof *readers);
  for (int i = 0; i < stalled; i++) open_stream(words[1]);
  for (int i = 0; i < total; i++) {
    reader *r = readers + i;
    r->fd = open_stream(words[1]);
    r->buffer = malloc(BUFFER_BYTES);
    fcntl(r->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = r};
    epoll_ctl(epoll, EPOLL_CTL_ADD, r->fd, &wanted);
  }
  printf("ready\n");
  fflush(stdout);
  struct epoll_event ready[256];
  double last = clock_s(CLOCK_MONOTONIC), end = last + atof(words[5]);
  while (least < expected && clock_s(CLOCK_MONOTONIC) < end && closed < (uint64_t)total) {
    int found = epoll_wait(epoll, ready, 256, 100);
    for (int i = 0; i < found; i++) {
      reader *r = ready[i].data.ptr;
      if (read_some(r)) continue;
      epoll_ctl(epoll, EPOLL_CTL_DEL, r->fd, NULL);
      closed++;
    }
    if (found > 0) last = clock_s(CLOCK_MONOTONIC);
    least = slowest(readers, total);
    if (least >= reported + REPORT_EVERY || least >= expected) {
      printf("at %lu\n", reported = least);
      fflush(stdout);
    }
  }
  print_result(last, least);
  while (getchar() != EOF) continue; /* stay connected until told */
  return 0;
}
